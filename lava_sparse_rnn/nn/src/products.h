// SPDX-License-Identifier: BSD-3-Clause
// Matrix products of bfloat16 in the tiles of Intel's AMX, summed in float32.
//
// torch multiplies whole matrices, so that everything between two products goes to
// memory and back. These take a few hundred rows at a time, which stay in a core's own
// cache.
#pragma once
#include "number.h"

namespace training {

// A packed matrix (k, n) has a KiB for every 32 rows of 16 columns.
inline int64_t packed_size(int64_t k, int64_t n) {
  return (k + 31) / 32 * ((n + 15) / 16) * 512;
}

// What is read of a left operand: rows to a multiple of 16, and the end of a row to a
// multiple of 32 numbers. Numbers beyond the row have to be finite.
inline int64_t left_size(int64_t m, int64_t stride) {
  return (m + 15) / 16 * 16 * stride + 32;
}

struct Products {
  // Between these two a thread may call the others.
  void (*open)();
  void (*close)();
  // Packs b (k, n), rows `stride` apart.
  void (*pack)(int64_t k, int64_t n, const Bfloat16* b, int64_t stride, Bfloat16* to);
  // Packs the transpose of b (n, k).
  void (*pack_turned)(int64_t k, int64_t n, const Bfloat16* b, int64_t stride,
                      Bfloat16* to);
  // The transpose of a (m, n); rows of `to` are `stride` apart, a multiple of 32, and
  // zero from m to the next such multiple.
  void (*turn)(int64_t m, int64_t n, const Bfloat16* a, int64_t a_stride, Bfloat16* to,
               int64_t stride);
  // to = alpha * a b + beta * add, where add is or is not (null); the latter two may be
  // the same.
  void (*product)(int64_t m, int64_t n, int64_t k, float alpha, const Bfloat16* a,
                  int64_t a_stride, const Bfloat16* b, float beta, const Bfloat16* add,
                  Bfloat16* to, int64_t stride);
  // to += a b, for `to` with rows and columns to multiples of 16.
  void (*add_product)(int64_t m, int64_t n, int64_t k, const Bfloat16* a,
                      int64_t a_stride, const Bfloat16* b, float* to, int64_t stride);
};

// For this processor, or null.
const Products* products();

}  // namespace training
