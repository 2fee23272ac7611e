// SPDX-License-Identifier: BSD-3-Clause
// The Python face: `Steps` of torch's tensors, of three pairs of types.
#include <stdexcept>
#include <string>
#include <vector>

#include "arrays.h"
#include "steps.h"

using namespace nanobind::literals;

namespace training {

void bind_products(nb::module_& m);  // module_products.cpp
void bind_spectra(nb::module_& m);   // module_spectra.cpp
void bind_sparse(nb::module_& m);    // module_sparse.cpp

namespace {

// Every function takes sizes and a list of arrays in the order of their names below;
// those that are written come last.
template <class R, class S>
struct Face {
  using Of = Steps<R, S>;

  static void normalise(const Of& steps, int64_t rows, int64_t h, R eps,
                        const Arrays& arrays) {
    Taken a(arrays);
    const R* u = a.next<R>(rows * h);
    const R *weight = a.next<R>(h), *bias = a.next<R>(h);
    R *mean = a.next<R>(h), *rate = a.next<R>(h), *variance = a.next<R>(h);
    S* v = a.next<S>(rows * h);
    const nb::gil_scoped_release release;
    steps.normalise(rows, h, u, weight, bias, eps, mean, rate, variance, v);
  }

  static void scan(const Of& steps, int64_t length, int64_t batch, int64_t n,
                   const std::string& kind, const Arrays& arrays) {
    Taken a(arrays);
    const R *a_re = a.next<R>(n), *a_im = a.next<R>(n);
    S *x = a.next<S>(length * batch * 2 * n), *s = a.next<S>(length * batch * 2 * n);
    const Nonlinearity gate = nonlinearity(kind);
    const nb::gil_scoped_release release;
    steps.scan(length, batch, n, gate, a_re, a_im, x, s);
  }

  static void scan_back(const Of& steps, int64_t length, int64_t batch, int64_t n,
                        const std::string& kind, const Arrays& arrays) {
    Taken a(arrays);
    const R *a_re = a.next<R>(n), *a_im = a.next<R>(n);
    const S* x = a.next<S>(length * batch * 2 * n);
    S* g = a.next<S>(length * batch * 2 * n);
    R *by_a_re = a.next<R>(n), *by_a_im = a.next<R>(n);
    const Nonlinearity gate = nonlinearity(kind);
    const nb::gil_scoped_release release;
    steps.scan_back(length, batch, n, gate, a_re, a_im, x, g, by_a_re, by_a_im);
  }

  static void readout(const Of& steps, int64_t rows, int64_t h, const Arrays& arrays) {
    Taken a(arrays);
    const S* v = a.next<S>(rows * h);
    const R* d = a.next<R>(h);
    S* z = a.next<S>(rows * h);
    const nb::gil_scoped_release release;
    steps.readout(rows, h, v, d, z);
  }

  static void gate(const Of& steps, int64_t rows, int64_t h, const Arrays& arrays) {
    Taken a(arrays);
    const S *z = a.next<S>(rows * h), *p = a.next<S>(rows * h);
    const R *bias = a.next<R>(h), *u = a.next<R>(rows * h);
    R* out = a.next<R>(rows * h);
    const nb::gil_scoped_release release;
    steps.gate(rows, h, z, p, bias, u, out);
  }

  static void gate_back(const Of& steps, int64_t rows, int64_t h,
                        const Arrays& arrays) {
    Taken a(arrays);
    const R *g = a.next<R>(rows * h), *out = a.next<R>(rows * h);
    const S* z = a.next<S>(rows * h);
    const R* bias = a.next<R>(h);
    const S* p = a.next<S>(rows * h);
    S *by_p = a.next<S>(rows * h), *by_z = a.next<S>(rows * h);
    R* by_bias = a.next<R>(h);
    const nb::gil_scoped_release release;
    steps.gate_back(rows, h, g, out, z, p, bias, by_p, by_z, by_bias);
  }

  static void relu_back(const Of& steps, int64_t rows, int64_t h,
                        const Arrays& arrays) {
    Taken a(arrays);
    const S* z = a.next<S>(rows * h);
    S* g = a.next<S>(rows * h);
    const nb::gil_scoped_release release;
    steps.relu_back(rows, h, z, g);
  }

  static void norm_back(const Of& steps, int64_t rows, int64_t h,
                        const Arrays& arrays) {
    Taken a(arrays);
    const R* u = a.next<R>(rows * h);
    Norm<R> norm;
    norm.mean = a.next<R>(h), norm.rate = a.next<R>(h);
    norm.weight = a.next<R>(h), norm.bias = a.next<R>(h);
    S* by_v = a.next<S>(rows * h);
    const S* by_y = a.next<S>(rows * h);
    const R* d = a.next<R>(h);
    const R *g = a.next<R>(rows * h), *out = a.next<R>(rows * h);
    R* by_u = a.next<R>(rows * h);
    R *by_weight = a.next<R>(h), *by_bias = a.next<R>(h), *by_d = a.next<R>(h);
    const nb::gil_scoped_release release;
    steps.norm_back(rows, h, u, norm, by_v, by_y, d, g, out, by_u, by_weight, by_bias,
                    by_d);
  }

  static void bias(const Of& steps, int64_t rows, int64_t h, bool relu,
                   const Arrays& arrays) {
    Taken a(arrays);
    const S* p = a.next<S>(rows * h);
    const R* offset = a.next<R>(h);
    R* y = a.next<R>(rows * h);
    const nb::gil_scoped_release release;
    steps.bias(rows, h, relu, p, offset, y);
  }

  static void bias_back(const Of& steps, int64_t rows, int64_t h, bool relu,
                        const Arrays& arrays) {
    Taken a(arrays);
    const R *g = a.next<R>(rows * h), *y = a.next<R>(rows * h);
    S* p = a.next<S>(rows * h);
    R* by_bias = a.next<R>(h);
    const nb::gil_scoped_release release;
    steps.bias_back(rows, h, relu, g, y, p, by_bias);
  }

  static void convert(const Of& steps, int64_t count, const Arrays& arrays) {
    Taken a(arrays);
    const R* from = a.next<R>(count);
    S* to = a.next<S>(count);
    const nb::gil_scoped_release release;
    steps.convert(count, from, to);
  }

  static void widen(const Of& steps, int64_t count, const Arrays& arrays) {
    Taken a(arrays);
    const S* from = a.next<S>(count);
    R* to = a.next<R>(count);
    const nb::gil_scoped_release release;
    steps.widen(count, from, to);
  }

  static void masked(const Of& steps, int64_t count, const Arrays& arrays) {
    Taken a(arrays);
    const R* weight = a.next<R>(count);
    const uint8_t* mask = a.mask(count);
    S* to = a.next<S>(count);
    const nb::gil_scoped_release release;
    steps.masked(count, R(1), weight, mask, to);
  }

  static void masked_back(const Of& steps, int64_t count, bool through,
                          const Arrays& arrays) {
    Taken a(arrays);
    const S* g = a.next<S>(count);
    const uint8_t* mask = a.mask(count);
    R* to = a.next<R>(count);
    const nb::gil_scoped_release release;
    steps.masked_back(count, R(1), g, through ? nullptr : mask, to);
  }

  static void momentum(const Of& steps, int64_t count, R share, const Arrays& gradients,
                       const Arrays& momenta, const Arrays& arrays) {
    Taken g(gradients), m(momenta), a(arrays);
    const auto matrices = int64_t(gradients.size());
    std::vector<const R*> from;
    std::vector<R*> to;
    for (int64_t i = 0; i < matrices; ++i) {
      from.push_back(g.next<R>(count));
      to.push_back(m.next<R>(count));
    }
    S* x = a.next<S>(matrices * count);
    R* moving = a.next<R>(matrices);
    const nb::gil_scoped_release release;
    steps.momentum(count, share, from, to, x, moving);
  }

  static void moved(const Of& steps, int64_t count, R keep, R rate,
                    const Arrays& gradients, const Arrays& parameters,
                    const Arrays& arrays) {
    Taken g(gradients), p(parameters), a(arrays);
    const auto matrices = int64_t(gradients.size());
    std::vector<const R*> from;
    std::vector<R*> to;
    for (int64_t i = 0; i < matrices; ++i) {
      from.push_back(g.next<R>(count));
      to.push_back(p.next<R>(count));
    }
    const S* x = a.next<S>(matrices * count);
    const R* moving = a.next<R>(matrices);
    const nb::gil_scoped_release release;
    steps.moved(count, keep, rate, from, x, moving, to);
  }

  static typename Of::Matrices matrices_of(int64_t n, int64_t h, R factor, Taken& a) {
    typename Of::Matrices m{};
    m.n = n, m.h = h, m.factor = factor;
    m.f_re = a.next<R>(n), m.f_im = a.next<R>(n);
    m.b_re = a.next<R>(n * h), m.b_im = a.next<R>(n * h);
    m.c_re = a.next<R>(n * h), m.c_im = a.next<R>(n * h);
    m.mb_re = a.mask(n * h), m.mb_im = a.mask(n * h);
    m.mc_re = a.mask(n * h), m.mc_im = a.mask(n * h);
    return m;
  }

  static void matrices(const Of& steps, int64_t n, int64_t h, R factor,
                       const Arrays& arrays) {
    Taken a(arrays);
    const auto m = matrices_of(n, h, factor, a);
    S *b = a.next<S>(2 * n * h), *c = a.next<S>(2 * n * h);
    const nb::gil_scoped_release release;
    steps.matrices(m, b, c);
  }

  static void matrices_back(const Of& steps, int64_t n, int64_t h, R factor,
                            bool through, const Arrays& arrays) {
    Taken a(arrays);
    const auto m = matrices_of(n, h, factor, a);
    const S *g_b = a.next<S>(2 * n * h), *g_c = a.next<S>(2 * n * h);
    typename Of::Gradients to{};
    to.f_re = a.next<R>(n), to.f_im = a.next<R>(n);
    to.b_re = a.next<R>(n * h), to.b_im = a.next<R>(n * h);
    to.c_re = a.next<R>(n * h), to.c_im = a.next<R>(n * h);
    const nb::gil_scoped_release release;
    steps.matrices_back(m, through, g_b, g_c, to);
  }

  static void bind(nb::module_& m, const char* name) {
    nb::class_<Of>(m, name)
        .def(nb::init<int>(), "threads"_a)
        .def("normalise", &normalise)
        .def("scan", &scan)
        .def("scan_back", &scan_back)
        .def("readout", &readout)
        .def("gate", &gate)
        .def("gate_back", &gate_back)
        .def("relu_back", &relu_back)
        .def("norm_back", &norm_back)
        .def("bias", &bias)
        .def("bias_back", &bias_back)
        .def("convert", &convert)
        .def("widen", &widen)
        .def("momentum", &momentum)
        .def("moved", &moved)
        .def("masked", &masked)
        .def("masked_back", &masked_back)
        .def("matrices", &matrices)
        .def("matrices_back", &matrices_back);
  }
};

}  // namespace
}  // namespace training

NB_MODULE(_training, m) {
  m.doc() = "What lies between the matrix products of a training step.";
  m.attr("face") = 4;  // another number whenever a function takes other arguments
  training::Face<float, training::Bfloat16>::bind(m, "Mixed");
  training::Face<float, float>::bind(m, "Single");
  training::Face<double, double>::bind(m, "Double");
  training::bind_spectra(m);
  training::bind_products(m);
  training::bind_sparse(m);
}
