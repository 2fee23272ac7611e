// SPDX-License-Identifier: BSD-3-Clause
// What lies between the matrix products of a training step, forwards and backwards,
// split among threads. A sum over rows is that of the threads' sums in their order,
// so that a result depends on the number of threads, and on nothing else.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel.h"
#include "rows.h"

namespace training {

template <class R, class S>
class Steps {
 public:
  explicit Steps(int threads) : threads_(std::max(threads, 1)), loops_(rows<R, S>()) {}

  // Mean and 1 / sqrt(variance + eps) of every column, the unbiased variance, and v.
  void normalise(int64_t rows, int64_t h, const R* u, const R* weight, const R* bias,
                 R eps, R* mean, R* rate, R* variance, S* v) const {
    statistics(rows, h, u, eps, mean, rate, variance);
    over(rows, [&](int, int64_t from, int64_t count) {
      loops_.normalise(count, h, u + from * h, {mean, rate, weight, bias},
                       v + from * h);
    });
  }

  void statistics(int64_t rows, int64_t h, const R* u, R eps, R* mean, R* rate,
                  R* variance) const {
    Sums sums(threads_, 2 * h);
    over(rows, [&](int index, int64_t from, int64_t count) {
      std::vector<R> scratch(2 * h);
      double* mine = sums.of(index);
      loops_.moments(count, h, u + from * h, scratch.data(), mine, mine + h);
    });
    const double* total = sums.total();
    for (int64_t j = 0; j < h; ++j) {
      const double m = total[j] / rows;
      const double var = std::max(total[h + j] / rows - m * m, 0.0);
      mean[j] = R(m);
      rate[j] = R(1.0 / std::sqrt(var + double(eps)));
      variance[j] = R(var * rows / std::max<int64_t>(rows - 1, 1));
    }
  }

  void scan(int64_t steps, int64_t batch, int64_t n, Nonlinearity kind, const R* a_re,
            const R* a_im, S* x, S* s) const {
    over_tiles(steps, batch, n, [&](int, const Tile& tile, int64_t size) {
      std::vector<R> state(2 * size);
      loops_.scan(tile, kind, a_re, a_im, x, s, state.data());
    });
  }

  void scan_back(int64_t steps, int64_t batch, int64_t n, Nonlinearity kind,
                 const R* a_re, const R* a_im, const S* x, S* g, R* by_a_re,
                 R* by_a_im) const {
    Sums sums(threads_, 2 * n);
    over_tiles(steps, batch, n, [&](int index, const Tile& tile, int64_t size) {
      std::vector<R> state(4 * size);
      double* mine = sums.of(index);
      loops_.scan_back(tile, kind, a_re, a_im, x, g, state.data(), mine, mine + n);
    });
    sums.write(0, n, by_a_re);
    sums.write(n, n, by_a_im);
  }

  void readout(int64_t rows, int64_t h, const S* v, const R* d, S* z) const {
    over(rows, [&](int, int64_t from, int64_t count) {
      loops_.readout(count, h, v + from * h, d, z + from * h);
    });
  }

  void gate(int64_t rows, int64_t h, const S* z, const S* p, const R* bias, const R* u,
            R* out) const {
    over(rows, [&](int, int64_t from, int64_t count) {
      const int64_t at = from * h;
      loops_.gate(count, h, z + at, p + at, bias, u + at, out + at);
    });
  }

  void gate_back(int64_t rows, int64_t h, const R* g, const R* out, const S* z,
                 const S* p, const R* bias, S* by_p, S* by_z, R* by_bias) const {
    Sums sums(threads_, h);
    over(rows, [&](int index, int64_t from, int64_t count) {
      std::vector<R> scratch(h);
      const int64_t at = from * h;
      loops_.gate_back(count, h, g + at, out + at, z + at, p + at, bias, by_p + at,
                       by_z + at, scratch.data(), sums.of(index));
    });
    sums.write(0, h, by_bias);
  }

  void relu_back(int64_t rows, int64_t h, const S* z, S* g) const {
    over(rows, [&](int, int64_t from, int64_t count) {
      loops_.relu_back(count, h, z + from * h, g + from * h);
    });
  }

  // by_v becomes that of the norm's output by both ways.
  void norm_back(int64_t rows, int64_t h, const R* u, Norm<R> norm, S* by_v,
                 const S* by_y, const R* d, const R* g, const R* out, R* by_u,
                 R* by_weight, R* by_bias, R* by_d) const {
    Sums sums(threads_, 3 * h);
    over(rows, [&](int index, int64_t from, int64_t count) {
      std::vector<R> scratch(3 * h);
      const int64_t at = from * h;
      double* mine = sums.of(index);
      loops_.norm_sums(count, h, u + at, norm, by_v + at, by_y + at, d, scratch.data(),
                       mine, mine + h, mine + 2 * h);
    });
    sums.write(0, h, by_bias);
    sums.write(h, h, by_weight);
    sums.write(2 * h, h, by_d);
    std::vector<R> mean_g(h), mean_gh(h);
    for (int64_t j = 0; j < h; ++j) {
      mean_g[j] = by_bias[j] / R(rows);
      mean_gh[j] = by_weight[j] / R(rows);
    }
    over(rows, [&](int, int64_t from, int64_t count) {
      const int64_t at = from * h;
      loops_.norm_back(count, h, u + at, norm, by_v + at, mean_g.data(), mean_gh.data(),
                       g + at, out + at, by_u + at);
    });
  }

  void bias(int64_t rows, int64_t h, bool relu, const S* p, const R* offset,
            R* y) const {
    over(rows, [&](int, int64_t from, int64_t count) {
      loops_.bias(count, h, relu, p + from * h, offset, y + from * h);
    });
  }

  void bias_back(int64_t rows, int64_t h, bool relu, const R* g, const R* y, S* p,
                 R* by_bias) const {
    Sums sums(threads_, h);
    over(rows, [&](int index, int64_t from, int64_t count) {
      std::vector<R> scratch(h);
      const int64_t at = from * h;
      loops_.bias_back(count, h, relu, g + at, y + at, p + at, scratch.data(),
                       sums.of(index));
    });
    sums.write(0, h, by_bias);
  }

  void convert(int64_t count, const R* from, S* to) const {
    over(count, [&](int, int64_t first, int64_t size) {
      loops_.convert(size, from + first, to + first);
    });
  }

  void widen(int64_t count, const S* from, R* to) const {
    over(count, [&](int, int64_t first, int64_t size) {
      loops_.widen(size, from + first, to + first);
    });
  }

  void masked(int64_t count, R factor, const R* weight, const uint8_t* mask, S* to) const {
    over(count, [&](int, int64_t first, int64_t size) {
      loops_.masked(size, factor, weight + first, mask + first, to + first);
    });
  }

  void masked_back(int64_t count, R factor, const S* g, const uint8_t* mask, R* to) const {
    over(count, [&](int, int64_t first, int64_t size) {
      loops_.masked_back(size, factor, g + first,
                         mask == nullptr ? nullptr : mask + first, to + first);
    });
  }

  // Muon's two halves around the orthogonalisation, for matrices of `count` entries;
  // see Rows. x is (matrices, count), and of norm 1 after the first half.
  void momentum(int64_t count, R share, const std::vector<const R*>& g,
                const std::vector<R*>& m, S* x, R* moving) const {
    over(int64_t(g.size()), [&](int, int64_t from, int64_t matrices) {
      for (int64_t i = from; i < from + matrices; ++i) {
        double sums[2] = {};
        loops_.momentum(count, share, g[i], m[i], x + i * count, sums);
        loops_.scaled(count, R(1.0 / (std::sqrt(sums[0]) + 1e-7)), x + i * count);
        moving[i] = R(sums[1]);
      }
    });
  }

  // The root mean square of what moves becomes `rate`.
  void moved(int64_t count, R keep, R rate, const std::vector<const R*>& g,
             const S* x, const R* moving, const std::vector<R*>& p) const {
    over(int64_t(g.size()), [&](int, int64_t from, int64_t matrices) {
      for (int64_t i = from; i < from + matrices; ++i) {
        const double square = loops_.moving_square(count, x + i * count, g[i]);
        const double size = std::sqrt(square / std::max(double(moving[i]), 1.0));
        loops_.moved(count, keep, R(rate / std::max(size, 1e-12)), x + i * count, g[i],
                     p[i]);
      }
    });
  }

  // B_bar (2 N, H) of B (N, H) and C (H, 2 N) of its parts (H, N), masked.
  struct Matrices {
    int64_t n, h;
    R factor;  // of C: 2 where one of every two conjugate states is stored
    const R *f_re, *f_im, *b_re, *b_im;
    const uint8_t *mb_re, *mb_im;
    const R *c_re, *c_im;
    const uint8_t *mc_re, *mc_im;
  };

  void matrices(const Matrices& m, S* b, S* c) const {
    over(m.n, [&](int, int64_t from, int64_t count) {
      for (int64_t i = from; i < from + count; ++i) {
        const int64_t at = i * m.h;
        loops_.drive(m.h, m.f_re[i], m.f_im[i], m.b_re + at, m.b_im + at, m.mb_re + at,
                     m.mb_im + at, b + at, b + m.n * m.h + at);
      }
    });
    over(m.h, [&](int, int64_t from, int64_t count) {
      for (int64_t i = from; i < from + count; ++i) {
        const int64_t at = i * m.n;
        loops_.masked(m.n, m.factor, m.c_re + at, m.mc_re + at, c + 2 * at);
        loops_.masked(m.n, -m.factor, m.c_im + at, m.mc_im + at, c + 2 * at + m.n);
      }
    });
  }

  struct Gradients {
    R *f_re, *f_im, *b_re, *b_im, *c_re, *c_im;
  };

  void matrices_back(const Matrices& m, bool through, const S* g_b, const S* g_c,
                     const Gradients& to) const {
    over(m.n, [&](int, int64_t from, int64_t count) {
      for (int64_t i = from; i < from + count; ++i) {
        const int64_t at = i * m.h;
        R by_f[2];
        loops_.drive_back(m.h, m.f_re[i], m.f_im[i], m.b_re + at, m.b_im + at,
                          through ? nullptr : m.mb_re + at,
                          through ? nullptr : m.mb_im + at, g_b + at,
                          g_b + m.n * m.h + at, to.b_re + at, to.b_im + at, by_f);
        to.f_re[i] = by_f[0];
        to.f_im[i] = by_f[1];
      }
    });
    over(m.h, [&](int, int64_t from, int64_t count) {
      for (int64_t i = from; i < from + count; ++i) {
        const int64_t at = i * m.n;
        loops_.masked_back(m.n, m.factor, g_c + 2 * at, through ? nullptr : m.mc_re + at,
                           to.c_re + at);
        loops_.masked_back(m.n, -m.factor, g_c + 2 * at + m.n,
                           through ? nullptr : m.mc_im + at, to.c_im + at);
      }
    });
  }

 private:
  // Column sums of every thread, in cache lines of their own.
  class Sums {
   public:
    Sums(int threads, int64_t columns)
        : threads_(threads), columns_(columns), stride_((columns + 15) / 8 * 8),
          values_(threads * stride_) {}
    double* of(int index) { return values_.data() + index * stride_; }
    const double* total() {
      for (int k = 1; k < threads_; ++k)
        for (int64_t j = 0; j < columns_; ++j) values_[j] += of(k)[j];
      threads_ = 1;
      return values_.data();
    }
    void write(int64_t from, int64_t count, R* to) {
      const double* sums = total() + from;
      for (int64_t j = 0; j < count; ++j) to[j] = R(sums[j]);
    }

   private:
    int threads_;
    int64_t columns_, stride_;
    std::vector<double> values_;
  };

  template <class Body>
  void over(int64_t size, const Body& body) const {
    parallel(threads_, [&](int index, int count) {
      const Part part(size, index, count);
      body(index, part.first, part.last - part.first);
    });
  }

  // Sequences are split as long as there are enough of them, else states.
  template <class Body>
  void over_tiles(int64_t steps, int64_t batch, int64_t n, const Body& body) const {
    parallel(threads_, [&](int index, int count) {
      const bool by_row = batch >= count;
      const Part rows = by_row ? Part(batch, index, count) : Part(batch, 0, 1);
      const Part states = by_row ? Part(n, 0, 1) : Part(n, index, count);
      const Tile tile{steps,     batch,        n,          rows.first,
                      rows.last, states.first, states.last};
      body(index, tile,
           (rows.last - rows.first) * (states.last - states.first));
    });
  }

  int threads_;
  const Rows<R, S>& loops_;
};

}  // namespace training
