// SPDX-License-Identifier: BSD-3-Clause
// ARM's NEON, which every 64-bit processor has, and its dot products of bytes, which
// most have: payloads of at most 16 bits.
//
// Both look payloads up in windows of 64 columns, whose bytes fill four registers for
// the low halves and four for the high ones, window by window: the lookup table stays
// while all slices of rows pass by.
#include "executor.h"
#ifdef ENGINE_ARM64
#include <arm_neon.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "program.h"
#include "tiles.h"
#include "windows.h"

namespace engine {
namespace {

constexpr int kWindow = 64;  // what one tbl of four registers looks up
constexpr int kPerRow = 4;   // weights of a row in a group
constexpr int kPanel = 256;  // columns whose windows share their overlaps
// Instructions for a group of 64 slots relative to those for 64 dense weights: counted
// in the loops below, not measured.
constexpr double kGroupCost = 2.0;

struct Window {
  int start;
  std::vector<uint16_t> groups;  // per slice
};

struct Matrix {
  int slices, columns;
  bool sparse, one_byte;
  Array<int32_t> base;  // where the sums begin
  std::vector<Window> windows;
  Array<uint8_t> stream;  // window by window, per group 64 offsets, then 64 weights
  Array<int8_t> tiles;
};

// The 64 slots of a group: of every row its four, or four times one of every row.
enum class Order { kRowByRow, kSlotBySlot };

void append(Array<uint8_t>& stream, const Group& group, Order order) {
  const auto slot = [&](int i) {
    return order == Order::kRowByRow ? group.rows[i / kPerRow][i % kPerRow]
                                     : group.rows[i % kLanes][i / kLanes];
  };
  for (int i = 0; i < kLanes * kPerRow; ++i) stream.push_back(slot(i).offset);
  for (int i = 0; i < kLanes * kPerRow; ++i)
    stream.push_back(static_cast<uint8_t>(slot(i).value));
}

void append_panel(Matrix& m, const Csr& csr, int first, int last, Order order) {
  const std::vector<int> starts = spread_windows(first, last, kWindow);
  std::vector<std::vector<std::vector<Group>>> slices;
  for (int s = 0; s < m.slices; ++s)
    slices.push_back(
        fixed_windows(slice_of(csr, s, first, last), starts, kWindow, kPerRow));
  for (std::size_t w = 0; w < starts.size(); ++w) {
    Window window{starts[w], {}};
    for (const auto& windows : slices) {
      window.groups.push_back(static_cast<uint16_t>(windows[w].size()));
      for (const Group& group : windows[w]) append(m.stream, group, order);
    }
    m.windows.push_back(std::move(window));
  }
}

Matrix pack_windows(const Csr& csr, Order order) {
  Matrix m{round_up(csr.rows, kLanes) / kLanes, csr.columns, true,
           csr.input_bits <= 8, Array<int32_t>(round_up(csr.rows, kLanes), 0),
           {}, {}, {}};
  const int panels = (csr.columns + kPanel - 1) / kPanel;
  for (int i = 0; i < panels; ++i)
    append_panel(m, csr, csr.columns * i / panels, csr.columns * (i + 1) / panels,
                 order);
  return m;
}

// Keeps the windows where they are cheaper, or makes tiles of them.
void choose(Matrix& m, const Csr& csr, const std::string& layout, int per_tile,
            int block, std::vector<std::string>& layouts) {
  const double groups = double(m.stream.size()) / (2 * kLanes * kPerRow);
  m.sparse = choose_windows(layout, kGroupCost * groups,
                            double(m.slices) * csr.columns / kPerRow);
  layouts.push_back(m.sparse ? "sparse" : "dense");
  if (m.sparse) return;
  m.windows.clear();
  m.stream.clear();
  m.tiles = tiles_of(csr, per_tile, block);
}

// The bytes of payloads, apart; 128 is taken from low ones where `offset` is set.
void split(const int16_t* in, uint8_t* low, uint8_t* high, int n, bool offset) {
  const uint8x16_t flip = vdupq_n_u8(offset ? 0x80 : 0);
  for (int i = 0; i < n; i += 16) {
    const uint8x16x2_t bytes = vld2q_u8(reinterpret_cast<const uint8_t*>(in + i));
    vst1q_u8(low + i, veorq_u8(bytes.val[0], flip));
    vst1q_u8(high + i, bytes.val[1]);
  }
}

inline void load(int32x4_t* sum, const int32_t* acc) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) sum[i] = vld1q_s32(acc + 4 * i);
}

#define TARGET

struct Neon {
  using Value = int32_t;
  using Wire = int16_t;
  using Matrix = engine::Matrix;
  static constexpr bool kWide = false;
  static constexpr int kRegister = 16;
  static constexpr int kColumns = 1;  // of a tile
#include "elementwise.inc"

  static Matrix pack(const Csr& csr, const std::string& layout,
                     std::vector<std::string>& layouts) {
    Matrix m = pack_windows(csr, Order::kSlotBySlot);
    choose(m, csr, layout, kColumns, kBlock, layouts);
    return m;
  }

  // sum += weights * payloads, for 16 rows.
  static void add(int32x4_t* sum, int8x16_t weights, int16x8_t first,
                  int16x8_t second) {
    const int16x8_t w0 = vmovl_s8(vget_low_s8(weights)), w1 = vmovl_high_s8(weights);
    sum[0] = vmlal_s16(sum[0], vget_low_s16(w0), vget_low_s16(first));
    sum[1] = vmlal_high_s16(sum[1], w0, first);
    sum[2] = vmlal_s16(sum[2], vget_low_s16(w1), vget_low_s16(second));
    sum[3] = vmlal_high_s16(sum[3], w1, second);
  }

  static void windows(const Matrix& m, int32_t* acc, const uint8_t* low,
                      const uint8_t* high) {
    const uint8_t* at = m.stream.data();
    for (const Window& window : m.windows) {
      const uint8x16x4_t lows = vld1q_u8_x4(low + window.start);
      const uint8x16x4_t highs = vld1q_u8_x4(high + window.start);
      for (int s = 0; s < m.slices; ++s) {
        if (window.groups[s] == 0) continue;
        int32x4_t sum[4];
        load(sum, acc + kLanes * s);
        for (int g = window.groups[s]; g; --g, at += 2 * kLanes * kPerRow)
#pragma GCC unroll 4
          for (int slot = 0; slot < kPerRow; ++slot) {
            const uint8x16_t offsets = vld1q_u8(at + 16 * slot);
            const uint8x16_t l = vqtbl4q_u8(lows, offsets);
            const uint8x16_t h = vqtbl4q_u8(highs, offsets);
            add(sum, vreinterpretq_s8_u8(vld1q_u8(at + 64 + 16 * slot)),
                vreinterpretq_s16_u8(vzip1q_u8(l, h)),
                vreinterpretq_s16_u8(vzip2q_u8(l, h)));
          }
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) vst1q_s32(acc + kLanes * s + 4 * i, sum[i]);
      }
    }
  }

  template <int slices>
  static const int8_t* block(const int8_t* tile, const Wire* in, int32_t* acc,
                             int columns) {
    int32x4_t sum[4 * slices];
#pragma GCC unroll 24
    for (auto& s : sum) s = vdupq_n_s32(0);
    for (int j = 0; j < columns; ++j) {
      const int16x8_t payload = vdupq_n_s16(in[j]);
#pragma GCC unroll 6
      for (int i = 0; i < slices; ++i, tile += kLanes)
        add(sum + 4 * i, vld1q_s8(tile), payload, payload);
    }
#pragma GCC unroll 24
    for (int i = 0; i < 4 * slices; ++i) vst1q_s32(acc + 4 * i, sum[i]);
    return tile;
  }

  static void multiply(const Matrix& m, const Wire* in, int32_t* acc, uint8_t* bytes,
                       int stride) {
    if (m.sparse) {
      split(in, bytes, bytes + stride, m.columns, false);
      std::memcpy(acc, m.base.data(), m.base.size() * sizeof(*acc));
      return windows(m, acc, bytes, bytes + stride);
    }
    using Block = const int8_t* (*)(const int8_t*, const Wire*, int32_t*, int);
    static constexpr Block blocks[] = {block<1>, block<2>, block<3>,
                                       block<4>, block<5>, block<6>};
    const int8_t* tile = m.tiles.data();
    for (int s = 0; s < m.slices; s += kBlock)
      tile = blocks[std::min(kBlock, m.slices - s) - 1](tile, in, acc + kLanes * s,
                                                        m.columns);
  }
};

#undef TARGET
#define TARGET __attribute__((target("arch=armv8.2-a+dotprod")))

// sdot multiplies signed bytes. The low byte of a payload has no sign: 128 is taken
// from it, and given back, times the sum of the row's weights, where sums begin.
struct Dotprod {
  using Value = int32_t;
  using Wire = int16_t;
  using Matrix = engine::Matrix;
  static constexpr bool kWide = false;
  static constexpr int kRegister = 16;
  static constexpr int kSlices = 3;  // that fit the registers with both halves
#include "elementwise.inc"

  static Matrix pack(const Csr& csr, const std::string& layout,
                     std::vector<std::string>& layouts) {
    Matrix m = pack_windows(csr, Order::kRowByRow);
    if (!m.one_byte) m.base = correction_of(csr, -128);
    choose(m, csr, layout, kPerRow, kSlices, layouts);
    return m;
  }

  TARGET static int8x16_t look_up(uint8x16x4_t table, uint8x16_t offsets) {
    return vreinterpretq_s8_u8(vqtbl4q_u8(table, offsets));
  }

  // The lowest bytes, and 256 times the others.
  TARGET static void put(int32_t* acc, int32x4_t sum, int32x4_t upper) {
    vst1q_s32(acc, vaddq_s32(sum, vshlq_n_s32(upper, 8)));
  }

  template <bool one_byte>
  TARGET static void windows(const Matrix& m, int32_t* acc, const uint8_t* low,
                             const uint8_t* high) {
    const uint8_t* at = m.stream.data();
    for (const Window& window : m.windows) {
      const uint8x16x4_t lows = vld1q_u8_x4(low + window.start);
      const uint8x16x4_t highs = vld1q_u8_x4(high + window.start);
      for (int s = 0; s < m.slices; ++s) {
        if (window.groups[s] == 0) continue;
        int32x4_t sum[4], upper[4];
        load(sum, acc + kLanes * s);
#pragma GCC unroll 4
        for (auto& part : upper) part = vdupq_n_s32(0);
        for (int g = window.groups[s]; g; --g, at += 2 * kLanes * kPerRow)
#pragma GCC unroll 4
          for (int i = 0; i < 4; ++i) {
            const uint8x16_t offsets = vld1q_u8(at + 16 * i);
            const int8x16_t weights = vreinterpretq_s8_u8(vld1q_u8(at + 64 + 16 * i));
            sum[i] = vdotq_s32(sum[i], look_up(lows, offsets), weights);
            if (!one_byte)
              upper[i] = vdotq_s32(upper[i], look_up(highs, offsets), weights);
          }
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) put(acc + kLanes * s + 4 * i, sum[i], upper[i]);
      }
    }
  }

  TARGET static int8x16_t four(const uint8_t* bytes) {
    int32_t four;
    std::memcpy(&four, bytes, sizeof(four));
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
  }

  template <int slices, bool one_byte>
  TARGET static const int8_t* block(const int8_t* tile, const uint8_t* low,
                                    const uint8_t* high, const int32_t* base,
                                    int32_t* acc, int steps) {
    int32x4_t sum[4 * slices], upper[4 * slices];
#pragma GCC unroll 12
    for (int i = 0; i < 4 * slices; ++i) {
      sum[i] = vld1q_s32(base + 4 * i);
      upper[i] = vdupq_n_s32(0);
    }
    for (int step = 0; step < steps; ++step, low += kPerRow, high += kPerRow) {
      const int8x16_t l = four(low), h = four(high);
#pragma GCC unroll 12
      for (int i = 0; i < 4 * slices; ++i, tile += 16) {
        const int8x16_t weights = vld1q_s8(tile);
        sum[i] = vdotq_s32(sum[i], l, weights);
        if (!one_byte) upper[i] = vdotq_s32(upper[i], h, weights);
      }
    }
#pragma GCC unroll 12
    for (int i = 0; i < 4 * slices; ++i) put(acc + 4 * i, sum[i], upper[i]);
    return tile;
  }

  template <bool one_byte>
  static void multiply_halves(const Matrix& m, int32_t* acc, const uint8_t* low,
                              const uint8_t* high) {
    if (m.sparse) {
      std::memcpy(acc, m.base.data(), m.base.size() * sizeof(*acc));
      return windows<one_byte>(m, acc, low, high);
    }
    using Block = const int8_t* (*)(const int8_t*, const uint8_t*, const uint8_t*,
                                    const int32_t*, int32_t*, int);
    static constexpr Block blocks[] = {block<1, one_byte>, block<2, one_byte>,
                                       block<3, one_byte>};
    const int steps = round_up(m.columns, kPerRow) / kPerRow;
    const int8_t* tile = m.tiles.data();
    for (int s = 0; s < m.slices; s += kSlices)
      tile = blocks[std::min(kSlices, m.slices - s) - 1](
          tile, low, high, m.base.data() + kLanes * s, acc + kLanes * s, steps);
  }

  static void multiply(const Matrix& m, const Wire* in, int32_t* acc, uint8_t* bytes,
                       int stride) {
    uint8_t *low = bytes, *high = bytes + stride;
    split(in, low, high, m.columns, !m.one_byte);
    return m.one_byte ? multiply_halves<true>(m, acc, low, high)
                      : multiply_halves<false>(m, acc, low, high);
  }
};

}  // namespace

std::unique_ptr<Executor> make_neon(const Description& description) {
  return make_program<Neon>(description);
}

std::unique_ptr<Executor> make_dotprod(const Description& description) {
  return make_program<Dotprod>(description);
}

}  // namespace engine
#endif
