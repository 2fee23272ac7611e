/* SPDX-License-Identifier: BSD-3-Clause */
static uint32_t butterflies_2(const int32_t *x, int32_t *y, int32_t m, int32_t stride,
                              int down)
{
    uint32_t sizes = 0;
    int32_t k, q;

    for (k = 0; k < m; ++k) {
        const int32_t c = cosine_at(2 * k * stride), s = minus_sine_at(2 * k * stride);
        const int32_t *const a = x + 2 * stride * k, *const b = a + 2 * stride * m;
        int32_t *const to = y + 4 * stride * k;
        for (q = 0; q < 2 * stride; q += 2) {
            const int32_t a_re = scaled(a[q], down), a_im = scaled(a[q + 1], down);
            const int32_t b_re = scaled(b[q], down), b_im = scaled(b[q + 1], down);
            const int32_t re = a_re - b_re, im = a_im - b_im;
            int32_t *const other = to + 2 * stride + q;
            to[q] = scaled(a_re + b_re, 1);
            to[q + 1] = scaled(a_im + b_im, 1);
            other[0] = half_of((int64_t)re * c - (int64_t)im * s);
            other[1] = half_of((int64_t)re * s + (int64_t)im * c);
            sizes |= size_of(to[q]) | size_of(to[q + 1]);
            sizes |= size_of(other[0]) | size_of(other[1]);
        }
    }
    return sizes;
}
