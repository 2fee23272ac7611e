// SPDX-License-Identifier: BSD-3-Clause
#include "block.h"

#include <algorithm>

#include "buffer.h"
#include "parallel.h"

namespace training {
namespace {

// Rows that pass at once: what lies between two products of them, and the matrices,
// fit into a cache of 2 MiB.
constexpr int64_t kRows = 256;

// Memory for the rows of a left operand; the end of a row that is not of whole tiles
// meets zeros, which nothing but a number makes zero.
Buffer<Bfloat16> left(int64_t rows, int64_t columns) {
  return Buffer<Bfloat16>(left_size(rows, columns), columns % 32 != 0);
}

Buffer<Bfloat16> right(int64_t k, int64_t n) {
  return Buffer<Bfloat16>(packed_size(k, n), false);
}

int64_t to_tiles(int64_t size) { return (size + 15) / 16 * 16; }

}  // namespace

// Sequences first to last, of which some steps pass at once.
struct Block::Span {
  int64_t first, count, steps, batch, most;

  // Row of `states` at which a step's sequences begin, and that of u.
  int64_t own(int64_t step) const { return first * steps + step * count; }
  int64_t row(int64_t step) const { return step * batch + first; }
};

// What the parts of a gradient add up.
struct Block::Sums {
  Sums(int64_t n, int64_t h)
      : gate(to_tiles(h) * to_tiles(h)), c(to_tiles(h) * to_tiles(2 * n)),
        b(to_tiles(2 * n) * to_tiles(h)), bias(h), a_re(n), a_im(n), norm_bias(h),
        norm_weight(h), d(h) {}

  void add(const Sums& other) {
    const auto both = [](auto& to, const auto& from) {
      for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
    };
    both(gate, other.gate), both(c, other.c), both(b, other.b), both(bias, other.bias);
    both(a_re, other.a_re), both(a_im, other.a_im), both(d, other.d);
    both(norm_bias, other.norm_bias), both(norm_weight, other.norm_weight);
  }

  std::vector<float> gate, c, b;
  std::vector<double> bias, a_re, a_im, norm_bias, norm_weight, d;
};

Block::Block(const Products& products, int parts, const BlockSizes& sizes,
             const BlockWeights& weights)
    : products_(products), loops_(rows<float, Bfloat16>()), parts_(parts), size_(sizes),
      weights_(weights) {}

Block::Span Block::span(int index) const {
  const Part part(size_.batch, index, parts_);
  const int64_t count = part.last - part.first;
  const int64_t most = std::max<int64_t>(kRows / std::max<int64_t>(count, 1), 1);
  return {part.first, count, size_.steps, size_.batch, std::min(most, size_.steps)};
}

// There may be fewer threads than parts.
template <class Body>
void Block::over_parts(const Body& body) const {
  parallel(parts_, [&](int index, int count) {
    for (int part = index; part < parts_; part += count)
      if (span(part).count > 0) body(part);
  });
}

void Block::normalise(const Span& span, const float* u, int64_t from, int64_t count,
                      Bfloat16* v) const {
  const int64_t h = size_.h;
  for (int64_t t = 0; t < count; ++t)
    loops_.normalise(span.count, h, u + span.row(from + t) * h, weights_.norm,
                     v + t * span.count * h);
}

void Block::forward(const float* u, const BlockStates& to, float* out) const {
  over_parts([&](int part) {
    products_.open();
    forward_part(part, u, to, out);
    products_.close();
  });
}

void Block::forward_part(int part, const float* u, const BlockStates& to,
                         float* out) const {
  const Span s = span(part);
  const int64_t n = size_.n, h = size_.h, most = s.most * s.count;
  const BlockWeights& w = weights_;
  Buffer<Bfloat16> b = right(h, 2 * n), c = right(2 * n, h), gate = right(h, h);
  products_.pack_turned(h, 2 * n, w.b, h, b);
  products_.pack_turned(2 * n, h, w.c, 2 * n, c);
  products_.pack_turned(h, h, w.gate, h, gate);
  Buffer<Bfloat16> v = left(most, h), z = left(most, h), passed = left(most, 2 * n);
  Buffer<float> state(2 * s.count * n);
  for (int64_t from = 0; from < s.steps; from += s.most) {
    const int64_t steps = std::min(s.most, s.steps - from), rows = steps * s.count;
    Bfloat16* x = to.x + s.own(from) * 2 * n;
    Bfloat16* p = to.p + s.own(from) * h;
    normalise(s, u, from, steps, v);
    products_.product(rows, 2 * n, h, 1.0f, v, h, b, 0.0f, nullptr, x, 2 * n);
    const Tile tile{steps, s.count, n, 0, s.count, 0, n};
    loops_.scan(tile, size_.kind, w.a_re, w.a_im, x, passed, state);
    products_.product(rows, h, 2 * n, 1.0f, passed, 2 * n, c, 0.0f, nullptr, z, h);
    loops_.readout(rows, h, v, w.d, z);
    std::copy_n(z.data(), rows * h, to.z + s.own(from) * h);
    products_.product(rows, h, h, 1.0f, z, h, gate, 0.0f, nullptr, p, h);
    for (int64_t t = 0; t < steps; ++t) {
      const int64_t own = t * s.count * h, at = s.row(from + t) * h;
      loops_.gate(s.count, h, z + own, p + own, w.bias, u + at, out + at);
    }
  }
}

void Block::backward(const float* u, const float* out, const BlockStates& states,
                     const float* g, const BlockGradients& to) const {
  const int64_t h = size_.h, rows = size_.steps * size_.batch;
  std::vector<Sums> sums(std::size_t(parts_), Sums(size_.n, h));
  Buffer<Bfloat16> by_v(rows * h, false);
  over_parts([&](int part) {
    products_.open();
    backward_part(part, u, out, states, g, sums[std::size_t(part)], by_v);
    products_.close();
  });
  write(sums, to);
  std::vector<float> mean_g(h), mean_gh(h);
  for (int64_t j = 0; j < h; ++j) {
    mean_g[j] = to.norm_bias[j] / float(rows);
    mean_gh[j] = to.norm_weight[j] / float(rows);
  }
  over_parts([&](int part) {
    const Span s = span(part);
    for (int64_t t = 0; t < s.steps; ++t) {
      const int64_t at = s.row(t) * h;
      loops_.norm_back(s.count, h, u + at, weights_.norm, by_v + s.own(t) * h,
                       mean_g.data(), mean_gh.data(), g + at, out + at, to.u + at);
    }
  });
}

void Block::backward_part(int part, const float* u, const float* out,
                          const BlockStates& states, const float* g, Sums& sums,
                          Bfloat16* by_v) const {
  const Span s = span(part);
  const int64_t n = size_.n, h = size_.h, most = s.most * s.count;
  const int64_t wide = std::max(h, 2 * n);
  const BlockWeights& w = weights_;
  Buffer<Bfloat16> b = right(2 * n, h), c = right(h, 2 * n), gate = right(h, h);
  products_.pack(2 * n, h, w.b, h, b);
  products_.pack(h, 2 * n, w.c, 2 * n, c);
  products_.pack(h, h, w.gate, h, gate);
  Buffer<Bfloat16> v = left(most, h), passed = left(most, 2 * n), by_p = left(most, h);
  Buffer<Bfloat16> by_z = left(most, h), by_s = left(most, 2 * n);
  Buffer<Bfloat16> turned = left(wide, padded(most)), packed = right(most, wide);
  Buffer<float> state(4 * s.count * n), scratch(3 * h);
  // to += left^T right, of (rows, m) and (rows, k)
  const auto add = [&](int64_t rows, int64_t m, const Bfloat16* left, int64_t k,
                       const Bfloat16* right, std::vector<float>& to) {
    products_.turn(rows, m, left, m, turned, padded(rows));
    products_.pack(rows, k, right, k, packed);
    products_.add_product(m, k, rows, turned, padded(rows), packed, to.data(),
                          to_tiles(k));
  };
  for (int64_t from = (s.steps - 1) / s.most * s.most; from >= 0; from -= s.most) {
    const int64_t steps = std::min(s.most, s.steps - from), rows = steps * s.count;
    const Bfloat16* x = states.x + s.own(from) * 2 * n;
    const Bfloat16* z = states.z + s.own(from) * h;
    const Bfloat16* p = states.p + s.own(from) * h;
    Bfloat16* to_v = by_v + s.own(from) * h;
    for (int64_t t = 0; t < steps; ++t) {
      const int64_t own = t * s.count * h, at = s.row(from + t) * h;
      loops_.gate_back(s.count, h, g + at, out + at, z + own, p + own, w.bias,
                       by_p + own, by_z + own, scratch, sums.bias.data());
    }
    add(rows, h, by_p, h, z, sums.gate);
    products_.product(rows, h, h, 1.0f, by_p, h, gate, 1.0f, by_z, by_z, h);
    loops_.relu_back(rows, h, z, by_z);  // that of y from here on
    loops_.passed(rows, n, size_.kind, x, passed);
    add(rows, h, by_z, 2 * n, passed, sums.c);
    products_.product(rows, 2 * n, h, 1.0f, by_z, h, c, 0.0f, nullptr, by_s, 2 * n);
    const Tile tile{steps, s.count, n, 0, s.count, 0, n, from == 0};
    loops_.scan_back(tile, size_.kind, w.a_re, w.a_im, x, by_s, state, sums.a_re.data(),
                     sums.a_im.data());
    normalise(s, u, from, steps, v);
    add(rows, 2 * n, by_s, h, v, sums.b);
    products_.product(rows, h, 2 * n, 1.0f, by_s, 2 * n, b, 0.0f, nullptr, to_v, h);
    for (int64_t t = 0; t < steps; ++t) {
      const int64_t own = t * s.count * h, at = s.row(from + t) * h;
      loops_.norm_sums(s.count, h, u + at, w.norm, to_v + own, by_z + own, w.d, scratch,
                       sums.norm_bias.data(), sums.norm_weight.data(), sums.d.data());
    }
  }
}

// Adds the parts up in their order.
void Block::write(std::vector<Sums>& sums, const BlockGradients& to) const {
  for (std::size_t part = 1; part < sums.size(); ++part) sums[0].add(sums[part]);
  const Sums& total = sums[0];
  const auto matrix = [](int64_t m, int64_t k, const std::vector<float>& from,
                         Bfloat16* into) {
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < k; ++j)
        store(from[std::size_t(i * to_tiles(k) + j)], into[i * k + j]);
  };
  matrix(size_.h, size_.h, total.gate, to.gate);
  matrix(size_.h, 2 * size_.n, total.c, to.c);
  matrix(2 * size_.n, size_.h, total.b, to.b);
  const auto column = [](const std::vector<double>& from, float* into) {
    std::transform(from.begin(), from.end(), into, [](double x) { return float(x); });
  };
  column(total.bias, to.bias), column(total.d, to.d);
  column(total.a_re, to.a_re), column(total.a_im, to.a_im);
  column(total.norm_bias, to.norm_bias), column(total.norm_weight, to.norm_weight);
}

}  // namespace training
