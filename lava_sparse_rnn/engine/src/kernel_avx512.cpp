// SPDX-License-Identifier: BSD-3-Clause
// AVX-512 with VBMI (byte lookup) and VNNI (byte products): payloads of at most 16
// bits.
//
// vpdpbusd multiplies unsigned bytes by signed ones. Payloads are signed: 32,768
// (128 where they have 8 bits) is added to them, which flips one bit of their highest
// byte, and subtracted again, times the sum of the row's weights, where sums begin.
#include "executor.h"
#ifdef ENGINE_X86
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "program.h"
#include "tiles.h"
#include "windows.h"

#define TARGET                                                                   \
  __attribute__((target(                                                         \
      "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,"                \
      "prefer-vector-width=512")))

namespace engine {
namespace {

constexpr int kWindow = 128;  // what one vpermi2b looks up
constexpr int kPerRow = 4;    // what one vpdpbusd adds up
constexpr int kAhead = 1024;  // bytes from the weights in use to those called up
constexpr int kPanel = 320;   // columns whose windows fit the registers
// Measured cost of a group of 64 slots, and of putting a slice's sums back in order,
// relative to a tile of 16 x 4 weights. Intel splits vpermi2b into three operations.
constexpr double kGroupCost = 2.1, kIntelGroupCost = 3.5, kSliceCost = 5.0;

struct Kernel {
  using Value = int32_t;
  using Wire = int16_t;
  static constexpr bool kWide = false;
  static constexpr int kRegister = 64;
#include "elementwise.inc"

  struct Panel {
    std::vector<int> starts;      // of its windows: one to three
    std::vector<uint8_t> groups;  // per slice and window
    Array<uint8_t> stream;        // per group 64 weights, then 64 offsets
  };
  struct Matrix {
    int slices, columns;
    bool sparse, one_byte;
    Array<int32_t> correction;
    Array<uint8_t> place;  // where sorted rows' sums are
    std::vector<Panel> panels;
    Array<int8_t> tiles;
  };

  static Panel panel_of(const Csr& csr, int slices, int first, int last) {
    Panel panel{spread_windows(first, last, kWindow), {}, {}};
    for (int s = 0; s < slices; ++s) {
      const auto windows = fixed_windows(slice_of(csr, s, first, last), panel.starts,
                                         kWindow, kPerRow);
      for (const auto& groups : windows) {
        panel.groups.push_back(static_cast<uint8_t>(groups.size()));
        for (const Group& group : groups) append(panel.stream, group);
      }
    }
    return panel;
  }

  static void append(Array<uint8_t>& stream, const Group& group) {
    for (const auto& row : group.rows)
      for (const Slot& slot : row) stream.push_back(static_cast<uint8_t>(slot.value));
    for (const auto& row : group.rows)
      for (const Slot& slot : row) stream.push_back(slot.offset);
  }

  static Matrix pack(const Csr& csr, const std::string& layout,
                     std::vector<std::string>& layouts) {
    const bool one_byte = csr.input_bits <= 8;
    Matrix m{round_up(csr.rows, kLanes) / kLanes, csr.columns, true, one_byte,
             {}, {}, {}, {}};
    SortedRows sorted = sort_rows(csr);
    const int offset = one_byte ? 128 : 32768;
    const int panels = (csr.columns + kPanel - 1) / kPanel;
    double groups = 0;
    for (int i = 0; i < panels; ++i) {
      m.panels.push_back(panel_of(sorted.matrix, m.slices,
                                  csr.columns * i / panels,
                                  csr.columns * (i + 1) / panels));
      groups += double(m.panels.back().stream.size()) / 128;
    }
    const double tiles = m.slices * (round_up(csr.columns, kPerRow) / kPerRow);
    const double cost = __builtin_cpu_is("intel") ? kIntelGroupCost : kGroupCost;
    m.sparse = choose_windows(layout, cost * groups + kSliceCost * m.slices, tiles);
    layouts.push_back(m.sparse ? "sparse" : "dense");
    m.correction = correction_of(m.sparse ? sorted.matrix : csr, offset);
    if (m.sparse) {
      m.place = std::move(sorted.place);
      return m;
    }
    m.panels.clear();
    m.tiles = tiles_of(csr, kPerRow);
    return m;
  }

  TARGET static __m512i get(const void* from) { return _mm512_loadu_si512(from); }
  TARGET static __m512i flipped(__m512i bytes) {
    return _mm512_xor_si512(bytes, _mm512_set1_epi8(int8_t(0x80)));
  }
  // The low bytes of 64 payloads, or with `odd` 1 the high ones.
  TARGET static __m512i bytes_of(const Wire* in, int odd) {
    const __m512i first = get(in), second = get(in + 32);
    if (odd)
      return _mm512_inserti64x4(
          _mm512_castsi256_si512(_mm512_cvtepi16_epi8(_mm512_srli_epi16(first, 8))),
          _mm512_cvtepi16_epi8(_mm512_srli_epi16(second, 8)), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi16_epi8(first)),
                              _mm512_cvtepi16_epi8(second), 1);
  }

  // Starting from `base`, the sums of one panel's windows.
  template <int windows, bool one_byte>
  TARGET static void panel(const Panel& panel, const Wire* in, const int32_t* base,
                           int32_t* acc, int slices) {
    __m512i low[2 * windows], high[2 * windows];
#pragma GCC unroll 6
    for (int i = 0; i < 2 * windows; ++i) {
      const Wire* from = in + panel.starts[i / 2] + 64 * (i % 2);
      low[i] = one_byte ? flipped(bytes_of(from, 0)) : bytes_of(from, 0);
      high[i] = one_byte ? low[i] : flipped(bytes_of(from, 1));
    }
    const uint8_t *at = panel.stream.data(), *groups = panel.groups.data();
    for (int s = 0; s < slices; ++s) {
      __m512i sum = get(base + kLanes * s), upper = _mm512_setzero_si512();
#pragma GCC unroll 3
      for (int w = 0; w < windows; ++w)
        for (int g = *groups++; g; --g, at += 128) {
          __m512i weights = get(at), offsets = get(at + 64);
          // Both are used twice; a compiler would rather load them twice.
          asm("" : "+v"(weights), "+v"(offsets));
          _mm_prefetch(reinterpret_cast<const char*>(at + kAhead), _MM_HINT_T0);
          _mm_prefetch(reinterpret_cast<const char*>(at + kAhead + 64), _MM_HINT_T0);
          sum = _mm512_dpbusd_epi32(
              sum, _mm512_permutex2var_epi8(low[2 * w], offsets, low[2 * w + 1]),
              weights);
          if (one_byte) continue;
          upper = _mm512_dpbusd_epi32(
              upper, _mm512_permutex2var_epi8(high[2 * w], offsets, high[2 * w + 1]),
              weights);
        }
      if (!one_byte) sum = _mm512_add_epi32(sum, _mm512_slli_epi32(upper, 8));
      _mm512_storeu_si512(acc + kLanes * s, sum);
    }
  }

  TARGET static void unsort(const Matrix& m, int32_t* acc) {
    constexpr int kSlices = kSorted / kLanes;
    const __m512i half = _mm512_set1_epi32(kSorted / 2);
    const uint8_t* at = m.place.data();
    for (int s = 0; s < m.slices; s += kSlices, acc += kSorted) {
      const __m512i first = get(acc), second = get(acc + kLanes),
                    third = get(acc + 2 * kLanes), fourth = get(acc + 3 * kLanes);
      for (int i = 0; i < std::min(kSlices, m.slices - s); ++i, at += kLanes) {
        const __m512i place = _mm512_cvtepu8_epi32(
            _mm_load_si128(reinterpret_cast<const __m128i*>(at)));
        _mm512_storeu_si512(
            acc + kLanes * i,
            _mm512_mask_blend_epi32(_mm512_test_epi32_mask(place, half),
                                    _mm512_permutex2var_epi32(first, place, second),
                                    _mm512_permutex2var_epi32(third, place, fourth)));
      }
    }
  }

  TARGET static void split(const Wire* in, uint8_t* low, uint8_t* high, int n,
                           bool one_byte) {
    for (int i = 0; i < n; i += 64) {
      const __m512i l = bytes_of(in + i, 0);
      _mm512_storeu_si512(low + i, one_byte ? flipped(l) : l);
      _mm512_storeu_si512(high + i, flipped(bytes_of(in + i, 1)));
    }
  }

  template <int slices, bool one_byte>
  TARGET static const int8_t* block(const int8_t* tile, const uint8_t* low,
                                    const uint8_t* high, const int32_t* base,
                                    int32_t* acc, int steps) {
    __m512i sum[slices], upper[slices];
#pragma GCC unroll 6
    for (int i = 0; i < slices; ++i) {
      sum[i] = get(base + kLanes * i);
      upper[i] = _mm512_setzero_si512();
    }
    for (int step = 0; step < steps; ++step) {
      int32_t four;
      std::memcpy(&four, low + kPerRow * step, sizeof(four));
      const __m512i l = _mm512_set1_epi32(four);
      std::memcpy(&four, high + kPerRow * step, sizeof(four));
      const __m512i h = _mm512_set1_epi32(four);
#pragma GCC unroll 6
      for (int i = 0; i < slices; ++i, tile += 64) {
        __m512i weights = get(tile);
        asm("" : "+v"(weights));
        sum[i] = _mm512_dpbusd_epi32(sum[i], l, weights);
        if (!one_byte) upper[i] = _mm512_dpbusd_epi32(upper[i], h, weights);
      }
    }
#pragma GCC unroll 6
    for (int i = 0; i < slices; ++i)
      _mm512_storeu_si512(acc + kLanes * i,
                          _mm512_add_epi32(sum[i], _mm512_slli_epi32(upper[i], 8)));
    return tile;
  }

  template <bool one_byte>
  static void dense(const Matrix& m, const Wire* in, int32_t* acc, uint8_t* bytes,
                    int stride) {
    using Block = const int8_t* (*)(const int8_t*, const uint8_t*, const uint8_t*,
                                    const int32_t*, int32_t*, int);
    static constexpr Block blocks[] = {block<1, one_byte>, block<2, one_byte>,
                                       block<3, one_byte>, block<4, one_byte>,
                                       block<5, one_byte>, block<6, one_byte>};
    uint8_t *low = bytes, *high = bytes + stride;
    split(in, low, high, m.columns, one_byte);
    const int steps = round_up(m.columns, kPerRow) / kPerRow;
    const int8_t* tile = m.tiles.data();
    for (int s = 0; s < m.slices; s += kBlock)
      tile = blocks[std::min(kBlock, m.slices - s) - 1](
          tile, low, high, m.correction.data() + kLanes * s, acc + kLanes * s, steps);
  }

  template <bool one_byte>
  static void sparse(const Matrix& m, const Wire* in, int32_t* acc) {
    using Sums = void (*)(const Panel&, const Wire*, const int32_t*, int32_t*, int);
    static constexpr Sums sums[] = {panel<1, one_byte>, panel<2, one_byte>,
                                    panel<3, one_byte>};
    const int32_t* base = m.correction.data();
    for (const Panel& p : m.panels) {
      sums[p.starts.size() - 1](p, in, base, acc, m.slices);
      base = acc;
    }
    unsort(m, acc);
  }

  static void multiply(const Matrix& m, const Wire* in, int32_t* acc, uint8_t* bytes,
                       int stride) {
    if (m.sparse) return m.one_byte ? sparse<true>(m, in, acc)
                                    : sparse<false>(m, in, acc);
    return m.one_byte ? dense<true>(m, in, acc, bytes, stride)
                      : dense<false>(m, in, acc, bytes, stride);
  }
};

}  // namespace

std::unique_ptr<Executor> make_avx512(const Description& description) {
  return make_program<Kernel>(description);
}

}  // namespace engine
#endif
