/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ${prefix}_sound.h: a denoiser, sound in and sound out, around the network of
 * $prefix.h. Written by `lava-sparse-rnn export-c --front-end`; export again rather
 * than edit.
 *
 *     static ${prefix}_sound sound;
 *     ${prefix}_sound_init(&sound);
 *     while (read_hop(hop)) {
 *         ${prefix}_sound_process_int16(&sound, hop, hop);
 *         play_hop(hop);
 *     }
 *
 * C99: no allocation, no variables outside the structure, no library. $arithmetic
 */
#ifndef ${PREFIX}_SOUND_H
#define ${PREFIX}_SOUND_H

#include "$prefix.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ${PREFIX}_RATE $rate /* samples per second, one channel */
#define ${PREFIX}_HOP $hop /* samples of a call */
#define ${PREFIX}_WINDOW $window
#define ${PREFIX}_FIXED_POINT $fixed_point
#define ${PREFIX}_STRENGTH ($strength) /* dB, the network's own limit; -1 for none */
#define ${PREFIX}_LOOKAHEAD $lookahead /* hops that the network hears before it answers */
/* Sample i of all output is sample i - DELAY of all input. With the hop that has to be
 * filled before a call, sound comes out LATENCY samples ($latency_ms ms) late. */
#define ${PREFIX}_DELAY (${PREFIX}_LATENCY - ${PREFIX}_HOP)
#define ${PREFIX}_LATENCY (${PREFIX}_WINDOW + ${PREFIX}_LOOKAHEAD * ${PREFIX}_HOP)

/* One stream; a copy of it is a copy of the stream. */
typedef struct {
    ${prefix}_state network;
    $number kept; /* the share of the noisy sound that stays */
    int32_t early; /* hops to come that lie before the stream */$level_state$contrast_state
    $sample heard[${PREFIX}_WINDOW - ${PREFIX}_HOP];
    $number sum[${PREFIX}_WINDOW]; /* of frames, where not all have come */
#if ${PREFIX}_LOOKAHEAD > 0
    int32_t oldest;
    $number ahead[${PREFIX}_LOOKAHEAD][${PREFIX}_WINDOW + 2]; /* spectra */$ahead_q
#endif
    /* Work space: nothing in it is kept from one call to the next. */
    $number spectrum[${PREFIX}_WINDOW + 2], work[${PREFIX}_WINDOW];
    ${prefix}_in token[${PREFIX}_D_IN];
    ${prefix}_out answer[${PREFIX}_D_OUT];$q$level_work
} ${prefix}_sound;

/* Before the first call: silence was heard, the limit of attenuation is STRENGTH. */
void ${prefix}_sound_init(${prefix}_sound *sound);

/* Before another stream: silence was heard; the limit of attenuation stays. */
void ${prefix}_sound_reset(${prefix}_sound *sound);

/* The most by which anything is attenuated, dB; STRENGTH where it is below 0. It may
 * change in a stream. 0 lets all through, 1000 is no limit. */
void ${prefix}_sound_strength(${prefix}_sound *sound, $decibels decibels);

$calls

#ifdef __cplusplus
}
#endif

#endif
