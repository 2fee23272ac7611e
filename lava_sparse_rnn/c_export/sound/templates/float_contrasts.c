/* SPDX-License-Identifier: BSD-3-Clause */
/* How many frames came after silence; a window has `$hops` hops. Silence is no floor, and
 * neither is a window that sound has not filled yet. */
static void follow_silence(${prefix}_sound *sound, float now)
{
    if (now < $silence)
        sound->since = 0;
    else if (sound->since <= $hops)
        ++sound->since;
}

/* How far feature i is above its floor, which is the least that its smooth course was
 * and rises a little with every token; and by how much it has changed. */
static void hear_contrasts(${prefix}_sound *sound, int32_t i, float feature)
{
    float *const before = sound->before + i;
    float *const smooth = sound->smooth + i, *const low = sound->low + i;

    if (sound->since <= $hops)
        *before = *smooth = *low = feature;
    *smooth += $part * (feature - *smooth);
    *low += $rise;
    if (*low > *smooth)
        *low = *smooth;
    tell(sound, ${PREFIX}_D_OUT + i, feature - *low);
    tell(sound, 2 * ${PREFIX}_D_OUT + i, feature - *before);
    *before = feature;
}
