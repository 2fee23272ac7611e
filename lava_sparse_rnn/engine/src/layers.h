// SPDX-License-Identifier: BSD-3-Clause
// A network as the kernels see it: padded, aligned arrays of integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace engine {

constexpr int kAlignment = 64;  // one AVX-512 register, one cache line
constexpr int kSigmoidOne = 1 << 15;  // 1.0 inside a neuron
constexpr int kLanes = 16;      // every neuron group is padded to whole registers

template <class T>
struct Aligned {
  using value_type = T;
  Aligned() = default;
  template <class U>
  Aligned(const Aligned<U>&) {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(
        ::operator new(n * sizeof(T), std::align_val_t(kAlignment)));
  }
  void deallocate(T* p, std::size_t) {
    ::operator delete(p, std::align_val_t(kAlignment));
  }
  template <class U>
  bool operator==(const Aligned<U>&) const { return true; }
  template <class U>
  bool operator!=(const Aligned<U>&) const { return false; }
};

template <class T>
using Array = std::vector<T, Aligned<T>>;

inline int round_up(int n, int multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// A sparse matrix in compressed rows, as it comes from the description.
struct Csr {
  int rows = 0, columns = 0;
  int input_bits = 16;  // width of the payloads that it meets
  std::vector<int32_t> begin, index;
  std::vector<int8_t> value;
};

// v is shifted left, half of the last place is added, v is shifted right: one of
// left and right is 0, and half is 0 where the network rounds down.
template <class Value>
struct ShiftBy {
  Array<Value> left, half, right;
};

// How values are brought into a format of `bits` bits.
template <class Value>
struct Format {
  Value low, high;
  int drop;  // shifting up and down again by this keeps the lowest `bits` bits
  explicit Format(int bits = 16)
      : low(static_cast<Value>(-(int64_t(1) << (bits - 1)))),
        high(static_cast<Value>((int64_t(1) << (bits - 1)) - 1)),
        drop(8 * static_cast<int>(sizeof(Value)) - bits) {}
};

template <class Value>
struct AffineConstants {
  int n;
  Array<Value> bias;
  ShiftBy<Value> k;
  Format<Value> out;
  Value floor;  // 0 with a ReLU, the lowest number without
};

enum class StateGate { kRealGate, kSplit, kNone };

template <class Value>
struct RecurrenceConstants {
  int n;
  Array<Value> bias_re, bias_im;
  ShiftBy<Value> k_B, k_x;
  Array<int32_t> a_re, a_im;
  int a_left, a_right;
  int64_t a_half;
  Format<Value> state, wire;
  StateGate gate;
};

template <class Value>
struct ReadoutConstants {
  int n;
  Array<Value> D, bias;
  ShiftBy<Value> k_C, k_D;
  Format<Value> z;
};

template <class Value>
struct Line {
  Value slope, offset;
  Array<Value> shift;
};

template <class Value>
struct GateConstants {
  int n;
  Array<Value> bias;
  ShiftBy<Value> k_g, k_h, k_u;
  Format<Value> g, out;
  std::vector<Line<Value>> lines;
};

// What did not fit in one call of a kernel.
struct AffineOverflow { int64_t out = 0; };
struct RecurrenceOverflow { int64_t x_re = 0, x_im = 0, s_re = 0, s_im = 0; };
struct ReadoutOverflow { int64_t z = 0; };
struct GateOverflow { int64_t g = 0, out = 0; };

}  // namespace engine
