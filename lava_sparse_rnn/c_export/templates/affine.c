/* SPDX-License-Identifier: BSD-3-Clause */
/* out = shift(W u + bias, k), in place of u; ReLU where asked. */
typedef struct {
    matrix W;
    const $bias_t *bias; /* in units of the accumulator */
    const int8_t *k;
    int8_t bits, relu;
    $tensor_t tensors;
} affine_layer;

static void affine($state_type *state, const affine_layer *layer)
{
    int32_t *acc = state->acc;
    int32_t i;

    start(acc, layer->bias, layer->W.rows);
    multiply(&layer->W, state->u, acc);
    for (i = 0; i < layer->W.rows; ++i) {
        int32_t v = shift(acc[i], layer->k[i]), out;
        if (layer->relu && v < 0)
            v = 0;
        out = fit(v, layer->bits);
        COUNT(0, v, out);
        state->u[i] = ($wire_t)out;
    }
}
