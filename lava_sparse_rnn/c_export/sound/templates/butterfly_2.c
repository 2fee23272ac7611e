/* SPDX-License-Identifier: BSD-3-Clause */
static void butterflies_2(const float *x, float *y, int32_t m, int32_t stride)
{
    int32_t k, q;

    for (k = 0; k < m; ++k) {
        const float c = cosine_at(2 * k * stride), s = minus_sine_at(2 * k * stride);
        const float *const a = x + 2 * stride * k, *const b = a + 2 * stride * m;
        float *const to = y + 4 * stride * k;
        for (q = 0; q < 2 * stride; q += 2) {
            const float re = a[q] - b[q], im = a[q + 1] - b[q + 1];
            float *const other = to + 2 * stride + q;
            to[q] = a[q] + b[q];
            to[q + 1] = a[q + 1] + b[q + 1];
            other[0] = re * c - im * s;
            other[1] = re * s + im * c;
        }
    }
}
