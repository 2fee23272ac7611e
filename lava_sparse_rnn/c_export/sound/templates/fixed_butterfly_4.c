/* SPDX-License-Identifier: BSD-3-Clause */
static uint32_t butterflies_4(const int32_t *x, int32_t *y, int32_t m, int32_t stride,
                              int down)
{
    const int32_t step = 2 * stride, quarter = step * m;
    uint32_t sizes = 0;
    int32_t k, q;

    for (k = 0; k < m; ++k) {
        const int32_t turn = 2 * k * stride;
        const int32_t c1 = cosine_at(turn), s1 = minus_sine_at(turn);
        const int32_t c2 = cosine_at(2 * turn), s2 = minus_sine_at(2 * turn);
        const int32_t c3 = cosine_at(3 * turn), s3 = minus_sine_at(3 * turn);
        const int32_t *a = x + step * k;
        int32_t *to = y + 4 * step * k;
        for (q = 0; q < stride; ++q, a += 2, to += 2) {
            const int32_t *const b = a + quarter, *const c = b + quarter;
            const int32_t *const d = c + quarter;
            const int32_t a_re = scaled(a[0], down), a_im = scaled(a[1], down);
            const int32_t b_re = scaled(b[0], down), b_im = scaled(b[1], down);
            const int32_t c_re = scaled(c[0], down), c_im = scaled(c[1], down);
            const int32_t d_re = scaled(d[0], down), d_im = scaled(d[1], down);
            const int32_t ac_re = a_re + c_re, ac_im = a_im + c_im;
            const int32_t bd_re = b_re + d_re, bd_im = b_im + d_im;
            const int32_t e_re = a_re - c_re, e_im = a_im - c_im;
            const int32_t f_re = b_re - d_re, f_im = b_im - d_im;
            const int32_t re1 = e_re + f_im, im1 = e_im - f_re;
            const int32_t re2 = ac_re - bd_re, im2 = ac_im - bd_im;
            const int32_t re3 = e_re - f_im, im3 = e_im + f_re;
            int32_t *const to2 = to + 2 * step;
            to[0] = scaled(ac_re + bd_re, 1);
            to[1] = scaled(ac_im + bd_im, 1);
            to[step] = half_of((int64_t)re1 * c1 - (int64_t)im1 * s1);
            to[step + 1] = half_of((int64_t)re1 * s1 + (int64_t)im1 * c1);
            to2[0] = half_of((int64_t)re2 * c2 - (int64_t)im2 * s2);
            to2[1] = half_of((int64_t)re2 * s2 + (int64_t)im2 * c2);
            to2[step] = half_of((int64_t)re3 * c3 - (int64_t)im3 * s3);
            to2[step + 1] = half_of((int64_t)re3 * s3 + (int64_t)im3 * c3);
            sizes |= size_of(to[0]) | size_of(to[1]);
            sizes |= size_of(to[step]) | size_of(to[step + 1]);
            sizes |= size_of(to2[0]) | size_of(to2[1]);
            sizes |= size_of(to2[step]) | size_of(to2[step + 1]);
        }
    }
    return sizes;
}
