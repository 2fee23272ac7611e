// SPDX-License-Identifier: BSD-3-Clause
// torch for Linux computes in threads of GNU's OpenMP. Threads of our own beside them
// would share the cores with theirs, which spin for a while when they have nothing to
// do. So theirs are used: the library that torch has brought into this process is
// asked for its entry point, and nothing is linked.
#include "parallel.h"

#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif

namespace training {
namespace {

struct OpenMp {
  using Parallel = void (*)(void (*)(void*), void*, unsigned, unsigned);
  using Number = int (*)();
  Parallel parallel = nullptr;
  Number index = nullptr, count = nullptr;

  OpenMp() {
#ifdef RTLD_DEFAULT
    index = reinterpret_cast<Number>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
    count = reinterpret_cast<Number>(dlsym(RTLD_DEFAULT, "omp_get_num_threads"));
    if (index != nullptr && count != nullptr)
      parallel = reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
#endif
  }
};

const OpenMp& open_mp() {
  static const OpenMp found;
  return found;
}

struct Call {
  void (*body)(void*, int, int);
  void* data;
};

void in_thread(void* data) {
  const Call& call = *static_cast<Call*>(data);
  call.body(call.data, open_mp().index(), open_mp().count());
}

}  // namespace

void run_parallel(int threads, void (*body)(void*, int, int), void* data) {
  if (threads <= 1 || open_mp().parallel == nullptr) return body(data, 0, 1);
  Call call{body, data};
  open_mp().parallel(in_thread, &call, unsigned(threads), 0);
}

}  // namespace training
