// SPDX-License-Identifier: BSD-3-Clause
// See products.h. As in common.inc, nothing of the standard library's templates is used.
#include <immintrin.h>

#include "products.h"

namespace training {
namespace {

struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// Not on the stack: gcc believes that only its first bytes are read.
alignas(64) const TileConfig kConfig;

void open() { _tile_loadconfig(&kConfig); }

void close() { _tile_release(); }

// First `count` of 16 or 32 lanes.
inline __mmask16 first(int64_t count) {
  return count >= 16 ? __mmask16(0xffff) : __mmask16((1u << count) - 1u);
}
inline __mmask32 first_short(int64_t count) {
  return count >= 32 ? ~__mmask32(0) : __mmask32((1u << count) - 1u);
}

// Two rows of 16 columns, interleaved; a row is null where there is none.
inline __m512i interleaved(const Bfloat16* low, const Bfloat16* high, __mmask16 mask) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i a = low == nullptr ? zero : _mm256_maskz_loadu_epi16(mask, low);
  const __m256i b = high == nullptr ? zero : _mm256_maskz_loadu_epi16(mask, high);
  return _mm512_or_si512(_mm512_cvtepu16_epi32(a),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16));
}

// Of 16 rows of 16 numbers of 32 bits.
inline void transpose(__m512i* r) {
  __m512i t[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 8; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
  }
}

// 32 rows of 16 columns from a (m, .), as 16 interleaved pairs.
inline void pairs(int64_t rows, const Bfloat16* a, int64_t stride, __mmask16 mask,
                  __m512i* to) {
  for (int64_t p = 0; p < 16; ++p) {
    const Bfloat16* low = 2 * p < rows ? a + 2 * p * stride : nullptr;
    const Bfloat16* high = 2 * p + 1 < rows ? a + (2 * p + 1) * stride : nullptr;
    to[p] = interleaved(low, high, mask);
  }
}

void pack(int64_t k, int64_t n, const Bfloat16* b, int64_t stride, Bfloat16* to) {
  const int64_t deep = (k + 31) / 32;
  for (int64_t i = 0; i < deep; ++i)
    for (int64_t j = 0; 16 * j < n; ++j) {
      __m512i part[16];
      pairs(k - 32 * i, b + 32 * i * stride + 16 * j, stride, first(n - 16 * j), part);
      Bfloat16* tile = to + (j * deep + i) * 512;
      for (int p = 0; p < 16; ++p) _mm512_storeu_si512(tile + 32 * p, part[p]);
    }
}

void pack_turned(int64_t k, int64_t n, const Bfloat16* b, int64_t stride, Bfloat16* to) {
  const int64_t deep = (k + 31) / 32;
  for (int64_t j = 0; 16 * j < n; ++j)
    for (int64_t i = 0; i < deep; ++i) {
      const __mmask32 mask = first_short(k - 32 * i);
      __m512i part[16];
      for (int64_t r = 0; r < 16; ++r)
        part[r] = 16 * j + r < n ? _mm512_maskz_loadu_epi16(
                                       mask, b + (16 * j + r) * stride + 32 * i)
                                 : _mm512_setzero_si512();
      transpose(part);
      Bfloat16* tile = to + (j * deep + i) * 512;
      for (int p = 0; p < 16; ++p) _mm512_storeu_si512(tile + 32 * p, part[p]);
    }
}

void turn(int64_t m, int64_t n, const Bfloat16* a, int64_t a_stride, Bfloat16* to,
          int64_t stride) {
  for (int64_t i = 0; i < m; i += 32)
    for (int64_t j = 0; j < n; j += 16) {
      __m512i part[16];
      pairs(m - i, a + i * a_stride + j, a_stride, first(n - j), part);
      transpose(part);
      for (int64_t c = 0; c < 16 && j + c < n; ++c)
        _mm512_storeu_si512(to + (j + c) * stride + i, part[c]);
    }
}

// Tiles 0 to 3 are sums of two by two, 4 and 5 are of the left operand, 6 and 7 of the
// right one.
template <bool two_rows, bool two_columns>
inline void multiply(int64_t deep, const Bfloat16* a, int64_t a_stride,
                     const Bfloat16* b) {
  const Bfloat16* below = a + 16 * a_stride;
  const Bfloat16* beside = b + 512 * deep;
  const auto bytes = size_t(2 * a_stride);
  for (int64_t i = 0; i < deep; ++i) {
    _tile_loadd(4, a + 32 * i, bytes);
    _tile_loadd(6, b + 512 * i, 64);
    _tile_dpbf16ps(0, 4, 6);
    if (two_columns) {
      _tile_loadd(7, beside + 512 * i, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (two_rows) {
      _tile_loadd(5, below + 32 * i, bytes);
      _tile_dpbf16ps(2, 5, 6);
      if (two_columns) _tile_dpbf16ps(3, 5, 7);
    }
  }
}

inline void multiply_some(bool two_rows, bool two_columns, int64_t deep,
                          const Bfloat16* a, int64_t a_stride, const Bfloat16* b) {
  if (two_rows && two_columns)
    multiply<true, true>(deep, a, a_stride, b);
  else if (two_rows)
    multiply<true, false>(deep, a, a_stride, b);
  else if (two_columns)
    multiply<false, true>(deep, a, a_stride, b);
  else
    multiply<false, false>(deep, a, a_stride, b);
}

inline __m512 widened(__m256i x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

// Sums of 32 rows and columns of a product, on their way to where they belong.
struct Block {
  alignas(64) float sums[32 * 32];
  int64_t row, column;

  void store() {
    _tile_stored(0, sums, 128);
    _tile_stored(1, sums + 16, 128);
    _tile_stored(2, sums + 512, 128);
    _tile_stored(3, sums + 528, 128);
  }

  // The instruction rounds as `store` in number.h does, and numbers below 2^-126 to
  // zero, which is what the tiles make of them anyway.
  template <bool has_more>
  void write(int64_t m, int64_t n, __m512 by, __m512 more, const Bfloat16* add,
             Bfloat16* to, int64_t stride) const {
    const int64_t rows = m - row < 32 ? m - row : 32;
    const __mmask16 low = first(n - column);
    const __mmask16 high = n - column > 16 ? first(n - column - 16) : __mmask16(0);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = (row + r) * stride + column;
      __m512 x = _mm512_mul_ps(by, _mm512_load_ps(sums + 32 * r));
      __m512 y = _mm512_mul_ps(by, _mm512_load_ps(sums + 32 * r + 16));
      if (has_more) {
        x = _mm512_fmadd_ps(more, widened(_mm256_maskz_loadu_epi16(low, add + at)), x);
        y = _mm512_fmadd_ps(
            more, widened(_mm256_maskz_loadu_epi16(high, add + at + 16)), y);
      }
      _mm512_mask_storeu_epi16(to + at, __mmask32(low) | __mmask32(high) << 16,
                               (__m512i)_mm512_cvtne2ps_pbh(y, x));
    }
  }
};

template <bool has_more>
void product_as(int64_t m, int64_t n, int64_t k, float alpha, const Bfloat16* a,
                int64_t a_stride, const Bfloat16* b, float beta, const Bfloat16* add,
                Bfloat16* to, int64_t stride) {
  Block blocks[2];
  const int64_t deep = (k + 31) / 32;
  const __m512 by = _mm512_set1_ps(alpha), more = _mm512_set1_ps(beta);
  int64_t count = 0;
  for (int64_t i = 0; i < m; i += 32)
    for (int64_t j = 0; j < n; j += 32, ++count) {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
      multiply_some(m - i > 16, n - j > 16, deep, a + i * a_stride, a_stride,
                    b + j / 16 * deep * 512);
      // The block before goes to its place while the tiles are at work.
      if (count > 0)
        blocks[(count - 1) % 2].write<has_more>(m, n, by, more, add, to, stride);
      blocks[count % 2].row = i;
      blocks[count % 2].column = j;
      blocks[count % 2].store();
    }
  if (count > 0)
    blocks[(count - 1) % 2].write<has_more>(m, n, by, more, add, to, stride);
}

void product(int64_t m, int64_t n, int64_t k, float alpha, const Bfloat16* a,
             int64_t a_stride, const Bfloat16* b, float beta, const Bfloat16* add,
             Bfloat16* to, int64_t stride) {
  if (add == nullptr)
    product_as<false>(m, n, k, alpha, a, a_stride, b, beta, add, to, stride);
  else
    product_as<true>(m, n, k, alpha, a, a_stride, b, beta, add, to, stride);
}

void add_product(int64_t m, int64_t n, int64_t k, const Bfloat16* a, int64_t a_stride,
                 const Bfloat16* b, float* to, int64_t stride) {
  const int64_t deep = (k + 31) / 32;
  const auto bytes = size_t(4 * stride);
  for (int64_t i = 0; i < m; i += 32)
    for (int64_t j = 0; j < n; j += 32) {
      const bool two_rows = m - i > 16, two_columns = n - j > 16;
      float* sums = to + i * stride + j;
      float* below = sums + 16 * stride;
      _tile_loadd(0, sums, bytes);
      if (two_columns) _tile_loadd(1, sums + 16, bytes);
      if (two_rows) _tile_loadd(2, below, bytes);
      if (two_rows && two_columns) _tile_loadd(3, below + 16, bytes);
      multiply_some(two_rows, two_columns, deep, a + i * a_stride, a_stride,
                    b + j / 16 * deep * 512);
      _tile_stored(0, sums, bytes);
      if (two_columns) _tile_stored(1, sums + 16, bytes);
      if (two_rows) _tile_stored(2, below, bytes);
      if (two_rows && two_columns) _tile_stored(3, below + 16, bytes);
    }
}

}  // namespace

extern const Products kAmx;
const Products kAmx = {open,        close, pack, pack_turned,
                       turn, product, add_product};

}  // namespace training
