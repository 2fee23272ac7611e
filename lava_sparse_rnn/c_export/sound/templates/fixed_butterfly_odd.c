/* SPDX-License-Identifier: BSD-3-Clause */
/* Of any number p of points, by the sum that defines the transform. */
static uint32_t butterflies_odd(const int32_t *x, int32_t *y, int32_t m, int32_t stride,
                                int32_t p, int down)
{
    uint32_t sizes = 0;
    int32_t j, k, q, r;

    for (k = 0; k < m; ++k)
        for (j = 0; j < p; ++j) {
            const int32_t turn = 2 * j * k * stride; /* 0 <= turn < N */
            const int32_t c = cosine_at(turn), s = minus_sine_at(turn);
            for (q = 0; q < stride; ++q) {
                const int32_t *a = x + 2 * (stride * k + q);
                int32_t *const to = y + 2 * (stride * (p * k + j) + q);
                int64_t sum_re = 0, sum_im = 0;
                int32_t re, im;
                for (r = 0; r < p; ++r, a += 2 * stride * m) {
                    const int32_t at = r * j % p * (N / p);
                    const int64_t u = cosine_at(at), v = minus_sine_at(at);
                    const int32_t a_re = scaled(a[0], down), a_im = scaled(a[1], down);
                    sum_re += a_re * u - a_im * v;
                    sum_im += a_re * v + a_im * u;
                }
                re = half_of(sum_re);
                im = half_of(sum_im);
                to[0] = half_of((int64_t)re * c - (int64_t)im * s);
                to[1] = half_of((int64_t)re * s + (int64_t)im * c);
                sizes |= size_of(to[0]) | size_of(to[1]);
            }
        }
    return sizes;
}
