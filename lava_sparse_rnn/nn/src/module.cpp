// SPDX-License-Identifier: BSD-3-Clause
// The Python face: `Steps` of torch's tensors, of three pairs of types.
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "arrays.h"
#include "steps.h"

using namespace nanobind::literals;

namespace training {

void bind_products(nb::module_& m);  // module_products.cpp

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

// The float loops around the Fourier transforms of one sequence, `row` of `batch`.
struct SpectraFace {
  static void frames(int threads, int64_t size, int64_t hop, const Arrays& arrays) {
    Taken a(arrays);
    const int64_t length = a.size(0), count = length / hop;
    const float *wave = a.next<float>(length), *window = a.next<float>(size);
    float* to = a.next<float>(count * size);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(count, index, parts);
      spectra().frames(p.first, p.last, size, hop, wave, window, to);
    });
  }

  static void features(int threads, int64_t steps, int64_t batch, int64_t bins,
                       int64_t row, float scale, float mean, float factor,
                       const Arrays& arrays) {
    Taken a(arrays);
    const float* spectrum = a.next<float>(2 * steps * bins);
    float* x = a.row(steps, batch, bins, row);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(steps, index, parts);
      spectra().features(p.first, p.last, bins, batch * bins, scale, mean, factor,
                         spectrum, x);
    });
  }

  static void gained(int threads, int64_t steps, int64_t batch, int64_t bins,
                     int64_t row, const Arrays& arrays) {
    Taken a(arrays);
    const float* spectrum = a.next<float>(2 * steps * bins);
    const float* output = a.row(steps, batch, bins, row);
    float* to = a.next<float>(2 * steps * bins);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(steps, index, parts);
      spectra().gained(p.first, p.last, bins, batch * bins, spectrum, output, to);
    });
  }

  static void gained_back(int threads, int64_t steps, int64_t batch, int64_t bins,
                          int64_t row, const Arrays& arrays) {
    Taken a(arrays);
    const float *scale = a.next<float>(bins), *frames = a.next<float>(2 * steps * bins);
    const float* spectrum = a.next<float>(2 * steps * bins);
    const float* output = a.row(steps, batch, bins, row);
    float* to = a.row(steps, batch, bins, row);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(steps, index, parts);
      spectra().gained_back(p.first, p.last, bins, batch * bins, scale, frames,
                            spectrum, output, to);
    });
  }

  static void overlapped(int threads, int64_t size, int64_t hop, const Arrays& arrays) {
    Taken a(arrays);
    const int64_t count = a.size(0) / size - size / hop + 1;
    if (count < 0) throw std::invalid_argument("training: too few frames to overlap");
    const float *frames = a.next<float>(a.size(0)), *window = a.next<float>(size);
    float* wave = a.next<float>(count * hop);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(count, index, parts);
      spectra().overlapped(p.first, p.last, size, hop, frames, window, wave);
    });
  }

  // Ratio in decibels of each estimate x to its target t, and three factors of its
  // gradient, by_x * x + by_t * t + offset. With means removed, x = p t + n, and S and
  // N the energies of these two: dS/dx = 2 p |t|^2 / E t with E = |t|^2 + eps, and
  // dN/dx = 2 n - 2 p eps / E t.
  static void si_snr(int threads, int64_t rows, int64_t count, double eps,
                     const Arrays& arrays) {
    Taken a(arrays);
    const float *x = a.next<float>(rows * count), *t = a.next<float>(rows * count);
    float* ratio = a.next<float>(rows);
    double* factors = a.next<double>(rows * 3);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part part(rows, index, parts);
      for (int64_t i = part.first; i < part.last; ++i) {
        const float *xi = x + i * count, *ti = t + i * count;
        double sums[4] = {};
        spectra().moments(count, xi, ti, sums);
        const double mean_x = sums[0] / count, mean_t = sums[1] / count;
        const double power = sums[3] - mean_t * sums[1], energy = power + eps;
        const double p = (sums[2] - mean_x * sums[1]) / energy;
        const double offset = p * mean_t - mean_x;
        const double rest =
            spectra().energy(count, xi, ti, float(-p), float(offset)) + eps;
        const double signal = p * p * power + eps;
        ratio[i] = float(10.0 * std::log10(signal / rest));
        const double unit = 10.0 / std::log(10.0);
        const double by_target =
            2.0 * unit * p / energy * (power / signal + eps / rest);
        const double by_rest = -2.0 * unit / rest;
        factors[3 * i] = by_rest;
        factors[3 * i + 1] = by_target - by_rest * p;
        factors[3 * i + 2] = by_rest * offset - by_target * mean_t;
      }
    });
  }

  static void si_snr_back(int threads, int64_t rows, int64_t count,
                          const Arrays& arrays) {
    Taken a(arrays);
    const float *g = a.next<float>(rows), *x = a.next<float>(rows * count);
    const float* t = a.next<float>(rows * count);
    const double* factors = a.next<double>(rows * 3);
    float* to = a.next<float>(rows * count);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part part(rows, index, parts);
      for (int64_t i = part.first; i < part.last; ++i) {
        const double* f = factors + 3 * i;
        spectra().blend(count, x + i * count, t + i * count, float(g[i] * f[0]),
                        float(g[i] * f[1]), float(g[i] * f[2]), to + i * count);
      }
    });
  }

  static void bind(nb::module_& m) {
    m.def("si_snr", &si_snr);
    m.def("si_snr_back", &si_snr_back);
    m.def("frames", &frames);
    m.def("features", &features);
    m.def("gained", &gained);
    m.def("gained_back", &gained_back);
    m.def("overlapped", &overlapped);
  }
};

}  // namespace
}  // namespace training

NB_MODULE(_training, m) {
  m.doc() = "What lies between the matrix products of a training step.";
  training::Face<float, training::Bfloat16>::bind(m, "Mixed");
  training::Face<float, float>::bind(m, "Single");
  training::Face<double, double>::bind(m, "Double");
  training::SpectraFace::bind(m);
  training::bind_products(m);
}
