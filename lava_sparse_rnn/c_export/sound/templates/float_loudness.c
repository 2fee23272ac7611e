/* SPDX-License-Identifier: BSD-3-Clause */
/* About the root mean square of the frame: silence is below $silence. */
static float loudness(const ${prefix}_sound *sound)
{
    float sum = 0.0f;
    int32_t i;

    for (i = 0; i <= HALF; ++i)
        sum += square_at(sound, i);
    return root($mean_square * sum);
}
