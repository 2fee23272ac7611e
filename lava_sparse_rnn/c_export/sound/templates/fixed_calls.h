/* SPDX-License-Identifier: BSD-3-Clause */
/* Denoise the next ${PREFIX}_HOP samples, 32768 is full scale; what is louder is clipped. `in` and
 * `out` may be the same memory. */
void ${prefix}_sound_process_int16(${prefix}_sound *sound, const int16_t *in,
                                   int16_t *out);
