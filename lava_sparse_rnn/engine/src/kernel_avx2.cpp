// SPDX-License-Identifier: BSD-3-Clause
// AVX2: payloads of at most 16 bits.
#include "executor.h"
#ifdef ENGINE_X86
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "program.h"
#include "tiles.h"
#include "windows.h"

#define TARGET __attribute__((target("avx2")))

namespace engine {
namespace {

constexpr int kWindow = 16;  // what one vpshufb looks up
constexpr int kPerRow = 2;   // what one vpmaddwd adds up
// Measured cost of a group of 32 slots relative to a tile of 16 x 2 weights.
constexpr double kGroupCost = 2.1;

struct Kernel {
  using Value = int32_t;
  using Wire = int16_t;
  static constexpr bool kWide = false;
  static constexpr int kRegister = 32;
#include "elementwise.inc"

  struct Matrix {
    int slices, columns;
    bool sparse;
    Array<uint8_t> stream;         // per group 32 offsets, then 32 weights
    std::vector<uint16_t> starts;  // per group
    std::vector<uint32_t> groups;  // per slice
    Array<int8_t> tiles;
  };

  static Matrix pack(const Csr& csr, const std::string& layout,
                     std::vector<std::string>& layouts) {
    Matrix m{round_up(csr.rows, kLanes) / kLanes, csr.columns, true, {}, {}, {}, {}};
    const int last_start = round_up(csr.columns, kWindow) - kWindow;
    if (csr.columns > 65536) throw std::invalid_argument("engine: too many columns");
    for (int s = 0; s < m.slices; ++s) {
      const auto groups =
          free_windows(slice_of(csr, s, 0, csr.columns), last_start, kWindow, kPerRow);
      m.groups.push_back(static_cast<uint32_t>(groups.size()));
      for (const Group& group : groups) append(m, group);
    }
    const double tiles = m.slices * (round_up(csr.columns, kPerRow) / kPerRow);
    m.sparse = choose_windows(layout, kGroupCost * double(m.starts.size()), tiles);
    layouts.push_back(m.sparse ? "sparse" : "dense");
    if (m.sparse) return m;
    m.stream.clear();
    m.starts.clear();
    m.tiles = tiles_of(csr, kPerRow);
    return m;
  }

  // In the order that unpacking bytes in each half of a register asks for: rows 0-3
  // and 8-11 in the lower half, rows 4-7 and 12-15 in the upper.
  static void append(Matrix& m, const Group& group) {
    static constexpr int order[] = {0, 1, 2, 3, 8, 9, 10, 11,
                                    4, 5, 6, 7, 12, 13, 14, 15};
    m.starts.push_back(static_cast<uint16_t>(group.start));
    for (int row : order)
      for (int i = 0; i < kPerRow; ++i) m.stream.push_back(group.rows[row][i].offset);
    for (int row = 0; row < kLanes; ++row)
      for (int i = 0; i < kPerRow; ++i)
        m.stream.push_back(static_cast<uint8_t>(group.rows[row][i].value));
  }

  TARGET static void split(const Wire* __restrict__ in, uint8_t* __restrict__ low,
                           uint8_t* __restrict__ high, int n) {
    for (int i = 0; i < n; ++i) {
      low[i] = static_cast<uint8_t>(in[i]);
      high[i] = static_cast<uint8_t>(static_cast<uint16_t>(in[i]) >> 8);
    }
  }

  TARGET static __m256i table(const uint8_t* bytes) {
    return _mm256_broadcastsi128_si256(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
  }
  TARGET static __m256i weights(const void* bytes) {
    return _mm256_cvtepi8_epi16(_mm_load_si128(static_cast<const __m128i*>(bytes)));
  }
  TARGET static void put(int32_t* acc, __m256i sum) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(acc), sum);
  }

  TARGET static void windows(const Matrix& m, const Wire* in, int32_t* acc,
                             uint8_t* bytes, int stride) {
    uint8_t *low = bytes, *high = bytes + stride;
    split(in, low, high, round_up(m.columns, kWindow));
    const uint8_t* at = m.stream.data();
    const uint16_t* start = m.starts.data();
    for (int s = 0; s < m.slices; ++s, acc += kLanes) {
      __m256i sum0 = _mm256_setzero_si256(), sum1 = sum0;
      for (uint32_t g = m.groups[s]; g; --g, ++start, at += 64) {
        const __m256i offsets =
            _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
        const __m256i l = _mm256_shuffle_epi8(table(low + *start), offsets);
        const __m256i h = _mm256_shuffle_epi8(table(high + *start), offsets);
        sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(_mm256_unpacklo_epi8(l, h),
                                                        weights(at + 32)));
        sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(_mm256_unpackhi_epi8(l, h),
                                                        weights(at + 48)));
      }
      put(acc, sum0);
      put(acc + 8, sum1);
    }
  }

  template <int slices>
  TARGET static const int8_t* block(const int8_t* tile, const Wire* in, int32_t* acc,
                                    int steps) {
    __m256i sum[2 * slices];
    for (auto& s : sum) s = _mm256_setzero_si256();
    for (int step = 0; step < steps; ++step, in += kPerRow) {
      int32_t pair;
      std::memcpy(&pair, in, sizeof(pair));
      const __m256i payload = _mm256_set1_epi32(pair);
#pragma GCC unroll 12
      for (int i = 0; i < 2 * slices; ++i, tile += 16)
        sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(payload, weights(tile)));
    }
#pragma GCC unroll 12
    for (int i = 0; i < 2 * slices; ++i) put(acc + 8 * i, sum[i]);
    return tile;
  }

  static void multiply(const Matrix& m, const Wire* in, int32_t* acc, uint8_t* bytes,
                       int stride) {
    if (m.sparse) return windows(m, in, acc, bytes, stride);
    using Block = const int8_t* (*)(const int8_t*, const Wire*, int32_t*, int);
    static constexpr Block blocks[] = {block<1>, block<2>, block<3>,
                                       block<4>, block<5>, block<6>};
    const int steps = round_up(m.columns, kPerRow) / kPerRow;
    const int8_t* tile = m.tiles.data();
    for (int s = 0; s < m.slices; s += kBlock)
      tile = blocks[std::min(kBlock, m.slices - s) - 1](tile, in, acc + kLanes * s,
                                                        steps);
  }
};

}  // namespace

std::unique_ptr<Executor> make_avx2(const Description& description) {
  return make_program<Kernel>(description);
}

}  // namespace engine
#endif
