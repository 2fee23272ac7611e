// SPDX-License-Identifier: BSD-3-Clause
// Work split among the threads that torch has already.
#pragma once
#include <cstdint>

namespace training {

// Calls body(data, index, count) for every index below count, at the same time; count
// is `threads`, or 1 where torch's threads cannot be had.
void run_parallel(int threads, void (*body)(void*, int, int), void* data);

template <class Body>
void parallel(int threads, Body body) {
  run_parallel(
      threads,
      [](void* data, int index, int count) {
        (*static_cast<Body*>(data))(index, count);
      },
      &body);
}

// Part `index` of `count` equal parts of 0 to size.
struct Part {
  int64_t first, last;
  Part(int64_t size, int index, int count)
      : first(size * index / count), last(size * (index + 1) / count) {}
};

}  // namespace training
