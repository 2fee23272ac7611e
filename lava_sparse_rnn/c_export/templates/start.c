/* SPDX-License-Identifier: BSD-3-Clause */
static void start(int32_t *acc, const $bias_t *bias, int32_t n)
{
    int32_t i;
    for (i = 0; i < n; ++i)
        acc[i] = bias[i];
}
