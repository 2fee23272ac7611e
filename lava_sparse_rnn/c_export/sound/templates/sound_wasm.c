/* SPDX-License-Identifier: BSD-3-Clause */
/* ${prefix}_sound.h and ${prefix}_wide.h as a module of WebAssembly: one stream of either
 * rate, and the hop that it denoises in place. */
#include "${prefix}_wide.h"

#define EXPORT(name) __attribute__((export_name(#name)))

static ${prefix}_wide wide; /* of which only `sound` is used at the lower rate */
static float hop[${PREFIX}_WIDE_HOP];
static int32_t is_wide;

float *hop_at(void);
int32_t hop_length(void);
int32_t latency(void);
int32_t init(int32_t rate);
void strength(float decibels);
int32_t process(void);

EXPORT(hop_at) float *hop_at(void) { return hop; }

EXPORT(hop_length) int32_t hop_length(void)
{
    return is_wide ? ${PREFIX}_WIDE_HOP : ${PREFIX}_HOP;
}

EXPORT(latency) int32_t latency(void)
{
    return is_wide ? ${PREFIX}_WIDE_LATENCY : ${PREFIX}_LATENCY;
}

/* Before all else; 1 where sound of that rate is none for this module. */
EXPORT(init) int32_t init(int32_t rate)
{
    is_wide = rate == ${PREFIX}_WIDE_RATE;
    ${prefix}_wide_init(&wide);
    return !is_wide && rate != ${PREFIX}_RATE;
}

EXPORT(strength) void strength(float decibels)
{
    ${prefix}_wide_strength(&wide, decibels);
}

EXPORT(process) int32_t process(void)
{
    return is_wide ? ${prefix}_wide_process(&wide, hop, hop)
                   : ${prefix}_sound_process(&wide.sound, hop, hop);
}
