/* SPDX-License-Identifier: BSD-3-Clause */
/* ${prefix}_sound.h as a module of WebAssembly: one stream, and the hop that it
 * denoises in place. */
#include "${prefix}_sound.h"

#define EXPORT(name) __attribute__((export_name(#name)))

static ${prefix}_sound sound;
static float hop[${PREFIX}_HOP];

float *hop_at(void);
int32_t hop_length(void);
int32_t latency(void);
int32_t sample_rate(void);
void init(void);
void strength(float decibels);
int32_t process(void);

EXPORT(hop_at) float *hop_at(void) { return hop; }
EXPORT(hop_length) int32_t hop_length(void) { return ${PREFIX}_HOP; }
EXPORT(latency) int32_t latency(void) { return ${PREFIX}_LATENCY; }
EXPORT(sample_rate) int32_t sample_rate(void) { return ${PREFIX}_RATE; }
EXPORT(init) void init(void) { ${prefix}_sound_init(&sound); }

EXPORT(strength) void strength(float decibels)
{
    ${prefix}_sound_strength(&sound, decibels);
}

EXPORT(process) int32_t process(void)
{
    return ${prefix}_sound_process(&sound, hop, hop);
}
