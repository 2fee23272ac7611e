/* SPDX-License-Identifier: BSD-3-Clause */
/* Diagonal channels: a recurrence, and neurons that sum the states of a channel. */
typedef struct {
    int32_t d_state;
    /* x' = a x + shift(B u, k_B);  s = shift(x', k_x) */
    matrix B; /* the rows of the real parts, then those of the imaginary ones */
    const int8_t *k_B, *k_x;
    const $a_t *a_re, *a_im;
    int8_t a_frac, x_bits, s_bits;
    /* out = shift(C s, k) */
    matrix C; /* the columns of the real parts, then those of the imaginary ones */
    const int8_t *k;
    int8_t bits;
    $tensor_t tensors;
} s4d_layer;

enum { SUM = 4 };

$recurrence

static void s4d($state_type *state, const s4d_layer *layer, $x_t *x_re, $x_t *x_im)
{
    int32_t i;

    for (i = 0; i < layer->B.rows; ++i)
        state->acc[i] = 0;
    multiply(&layer->B, state->u, state->acc);
    s4d_recurrence(state, layer, x_re, x_im);
    for (i = 0; i < layer->C.rows; ++i)
        state->acc[i] = 0;
    multiply(&layer->C, state->inner, state->acc);
    for (i = 0; i < layer->C.rows; ++i) {
        const int32_t v = shift(state->acc[i], layer->k[i]);
        const int32_t out = fit(v, layer->bits);
        COUNT(SUM, v, out);
        state->u[i] = ($wire_t)out;
    }
}
