/* SPDX-License-Identifier: BSD-3-Clause */
/* About the root mean square of the frame, in multiples of 2^-30 of full scale: silence
 * is below $silence. It is 1.35 at most, as the outermost bins count as the others. */
static uint32_t loudness(const ${prefix}_sound *sound)
{
    uint64_t sum = 0;
    uint32_t high, now;
    int32_t i;
    int up, down;

    for (i = 0; i <= HALF; ++i)
        sum += square_at(sound, i) >> $power_down;
    if (sum == 0)
        return 0;
    high = (uint32_t)(sum >> 32);
    up = (high != 0 ? leading_zeros(high) : 32 + leading_zeros((uint32_t)sum)) / 2;
    down = sound->q + up + $power_shift;
    now = (uint32_t)((uint64_t)root(sum << 2 * up) * $mean_square >> 32);
    return down < 32 ? now >> down : 0;
}
