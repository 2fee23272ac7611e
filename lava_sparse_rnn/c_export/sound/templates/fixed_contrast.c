/* SPDX-License-Identifier: BSD-3-Clause */
/* How far logarithm i is above its floor, which is the least that its smooth course was
 * and rises a little with every token; and by how much it has changed. */
static void hear_contrasts(${prefix}_sound *sound, int32_t i, int32_t log)
{
    int32_t *const before = sound->before + i;
    int32_t *const smooth = sound->smooth + i, *const low = sound->low + i;

    if (log <= $silence || *smooth <= $silence) /* it begins */
        *before = *smooth = *low = log;
    *smooth += (int32_t)rounded((int64_t)(log - *smooth) * $part, 31);
    *low += $rise;
    if (*low > *smooth)
        *low = *smooth;
    tell(sound, ${PREFIX}_D_OUT + i, log - *low);
    tell(sound, 2 * ${PREFIX}_D_OUT + i, log - *before);
    *before = log;
}
