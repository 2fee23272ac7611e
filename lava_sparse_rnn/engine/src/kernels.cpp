// SPDX-License-Identifier: BSD-3-Clause
#include "kernels.h"

#if defined(ENGINE_ARM64) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace engine {
namespace {

struct Kernel {
  const char* name;
  bool (*runs_here)();
  std::unique_ptr<Executor> (*make)(const Description&);
};

bool always() { return true; }

#ifdef ENGINE_X86
bool has_avx2() { return __builtin_cpu_supports("avx2"); }
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
}
#endif

#ifdef ENGINE_ARM64
bool has_dotprod() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(__ARM_FEATURE_DOTPROD)
  return true;  // the compiler was told that every machine has it
#else
  return false;
#endif
}
#endif

// From slow to fast.
const Kernel kKernels[] = {
    {"scalar", always, make_scalar},
#ifdef ENGINE_X86
    {"avx2", has_avx2, make_avx2},
    {"avx512", has_avx512, make_avx512},
#endif
#ifdef ENGINE_ARM64
    {"neon", always, make_neon},
    {"dotprod", has_dotprod, make_dotprod},
#endif
};

}  // namespace

std::vector<std::string> kernels() {
  std::vector<std::string> names;
  for (const Kernel& kernel : kKernels)
    if (kernel.runs_here()) names.push_back(kernel.name);
  return names;
}

std::unique_ptr<Executor> make(const Description& description,
                               const std::string& kernel) {
  for (const Kernel& candidate : kKernels)
    if (kernel == candidate.name && candidate.runs_here())
      return candidate.make(description);
  throw std::invalid_argument("engine: no kernel " + kernel + " on this machine");
}

}  // namespace engine
