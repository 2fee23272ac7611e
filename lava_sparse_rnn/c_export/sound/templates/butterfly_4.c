/* SPDX-License-Identifier: BSD-3-Clause */
static void butterflies_4(const float *x, float *y, int32_t m, int32_t stride)
{
    const int32_t step = 2 * stride, quarter = step * m;
    int32_t k, q;

    for (k = 0; k < m; ++k) {
        const int32_t turn = 2 * k * stride;
        const float c1 = cosine_at(turn), s1 = minus_sine_at(turn);
        const float c2 = cosine_at(2 * turn), s2 = minus_sine_at(2 * turn);
        const float c3 = cosine_at(3 * turn), s3 = minus_sine_at(3 * turn);
        const float *a = x + step * k;
        float *to = y + 4 * step * k;
        for (q = 0; q < stride; ++q, a += 2, to += 2) {
            const float *const b = a + quarter, *const c = b + quarter;
            const float *const d = c + quarter;
            const float ac_re = a[0] + c[0], ac_im = a[1] + c[1];
            const float bd_re = b[0] + d[0], bd_im = b[1] + d[1];
            const float e_re = a[0] - c[0], e_im = a[1] - c[1];
            const float f_re = b[0] - d[0], f_im = b[1] - d[1];
            const float re1 = e_re + f_im, im1 = e_im - f_re;
            const float re2 = ac_re - bd_re, im2 = ac_im - bd_im;
            const float re3 = e_re - f_im, im3 = e_im + f_re;
            to[0] = ac_re + bd_re;
            to[1] = ac_im + bd_im;
            to[step] = re1 * c1 - im1 * s1;
            to[step + 1] = re1 * s1 + im1 * c1;
            to[2 * step] = re2 * c2 - im2 * s2;
            to[2 * step + 1] = re2 * s2 + im2 * c2;
            to[3 * step] = re3 * c3 - im3 * s3;
            to[3 * step + 1] = re3 * s3 + im3 * c3;
        }
    }
}
