// SPDX-License-Identifier: BSD-3-Clause
// The engine without Python: reads networks, tokens and the reference's integers from
// standard input (words apart by white space, written by test_neon.py), and runs every
// kernel of the machine on them. Names the kernels; a difference is an error.
#include <iostream>

#include "batch.h"
#include "kernels.h"

namespace {

template <class T = int64_t>
T word() {
  T value;
  if (!(std::cin >> value)) throw std::runtime_error("the input ends too soon");
  return value;
}

std::vector<int64_t> ints() {
  std::vector<int64_t> values(word<std::size_t>());
  for (int64_t& value : values) value = word();
  return values;
}

engine::Csr csr() {
  engine::Csr made;
  made.rows = word<int>();
  made.columns = word<int>();
  made.input_bits = word<int>();
  const auto begin = ints(), index = ints(), value = ints();
  made.begin.assign(begin.begin(), begin.end());
  made.index.assign(index.begin(), index.end());
  made.value.assign(value.begin(), value.end());
  return made;
}

engine::LayerDescription layer() {
  engine::LayerDescription made;
  made.type = word<std::string>();
  for (int n = word<int>(); n; --n) {
    const auto name = word<std::string>();
    made.numbers[name] = word();
  }
  for (int n = word<int>(); n; --n) {
    const auto name = word<std::string>();
    made.arrays[name] = ints();
  }
  for (int n = word<int>(); n; --n) {
    const auto name = word<std::string>();
    made.matrices[name] = csr();
  }
  return made;
}

engine::Description description() {
  engine::Description made;
  made.nearest = word();
  made.wrap = word();
  made.gate = static_cast<engine::StateGate>(word());
  for (int n = word<int>(); n; --n) made.layers.push_back(layer());
  return made;
}

struct Case {
  engine::Description description;
  bool narrow;  // whether vector kernels take it
  std::vector<int64_t> tokens, answers, overflows;
  std::vector<std::vector<int64_t>> trace;
};

Case next_case() {
  Case made{description(), word() != 0, ints(), ints(), ints(), {}};
  for (int n = word<int>(); n; --n) made.trace.push_back(ints());
  return made;
}

void compare(const std::vector<int64_t>& own, const std::vector<int64_t>& expected,
             const std::string& what) {
  if (own != expected) throw std::runtime_error(what + " differs from the reference");
}

void check_run(const engine::Executor& executor, const Case& c,
               const std::string& where) {
  const int64_t tokens = int64_t(c.tokens.size()) / executor.d_in;
  std::vector<int64_t> out(c.answers.size());
  std::vector<std::vector<int64_t>> trace;
  for (const auto& expected : c.trace) trace.emplace_back(expected.size());
  engine::Batch batch{{c.tokens.data(), engine::TokenType::kInt64}, 1, tokens,
                      out.data(), {}};
  for (auto& tensor : trace) batch.trace.push_back(tensor.data());
  const auto overflows = engine::run_batch(executor, batch, 1);
  if (!overflows) throw std::runtime_error("not accepted");
  compare(*overflows, c.overflows, where + " overflows");
  for (std::size_t i = 0; i < trace.size(); ++i)
    compare(trace[i], c.trace[i], where + " tensor " + std::to_string(i));
  compare(out, c.answers, where + " answers");
}

void check_steps(const engine::Executor& executor, const Case& c,
                 const std::string& where) {
  const int64_t tokens = int64_t(c.tokens.size()) / executor.d_in;
  std::vector<int64_t> out(c.answers.size());
  const auto context = executor.context();
  const engine::Tokens in{c.tokens.data(), engine::TokenType::kInt64};
  for (int64_t t = 0; t < tokens; ++t)
    if (!executor.step(*context, in.from(t * executor.d_in),
                       out.data() + t * executor.d_out))
      throw std::runtime_error("not accepted");
  compare(out, c.answers, where + " steps");
}

}  // namespace

int main() try {
  for (const std::string& kernel : engine::kernels()) std::cout << kernel << "\n";
  const int cases = word<int>();
  for (int i = 0; i < cases; ++i) {
    Case c = next_case();
    for (const std::string& kernel : engine::kernels())
      for (const char* layout : {"", "sparse", "dense"}) {
        if (kernel == "scalar" ? *layout != 0 : !c.narrow) continue;
        c.description.layout = layout;
        const auto executor = engine::make(c.description, kernel);
        const std::string where = "case " + std::to_string(i) + ", " + kernel + " " +
                                  layout + ":";
        check_run(*executor, c, where);
        if (!*layout) check_steps(*executor, c, where);
      }
  }
  std::cout << cases << " cases\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
