/* SPDX-License-Identifier: BSD-3-Clause */
/* The running level of the sound, and what brings this frame to that of the training: a
 * mean of all frames at first, and later of some last seconds. Silence leaves it as it
 * was. */
static void follow_level(${prefix}_sound *sound, float now)
{
    float part;

    if (now >= $silence) {
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
