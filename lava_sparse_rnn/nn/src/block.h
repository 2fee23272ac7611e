// SPDX-License-Identifier: BSD-3-Clause
// A block's training step around products of our own: some rows at a time pass through
// all of it while they are in a core's cache. The loops between the products are those
// of rows.h.
#pragma once
#include <vector>

#include "products.h"
#include "rows.h"

namespace training {

struct BlockSizes {
  int64_t steps, batch, n, h;  // T, B, N, H
  Nonlinearity kind;
};

// Matrices are masked and of the type of products: B_bar (2 N, H), C (H, 2 N), W.
struct BlockWeights {
  const float *a_re, *a_im, *d, *bias;
  Norm<float> norm;
  const Bfloat16 *b, *c, *gate;
};

// What the gradient needs: x (., 2 N), z and p (., H). Sequences are split into as many
// parts as there are threads, and rows of a part lie together.
struct BlockStates {
  Bfloat16 *x, *z, *p;
};

struct BlockGradients {
  float *a_re, *a_im, *d, *bias, *norm_weight, *norm_bias;
  Bfloat16 *b, *c, *gate;
  float* u;
};

class Block {
 public:
  Block(const Products& products, int parts, const BlockSizes& sizes,
        const BlockWeights& weights);

  void forward(const float* u, const BlockStates& to, float* out) const;
  void backward(const float* u, const float* out, const BlockStates& states,
                const float* g, const BlockGradients& to) const;

 private:
  struct Span;
  struct Sums;

  Span span(int part) const;
  template <class Body>
  void over_parts(const Body& body) const;
  void forward_part(int part, const float* u, const BlockStates& to, float* out) const;
  void backward_part(int part, const float* u, const float* out,
                     const BlockStates& states, const float* g, Sums& sums,
                     Bfloat16* by_v) const;
  void normalise(const Span& span, const float* u, int64_t from, int64_t count,
                 Bfloat16* v) const;
  void write(std::vector<Sums>& sums, const BlockGradients& to) const;

  const Products& products_;
  const Rows<float, Bfloat16>& loops_;
  const int parts_;
  const BlockSizes size_;
  const BlockWeights weights_;
};

}  // namespace training
