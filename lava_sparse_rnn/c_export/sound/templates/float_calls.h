/* SPDX-License-Identifier: BSD-3-Clause */
/* Denoise the next ${PREFIX}_HOP samples, 1 is full scale. `in` and `out` may be the same memory.
 *
 * Returns 0; or 1, with nothing changed, where a sample is not finite or above 64. */
int ${prefix}_sound_process(${prefix}_sound *sound, const float *in, float *out);

/* The same with integers, 32768 is full scale; what is louder is clipped. */
void ${prefix}_sound_process_int16(${prefix}_sound *sound, const int16_t *in,
                                   int16_t *out);

/* The mean gain of the bins from one to another, those included, of the last call. */
float ${prefix}_sound_gain(const ${prefix}_sound *sound, int32_t first, int32_t last);
