// SPDX-License-Identifier: BSD-3-Clause
// A network that can run, whatever the kernel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "description.h"

namespace engine {

enum class TokenType { kInt16, kInt32, kInt64 };

struct Tokens {
  const void* data;
  TokenType type;

  // The same array from its value number `at` on.
  Tokens from(int64_t at) const {
    constexpr int64_t sizes[] = {2, 4, 8};
    const int64_t size = sizes[static_cast<int>(type)];
    return {static_cast<const char*>(data) + at * size, type};
  }
};

// What belongs to one stream of tokens: states, overflow counts, work space.
struct Context {
  virtual ~Context() = default;
  std::vector<Array<int32_t>> x;   // real and imaginary part of each block in turn
  std::vector<int64_t> overflows;  // one per traced tensor
};

struct TensorName {
  std::string name;
  int size;
};

// The largest state of each block that a format allows, and its length.
struct StateShape {
  int size, bits;
};

class Executor {
 public:
  virtual ~Executor() = default;
  virtual std::unique_ptr<Context> context() const = 0;
  // Answers `count` tokens; `trace` is one array per tensor, or null. False where one
  // does not fit the input wire; tokens before it may then be answered, and have moved
  // the context.
  virtual bool run(Context& context, Tokens in, int64_t count, int64_t* out,
                   int64_t* const* trace) const = 0;
  // One token: false, and nothing done, where it does not fit the input wire.
  virtual bool step(Context& context, Tokens in, int64_t* out) const = 0;

  int d_in = 0, d_out = 0;
  std::vector<TensorName> tensors;  // in the order of traces and counts
  std::vector<StateShape> states;   // of each block
  std::vector<std::string> layouts;  // of each matrix
};

std::unique_ptr<Executor> make_scalar(const Description& description);
#if defined(__x86_64__) && defined(__GNUC__)
#define ENGINE_X86 1
std::unique_ptr<Executor> make_avx2(const Description& description);
std::unique_ptr<Executor> make_avx512(const Description& description);
#endif
#if defined(__aarch64__) && defined(__GNUC__) && defined(__AARCH64EL__)
#define ENGINE_ARM64 1
std::unique_ptr<Executor> make_neon(const Description& description);
std::unique_ptr<Executor> make_dotprod(const Description& description);
#endif

}  // namespace engine
