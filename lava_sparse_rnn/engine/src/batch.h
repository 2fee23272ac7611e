// SPDX-License-Identifier: BSD-3-Clause
// Sequences in parallel: each from a zero state, shared out among threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "executor.h"

namespace engine {

// Arrays of all sequences, one after another.
struct Batch {
  Tokens in;
  int64_t sequences, tokens;  // tokens of each
  int64_t* out;
  std::vector<int64_t*> trace;  // one per tensor, or none
};

// False where a payload does not fit the input wire.
inline bool run_sequence(const Executor& executor, const Batch& batch, int64_t number,
                         std::vector<int64_t>& overflows) {
  const int64_t first = number * batch.tokens;
  const auto context = executor.context();
  std::vector<int64_t*> trace;
  for (std::size_t i = 0; i < batch.trace.size(); ++i)
    trace.push_back(batch.trace[i] + first * executor.tensors[i].size);
  const bool fits = executor.run(*context, batch.in.from(first * executor.d_in),
                                 batch.tokens, batch.out + first * executor.d_out,
                                 trace.empty() ? nullptr : trace.data());
  for (std::size_t i = 0; i < overflows.size(); ++i)
    overflows[i] += context->overflows[i];
  return fits;
}

// Overflow counts, summed over the batch; nothing where a payload does not fit. Every
// thread checks its own sequences while it runs them: checked before, by one thread,
// they would cost two threads an eighth of what they gain.
inline std::optional<std::vector<int64_t>> run_batch(const Executor& executor,
                                                     const Batch& batch,
                                                     int threads) {
  std::vector<int64_t> total(executor.tensors.size(), 0);
  std::atomic<int64_t> next{0};
  std::atomic<bool> fits{true};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      std::vector<int64_t> overflows(total.size(), 0);
      for (int64_t i = next++; fits && i < batch.sequences; i = next++)
        if (!run_sequence(executor, batch, i, overflows)) fits = false;
      const std::lock_guard<std::mutex> lock(mutex);
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += overflows[i];
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      failure = std::current_exception();
    }
  };
  const int64_t wanted = std::min<int64_t>(threads, batch.sequences) - 1;
  std::vector<std::thread> helpers;
  helpers.reserve(std::max<int64_t>(wanted, 0));
  try {
    for (int64_t i = 0; i < wanted; ++i) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // The system gives no more threads: those that there are do the work.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
  if (!fits) return std::nullopt;
  return total;
}

}  // namespace engine
