// SPDX-License-Identifier: BSD-3-Clause
#include "rows.h"

#include "sparse.h"

namespace training {
namespace {

enum class Target { kPlain, kAvx2, kAvx512 };

Target target() {
#ifdef TRAINING_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return Target::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return Target::kAvx2;
#endif
  return Target::kPlain;
}

template <class Table>
const Table& chosen(const Table& plain, const Table& avx2, const Table& avx512) {
  static const Target best = target();
  return best == Target::kAvx512 ? avx512 : best == Target::kAvx2 ? avx2 : plain;
}

}  // namespace

#ifdef TRAINING_X86
#define TRAINING_CHOICE(name) chosen(Plain::name, Avx2::name, Avx512::name)
#else
#define TRAINING_CHOICE(name) Plain::name
#endif

template <>
const Rows<float, Bfloat16>& rows() {
  return TRAINING_CHOICE(mixed);
}
template <>
const Rows<float, float>& rows() {
  return TRAINING_CHOICE(single);
}
template <>
const Rows<double, double>& rows() {
  return TRAINING_CHOICE(twice);
}
const Spectra& spectra() { return TRAINING_CHOICE(spectra); }
const Sparse& sparse() { return TRAINING_CHOICE(sparse); }

}  // namespace training
