// SPDX-License-Identifier: BSD-3-Clause
// Matrix products in float32 of which one operand is a weight with few entries that are
// not masked. A tile of rows is turned, so that what a weight multiplies is one vector
// of the tile's numbers: no entry that is masked costs anything.
#pragma once
#include <cstdint>
#include <vector>

namespace training {

constexpr int64_t kTile = 64;  // rows that pass at once

// Entries in their order: those of row i stand from start[i] to start[i + 1].
struct Entries {
  std::vector<int32_t> start, column;
};

// Loops over a tile; what is turned has kTile numbers for every column.
struct Sparse {
  // Columns of x (count, n) become rows; what a smaller count leaves over is zero.
  void (*turn)(int64_t count, int64_t n, const float* x, float* to);
  // The way back, of `count` rows, which adds to what is there or does not.
  void (*turn_back)(int64_t count, int64_t n, const float* x, bool add, float* to);
  // y = w x, for the n rows of w.
  void (*product)(int64_t n, const int32_t* start, const int32_t* column,
                  const float* values, const float* x, float* y);
  // Adds g x^T to the sum of every entry.
  void (*products)(int64_t n, const int32_t* start, const int32_t* column,
                   const float* g, const float* x, float* sums);
};

// For the vector instructions of this machine.
const Sparse& sparse();

// Products with a weight w (n, k), masked, of which x (rows, k) is the input.
class SparseWeight {
 public:
  SparseWeight(int64_t n, int64_t k, const uint8_t* mask);

  int64_t n() const { return n_; }
  int64_t k() const { return k_; }
  int64_t entries() const { return int64_t(by_row_.column.size()); }

  // y = x w^T
  void forward(int threads, int64_t rows, const float* x, const float* w,
               float* y) const;
  // by_w = g^T x where the mask is, else zero, and by_x = g w or that more, unless it
  // is null. Sums are of the threads' sums in their order.
  void back(int threads, int64_t rows, const float* g, const float* x, const float* w,
            bool add, float* by_x, float* by_w) const;

 private:
  std::vector<float> values(const float* w, bool turned) const;
  void write(const std::vector<std::vector<float>>& sums, float* by_w) const;

  int64_t n_, k_;
  Entries by_row_, by_column_;  // of w, and of its transpose
};

}  // namespace training
