// SPDX-License-Identifier: BSD-3-Clause
// Sparse rows cut into groups that a byte lookup can read.
//
// 16 rows make a slice. A group holds, for each row of a slice, up to `per_row` of
// its weights, all of whose columns lie in one window of `width` columns. Windows
// overlap: a weight in the overlap goes wherever there is room, which keeps the
// number of groups near what the fullest row of the slice needs.
#pragma once

#include <array>
#include <vector>

#include "layers.h"

namespace engine {

struct Slot {
  uint8_t offset = 0;  // column, counted from the window's start
  int8_t value = 0;
};

struct Group {
  int start = 0;
  std::array<std::array<Slot, 4>, kLanes> rows;
};

struct Weight {
  int column;
  int8_t value;
};

// A slice has as many groups as its fullest row needs: rows are sorted by their number
// of weights, but stay within 64 rows, where their sums are put back with a few
// instructions.
constexpr int kSorted = 64;
struct SortedRows {
  Csr matrix;            // of whole slices
  Array<uint8_t> place;  // of each row's sum among the 64
};
SortedRows sort_rows(const Csr& matrix);

// The weights of each of the 16 rows of slice `slice`, by rising column.
using Slice = std::array<std::vector<Weight>, kLanes>;
Slice slice_of(const Csr& matrix, int slice, int first_column, int last_column);

// Groups of every window of a slice; windows are given by their starts, rising, and
// together cover all columns. As few groups as the windows allow.
std::vector<std::vector<Group>> fixed_windows(const Slice& slice,
                                              const std::vector<int>& starts,
                                              int width, int per_row);

// Groups with windows that begin where they are needed, at `last_start` at most.
std::vector<Group> free_windows(const Slice& slice, int last_start, int width,
                                int per_row);

// Starts of the windows of `width` that cover columns first..last-1, spread evenly.
std::vector<int> spread_windows(int first, int last, int width);

}  // namespace engine
