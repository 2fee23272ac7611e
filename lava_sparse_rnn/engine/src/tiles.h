// SPDX-License-Identifier: BSD-3-Clause
// Dense weights in tiles of 16 rows and a few columns, in the order of their use.
#pragma once

#include <algorithm>

#include "layers.h"

namespace engine {

constexpr int kBlock = 6;  // slices that a dense kernel adds up in registers at once

// Blocks of at most `block` slices; in a block, for every `per_tile` columns, the
// slices' tiles; in a tile, row by row, the weights of its columns.
inline Array<int8_t> tiles_of(const Csr& matrix, int per_tile, int block = kBlock) {
  const int slices = round_up(matrix.rows, kLanes) / kLanes;
  const int steps = round_up(matrix.columns, per_tile) / per_tile;
  Array<int8_t> tiles(std::size_t(slices) * steps * kLanes * per_tile, 0);
  for (int row = 0; row < matrix.rows; ++row) {
    const int slice = row / kLanes, first = slice / block * block;
    const int in_block = std::min(block, slices - first);
    for (int i = matrix.begin[row]; i < matrix.begin[row + 1]; ++i) {
      const int step = matrix.index[i] / per_tile;
      const std::size_t tile =
          std::size_t(first) * steps + std::size_t(step) * in_block + slice - first;
      tiles[(tile * kLanes + row % kLanes) * per_tile + matrix.index[i] % per_tile] =
          matrix.value[i];
    }
  }
  return tiles;
}

// What the offset of unsigned payloads adds to each row, negated.
inline Array<int32_t> correction_of(const Csr& matrix, int offset) {
  Array<int32_t> correction(round_up(matrix.rows, kLanes), 0);
  for (int row = 0; row < matrix.rows; ++row) {
    uint32_t sum = 0;  // modulo 2^32, like the sums that it corrects
    for (int i = matrix.begin[row]; i < matrix.begin[row + 1]; ++i)
      sum -= uint32_t(offset) * uint32_t(int32_t(matrix.value[i]));
    correction[row] = static_cast<int32_t>(sum);
  }
  return correction;
}

// The layout of a matrix: the one asked for, or else the cheaper one.
inline bool choose_windows(const std::string& layout, double windows, double tiles) {
  return layout.empty() ? windows <= tiles : layout == "sparse";
}

}  // namespace engine
