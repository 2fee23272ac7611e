// SPDX-License-Identifier: BSD-3-Clause
// The Python face of what needs products of its own, see products.h.
#include "arrays.h"
#include "orthogonal.h"

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

}  // namespace

void bind_products(nb::module_& m) {
  m.def("has_products", [] { return products() != nullptr; });
  m.def("orthogonalise", &orthogonalise_arrays);
}

}  // namespace training
