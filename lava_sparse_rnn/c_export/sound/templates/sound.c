/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ${prefix}_sound.c: see ${prefix}_sound.h. What lava_sparse_rnn.audio.Denoiser computes, with sums in
 * another order: equal tokens have equal answers, integer by integer, and a token may
 * lie a step beside that of the Denoiser where a feature lies between two.
 *
 * With -D${PREFIX}_LIBM square root and logarithm are those of <math.h>.
 */
#include "${prefix}_sound.h"

#include <stddef.h>

#ifdef ${PREFIX}_LIBM
#include <math.h>
#endif

enum {
    N = ${PREFIX}_WINDOW,
    HALF = N / 2, /* points of the complex transform; frequencies are one more */
    HOP = ${PREFIX}_HOP,
    LAP = N - HOP, /* samples that frames share */
    EARLY = ${PREFIX}_DELAY / HOP
};

$tables

/* A float, and its 32 bits. */
typedef union {
    float number;
    uint32_t bits;
} ieee;

#ifdef ${PREFIX}_LIBM
static float root(float x) { return sqrtf(x); }
static float log_of_1_plus(float x) { return log1pf(x); }
#else
/* The square root of x >= 0, to two steps of a float: a guess from the exponent, and
 * three of Newton's steps towards 1 / sqrt(x). */
static float root(float x)
{
    ieee v;
    float y;
    int i;

    if (x < 1e-37f)
        return 0.0f;
    v.number = x;
    v.bits = 0x5f3759dfu - (v.bits >> 1);
    y = v.number;
    for (i = 0; i < 3; ++i)
        y *= 1.5f - 0.5f * x * y * y;
    return x * y;
}

/* log(1 + x), x >= 0, to 1e-7 of 1 and of the result. With 1 + x = m 2^e and m between
 * sqrt(1/2) and sqrt(2) it is e log(2) + 2 atanh(s), s = (m - 1) / (m + 1); what the
 * series leaves out is below 1e-9. */
static float log_of_1_plus(float x)
{
    ieee v;
    float e, s, t;

    v.number = 1.0f + x;
    e = (float)((int32_t)(v.bits >> 23) - 127);
    v.bits = (v.bits & 0x7fffffu) | 0x3f800000u;
    if (v.number > 1.41421356f) {
        v.number *= 0.5f;
        e += 1.0f;
    }
    s = (v.number - 1.0f) / (v.number + 1.0f);
    t = s * s;
    t = 1.0f + t * (1.0f / 3 + t * (1.0f / 5 + t * (1.0f / 7 + t * (1.0f / 9))));
    return e * 0.693147181f + 2.0f * s * t;
}
#endif

/* 2^x of x <= 0. */
static float power_of_two(float x)
{
    ieee scale;
    float rest, sum = 1.0f;
    int32_t whole, i;

    if (!(x > -126.0f))
        return 0.0f;
    whole = (int32_t)x;
    rest = (x - (float)whole) * 0.693147181f;
    for (i = 9; i > 0; --i) /* the series of exp */
        sum = 1.0f + sum * rest / (float)i;
    scale.bits = (uint32_t)(whole + 127) << 23;
    return sum * scale.number;
}

/* The nearest integer between two limits, halves to the even one. */
static int32_t nearest(float v, int32_t low, int32_t high)
{
    int32_t q;
    float rest;

    if (v <= (float)low)
        return low;
    if (v >= (float)high)
        return high;
    q = (int32_t)v;
    rest = v - (float)q;
    if (rest > 0.5f || (rest >= 0.5f && q % 2 != 0))
        ++q;
    if (rest < -0.5f || (rest <= -0.5f && q % 2 != 0))
        --q;
    return q;
}

static float window_at(int32_t i)
{
    return window[i <= HALF ? i : N - i];
}

/* exp(-2 pi i k / N), 0 <= k < N */
static float cosine_at(int32_t k)
{
    return cosine[k];
}

static float minus_sine_at(int32_t k)
{
    return cosine[k < N - N / 4 ? k + N / 4 : k + N / 4 - N];
}

$butterflies

/* The transform of HALF complex numbers (real and imaginary part in turn) in `x`, which
 * comes to lie in `x` or in `y`, where the result points to. Stockham's order: no
 * reversal of bits. */
static float *transform(float *x, float *y)
{
    int32_t stage, stride = 1, m = HALF;

    for (stage = 0; stage < STAGES; ++stage) {
        float *const done = y;
        m /= radix[stage];
$dispatch
        stride *= radix[stage];
        y = x;
        x = done;
    }
    return x;
}

/* The next frame's spectrum. */
static void analyse(${prefix}_sound *sound, const float *in)
{
    float *X = sound->spectrum;
    const float *Z;
    int32_t i, k;

    for (i = 0; i < LAP; ++i)
        sound->work[i] = window_at(i) * sound->heard[i];
    for (i = 0; i < HOP; ++i)
        sound->work[LAP + i] = window_at(LAP + i) * in[i];
    for (i = 0; i < LAP - HOP; ++i)
        sound->heard[i] = sound->heard[i + HOP];
    for (i = 0; i < HOP; ++i)
        sound->heard[LAP - HOP + i] = in[i];

    /* Even samples were taken for real parts, odd ones for imaginary parts. */
    Z = transform(sound->work, X);
    {
        const float re = Z[0], im = Z[1];
        X[0] = re + im;
        X[N] = re - im;
        X[1] = X[N + 1] = 0.0f;
    }
    for (k = 1; k <= HALF - k; ++k) {
        const float *const a = Z + 2 * k, *const b = Z + 2 * (HALF - k);
        const float even_re = 0.5f * (a[0] + b[0]), even_im = 0.5f * (a[1] - b[1]);
        const float odd_re = 0.5f * (a[1] + b[1]), odd_im = 0.5f * (b[0] - a[0]);
        const float c = cosine_at(k), s = minus_sine_at(k);
        const float re = odd_re * c - odd_im * s, im = odd_re * s + odd_im * c;
        X[2 * k] = even_re + re;
        X[2 * k + 1] = even_im + im;
        X[2 * (HALF - k)] = even_re - re;
        X[2 * (HALF - k) + 1] = im - even_im;
    }
}

static float square_at(const ${prefix}_sound *sound, int32_t i)
{
    const float re = sound->spectrum[2 * i], im = sound->spectrum[2 * i + 1];

    return re * re + im * im;
}

/* Number i of the token. */
static void tell(${prefix}_sound *sound, int32_t i, float number)
{
    const float unit = token_scale[${prefix}_in_frac[i] - ($in_lowest)];

    sound->token[i] = (${prefix}_in)nearest(number * unit, $in_low, $in_high);
}
$contrasts
/* Feature i of the token is the logarithm of 1 + scale * sqrt(square). */
static void hear(${prefix}_sound *sound, int32_t i, float square, float scale)
{
    const float size = scale$brought * root(square);
    const float feature = (log_of_1_plus(size) - $feature_mean) * $feature_scale;

    tell(sound, i, feature);$hear_contrasts
}

/* Number i of the answer. */
static float answer_at(const ${prefix}_sound *sound, int32_t i)
{
    return (float)sound->answer[i] * answer_unit[${prefix}_out_frac[i] - ($out_lowest)];
}
$bands$loudness$level
/* The spectrum as the network's token. */
static void features(${prefix}_sound *sound)
{
    int32_t i;
$followed
    for (i = 0; i < LINEAR; ++i)
        hear(sound, i, square_at(sound, i), $magnitude_scale);$hear_bands
}

/* The gain of a bin that the network has answered. */
static float gain_at(const ${prefix}_sound *sound, int32_t i)
{
    const float kept = sound->kept, gain = 1.0f + $answer_of(sound, i);

    return kept + (1.0f - kept) * (gain > 0.0f ? gain : 0.0f);
}

/* The spectrum times the gains. */
static void apply(${prefix}_sound *sound)
{
    int32_t i;

    for (i = 0; i <= HALF; ++i) {
        const float gain = gain_at(sound, i);
        sound->spectrum[2 * i] *= gain;
        sound->spectrum[2 * i + 1] *= gain;
    }
}

/* The frame of the spectrum, added to those before it. */
static void synthesise(${prefix}_sound *sound)
{
    const float *X = sound->spectrum, *z;
    float *Z = sound->work;
    int32_t i, k;

    /* A transform backwards is one of conjugates, conjugated. */
    Z[0] = 0.5f * (X[0] + X[N]);
    Z[1] = -0.5f * (X[0] - X[N]);
    for (k = 1; k <= HALF - k; ++k) {
        const float *const a = X + 2 * k, *const b = X + 2 * (HALF - k);
        const float even_re = 0.5f * (a[0] + b[0]), even_im = 0.5f * (a[1] - b[1]);
        const float re = 0.5f * (a[0] - b[0]), im = 0.5f * (a[1] + b[1]);
        const float c = cosine_at(k), s = -minus_sine_at(k);
        const float odd_re = re * c - im * s, odd_im = re * s + im * c;
        Z[2 * k] = even_re - odd_im;
        Z[2 * k + 1] = -(even_im + odd_re);
        Z[2 * (HALF - k)] = even_re + odd_im;
        Z[2 * (HALF - k) + 1] = even_im - odd_re;
    }
    z = transform(Z, sound->spectrum);
    for (i = 0; i < N; i += 2) {
        sound->sum[i] += z[i] * (window_at(i) * SYNTHESIS);
        sound->sum[i + 1] -= z[i + 1] * (window_at(i + 1) * SYNTHESIS);
    }
}

/* The spectrum that answers are about, in place of the newest one. */
static void look_ahead(${prefix}_sound *sound)
{
#if ${PREFIX}_LOOKAHEAD > 0
    float *const oldest = sound->ahead[sound->oldest];
    int32_t i;

    for (i = 0; i < N + 2; ++i) {
        const float newest = sound->spectrum[i];
        sound->spectrum[i] = oldest[i];
        oldest[i] = newest;
    }
    sound->oldest = (sound->oldest + 1) % ${PREFIX}_LOOKAHEAD;
#else
    (void)sound;
#endif
}

/* From a hop to the sums, of which the first hop is complete. */
static void process(${prefix}_sound *sound, const float *in)
{
    int32_t i;

    analyse(sound, in);
    features(sound);
    (void)${prefix}_step(&sound->network, sound->token, sound->answer);
    look_ahead(sound);
    apply(sound);
    synthesise(sound);
    if (sound->early > 0) { /* what lies before the stream is no sound */
        for (i = 0; i < HOP; ++i)
            sound->sum[i] = 0.0f;
        --sound->early;
    }
}

/* The complete hop has been taken. */
static void advance(${prefix}_sound *sound)
{
    int32_t i;

    for (i = 0; i < LAP; ++i)
        sound->sum[i] = sound->sum[i + HOP];
    for (i = LAP; i < N; ++i)
        sound->sum[i] = 0.0f;
}

void ${prefix}_sound_reset(${prefix}_sound *sound)
{
    int32_t i;

    ${prefix}_reset(&sound->network);
#if ${PREFIX}_LOOKAHEAD > 0
    sound->oldest = 0;
    for (i = 0; i < ${PREFIX}_LOOKAHEAD * (N + 2); ++i)
        sound->ahead[i / (N + 2)][i % (N + 2)] = 0.0f;
#endif
    for (i = 0; i < LAP; ++i)
        sound->heard[i] = 0.0f;
    for (i = 0; i < N; ++i)
        sound->sum[i] = 0.0f;
    sound->early = EARLY;$followed_reset
}

void ${prefix}_sound_init(${prefix}_sound *sound)
{
    int32_t i;

    ${prefix}_init(&sound->network);
    for (i = 0; i < N; ++i)
        sound->spectrum[i] = sound->work[i] = 0.0f;
    sound->spectrum[N] = sound->spectrum[N + 1] = 0.0f;
    for (i = 0; i < ${PREFIX}_D_IN; ++i)
        sound->token[i] = 0;
    for (i = 0; i < ${PREFIX}_D_OUT; ++i)
        sound->answer[i] = 0;
    ${prefix}_sound_strength(sound, -1.0f);
    ${prefix}_sound_reset(sound);
}

void ${prefix}_sound_strength(${prefix}_sound *sound, float decibels)
{
    if (decibels < 0.0f)
        decibels = ${PREFIX}_STRENGTH;
    /* 10^(-d / 20) = 2^(-d log2(10) / 20) */
    sound->kept = decibels >= 0.0f ? power_of_two(-0.166096405f * decibels) : 0.0f;
}

float ${prefix}_sound_gain(const ${prefix}_sound *sound, int32_t first, int32_t last)
{
    float sum = 0.0f;
    int32_t i;

    for (i = first; i <= last; ++i)
        sum += gain_at(sound, i);
    return sum / (float)(last - first + 1);
}

int ${prefix}_sound_process(${prefix}_sound *sound, const float *in, float *out)
{
    int32_t i;

    for (i = 0; i < HOP; ++i)
        if (!(in[i] >= -64.0f && in[i] <= 64.0f)) /* true of what is no number, too */
            return 1;
    process(sound, in);
    for (i = 0; i < HOP; ++i)
        out[i] = sound->sum[i];
    advance(sound);
    return 0;
}

void ${prefix}_sound_process_int16(${prefix}_sound *sound, const int16_t *in,
                                   int16_t *out)
{
    float *const samples = sound->spectrum; /* read before it is written */
    int32_t i;

    for (i = 0; i < HOP; ++i)
        samples[i] = (float)in[i] * (1.0f / 32768);
    process(sound, samples);
    for (i = 0; i < HOP; ++i)
        out[i] = (int16_t)nearest(32768.0f * sound->sum[i], -32768, 32767);
    advance(sound);
}
