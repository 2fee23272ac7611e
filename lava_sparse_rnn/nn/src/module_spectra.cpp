// SPDX-License-Identifier: BSD-3-Clause
// The Python face of the float loops around Fourier transforms, see spectra.inc.
#include <cmath>
#include <stdexcept>
#include <vector>

#include "arrays.h"
#include "parallel.h"

namespace training {
namespace {

// Three arrays: the lower band of each shared bin, weights (2, bins), means (2, bins).
Banding taken_banding(Taken& a, int64_t linear, int64_t bands) {
  const int64_t shared = a.size();
  Banding banding{linear, bands, linear + shared, nullptr, nullptr, nullptr};
  banding.lower = a.next<int64_t>(shared);
  banding.weights = a.next<float>(2 * shared);
  banding.means = a.next<float>(2 * shared);
  for (int64_t i = 0; i < shared; ++i)
    if (banding.lower[i] < 0 || banding.lower[i] + 1 >= bands)
      throw std::invalid_argument("training: a bin lies between no bands");
  return banding;
}

// The float loops around the Fourier transforms of one sequence, `row` of `batch`.
struct SpectraFace {
  static void frames(int threads, int64_t size, int64_t hop, const Arrays& arrays) {
    Taken a(arrays);
    const int64_t length = a.size(0), count = a.size(2) / size;
    const float *wave = a.next<float>(length), *window = a.next<float>(size);
    float* to = a.next<float>(count * size);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(count, index, parts);
      spectra().frames(p.first, p.last, size, hop, length, wave, window, to);
    });
  }

  static void features(int threads, int64_t steps, int64_t batch, int64_t linear,
                       int64_t bands, int64_t row, float scale, float mean,
                       float factor, const Arrays& arrays) {
    Taken a(arrays);
    const Banding banding = taken_banding(a, linear, bands);
    const float* spectrum = a.next<float>(2 * steps * banding.bins);
    float* x = a.row(steps, batch, banding.size(), row);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(steps, index, parts);
      std::vector<float> scratch(2 * banding.bins);
      spectra().features(p.first, p.last, banding, batch * banding.size(), scale, mean,
                         factor, spectrum, scratch.data(), x);
    });
  }

  static void contrasts(int threads, int64_t steps, int64_t batch, int64_t size,
                        float part, float rise, const Arrays& arrays) {
    Taken a(arrays);
    const int64_t* begins = a.next<int64_t>(steps * batch);
    const float* x = a.next<float>(steps * batch * size);
    float* to = a.next<float>(3 * steps * batch * size);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(batch, index, parts);
      std::vector<float> scratch(3 * size);
      spectra().contrasts(p.first, p.last, steps, batch, size, part, rise, begins, x,
                          scratch.data(), to);
    });
  }

  static void gained(int threads, int64_t steps, int64_t batch, int64_t linear,
                     int64_t bands, int64_t row, const Arrays& arrays) {
    Taken a(arrays);
    const Banding banding = taken_banding(a, linear, bands);
    const float* spectrum = a.next<float>(2 * steps * banding.bins);
    const float* output = a.row(steps, batch, banding.size(), row);
    float* to = a.next<float>(2 * steps * banding.bins);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(steps, index, parts);
      std::vector<float> scratch(2 * banding.bins);
      spectra().gained(p.first, p.last, banding, batch * banding.size(), spectrum,
                       output, scratch.data(), to);
    });
  }

  static void gained_back(int threads, int64_t steps, int64_t batch, int64_t linear,
                          int64_t bands, int64_t row, const Arrays& arrays) {
    Taken a(arrays);
    const Banding banding = taken_banding(a, linear, bands);
    const float* scale = a.next<float>(banding.bins);
    const float* frames = a.next<float>(2 * steps * banding.bins);
    const float* spectrum = a.next<float>(2 * steps * banding.bins);
    const float* output = a.row(steps, batch, banding.size(), row);
    float* to = a.row(steps, batch, banding.size(), row);
    const nb::gil_scoped_release release;
    parallel(threads, [&](int index, int parts) {
      const Part p(steps, index, parts);
      std::vector<float> scratch(2 * banding.bins);
      spectra().gained_back(p.first, p.last, banding, batch * banding.size(), scale,
                            frames, spectrum, output, scratch.data(), to);
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
    m.def("contrasts", &contrasts);
    m.def("gained", &gained);
    m.def("gained_back", &gained_back);
    m.def("overlapped", &overlapped);
  }
};

}  // namespace

void bind_spectra(nb::module_& m) { SpectraFace::bind(m); }

}  // namespace training
