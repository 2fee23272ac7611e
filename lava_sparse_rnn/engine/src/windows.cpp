// SPDX-License-Identifier: BSD-3-Clause
#include "windows.h"

#include <algorithm>
#include <numeric>

namespace engine {

SortedRows sort_rows(const Csr& matrix) {
  const int rows = round_up(matrix.rows, kLanes);
  std::vector<int> order(rows);
  std::iota(order.begin(), order.end(), 0);
  const auto length = [&](int row) {
    return row < matrix.rows ? matrix.begin[row + 1] - matrix.begin[row] : 0;
  };
  const auto fuller = [&](int a, int b) { return length(a) > length(b); };
  for (int at = 0; at < rows; at += kSorted)
    std::stable_sort(order.begin() + at, order.begin() + std::min(at + kSorted, rows),
                     fuller);
  SortedRows sorted{{rows, matrix.columns, matrix.input_bits, {0}, {}, {}},
                    Array<uint8_t>(rows)};
  Csr& to = sorted.matrix;
  for (int i = 0; i < rows; ++i) {
    sorted.place[order[i]] = static_cast<uint8_t>(i % kSorted);
    for (int k = 0; k < length(order[i]); ++k) {
      to.index.push_back(matrix.index[matrix.begin[order[i]] + k]);
      to.value.push_back(matrix.value[matrix.begin[order[i]] + k]);
    }
    to.begin.push_back(static_cast<int32_t>(to.index.size()));
  }
  return sorted;
}

Slice slice_of(const Csr& matrix, int slice, int first_column, int last_column) {
  Slice rows;
  for (int lane = 0; lane < kLanes; ++lane) {
    const int row = slice * kLanes + lane;
    if (row >= matrix.rows) break;
    for (int i = matrix.begin[row]; i < matrix.begin[row + 1]; ++i)
      if (matrix.index[i] >= first_column && matrix.index[i] < last_column)
        rows[lane].push_back({matrix.index[i], matrix.value[i]});
  }
  return rows;
}

std::vector<int> spread_windows(int first, int last, int width) {
  const int columns = last - first;
  if (columns <= width) return {first};
  // With a quarter of a window as overlap rows balance well.
  const int step = width * 3 / 4;
  const int steps = (columns - width + step - 1) / step;
  std::vector<int> starts;
  for (int i = 0; i <= steps; ++i)
    starts.push_back(first + (columns - width) * i / steps);
  return starts;
}

namespace {

// The windows that hold a column are neighbours: the first and the last of them.
std::pair<int, int> windows_of(int column, const std::vector<int>& starts, int width) {
  int first = 0;
  while (column >= starts[first] + width) ++first;
  int last = first;
  while (last + 1 < static_cast<int>(starts.size()) && column >= starts[last + 1])
    ++last;
  return {first, last};
}

// The fewest groups per window such that every row finds room. By Hall's theorem the
// windows i..j together need room for the weights that only they can hold; the
// smallest partial sums that satisfy this are longest paths.
std::vector<int> group_counts(const Slice& slice, const std::vector<int>& starts,
                              int width, int per_row) {
  const int n = static_cast<int>(starts.size());
  std::vector<int> before(n + 1, 0);
  std::vector<std::vector<int>> need(n, std::vector<int>(n, 0));
  for (const auto& row : slice) {
    std::vector<std::vector<int>> only(n, std::vector<int>(n, 0));
    for (const Weight& weight : row) {
      const auto [first, last] = windows_of(weight.column, starts, width);
      for (int i = 0; i <= first; ++i)
        for (int j = last; j < n; ++j) ++only[i][j];
    }
    for (int i = 0; i < n; ++i)
      for (int j = i; j < n; ++j)
        need[i][j] = std::max(need[i][j], (only[i][j] + per_row - 1) / per_row);
  }
  for (int j = 0; j < n; ++j)
    for (int i = 0; i <= j; ++i)
      before[j + 1] = std::max(before[j + 1], before[i] + need[i][j]);
  std::vector<int> counts(n);
  for (int i = 0; i < n; ++i) counts[i] = before[i + 1] - before[i];
  return counts;
}

}  // namespace

std::vector<std::vector<Group>> fixed_windows(const Slice& slice,
                                              const std::vector<int>& starts,
                                              int width, int per_row) {
  const std::vector<int> counts = group_counts(slice, starts, width, per_row);
  const int n = static_cast<int>(starts.size());
  std::vector<std::vector<Group>> groups(n);
  for (int w = 0; w < n; ++w) groups[w].assign(counts[w], Group{starts[w], {}});
  for (int lane = 0; lane < kLanes; ++lane) {
    // Rising columns are also rising last windows: the most urgent come first.
    std::size_t next = 0;
    for (int w = 0; w < n; ++w)
      for (int room = 0; room < counts[w] * per_row; ++room) {
        if (next == slice[lane].size()) break;
        const Weight& weight = slice[lane][next];
        if (weight.column < starts[w]) continue;
        if (weight.column >= starts[w] + width) break;
        groups[w][room / per_row].rows[lane][room % per_row] = {
            static_cast<uint8_t>(weight.column - starts[w]), weight.value};
        ++next;
      }
    if (next != slice[lane].size())
      throw std::logic_error("engine: a weight found no place");
  }
  return groups;
}

std::vector<Group> free_windows(const Slice& slice, int last_start, int width,
                                int per_row) {
  std::array<std::size_t, kLanes> next{};
  std::vector<Group> groups;
  for (;;) {
    int start = last_start + width;
    for (int lane = 0; lane < kLanes; ++lane)
      if (next[lane] < slice[lane].size())
        start = std::min(start, slice[lane][next[lane]].column);
    if (start == last_start + width) return groups;
    Group group;
    group.start = std::min(start, last_start);
    for (int lane = 0; lane < kLanes; ++lane)
      for (int i = 0; i < per_row && next[lane] < slice[lane].size(); ++i) {
        const Weight& weight = slice[lane][next[lane]];
        if (weight.column >= group.start + width) break;
        group.rows[lane][i] = {static_cast<uint8_t>(weight.column - group.start),
                               weight.value};
        ++next[lane];
      }
    groups.push_back(group);
  }
}

}  // namespace engine
