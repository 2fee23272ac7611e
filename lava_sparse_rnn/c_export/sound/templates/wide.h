/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ${prefix}_wide.h: the denoiser of ${prefix}_sound.h for sound of $wide_rate Hz. Written by
 * `lava-sparse-rnn export-c --front-end --rate $wide_rate`; export again rather than edit.
 *
 * What lies below $nyquist Hz goes through the network; what lies above stays, with the
 * mean of the network's gains from $top_low to $top_high Hz, overlapped and added as frames are.
 */
#ifndef ${PREFIX}_WIDE_H
#define ${PREFIX}_WIDE_H

#include "${prefix}_sound.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ${PREFIX}_WIDE_RATE $wide_rate /* samples per second, one channel */
#define ${PREFIX}_WIDE_HOP ($factor * ${PREFIX}_HOP) /* samples of a call */
/* Sample i of all output is sample i - WIDE_DELAY of all input; with the hop that has
 * to be filled before a call, sound comes out WIDE_LATENCY samples ($wide_latency_ms ms) late. */
#define ${PREFIX}_WIDE_DELAY ($factor * ${PREFIX}_DELAY + 2 * ${PREFIX}_WIDE_REACH)
#define ${PREFIX}_WIDE_LATENCY (${PREFIX}_WIDE_DELAY + ${PREFIX}_WIDE_HOP)
#define ${PREFIX}_WIDE_REACH $reach /* of the filter, to either side */
#define ${PREFIX}_WIDE_PAST ($reach * 2 / $factor) /* samples of the lower rate in it */

/* One stream; a copy of it is a copy of the stream. In each array what came before lies
 * in front, and behind it what comes in this call. */
typedef struct {
    ${prefix}_sound sound;
    float whole[${PREFIX}_WIDE_DELAY + ${PREFIX}_WIDE_HOP];
    float heard[${PREFIX}_WIDE_PAST + ${PREFIX}_DELAY + ${PREFIX}_HOP];
    float clean[${PREFIX}_WIDE_PAST + ${PREFIX}_HOP];
    float gain[${PREFIX}_WIDE_PAST / 2 + ${PREFIX}_WINDOW];
} ${prefix}_wide;

/* As those of ${prefix}_sound.h. */
void ${prefix}_wide_init(${prefix}_wide *wide);
void ${prefix}_wide_reset(${prefix}_wide *wide);
void ${prefix}_wide_strength(${prefix}_wide *wide, float decibels);

/* Denoise the next ${PREFIX}_WIDE_HOP samples, 1 is full scale. `in` and `out` may be the same memory.
 *
 * Returns 0; or 1, with nothing changed, where a sample is not finite or above 32. */
int ${prefix}_wide_process(${prefix}_wide *wide, const float *in, float *out);

/* The same with integers, 32768 is full scale; what is louder is clipped. */
void ${prefix}_wide_process_int16(${prefix}_wide *wide, const int16_t *in,
                                  int16_t *out);

#ifdef __cplusplus
}
#endif

#endif
