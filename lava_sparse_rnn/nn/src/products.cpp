// SPDX-License-Identifier: BSD-3-Clause
#include "products.h"

#if defined(TRAINING_AMX) && defined(__linux__) && defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace training {

extern const Products kAmx;

namespace {

// Linux gives the tiles to those who ask. It says no where the processor has none.
bool granted() {
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  __builtin_cpu_init();
  unsigned a = 0, b = 0, c = 0, d = 0, more = 0, rest = 0;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1u) && (d >> 24 & 1u) &&
         // AVX512_BF16, whose conversions go with the tiles
         __get_cpuid_count(7, 1, &more, &b, &c, &rest) && (more >> 5 & 1u) &&
         syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

}  // namespace

const Products* products() {
  static const Products* const found = granted() ? &kAmx : nullptr;
  return found;
}

}  // namespace training
#else
namespace training {
const Products* products() { return nullptr; }
}  // namespace training
#endif
