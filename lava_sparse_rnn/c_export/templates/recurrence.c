/* SPDX-License-Identifier: BSD-3-Clause */
/* The next state, and its payloads. */
static void ${kind}_recurrence($state_type *state, const ${kind}_layer *layer,
                           $x_t *x_re, $x_t *x_im)
{
    const int32_t n = layer->d_state;
    const int32_t *drive_re = state->acc, *drive_im = drive_re + n;
    $wire_t *s_re = state->inner, *s_im = s_re + n;
    const int by = layer->a_frac;
    int32_t i;

    for (i = 0; i < n; ++i) {
        const $product_t a_re = layer->a_re[i], a_im = layer->a_im[i];
        const int32_t next_re = $shift_product(a_re * x_re[i], by) -
                                $shift_product(a_im * x_im[i], by) +
                                shift(drive_re[i], layer->k_B[i]);
        const int32_t next_im = $shift_product(a_re * x_im[i], by) +
                                $shift_product(a_im * x_re[i], by) +
                                shift(drive_im[i], layer->k_B[i]);
        int32_t v_re, v_im, re, im;
        x_re[i] = ($x_t)fit(next_re, layer->x_bits);
        x_im[i] = ($x_t)fit(next_im, layer->x_bits);
        COUNT(X_RE, next_re, x_re[i]);
        COUNT(X_IM, next_im, x_im[i]);
        v_re = $shift_x(x_re[i], layer->k_x[i]);
        v_im = $shift_x(x_im[i], layer->k_x[i]);
        re = fit(v_re, layer->s_bits);
        im = fit(v_im, layer->s_bits);
        {
$state_gate
            if (pass_re)
                COUNT(S_RE, v_re, re);
            if (pass_im)
                COUNT(S_IM, v_im, im);
            s_re[i] = ($wire_t)(pass_re ? re : 0);
            s_im[i] = ($wire_t)(pass_im ? im : 0);
        }
    }
}
