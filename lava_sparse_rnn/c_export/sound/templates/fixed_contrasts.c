/* SPDX-License-Identifier: BSD-3-Clause */
/* How many frames came after silence; a window has `$hops` hops. Silence is no floor, and
 * neither is a window that sound has not filled yet. */
static void follow_silence(${prefix}_sound *sound, uint32_t now)
{
    if (now < $silence)
        sound->since = 0;
    else if (sound->since <= $hops)
        ++sound->since;
}

/* How far logarithm i is above its floor, which is the least that its smooth course was
 * and rises a little with every token; and by how much it has changed. */
static void hear_contrasts(${prefix}_sound *sound, int32_t i, int32_t log)
{
    int32_t *const before = sound->before + i;
    int32_t *const smooth = sound->smooth + i, *const low = sound->low + i;

    if (sound->since <= $hops)
        *before = *smooth = *low = log;
    *smooth += (int32_t)rounded((int64_t)(log - *smooth) * $part, 31);
    *low += $rise;
    if (*low > *smooth)
        *low = *smooth;
    tell(sound, ${PREFIX}_D_OUT + i, log - *low);
    tell(sound, 2 * ${PREFIX}_D_OUT + i, log - *before);
    *before = log;
}
