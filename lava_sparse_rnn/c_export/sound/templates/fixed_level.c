/* SPDX-License-Identifier: BSD-3-Clause */
/* The running level of the sound, in multiples of 2^-30 of full scale, and what brings
 * this frame to that of the training: a mean of all frames at first, and later of some
 * last seconds. A frame of silence leaves it as it was. The level is 1.35 at most, as the outermost bins count as the others. */
static void follow_level(${prefix}_sound *sound)
{
    uint64_t sum = 0;
    uint32_t now = 0, part = $level_least;
    int32_t i;

    for (i = 0; i <= HALF; ++i)
        sum += square_at(sound, i) >> $level_down;
    if (sum != 0) {
        const uint32_t high = (uint32_t)(sum >> 32), low = (uint32_t)sum;
        const int up =
            (high != 0 ? leading_zeros(high) : 32 + leading_zeros(low)) / 2;
        const int down = sound->q + up + $level_shift;
        now = (uint32_t)((uint64_t)root(sum << 2 * up) * $mean_square >> 32);
        now = down < 32 ? now >> down : 0;
    }
    if (now >= $level_floor) {
        if (sound->frames < $level_frames)
            ++sound->frames;
        if (0x80000000u / (uint32_t)sound->frames > part)
            part = 0x80000000u / (uint32_t)sound->frames;
        sound->level +=
            (int32_t)rounded(((int64_t)now - sound->level) * (int64_t)part, 31);
        i = (int32_t)((uint64_t)now * $level_attack >> 32);
        if (sound->level < i)
            sound->level = i;
    }
    sound->factor_up = leading_zeros((uint32_t)sound->level);
    sound->factor = (uint32_t)(0x7fffffffffffffffu /
                               ((uint32_t)sound->level << sound->factor_up));
}
