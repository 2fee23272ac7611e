/* SPDX-License-Identifier: BSD-3-Clause */
/* One state-space block: recurrence, readout, gate with residual. */
typedef struct {
    int32_t d_model, d_state;
    /* x' = a x + shift(B u + bias_x, k_B);  s = nonlinearity(shift(x', k_x)) */
    matrix B; /* the rows of the real parts, then those of the imaginary ones */
    const $bias_t *bias_x;
    const int8_t *k_B, *k_x;
    const $a_t *a_re, *a_im;
    int8_t a_frac, x_bits, s_bits;
    /* z = relu(shift(C s, k_C) + shift(D u, k_D) + bias_z) */
    matrix C; /* the columns of the real parts, then those of the imaginary ones */
    const int8_t *D, *k_C, *k_D;
    const $bias_t *bias_z;
    int8_t z_bits;
    /* g = shift(W z + bias_g, k_g)
     * out = relu(shift(z sigmoid(g), k_h) + shift(u, k_u)) */
    matrix W;
    const $bias_t *bias_g;
    const int8_t *k_g, *k_line, *k_h, *k_u; /* k_line: of g's products in the lines */
    int8_t g_bits, out_bits;
    $tensor_t tensors;
} s5_layer;

enum { Z = 4, G, OUT };

$recurrence

/* z, in place of s. */
static void readout($state_type *state, const s5_layer *layer)
{
    int32_t i;

    for (i = 0; i < layer->d_model; ++i) {
        const int32_t direct = layer->D[i] * (int32_t)state->u[i];
        int32_t z, v = shift(state->acc[i], layer->k_C[i]) +
                       shift(direct, layer->k_D[i]) + layer->bias_z[i];
        if (v < 0)
            v = 0;
        z = fit(v, layer->z_bits);
        COUNT(Z, v, z);
        state->inner[i] = ($wire_t)z;
    }
}

/* The sigmoid of g, times 2^15: the lowest of straight lines. */
static int32_t sigmoid(int32_t g, int k)
{
    const $line_t m = g < 0 ? 0 - ($line_t)g : ($line_t)g;
    $line_t lowest = 32768;
    int i;

    for (i = 0; i < LINES; ++i) {
        const $line_t height =
            ((lines[i].slope * m) >> (lines[i].shift + k)) + lines[i].offset;
        if (height < lowest)
            lowest = height;
    }
    return g < 0 ? 32768 - (int32_t)lowest : (int32_t)lowest;
}

/* The block's output, in place of u. */
static void gate($state_type *state, const s5_layer *layer)
{
    int32_t i;

    for (i = 0; i < layer->d_model; ++i) {
        const int32_t argument = shift(state->acc[i], layer->k_g[i]);
        const int32_t g = fit(argument, layer->g_bits);
        const $gated_t gated =
            ($gated_t)state->inner[i] * sigmoid(g, layer->k_line[i]);
        int32_t out, v = $shift_gated(gated, layer->k_h[i]) +
                         $shift_u(state->u[i], layer->k_u[i]);
        if (v < 0)
            v = 0;
        out = fit(v, layer->out_bits);
        COUNT(G, argument, g);
        COUNT(OUT, v, out);
        state->u[i] = ($wire_t)out;
    }
}

static void s5($state_type *state, const s5_layer *layer, $x_t *x_re, $x_t *x_im)
{
    int32_t i;

    start(state->acc, layer->bias_x, 2 * layer->d_state);
    multiply(&layer->B, state->u, state->acc);
    s5_recurrence(state, layer, x_re, x_im);
    for (i = 0; i < layer->d_model; ++i)
        state->acc[i] = 0;
    multiply(&layer->C, state->inner, state->acc);
    readout(state, layer);
    start(state->acc, layer->bias_g, layer->d_model);
    multiply(&layer->W, state->inner, state->acc);
    gate(state, layer);
}
