// SPDX-License-Identifier: BSD-3-Clause
// Loops over a part of the rows (one row per token and sequence) or of the states.
// They are compiled once for each set of vector instructions; who calls them splits
// the work among threads and adds up what each of them has summed.
#pragma once
#include "number.h"

namespace training {

enum class Nonlinearity { kNone, kRealGate, kSplit };

// A part of (T, B, 2 N) values, real parts first: all tokens of some sequences and
// states.
struct Tile {
  int64_t steps, batch, states;  // T, B, N
  int64_t first_row, last_row, first_state, last_state;
  bool begins = true;  // else tokens stand before these in memory
};

// Of a batch norm: v = (u - mean) * rate * weight + bias.
template <class R>
struct Norm {
  const R *mean, *rate, *weight, *bias;
};

template <class R, class S>
struct Rows {
  // Adds column sums of u and of its squares.
  void (*moments)(int64_t rows, int64_t h, const R* u, R* scratch, double* sum,
                  double* square);
  void (*normalise)(int64_t rows, int64_t h, const R* u, Norm<R> norm, S* v);
  // Drive to states in place; `state` holds two numbers for each of the tile, zeros at
  // first.
  void (*scan)(Tile tile, Nonlinearity kind, const R* a_re, const R* a_im, S* x, S* s,
               R* state);
  // s of x.
  void (*passed)(int64_t rows, int64_t n, Nonlinearity kind, const S* x, S* s);
  // Gradient of s to that of the drive in place; adds to the gradient of a. `state`
  // holds four numbers for each of the tile, zeros at first.
  void (*scan_back)(Tile tile, Nonlinearity kind, const R* a_re, const R* a_im,
                    const S* x, S* g, R* state, double* by_a_re, double* by_a_im);
  // z = relu(z + d * v), in place.
  void (*readout)(int64_t rows, int64_t h, const S* v, const R* d, S* z);
  // out = relu(z * sigmoid(p + bias) + u).
  void (*gate)(int64_t rows, int64_t h, const S* z, const S* p, const R* bias,
               const R* u, R* out);
  // Gradients of p, of which column sums are added to `by_bias`, and that part of the
  // gradient of z that does not pass through p.
  void (*gate_back)(int64_t rows, int64_t h, const R* g, const R* out, const S* z,
                    const S* p, const R* bias, S* by_p, S* by_z, R* scratch,
                    double* by_bias);
  // Zeroes g where z is not positive.
  void (*relu_back)(int64_t rows, int64_t h, const S* z, S* g);
  // Adds column sums of g, g * h and y * v; g is v's gradient, `by_v + d * by_y`, and
  // h the input of the norm at mean 0 and deviation 1. g takes the place of by_v.
  void (*norm_sums)(int64_t rows, int64_t h, const R* u, Norm<R> norm, S* by_v,
                    const S* by_y, const R* d, R* scratch, double* by_bias,
                    double* by_weight, double* by_d);
  // Gradient of u through norm (with means of g and g * h) and residual.
  void (*norm_back)(int64_t rows, int64_t h, const R* u, Norm<R> norm, const S* by_v,
                    const R* mean_g, const R* mean_gh, const R* g, const R* out,
                    R* by_u);
  // y = p + bias, and relu of it.
  void (*bias)(int64_t rows, int64_t h, bool relu, const S* p, const R* bias, R* y);
  // g to S, zero where relu was; adds its column sums.
  void (*bias_back)(int64_t rows, int64_t h, bool relu, const R* g, const R* y, S* p,
                    R* scratch, double* by_bias);
  void (*convert)(int64_t count, const R* from, S* to);
  void (*widen)(int64_t count, const S* from, R* to);
  // Muon, one matrix. m moves towards g, and ahead is g moved on towards m; adds the
  // sum of the squares of that, and the number of entries of g that are not zero.
  void (*momentum)(int64_t count, R share, const R* g, R* m, S* ahead, double* sums);
  void (*scaled)(int64_t count, R factor, S* x);
  // Sum of the squares of x where g is not zero.
  double (*moving_square)(int64_t count, const S* x, const R* g);
  // p = keep * p - rate * x, the latter where g is not zero.
  void (*moved)(int64_t count, R keep, R rate, const S* x, const R* g, R* p);
  // factor * weight where the mask is, else 0.
  void (*masked)(int64_t count, R factor, const R* weight, const uint8_t* mask, S* to);
  void (*masked_back)(int64_t count, R factor, const S* g, const uint8_t* mask, R* to);
  // (f_re + i f_im) * (b_re + i b_im), each part where its mask is.
  void (*drive)(int64_t h, R f_re, R f_im, const R* b_re, const R* b_im,
                const uint8_t* m_re, const uint8_t* m_im, S* to_re, S* to_im);
  // Masks are null where gradients pass straight through. by_f: two sums.
  void (*drive_back)(int64_t h, R f_re, R f_im, const R* b_re, const R* b_im,
                     const uint8_t* m_re, const uint8_t* m_im, const S* g_re, const S* g_im,
                     R* by_b_re, R* by_b_im, R* by_f);
};

struct Sparse;  // sparse.h

// How a spectrum's bins are answered by fewer numbers: one each below `linear`, and
// bands above, of which bin `linear + i` lies between lower[i] and the next. Weights
// are of the lower band for every such bin, then of the upper ones.
struct Banding {
  int64_t linear, bands, bins;
  const int64_t* lower;
  const float *weights, *means;  // a bin's weights add up to 1; a band's means do

  int64_t size() const { return linear + bands; }
};

// Of rows first to last, see spectra.inc.
struct Spectra {
  void (*frames)(int64_t first, int64_t last, int64_t size, int64_t hop,
                 int64_t length, const float* wave, const float* window, float* to);
  // This, and the two with gains, work in a `scratch` of twice as many numbers as there
  // are bins.
  void (*features)(int64_t first, int64_t last, const Banding& banding,
                   int64_t stride, float scale, float mean, float factor,
                   const float* spectrum, float* scratch, float* x);
  // Of sequences first to last, in a `scratch` of three times as many numbers as features.
  void (*contrasts)(int64_t first, int64_t last, int64_t steps, int64_t batch,
                    int64_t size, float part, float rise, const int64_t* begins,
                    const float* x, float* scratch, float* to);
  void (*gained)(int64_t first, int64_t last, const Banding& banding, int64_t stride,
                 const float* spectrum, const float* output, float* scratch, float* to);
  void (*gained_back)(int64_t first, int64_t last, const Banding& banding,
                      int64_t stride, const float* scale, const float* frames,
                      const float* spectrum, const float* output, float* scratch,
                      float* to);
  void (*overlapped)(int64_t first, int64_t last, int64_t size, int64_t hop,
                     const float* frames, const float* window, float* wave);
  void (*moments)(int64_t count, const float* x, const float* t, double* sums);
  double (*energy)(int64_t count, const float* x, const float* t, float by_t,
                   float offset);
  void (*blend)(int64_t count, const float* x, const float* t, float by_x, float by_t,
                float offset, float* to);
};

// For the vector instructions of this machine.
template <class R, class S>
const Rows<R, S>& rows();
const Spectra& spectra();

#define TRAINING_TABLES(name)            \
  struct name {                          \
    static const Rows<float, Bfloat16> mixed; \
    static const Rows<float, float> single;   \
    static const Rows<double, double> twice;  \
    static const Spectra spectra;             \
    static const Sparse sparse;               \
  };
TRAINING_TABLES(Plain)
TRAINING_TABLES(Avx2)
TRAINING_TABLES(Avx512)
#undef TRAINING_TABLES

}  // namespace training
