/* SPDX-License-Identifier: BSD-3-Clause */
/* The numbers of the token that are bands. A bin above the linear ones lies between two
 * bands; its share of |X|^2 is the upper one's, the rest the lower one's. */
static void hear_bands(${prefix}_sound *sound)
{
    float above = 0.0f;
    int32_t i = LINEAR, band;

    for (band = 0; band < BANDS; ++band) {
        float sum = above;

        above = 0.0f;
        for (; i <= HALF && band_lower[i - LINEAR] == band; ++i) {
            const float square = square_at(sound, i);
            const float part = band_share[i - LINEAR] * square;
            sum += square - part;
            above += part;
        }
        hear(sound, LINEAR + band, sum, band_scale[band]);
    }
}

/* The answer for a bin: above the linear ones, between those of its two bands. */
static float interpolated(const ${prefix}_sound *sound, int32_t i)
{
    const int32_t bin = i - LINEAR;
    int32_t band;
    float below;

    if (bin < 0)
        return answer_at(sound, i);
    band = LINEAR + band_lower[bin];
    below = answer_at(sound, band);
    return below + band_share[bin] * (answer_at(sound, band + 1) - below);
}
