/* SPDX-License-Identifier: BSD-3-Clause */
/* Of any number p of points, by the sum that defines the transform. */
static void butterflies_odd(const float *x, float *y, int32_t m, int32_t stride,
                            int32_t p)
{
    int32_t j, k, q, r;

    for (k = 0; k < m; ++k)
        for (j = 0; j < p; ++j) {
            const int32_t turn = 2 * j * k * stride; /* 0 <= turn < N */
            const float c = cosine_at(turn), s = minus_sine_at(turn);
            for (q = 0; q < stride; ++q) {
                const float *a = x + 2 * (stride * k + q);
                float *const to = y + 2 * (stride * (p * k + j) + q);
                float re = 0.0f, im = 0.0f;
                for (r = 0; r < p; ++r, a += 2 * stride * m) {
                    const int32_t at = r * j % p * (N / p);
                    const float u = cosine_at(at), v = minus_sine_at(at);
                    re += a[0] * u - a[1] * v;
                    im += a[0] * v + a[1] * u;
                }
                to[0] = re * c - im * s;
                to[1] = re * s + im * c;
            }
        }
}
