/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * $prefix.h: a sparse fixed-point recurrent network. Written by
 * `lava-sparse-rnn export-c`; export again rather than edit.
 *
 *     static ${prefix}_state state;
 *     ${prefix}_init(&state);
 *     while (read_token(in))
 *         if (${prefix}_step(&state, in, out) == 0)
 *             write_answer(out);
 *
 * C99 and nothing else: no allocation, no floating point, no global variables, no
 * library. All memory is in ${prefix}_state; each stream of tokens has its own.
 */
#ifndef ${PREFIX}_H
#define ${PREFIX}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ${PREFIX}_D_IN $d_in
#define ${PREFIX}_D_OUT $d_out

/* Numbers of a token and of an answer have this many bits, sign included. */
#define ${PREFIX}_IN_BITS $in_bits
#define ${PREFIX}_OUT_BITS $out_bits
typedef $in_t ${prefix}_in;
typedef $out_t ${prefix}_out;

/* The integer q of neuron i stands for the real number q / 2^frac[i]. */
extern const $in_frac_t ${prefix}_in_frac[${PREFIX}_D_IN];
extern const $out_frac_t ${prefix}_out_frac[${PREFIX}_D_OUT];

#ifdef ${PREFIX}_COUNT_OVERFLOWS
/* What is counted: numbers that did not fit their format. To be defined for every
 * file that includes this one, or for none: it changes ${prefix}_state. */
enum {
$tensors
    ${PREFIX}_TENSORS
};
#endif

/* Set to zero by ${prefix}_init; a copy of it is a copy of the stream. */
typedef struct {
$states
    /* Work space: nothing in it is kept from one token to the next. */
$work
#ifdef ${PREFIX}_COUNT_OVERFLOWS
    uint32_t overflows[${PREFIX}_TENSORS]; /* modulo 2^32 */
#endif
} ${prefix}_state;

/* Before the first token: everything to zero. */
void ${prefix}_init(${prefix}_state *state);

/* Before another sequence: the network's memory to zero; counts of overflows stay. */
void ${prefix}_reset(${prefix}_state *state);

/* Answer one token. `in` and `out` may be the same memory.
 *
 * Returns 0; or 1, with nothing changed, where a number of `in` does not fit
 * ${PREFIX}_IN_BITS bits. */
int ${prefix}_step(${prefix}_state *state, const ${prefix}_in *in, ${prefix}_out *out);

#ifdef __cplusplus
}
#endif

#endif
