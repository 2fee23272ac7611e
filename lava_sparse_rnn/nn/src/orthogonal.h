// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include <cstdint>

#include "products.h"

namespace training {

// Of the iteration X <- a X + (b A + c A A) X with A = X X^T.
struct Quintic {
  int iterations;
  float a, b, c;
};

// Iterates matrices (m, n) in place, each in one thread; those with m > n as their
// transposes.
void orthogonalise(const Products& products, int threads, const Quintic& quintic,
                   int64_t matrices, int64_t m, int64_t n, Bfloat16* x);

}  // namespace training
