/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * $prefix.c: see $prefix.h. The same integers, for every token, as
 * lava_sparse_rnn.spec.reference.
 *
 * A layer multiplies by sparse matrices into `acc`, and its neurons turn that into
 * payloads. No sum, product or left shift below can overflow: the bounds were proved
 * when the network was loaded, and the types of this file chosen by them.
 */
#include "$prefix.h"

#include <stddef.h>

#ifdef ${PREFIX}_COUNT_OVERFLOWS
#define COUNT(tensor, before, after) \
    (state->overflows[layer->tensors + (tensor)] += (before) != (after))
#else
#define COUNT(tensor, before, after) ((void)0)
#endif

$helpers

$groups

$tables

$layers

void ${prefix}_reset(${prefix}_state *state)
{
$reset
}

void ${prefix}_init(${prefix}_state *state)
{
$init
#ifdef ${PREFIX}_COUNT_OVERFLOWS
    for (i = 0; i < ${PREFIX}_TENSORS; ++i)
        state->overflows[i] = 0;
#endif
    ${prefix}_reset(state);
}

int ${prefix}_step(${prefix}_state *state, const ${prefix}_in *in, ${prefix}_out *out)
{
    int32_t i;

$check    for (i = 0; i < ${PREFIX}_D_IN; ++i)
        state->u[i] = ($wire_t)in[i];
$steps
    for (i = 0; i < ${PREFIX}_D_OUT; ++i)
        out[i] = (${prefix}_out)state->u[i];
    return 0;
}
