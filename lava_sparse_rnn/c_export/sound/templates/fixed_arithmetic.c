/* SPDX-License-Identifier: BSD-3-Clause */
/* C99 leaves >> of a negative number to the compiler: where it is the arithmetic shift,
 * as on every known machine, the question costs nothing. */
#ifndef ARITHMETIC_SHIFT
#define ARITHMETIC_SHIFT ((-1 >> 1) == -1)
#endif

/* v / 2^n, rounded down; and rounded, n > 0. */
static int64_t floor_of(int64_t v, int n)
{
    return ARITHMETIC_SHIFT || v >= 0 ? v >> n : -1 - ((-1 - v) >> n);
}

static int64_t rounded(int64_t v, int n)
{
    return floor_of(v + ((int64_t)1 << (n - 1)), n);
}

/* v / 2^32, rounded: half of what a product with a multiple of 2^-31 is. */
static int32_t half_of(int64_t v)
{
    return (int32_t)rounded(v, 32);
}

/* v / 2^n, rounded, n >= 0. */
static int32_t scaled(int32_t v, int n)
{
    v += ((int32_t)1 << n) >> 1;
    return ARITHMETIC_SHIFT || v >= 0 ? v >> n : -1 - ((-1 - v) >> n);
}

/* A number that has as many bits as v without its sign. */
static uint32_t size_of(int32_t v)
{
    return (uint32_t)(v < 0 ? -1 - v : v);
}

/* By how many bits numbers are too large that should have so many. */
static int excess(uint32_t sizes, int bits)
{
    int n = 0;

    for (sizes >>= bits; sizes != 0; sizes >>= 1)
        ++n;
    return n;
}

static int64_t clipped(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* The zeros before the first one, v > 0. */
static int leading_zeros(uint32_t v)
{
#if defined __GNUC__ && __SIZEOF_INT__ == 4
    return __builtin_clz(v);
#else
    int n = 0;

    for (; !(v & 0x80000000u); v <<= 1)
        ++n;
    return n;
#endif
}

/* The square root of n >= 2^62, rounded down. With x = n / 2^64, y goes towards
 * 1 / sqrt(x) in two steps of Newton's, and the root in one; the loops are for what is
 * left, a unit or two. */
static uint32_t root(uint64_t n)
{
    const uint32_t x = (uint32_t)(n >> 32);
    uint64_t y = (uint64_t)inverse_root[(x >> 25) - 32] << 23; /* of 2^-30 */
    uint64_t r, t;
    int64_t rest;
    int i;

    for (i = 0; i < 2; ++i) {
        t = x * (y * y >> 32) >> 32;
        y = y * (0x30000000u - t) >> 29;
    }
    r = x * y >> 30;
    if (r > 0xffffffffu)
        r = 0xffffffffu;
    rest = (int64_t)(n - r * r);
    r += (uint64_t)floor_of(rest * (int64_t)(y >> 15), 48);
    if (r > 0xffffffffu)
        r = 0xffffffffu;
    while (r * r > n)
        --r;
    while (n - r * r > 2 * r)
        ++r;
    return (uint32_t)r;
}

/* log2(v / 2^31) of v >= 2^31, in multiples of 2^-25. v is one of 32 numbers times
 * 1 + u, and log2(1 + u) a cubic. */
static int32_t log_of(uint32_t v)
{
    const uint32_t at = v >> 26 & 31;
    const int64_t u = (int64_t)((uint64_t)v * reciprocal[at] >> 31) - 0x80000000;
    int64_t sum = $cubic;

    sum = $square + rounded(sum * u, 31);
    sum = $linear + rounded(sum * u, 31);
    return logarithm[at] + (int32_t)rounded(sum * u, 36);
}

/* log2(1 + sqrt(square) * scale / 2^(32 + n)) in multiples of 2^-25. */
static int32_t feature_of(uint64_t square, uint32_t scale, int n)
{
    const uint32_t high = (uint32_t)(square >> 32), low = (uint32_t)square;
    uint32_t size;
    uint64_t sum;
    int up, top;

    if (square == 0)
        return 0;
    up = (high != 0 ? leading_zeros(high) : 32 + leading_zeros(low)) / 2;
    size = (uint32_t)((uint64_t)root(square << 2 * up) * scale >> 32);
    n += up; /* the logarithm is that of 1 + size / 2^n */
    if (n > 62)
        return 0;
    sum = ((uint64_t)1 << n) + size;
    top = (sum >> 32) != 0 ? 63 - leading_zeros((uint32_t)(sum >> 32))
                           : 31 - leading_zeros((uint32_t)sum);
    sum = top > 31 ? sum >> (top - 31) : sum << (31 - top);
    return (top - n) * 0x2000000 + log_of((uint32_t)sum);
}
