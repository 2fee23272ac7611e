// SPDX-License-Identifier: BSD-3-Clause
// Sequences in parallel: each from a zero state, shared out among threads.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>
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

inline void run_sequence(const Executor& executor, const Batch& batch, int64_t number,
                         std::vector<int64_t>& overflows) {
  const int64_t first = number * batch.tokens;
  const auto context = executor.context();
  std::vector<int64_t*> trace;
  for (std::size_t i = 0; i < batch.trace.size(); ++i)
    trace.push_back(batch.trace[i] + first * executor.tensors[i].size);
  executor.run(*context, batch.in.from(first * executor.d_in),
               batch.tokens, batch.out + first * executor.d_out,
               trace.empty() ? nullptr : trace.data());
  for (std::size_t i = 0; i < overflows.size(); ++i)
    overflows[i] += context->overflows[i];
}

// Overflow counts, summed over the batch.
inline std::vector<int64_t> run_batch(const Executor& executor, const Batch& batch,
                                      int threads) {
  std::vector<int64_t> total(executor.tensors.size(), 0);
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      std::vector<int64_t> overflows(total.size(), 0);
      for (int64_t i = next++; i < batch.sequences; i = next++)
        run_sequence(executor, batch, i, overflows);
      const std::lock_guard<std::mutex> lock(mutex);
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += overflows[i];
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      failure = std::current_exception();
    }
  };
  std::vector<std::thread> helpers;
  for (int64_t i = 1; i < std::min<int64_t>(threads, batch.sequences); ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
  return total;
}

}  // namespace engine
