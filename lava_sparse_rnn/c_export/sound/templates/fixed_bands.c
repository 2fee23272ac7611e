/* SPDX-License-Identifier: BSD-3-Clause */
/* The numbers of the token that are bands. A bin above the linear ones lies between two
 * bands; its share of |X|^2 is the upper one's, the rest the lower one's. A share is 2^31
 * at most: the products are of 32 bits times 32. What the weights of a band add up to,
 * times 2^60 and divided by 2^$band_down, is below 2^64, and so is every sum. */
static void hear_bands(${prefix}_sound *sound)
{
    uint64_t above = 0;
    int32_t i = LINEAR, band;

    for (band = 0; band < BANDS; ++band) {
        uint64_t sum = above;

        above = 0;
        for (; i <= HALF && band_lower[i - LINEAR] == band; ++i) {
            const uint64_t square = square_at(sound, i) >> $band_down;
            const uint32_t high = (uint32_t)(square >> 32), low = (uint32_t)square;
            const uint64_t weight = band_share[i - LINEAR];
            const uint64_t part = (high * weight << 1) + (low * weight >> 31);
            sum += square - part;
            above += part;
        }
        hear(sound, LINEAR + band, sum, band_scale[band], sound->q + band_shift[band]);
    }
}

/* The answer for a bin: above the linear ones, between those of its two bands, which
 * have 31 bits and a sign; their difference times a share is below 2^63. */
static int32_t interpolated(const ${prefix}_sound *sound, int32_t i)
{
    const int32_t bin = i - LINEAR;
    int32_t band;
    int64_t below, apart;

    if (bin < 0)
        return answer_at(sound, i);
    band = LINEAR + band_lower[bin];
    below = answer_at(sound, band);
    apart = answer_at(sound, band + 1) - below;
    return (int32_t)(below + rounded(apart * band_share[bin], 31));
}
