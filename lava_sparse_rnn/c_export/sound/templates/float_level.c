/* SPDX-License-Identifier: BSD-3-Clause */
/* The running level of the sound, and what brings this frame to that of the training:
 * a mean of all frames at first, and later of some last seconds. A frame of silence leaves it as it was. */
static void follow_level(${prefix}_sound *sound)
{
    float sum = 0.0f, now, part;
    int32_t i;

    for (i = 0; i <= HALF; ++i)
        sum += square_at(sound, i);
    now = root($mean_square * sum);
    if (now >= $level_floor) {
        if (sound->frames < $level_frames)
            ++sound->frames;
        part = 1.0f / (float)sound->frames;
        if (part < $level_least)
            part = $level_least;
        sound->level += part * (now - sound->level);
        if (sound->level < $level_attack * now)
            sound->level = $level_attack * now;
    }
    sound->factor = $level_reference / sound->level;
}
