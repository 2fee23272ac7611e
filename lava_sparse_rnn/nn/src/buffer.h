// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>

namespace training {

// Numbers that begin where a line of the cache does, zeros unless they need not be.
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t count, bool zeros = true) {
    const auto lines = std::size_t((count * int64_t(sizeof(T)) + 63) / 64);
    lines_.reset(zeros ? new Line[lines]() : new Line[lines]);
  }
  T* data() { return reinterpret_cast<T*>(lines_.get()); }
  operator T*() { return data(); }

 private:
  struct alignas(64) Line {
    unsigned char bytes[64];
  };
  std::unique_ptr<Line[]> lines_;
};

// Rows of a matrix that is multiplied begin at such a place too.
inline int64_t padded(int64_t columns) { return (columns + 31) / 32 * 32; }

}  // namespace training
