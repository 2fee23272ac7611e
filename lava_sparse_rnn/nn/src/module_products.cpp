// SPDX-License-Identifier: BSD-3-Clause
// The Python face of what needs products of its own, see products.h.
#include "arrays.h"
#include "block.h"
#include "orthogonal.h"
#include "steps.h"

using namespace nanobind::literals;

namespace training {
namespace {

const Products& products_or_not() {
  const Products* found = products();
  if (found == nullptr)
    throw std::runtime_error("training: this processor has no tiles of bfloat16");
  return *found;
}

void orthogonalise_arrays(int threads, int64_t matrices, int64_t m, int64_t n,
                          int iterations, float a, float b, float c,
                          const Arrays& arrays) {
  Taken taken(arrays);
  Bfloat16* x = taken.next<Bfloat16>(matrices * m * n);
  const Products& products = products_or_not();
  const nb::gil_scoped_release release;
  orthogonalise(products, threads, {iterations, a, b, c}, matrices, m, n, x);
}

BlockWeights weights_of(Taken& a, int64_t n, int64_t h) {
  BlockWeights w{};
  w.a_re = a.next<float>(n), w.a_im = a.next<float>(n);
  w.d = a.next<float>(h), w.bias = a.next<float>(h);
  w.norm.weight = a.next<float>(h), w.norm.bias = a.next<float>(h);
  w.b = a.next<Bfloat16>(2 * n * h), w.c = a.next<Bfloat16>(2 * n * h);
  w.gate = a.next<Bfloat16>(h * h);
  return w;
}

void check_sizes(int parts, const BlockSizes& s) {
  if (parts < 1 || s.steps < 1 || s.batch < 1 || s.n < 1 || s.h < 1)
    throw std::invalid_argument("training: a size is not positive");
}

void block_arrays(int parts, int64_t steps, int64_t batch, int64_t n, int64_t h,
                  const std::string& kind, float eps, const Arrays& arrays) {
  Taken a(arrays);
  const BlockSizes sizes{steps, batch, n, h, nonlinearity(kind)};
  check_sizes(parts, sizes);
  const int64_t rows = steps * batch;
  const float* u = a.next<float>(rows * h);
  BlockWeights w = weights_of(a, n, h);
  float *mean = a.next<float>(h), *rate = a.next<float>(h);
  float* variance = a.next<float>(h);
  w.norm.mean = mean, w.norm.rate = rate;
  BlockStates states{};
  states.x = a.next<Bfloat16>(rows * 2 * n);
  states.z = a.next<Bfloat16>(rows * h), states.p = a.next<Bfloat16>(rows * h);
  float* out = a.next<float>(rows * h);
  const Products& products = products_or_not();
  const nb::gil_scoped_release release;
  Steps<float, Bfloat16>(parts).statistics(rows, h, u, eps, mean, rate, variance);
  Block(products, parts, sizes, w).forward(u, states, out);
}

void block_back_arrays(int parts, int64_t steps, int64_t batch, int64_t n, int64_t h,
                       const std::string& kind, const Arrays& arrays) {
  Taken a(arrays);
  const BlockSizes sizes{steps, batch, n, h, nonlinearity(kind)};
  check_sizes(parts, sizes);
  const int64_t rows = steps * batch;
  const float *g = a.next<float>(rows * h), *u = a.next<float>(rows * h);
  const float* out = a.next<float>(rows * h);
  BlockWeights w = weights_of(a, n, h);
  w.norm.mean = a.next<float>(h), w.norm.rate = a.next<float>(h);
  BlockStates states{};
  states.x = a.next<Bfloat16>(rows * 2 * n);
  states.z = a.next<Bfloat16>(rows * h), states.p = a.next<Bfloat16>(rows * h);
  BlockGradients to{};
  to.a_re = a.next<float>(n), to.a_im = a.next<float>(n);
  to.d = a.next<float>(h), to.bias = a.next<float>(h);
  to.norm_weight = a.next<float>(h), to.norm_bias = a.next<float>(h);
  to.b = a.next<Bfloat16>(2 * n * h), to.c = a.next<Bfloat16>(2 * n * h);
  to.gate = a.next<Bfloat16>(h * h);
  to.u = a.next<float>(rows * h);
  const Products& products = products_or_not();
  const nb::gil_scoped_release release;
  Block(products, parts, sizes, w).backward(u, out, states, g, to);
}

}  // namespace

void bind_products(nb::module_& m) {
  m.def("has_products", [] { return products() != nullptr; });
  m.def("orthogonalise", &orthogonalise_arrays);
  m.def("block", &block_arrays);
  m.def("block_back", &block_back_arrays);
}

}  // namespace training
