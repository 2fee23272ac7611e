// SPDX-License-Identifier: BSD-3-Clause
// Numbers of a training step: R, in which is computed, and S, in which what the matrix
// products read and write is stored.
#pragma once
#include <cstdint>
#include <cstring>

namespace training {

struct Bfloat16 {
  uint16_t bits;
};

inline float load(Bfloat16 x) {
  const uint32_t bits = uint32_t(x.bits) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline float load(float x) { return x; }
inline double load(double x) { return x; }

// To the nearest, ties to even. A NaN stays one, unless its first 16 bits are all set
// in the mantissa, which no operation makes.
inline void store(float x, Bfloat16& to) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  to.bits = uint16_t((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
inline void store(float x, float& to) { to = x; }
inline void store(double x, double& to) { to = x; }

}  // namespace training
