// SPDX-License-Identifier: BSD-3-Clause
#include "sparse.h"

#include <algorithm>
#include <stdexcept>

#include "buffer.h"
#include "parallel.h"

namespace training {
namespace {

// Tiles first to last of `rows`, for one thread of some.
template <class Body>
void over_tiles(int threads, int64_t rows, const Body& body) {
  parallel(threads, [&](int index, int count) {
    const Part tiles((rows + kTile - 1) / kTile, index, count);
    body(index, tiles.first * kTile, std::min(tiles.last * kTile, rows));
  });
}

}  // namespace

SparseWeight::SparseWeight(int64_t n, int64_t k, const uint8_t* mask) : n_(n), k_(k) {
  if (n * k > INT32_MAX) throw std::invalid_argument("training: too large a weight");
  by_column_.start.assign(std::size_t(k + 1), 0);
  by_row_.start.push_back(0);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < k; ++j)
      if (mask[i * k + j] != 0) {
        by_row_.column.push_back(int32_t(j));
        ++by_column_.start[std::size_t(j + 1)];
      }
    by_row_.start.push_back(int32_t(by_row_.column.size()));
  }
  for (int64_t j = 0; j < k; ++j)
    by_column_.start[std::size_t(j + 1)] += by_column_.start[std::size_t(j)];
  by_column_.column.resize(by_row_.column.size());
  std::vector<int32_t> next(by_column_.start.begin(), by_column_.start.end() - 1);
  for (int64_t i = 0; i < n; ++i)
    for (int32_t at = by_row_.start[std::size_t(i)];
         at < by_row_.start[std::size_t(i + 1)]; ++at) {
      const int32_t j = by_row_.column[std::size_t(at)];
      by_column_.column[std::size_t(next[std::size_t(j)]++)] = int32_t(i);
    }
}

// Those of w's entries, or of its transpose's.
std::vector<float> SparseWeight::values(const float* w, bool turned) const {
  const Entries& entries = turned ? by_column_ : by_row_;
  const int64_t row = turned ? 1 : k_, column = turned ? k_ : 1;
  std::vector<float> found(entries.column.size());
  for (std::size_t i = 0; i + 1 < entries.start.size(); ++i)
    for (auto at = std::size_t(entries.start[i]); at < std::size_t(entries.start[i + 1]);
         ++at)
      found[at] = w[int64_t(i) * row + entries.column[at] * column];
  return found;
}

void SparseWeight::forward(int threads, int64_t rows, const float* x, const float* w,
                           float* y) const {
  const Sparse& loops = sparse();
  const std::vector<float> weights = values(w, false);
  over_tiles(threads, rows, [&](int, int64_t from, int64_t to) {
    Buffer<float> turned(k_ * kTile, false), product(n_ * kTile, false);
    for (; from < to; from += kTile) {
      const int64_t count = std::min(kTile, to - from);
      loops.turn(count, k_, x + from * k_, turned);
      loops.product(n_, by_row_.start.data(), by_row_.column.data(), weights.data(),
                    turned, product);
      loops.turn_back(count, n_, product, false, y + from * n_);
    }
  });
}

void SparseWeight::back(int threads, int64_t rows, const float* g, const float* x,
                        const float* w, bool add, float* by_x, float* by_w) const {
  const Sparse& loops = sparse();
  const std::vector<float> weights = values(w, true);
  std::vector<std::vector<float>> sums(
      std::size_t(std::max(threads, 1)));
  over_tiles(threads, rows, [&](int index, int64_t from, int64_t to) {
    std::vector<float>& mine = sums[std::size_t(index)];
    mine.assign(std::size_t(entries()), 0.0f);
    Buffer<float> turned(k_ * kTile, false), by_product(n_ * kTile, false);
    for (; from < to; from += kTile) {
      const int64_t count = std::min(kTile, to - from);
      loops.turn(count, n_, g + from * n_, by_product);
      loops.turn(count, k_, x + from * k_, turned);
      loops.products(n_, by_row_.start.data(), by_row_.column.data(), by_product,
                     turned, mine.data());
      if (by_x == nullptr) continue;
      loops.product(k_, by_column_.start.data(), by_column_.column.data(),
                    weights.data(), by_product, turned);
      loops.turn_back(count, k_, turned, add, by_x + from * k_);
    }
  });
  write(sums, by_w);
}

void SparseWeight::write(const std::vector<std::vector<float>>& sums,
                         float* by_w) const {
  std::fill_n(by_w, n_ * k_, 0.0f);
  for (int64_t i = 0; i < n_; ++i)
    for (auto at = std::size_t(by_row_.start[std::size_t(i)]);
         at < std::size_t(by_row_.start[std::size_t(i + 1)]); ++at) {
      float& to = by_w[i * k_ + by_row_.column[at]];
      for (const std::vector<float>& part : sums)
        if (!part.empty()) to += part[at];
    }
}

}  // namespace training
