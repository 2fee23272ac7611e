// SPDX-License-Identifier: BSD-3-Clause
// The Python face of products with a weight of few entries, see sparse.h.
#include "sparse.h"

#include "arrays.h"

using namespace nanobind::literals;

namespace training {
namespace {

void make(SparseWeight* self, int64_t n, int64_t k, const Arrays& arrays) {
  Taken a(arrays);
  const uint8_t* mask = a.mask(n * k);
  const nb::gil_scoped_release release;
  new (self) SparseWeight(n, k, mask);
}

void forward(const SparseWeight& weight, int threads, int64_t rows,
             const Arrays& arrays) {
  Taken a(arrays);
  const float *x = a.next<float>(rows * weight.k());
  const float *w = a.next<float>(weight.n() * weight.k());
  float* y = a.next<float>(rows * weight.n());
  const nb::gil_scoped_release release;
  weight.forward(threads, rows, x, w, y);
}

void back(const SparseWeight& weight, int threads, int64_t rows, bool add,
          const Arrays& arrays) {
  Taken a(arrays);
  const float* g = a.next<float>(rows * weight.n());
  const float* x = a.next<float>(rows * weight.k());
  const float* w = a.next<float>(weight.n() * weight.k());
  float* by_w = a.next<float>(weight.n() * weight.k());
  float* by_x = arrays.size() > 4 ? a.next<float>(rows * weight.k()) : nullptr;
  const nb::gil_scoped_release release;
  weight.back(threads, rows, g, x, w, add, by_x, by_w);
}

}  // namespace

void bind_sparse(nb::module_& m) {
  nb::class_<SparseWeight>(m, "SparseWeight")
      .def("__init__", &make, "n"_a, "k"_a, "mask"_a)
      .def_prop_ro("entries", &SparseWeight::entries)
      .def("forward", &forward)
      .def("back", &back);
}

}  // namespace training
