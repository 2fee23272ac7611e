/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An example: $example_rate samples per second, one channel, from standard input to standard
 * output, as they lie in memory: int16_t$or_f32.
 *
 *     cc -std=c99 -O2 ${prefix}_main.c $example_sources -o $prefix
 *     ./$prefix <noisy.raw >clean.raw
 *     ./$prefix 20 <noisy.raw >clean.raw     noise is attenuated by 20 dB at most,
 *                                            without a number by what the network says
 *
 * What comes out is as long as what goes in, and lies in time with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "${prefix}_${stream}.h"

enum { HOP = ${PREFIX}_${STREAM}HOP, DELAY = ${PREFIX}_${STREAM}DELAY };

static ${prefix}_${stream} sound;
static int16_t integers[HOP];

#if ${PREFIX}_FIXED_POINT
/* The next hop, in place; 0 where it cannot be denoised. */
static int denoise(int is_float)
{
    ${prefix}_${stream}_process_int16(&sound, integers, integers);
    return !is_float;
}

/* Sets the limit; 0 where there is none of these words. */
static int limit(const char *words)
{
    char *end;
    const long decibels = strtol(words, &end, 10);

    ${prefix}_${stream}_strength(&sound, decibels < 1000 ? (int32_t)decibels : 1000);
    return end != words && *end == '\0' && decibels >= 0;
}
#else
static float floats[HOP];

/* The next hop, in place; 0 where it cannot be denoised. */
static int denoise(int is_float)
{
    if (is_float)
        return ${prefix}_${stream}_process(&sound, floats, floats) == 0;
    ${prefix}_${stream}_process_int16(&sound, integers, integers);
    return 1;
}

/* Sets the limit; 0 where there is none of these words. */
static int limit(const char *words)
{
    char *end;
    const double decibels = strtod(words, &end);

    ${prefix}_${stream}_strength(&sound, (float)decibels);
    return end != words && *end == '\0' && decibels >= 0;
}
#endif

int main(int argc, char **argv)
{
#if ${PREFIX}_FIXED_POINT
    const int is_float = 0;
    const size_t size = sizeof *integers;
    char *const hop = (char *)integers;
#else
    const int is_float = argc > 1 && strcmp(argv[1], "f32") == 0;
    const size_t size = is_float ? sizeof *floats : sizeof *integers;
    char *const hop = is_float ? (char *)floats : (char *)integers;
#endif
    size_t late = DELAY, rest = DELAY, got; /* samples to drop, samples of silence */
    int is_end = 0;

    ${prefix}_${stream}_init(&sound);
    if (argc > 2 + is_float) {
        fprintf(stderr, "usage: %s$usage [largest attenuation, dB]\n", argv[0]);
        return 2;
    }
    if (argc > 1 + is_float && !limit(argv[1 + is_float])) {
        fprintf(stderr, "%s: not a number of dB\n", argv[1 + is_float]);
        return 2;
    }
    while (!is_end) {
        size_t first, last;
        got = fread(hop, size, HOP, stdin);
        memset(hop + got * size, 0, (HOP - got) * size);
        if (got < HOP) { /* of the silence that follows, what the delay needs */
            const size_t more = HOP - got < rest ? HOP - got : rest;
            rest -= more;
            got += more;
            is_end = rest == 0;
        }
        if (!denoise(is_float)) {
            fprintf(stderr, "a sample is not finite, or too large\n");
            return 1;
        }
        first = late < got ? late : got;
        last = got;
        late -= first;
        if (fwrite(hop + first * size, size, last - first, stdout) != last - first) {
            perror("standard output");
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
