/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ${prefix}_wide.c: see ${prefix}_wide.h. What lava_sparse_rnn.audio.Denoiser computes at
 * this rate: out = up(clean) + gain (whole - up(heard)), all of them equally late.
 */
#include "${prefix}_wide.h"

enum {
    FACTOR = $factor,
    N = ${PREFIX}_WINDOW,
    HOP = ${PREFIX}_HOP,
    DELAY = ${PREFIX}_DELAY,
    WHOLE = ${PREFIX}_WIDE_DELAY,
    CALL = ${PREFIX}_WIDE_HOP,
    REACH = ${PREFIX}_WIDE_REACH,
    PAST = ${PREFIX}_WIDE_PAST,
    LATE = PAST / 2, /* samples of the lower rate by which going up is late */
    FIRST = $top_first, LAST = $top_last /* bins of the gain */
};

/* Half of the filter and its middle; half of the squared window and its middle, times
 * 2 HOP / N. */
$wide_tables

static float overlap_at(int32_t i)
{
    return overlap[i <= N / 2 ? i : N - i];
}

static float filter_at(int32_t i)
{
    return low_pass[i <= REACH ? i : 2 * REACH - i];
}

/* Of every FACTOR samples the first, filtered. */
static void go_down(${prefix}_wide *wide)
{
    const float *x = wide->whole + WHOLE - 2 * REACH;
    float *const to = wide->heard + PAST + DELAY;
    int32_t i, k;

    for (i = 0; i < HOP; ++i, x += FACTOR) {
        float sum = 0.0f;
        for (k = 0; k < REACH; ++k)
            sum += low_pass[k] * (x[k] + x[2 * REACH - k]);
        to[i] = sum + low_pass[REACH] * x[REACH];
    }
}

/* The gains of the newest frame's samples, added to those of the frames before. */
static void follow(${prefix}_wide *wide)
{
    const float gain = ${prefix}_sound_gain(&wide->sound, FIRST, LAST);
    int32_t i;

    for (i = 0; i < N; ++i)
        wide->gain[LATE + i] += overlap_at(i) * gain;
}

/* What has come is taken in; 1, and nothing changed, where it is no sound. */
static int take(${prefix}_wide *wide)
{
    go_down(wide);
    if (${prefix}_sound_process(&wide->sound, wide->heard + PAST + DELAY,
                               wide->clean + PAST) != 0)
        return 1;
    follow(wide);
    return 0;
}

/* Sample i of this call. */
static float give(const ${prefix}_wide *wide, int32_t i)
{
    const int32_t at = i / FACTOR, phase = i % FACTOR;
    const float *const clean = wide->clean + PAST + at;
    const float *const heard = wide->heard + PAST + at;
    const float gain = wide->gain[at];
    float up_clean = 0.0f, up_heard = 0.0f;
    int32_t k, tap;

    for (k = 0, tap = phase; tap <= 2 * REACH; ++k, tap += FACTOR) {
        up_clean += filter_at(tap) * clean[-k];
        up_heard += filter_at(tap) * heard[-k];
    }
    return FACTOR * up_clean + gain * (wide->whole[i] - FACTOR * up_heard);
}

/* What came in this call has come before. */
static void move(float *x, int32_t count, int32_t by)
{
    int32_t i;

    for (i = 0; i < count; ++i)
        x[i] = x[i + by];
}

static void advance(${prefix}_wide *wide)
{
    int32_t i;

    move(wide->whole, WHOLE, CALL);
    move(wide->heard, PAST + DELAY, HOP);
    move(wide->clean, PAST, HOP);
    move(wide->gain, LATE + N - HOP, HOP);
    for (i = LATE + N - HOP; i < LATE + N; ++i)
        wide->gain[i] = 0.0f;
}

void ${prefix}_wide_reset(${prefix}_wide *wide)
{
    int32_t i;

    ${prefix}_sound_reset(&wide->sound);
    for (i = 0; i < WHOLE + CALL; ++i)
        wide->whole[i] = 0.0f;
    for (i = 0; i < PAST + DELAY + HOP; ++i)
        wide->heard[i] = 0.0f;
    for (i = 0; i < PAST + HOP; ++i)
        wide->clean[i] = 0.0f;
    for (i = 0; i < LATE + N; ++i)
        wide->gain[i] = 0.0f;
}

void ${prefix}_wide_init(${prefix}_wide *wide)
{
    ${prefix}_sound_init(&wide->sound);
    ${prefix}_wide_reset(wide);
}

void ${prefix}_wide_strength(${prefix}_wide *wide, float decibels)
{
    ${prefix}_sound_strength(&wide->sound, decibels);
}

int ${prefix}_wide_process(${prefix}_wide *wide, const float *in, float *out)
{
    int32_t i;

    for (i = 0; i < CALL; ++i)
        if (!(in[i] >= -32.0f && in[i] <= 32.0f)) /* true of what is no number, too */
            return 1;
    for (i = 0; i < CALL; ++i)
        wide->whole[WHOLE + i] = in[i];
    if (take(wide) != 0)
        return 1;
    for (i = 0; i < CALL; ++i)
        out[i] = give(wide, i);
    advance(wide);
    return 0;
}

void ${prefix}_wide_process_int16(${prefix}_wide *wide, const int16_t *in,
                                  int16_t *out)
{
    int32_t i;

    for (i = 0; i < CALL; ++i)
        wide->whole[WHOLE + i] = (float)in[i] * (1.0f / 32768);
    (void)take(wide); /* no sum of the filter comes near what is no sound */
    for (i = 0; i < CALL; ++i) {
        const float v = 32768.0f * give(wide, i);
        if (v >= 32767.0f)
            out[i] = 32767;
        else if (v <= -32768.0f)
            out[i] = -32768;
        else
            out[i] = (int16_t)(v < 0.0f ? v - 0.5f : v + 0.5f);
    }
    advance(wide);
}
