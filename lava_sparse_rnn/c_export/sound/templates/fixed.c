/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ${prefix}_sound.c: see ${prefix}_sound.h. Integers alone; what they are, rule by rule, is
 * written in lava_sparse_rnn.c_export.FixedPointDenoiser, which has the same samples.
 *
 * A frame and its spectrum are blocks: numbers of 32 bits that stand for multiples of
 * 2^-q. "Rounded" is to the nearest, halves up. Sines, cosines and the window are
 * multiples of 2^-31. No sum and no product can overflow: what is too large for a step
 * is scaled down before it, and the bounds were computed when this file was written.
 */
#include "${prefix}_sound.h"

#include <stddef.h>

enum {
    N = ${PREFIX}_WINDOW,
    HALF = N / 2, /* points of the complex transform; frequencies are one more */
    HOP = ${PREFIX}_HOP,
    LAP = N - HOP, /* samples that frames share */
    EARLY = ${PREFIX}_DELAY / HOP,
    ROOM = $room /* bits of the numbers from which a spectrum is put together */
};

$tables

$integers

static int32_t window_at(int32_t i)
{
    return window[i <= HALF ? i : N - i];
}

/* exp(-2 pi i k / N), 0 <= k < N */
static int32_t cosine_at(int32_t k)
{
    return cosine[k];
}

static int32_t minus_sine_at(int32_t k)
{
    return cosine[k < N - N / 4 ? k + N / 4 : k + N / 4 - N];
}

$butterflies

/* The transform of HALF complex numbers (real and imaginary part in turn) in `x`, which
 * comes to lie in `x` or in `y`, where the result points to. Stockham's order: no
 * reversal of bits. A stage halves its numbers, an odd one twice. */
static int32_t *transform(int32_t *x, int32_t *y, uint32_t *sizes, int *q)
{
    int32_t stage, stride = 1, m = HALF;

    for (stage = 0; stage < STAGES; ++stage) {
        const int down = excess(*sizes, room[stage]);
        int32_t *const done = y;
        m /= radix[stage];
$dispatch
        *q -= down + halvings[stage];
        stride *= radix[stage];
        y = x;
        x = done;
    }
    return x;
}

/* Windowed, with as many bits as the loudest sample leaves room for. */
static uint32_t fill(${prefix}_sound *sound, const int16_t *in, int *q)
{
    int32_t peak = 0, gain = 1, i;
    uint32_t sizes = 0;

    for (i = 0; i < N; ++i) {
        const int32_t v = i < LAP ? sound->heard[i] : in[i - LAP];
        peak = v > peak ? v : -v > peak ? -v : peak;
    }
    for (*q = 13; peak != 0 && 2 * peak * gain <= 32768; ++*q)
        gain *= 2;
    for (i = 0; i < N; ++i) {
        const int32_t v = gain * (i < LAP ? sound->heard[i] : in[i - LAP]);
        sound->work[i] = (int32_t)rounded((int64_t)v * window_at(i), 18);
        sizes |= size_of(sound->work[i]);
    }
    return sizes;
}

/* The next frame's spectrum. */
static void analyse(${prefix}_sound *sound, const int16_t *in)
{
    int32_t *X = sound->spectrum, i, k;
    const int32_t *Z;
    int q, down;
    uint32_t sizes = fill(sound, in, &q);

    for (i = 0; i < LAP - HOP; ++i)
        sound->heard[i] = sound->heard[i + HOP];
    for (i = 0; i < HOP; ++i)
        sound->heard[LAP - HOP + i] = in[i];

    /* Even samples were taken for real parts, odd ones for imaginary parts. */
    Z = transform(sound->work, X, &sizes, &q);
    down = excess(sizes, ROOM);
    sound->q = q - down;
    {
        const int32_t re = scaled(Z[0], down), im = scaled(Z[1], down);
        X[0] = re + im;
        X[N] = re - im;
        X[1] = X[N + 1] = 0;
    }
    for (k = 1; k <= HALF - k; ++k) {
        const int32_t *const a = Z + 2 * k, *const b = Z + 2 * (HALF - k);
        const int32_t a_re = scaled(a[0], down), a_im = scaled(a[1], down);
        const int32_t b_re = scaled(b[0], down), b_im = scaled(b[1], down);
        const int64_t odd_re = a_im + b_im, odd_im = b_re - a_re;
        const int32_t c = cosine_at(k), s = minus_sine_at(k);
        const int32_t re = 2 * half_of(odd_re * c - odd_im * s);
        const int32_t im = 2 * half_of(odd_re * s + odd_im * c);
        X[2 * k] = scaled(a_re + b_re + re, 1);
        X[2 * k + 1] = scaled(a_im - b_im + im, 1);
        X[2 * (HALF - k)] = scaled(a_re + b_re - re, 1);
        X[2 * (HALF - k) + 1] = scaled(im - a_im + b_im, 1);
    }
}

/* |X|^2, in multiples of 2^-2q: below 2^60, as |X| is about 2^29.5 at most. */
static uint64_t square_at(const ${prefix}_sound *sound, int32_t i)
{
    const int64_t re = sound->spectrum[2 * i], im = sound->spectrum[2 * i + 1];

    return (uint64_t)(re * re + im * im);
}

/* Number i of the token, of a logarithm to the base 2 in multiples of 2^-25. */
static void tell(${prefix}_sound *sound, int32_t i, int64_t log)
{
    const int64_t token = rounded(log * $feature, $feature_shift - ${prefix}_in_frac[i]);

    sound->token[i] = (${prefix}_in)clipped(token, $in_low, $in_high);
}
$contrasts
/* Feature i of the token is the logarithm of 1 + sqrt(square) * scale / 2^(32 + n). */
static void hear(${prefix}_sound *sound, int32_t i, uint64_t square, uint32_t scale,
                 int n)
{
    const int32_t log = feature_of(square, $brought, $brought_n);

    tell(sound, i, (int64_t)log - $mean);$hear_contrasts
}

/* Number i of the answer, in multiples of 2^-(30 - GAIN_BITS). */
static int32_t answer_at(const ${prefix}_sound *sound, int32_t i)
{
    const int up = 30 - GAIN_BITS - ${prefix}_out_frac[i];
    const int32_t answer = sound->answer[i];

    return up >= 0 ? answer * ((int32_t)1 << up) : scaled(answer, -up);
}
$bands$loudness$level
/* The spectrum as the network's token. */
static void features(${prefix}_sound *sound)
{
    int32_t i;
$followed
    for (i = 0; i < LINEAR; ++i)
        hear(sound, i, square_at(sound, i), $scale, sound->q + $scale_shift);$hear_bands
}

/* The gain of a bin, in multiples of 2^-(30 - GAIN_BITS). */
static int32_t gain_of(const ${prefix}_sound *sound, int32_t i)
{
    const int32_t one = (int32_t)1 << (30 - GAIN_BITS);
    const int32_t over = $answer_of(sound, i);
    const int64_t kept = sound->kept;
    const int32_t gain = over > -one ? one + over : 0;

    if (kept == 0)
        return gain;
    return (int32_t)(kept * (one >> 15) + rounded((32768 - kept) * gain, 15));
}

/* The frame of the spectrum times the gains, added to those before it. */
static void synthesise(${prefix}_sound *sound)
{
    int32_t *const X = sound->spectrum, *const Z = sound->work, i, k;
    const int32_t *z;
    uint32_t sizes = 0;
    int q = sound->q - GAIN_BITS, down;

    for (i = 0; i <= HALF; ++i) {
        const int64_t gain = gain_of(sound, i);
        X[2 * i] = (int32_t)rounded(X[2 * i] * gain, 30);
        X[2 * i + 1] = (int32_t)rounded(X[2 * i + 1] * gain, 30);
        sizes |= size_of(X[2 * i]) | size_of(X[2 * i + 1]);
    }
    down = excess(sizes, ROOM);
    q -= down;

    /* A transform backwards is one of conjugates, conjugated. */
    {
        const int32_t a = scaled(X[0], down), b = scaled(X[N], down);
        Z[0] = scaled(a + b, 1);
        Z[1] = scaled(b - a, 1);
    }
    sizes = size_of(Z[0]) | size_of(Z[1]);
    for (k = 1; k <= HALF - k; ++k) {
        const int32_t *const a = X + 2 * k, *const b = X + 2 * (HALF - k);
        int32_t *const to = Z + 2 * k, *const other = Z + 2 * (HALF - k);
        const int32_t a_re = scaled(a[0], down), a_im = scaled(a[1], down);
        const int32_t b_re = scaled(b[0], down), b_im = scaled(b[1], down);
        const int64_t odd_re = a_re - b_re, odd_im = a_im + b_im;
        const int32_t c = cosine_at(k), s = minus_sine_at(k);
        const int32_t re = 2 * half_of(odd_re * c + odd_im * s);
        const int32_t im = 2 * half_of(odd_im * c - odd_re * s);
        to[0] = scaled(a_re + b_re - im, 1);
        to[1] = scaled(b_im - a_im - re, 1);
        other[0] = scaled(a_re + b_re + im, 1);
        other[1] = scaled(a_im - b_im - re, 1);
        sizes |= size_of(to[0]) | size_of(to[1]);
        sizes |= size_of(other[0]) | size_of(other[1]);
    }
    z = transform(Z, X, &sizes, &q);
    for (i = 0; i < N; ++i) {
        const int64_t v = i % 2 != 0 ? -(int64_t)z[i] : z[i];
        const int64_t sum = sound->sum[i] + rounded(v * window_at(i), SUM_SHIFT + q);
        sound->sum[i] = (int32_t)clipped(sum, INT32_MIN, INT32_MAX);
    }
}

/* The spectrum that answers are about, in place of the newest one. */
static void look_ahead(${prefix}_sound *sound)
{
#if ${PREFIX}_LOOKAHEAD > 0
    int32_t *const oldest = sound->ahead[sound->oldest];
    const int32_t q = sound->q;
    int32_t i;

    sound->q = sound->ahead_q[sound->oldest];
    sound->ahead_q[sound->oldest] = q;
    for (i = 0; i < N + 2; ++i) {
        const int32_t newest = sound->spectrum[i];
        sound->spectrum[i] = oldest[i];
        oldest[i] = newest;
    }
    sound->oldest = (sound->oldest + 1) % ${PREFIX}_LOOKAHEAD;
#else
    (void)sound;
#endif
}

void ${prefix}_sound_reset(${prefix}_sound *sound)
{
    int32_t i;

    ${prefix}_reset(&sound->network);
#if ${PREFIX}_LOOKAHEAD > 0
    sound->oldest = 0;
    for (i = 0; i < ${PREFIX}_LOOKAHEAD; ++i)
        sound->ahead_q[i] = 0;
    for (i = 0; i < ${PREFIX}_LOOKAHEAD * (N + 2); ++i)
        sound->ahead[i / (N + 2)][i % (N + 2)] = 0;
#endif
    for (i = 0; i < LAP; ++i)
        sound->heard[i] = 0;
    for (i = 0; i < N; ++i)
        sound->sum[i] = 0;
    sound->early = EARLY;$followed_reset
}

void ${prefix}_sound_init(${prefix}_sound *sound)
{
    int32_t i;

    ${prefix}_init(&sound->network);
    for (i = 0; i < N; ++i)
        sound->spectrum[i] = sound->work[i] = 0;
    sound->spectrum[N] = sound->spectrum[N + 1] = 0;
    for (i = 0; i < ${PREFIX}_D_IN; ++i)
        sound->token[i] = 0;
    for (i = 0; i < ${PREFIX}_D_OUT; ++i)
        sound->answer[i] = 0;
    ${prefix}_sound_strength(sound, -1);
    sound->q = 0;
    ${prefix}_sound_reset(sound);
}

void ${prefix}_sound_strength(${prefix}_sound *sound, int32_t decibels)
{
    const int32_t n = (int32_t)(sizeof share / sizeof *share);

    if (decibels < 0)
        decibels = ${PREFIX}_STRENGTH;
    sound->kept = decibels >= 0 && decibels < n ? share[decibels] : 0;
}

void ${prefix}_sound_process_int16(${prefix}_sound *sound, const int16_t *in,
                                   int16_t *out)
{
    int32_t i;

    analyse(sound, in);
    features(sound);
    (void)${prefix}_step(&sound->network, sound->token, sound->answer);
    look_ahead(sound);
    synthesise(sound);
    if (sound->early > 0) { /* what lies before the stream is no sound */
        for (i = 0; i < HOP; ++i)
            sound->sum[i] = 0;
        --sound->early;
    }
    for (i = 0; i < HOP; ++i)
        out[i] = (int16_t)clipped(rounded((int64_t)sound->sum[i] * SYNTHESIS, 41),
                                  -32768, 32767);
    for (i = 0; i < LAP; ++i)
        sound->sum[i] = sound->sum[i + HOP];
    for (i = LAP; i < N; ++i)
        sound->sum[i] = 0;
}
