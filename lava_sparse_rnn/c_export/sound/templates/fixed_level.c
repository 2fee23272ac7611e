/* SPDX-License-Identifier: BSD-3-Clause */
/* The running level of the sound, in multiples of 2^-30 of full scale, and what brings
 * this frame to that of the training: a mean of all frames at first, and later of some
 * last seconds. Silence leaves it as it was. */
static void follow_level(${prefix}_sound *sound, uint32_t now)
{
    const int32_t attack = (int32_t)((uint64_t)now * $level_attack >> 32);
    uint32_t part = $level_least;

    if (now >= $silence) {
        if (sound->frames < $level_frames)
            ++sound->frames;
        if (0x80000000u / (uint32_t)sound->frames > part)
            part = 0x80000000u / (uint32_t)sound->frames;
        sound->level +=
            (int32_t)rounded(((int64_t)now - sound->level) * (int64_t)part, 31);
        if (sound->level < attack)
            sound->level = attack;
    }
    sound->factor_up = leading_zeros((uint32_t)sound->level);
    sound->factor = (uint32_t)(0x7fffffffffffffffu /
                               ((uint32_t)sound->level << sound->factor_up));
}
