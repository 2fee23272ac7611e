// SPDX-License-Identifier: BSD-3-Clause
#include "orthogonal.h"

#include <algorithm>
#include <utility>

#include "buffer.h"
#include "parallel.h"

namespace training {
namespace {

class Matrix {
 public:
  Matrix(const Products& products, const Quintic& quintic, int64_t m, int64_t n)
      : products_(products), quintic_(quintic), m_(m), n_(n), rows_(std::min(m, n)),
        columns_(std::max(m, n)), wide_(padded(columns_)), narrow_(padded(rows_)),
        x_(left_size(rows_, wide_)), next_(left_size(rows_, wide_)),
        square_(left_size(rows_, narrow_)), factor_(left_size(rows_, narrow_)),
        packed_(std::max(packed_size(columns_, rows_), packed_size(rows_, columns_))) {}

  void iterate(Bfloat16* x) {
    if (m_ > n_)
      products_.turn(m_, n_, x, n_, x_, wide_);
    else
      copy(x, n_, x_, wide_);
    for (int i = 0; i < quintic_.iterations; ++i) advance();
    if (m_ > n_)
      turn_back(x);
    else
      copy(x_, wide_, x, n_);
  }

 private:
  void advance() {
    const auto [iterations, a, b, c] = quintic_;
    (void)iterations;
    products_.pack_turned(columns_, rows_, x_, wide_, packed_);
    products_.product(rows_, rows_, columns_, 1.0f, x_, wide_, packed_, 0.0f, nullptr,
                      square_, narrow_);
    products_.pack(rows_, rows_, square_, narrow_, packed_);
    products_.product(rows_, rows_, rows_, c, square_, narrow_, packed_, b, square_,
                      factor_, narrow_);
    products_.pack(rows_, columns_, x_, wide_, packed_);
    products_.product(rows_, columns_, rows_, 1.0f, factor_, narrow_, packed_, a, x_,
                      next_, wide_);
    std::swap(x_, next_);
  }

  void copy(const Bfloat16* from, int64_t from_stride, Bfloat16* to,
            int64_t to_stride) const {
    for (int64_t i = 0; i < rows_; ++i)
      std::copy_n(from + i * from_stride, columns_, to + i * to_stride);
  }

  void turn_back(Bfloat16* x) {
    Buffer<Bfloat16> turned(columns_ * narrow_);
    products_.turn(rows_, columns_, x_, wide_, turned, narrow_);
    for (int64_t i = 0; i < m_; ++i)
      std::copy_n(turned + i * narrow_, n_, x + i * n_);
  }

  const Products& products_;
  const Quintic quintic_;
  const int64_t m_, n_, rows_, columns_, wide_, narrow_;
  Buffer<Bfloat16> x_, next_, square_, factor_, packed_;
};

}  // namespace

void orthogonalise(const Products& products, int threads, const Quintic& quintic,
                   int64_t matrices, int64_t m, int64_t n, Bfloat16* x) {
  parallel(threads, [&](int index, int count) {
    const Part part(matrices, index, count);
    if (part.first == part.last) return;
    Matrix matrix(products, quintic, m, n);
    products.open();
    for (int64_t i = part.first; i < part.last; ++i) matrix.iterate(x + i * m * n);
    products.close();
  });
}

}  // namespace training
