// SPDX-License-Identifier: BSD-3-Clause
// The order of work: layers one after another, a chunk of tokens at a time.
//
// The class Kernel holds what differs between instruction sets: the types Value,
// Wire and Matrix, and the functions pack, multiply and those of elementwise.inc.
#pragma once

#include <algorithm>
#include <utility>

#include "executor.h"

namespace engine {

constexpr int kChunk = 16;  // tokens per layer: its weights stay in the L1 cache

template <class Kernel>
struct Work final : Context {
  using Wire = typename Kernel::Wire;
  using Value = typename Kernel::Value;

  Work(int stride, int n_layers) : stride(stride) {
    const std::size_t size = std::size_t(kChunk) * stride;
    wires.assign(n_layers + 1, Array<Wire>(size, 0));
    s.assign(size, 0);
    z.assign(size, 0);
    acc.assign(size, 0);
    g.assign(stride, 0);
    p.assign(stride, 0);
    bytes.assign(2 * std::size_t(stride) + kAlignment, 0);
  }

  void record(int tensor, int token, const Wire* from, int n) const {
    if (trace) Kernel::give(from, place(tensor, token, n), n);
  }
  int64_t* place(int tensor, int token, int n) const {
    return trace[tensor] + (first + token) * n;
  }

  int stride;  // of all buffers, in elements per token
  std::vector<Array<Wire>> wires;
  Array<Wire> s, z;
  Array<int32_t> acc;
  Array<Value> g, p;
  Array<uint8_t> bytes;  // a vector of payloads, split into bytes
  int64_t* const* trace = nullptr;
  int64_t first = 0;  // number of the chunk's first token
};

template <class Kernel>
class Layer {
 public:
  using Wire = typename Kernel::Wire;
  using Matrix = typename Kernel::Matrix;
  virtual ~Layer() = default;
  virtual void run(Work<Kernel>& w, const Wire* in, Wire* out, int tokens) const = 0;

  static void multiply(Work<Kernel>& w, const Matrix& m, const Wire* in, int tokens) {
    for (int t = 0; t < tokens; ++t)
      Kernel::multiply(m, in + t * w.stride, w.acc.data() + t * w.stride,
                       w.bytes.data(), w.stride);
  }

 protected:
  // Affine neurons answer to the accumulators in the work space.
  template <bool wrap>
  static void answer(Work<Kernel>& w,
                     const AffineConstants<typename Kernel::Value>& group, int tensor,
                     int n, Wire* out, int tokens) {
    AffineOverflow overflow;
    for (int t = 0; t < tokens; ++t) {
      Wire* to = out + t * w.stride;
      Kernel::template affine<wrap>(group, w.acc.data() + t * w.stride, to, overflow);
      w.record(tensor, t, to, n);
    }
    w.overflows[tensor] += overflow.out;
  }
};

template <class Kernel, bool wrap>
class AffineLayer final : public Layer<Kernel> {
 public:
  using Wire = typename Kernel::Wire;
  AffineLayer(const Description& d, const LayerDescription& layer, Executor& program)
      : n_(layer.number("d_out", 1, 1 << 24)),
        tensor_(static_cast<int>(program.tensors.size())),
        group_(Constants<typename Kernel::Value>(layer, d.nearest).affine(n_)),
        W_(Kernel::pack(layer.matrix("W", n_, layer.number("d_in", 1, 1 << 24)),
                        d.layout, program.layouts)) {
    program.tensors.push_back({"out", n_});
  }

  void run(Work<Kernel>& w, const Wire* in, Wire* out, int tokens) const override {
    this->multiply(w, W_, in, tokens);
    this->template answer<wrap>(w, group_, tensor_, n_, out, tokens);
  }

 private:
  int n_, tensor_;
  AffineConstants<typename Kernel::Value> group_;
  typename Kernel::Matrix W_;
};

// What layers with states begin with: their input drives a diagonal recurrence, and
// what it sends is multiplied by C.
template <class Kernel, bool wrap>
class States {
 public:
  using Wire = typename Kernel::Wire;
  using Value = typename Kernel::Value;
  States(const Description& d, const LayerDescription& layer, Executor& program,
         int d_in, int d_out, StateGate gate)
      : n_(layer.number("d_state", 1, 1 << 24)),
        number_(static_cast<int>(program.states.size())),
        tensor_(static_cast<int>(program.tensors.size())),
        group_(Constants<Value>(layer, d.nearest).recurrence(n_, gate)),
        B_(Kernel::pack(layer.matrix("B", 2 * group_.n, d_in), d.layout,
                        program.layouts)),
        C_(Kernel::pack(layer.matrix("C", d_out, 2 * group_.n), d.layout,
                        program.layouts)) {
    for (const char* name : {"x_re", "x_im", "s_re", "s_im"})
      program.tensors.push_back({name, n_});
    program.states.push_back({n_, layer.number("state_bits", 2, 32)});
  }

  // Leaves the accumulators of C in the work space.
  void run(Work<Kernel>& w, const Wire* in, int tokens) const {
    Layer<Kernel>::multiply(w, B_, in, tokens);
    recur(w, tokens);
    Layer<Kernel>::multiply(w, C_, w.s.data(), tokens);
  }

 private:
  void recur(Work<Kernel>& w, int tokens) const {
    RecurrenceOverflow overflow;
    int32_t* x_re = w.x[2 * number_].data();
    int32_t* x_im = w.x[2 * number_ + 1].data();
    for (int t = 0; t < tokens; ++t) {
      const int32_t* acc = w.acc.data() + t * w.stride;
      Wire *s_re = w.s.data() + t * w.stride, *s_im = s_re + group_.n;
      Kernel::template advance<wrap>(group_, acc, acc + group_.n, x_re, x_im, overflow);
      emit(x_re, x_im, s_re, s_im, overflow);
      if (!w.trace) continue;
      Kernel::give(x_re, w.place(tensor_, t, n_), n_);
      Kernel::give(x_im, w.place(tensor_ + 1, t, n_), n_);
      w.record(tensor_ + 2, t, s_re, n_);
      w.record(tensor_ + 3, t, s_im, n_);
    }
    w.overflows[tensor_] += overflow.x_re;
    w.overflows[tensor_ + 1] += overflow.x_im;
    w.overflows[tensor_ + 2] += overflow.s_re;
    w.overflows[tensor_ + 3] += overflow.s_im;
  }

  void emit(const int32_t* x_re, const int32_t* x_im, Wire* s_re, Wire* s_im,
            RecurrenceOverflow& overflow) const {
    using Emit = void (*)(const RecurrenceConstants<Value>&, const int32_t*,
                          const int32_t*, Wire*, Wire*, RecurrenceOverflow&);
    static constexpr Emit gates[] = {
        Kernel::template emit<wrap, StateGate::kRealGate>,
        Kernel::template emit<wrap, StateGate::kSplit>,
        Kernel::template emit<wrap, StateGate::kNone>,
    };
    gates[static_cast<int>(group_.gate)](group_, x_re, x_im, s_re, s_im, overflow);
  }

  int n_, number_, tensor_;
  RecurrenceConstants<Value> group_;
  typename Kernel::Matrix B_, C_;
};

// Channels: states without a nonlinearity, summed by neurons as an affine layer has.
template <class Kernel, bool wrap>
class S4DLayer final : public Layer<Kernel> {
 public:
  using Wire = typename Kernel::Wire;
  S4DLayer(const Description& d, const LayerDescription& layer, Executor& program)
      : n_(layer.number("d_out", 1, 1 << 24)),
        states_(d, layer, program, layer.number("d_in", 1, 1 << 24), n_,
                StateGate::kNone),
        tensor_(static_cast<int>(program.tensors.size())),
        group_(Constants<typename Kernel::Value>(layer, d.nearest).affine(n_)) {
    program.tensors.push_back({"out", n_});
  }

  void run(Work<Kernel>& w, const Wire* in, Wire* out, int tokens) const override {
    states_.run(w, in, tokens);
    this->template answer<wrap>(w, group_, tensor_, n_, out, tokens);
  }

 private:
  int n_;
  States<Kernel, wrap> states_;
  int tensor_;
  AffineConstants<typename Kernel::Value> group_;
};

template <class Kernel, bool wrap>
class S5Layer final : public Layer<Kernel> {
 public:
  using Wire = typename Kernel::Wire;
  using Value = typename Kernel::Value;
  S5Layer(const Description& d, const LayerDescription& layer, Executor& program)
      : d_(layer.number("d_model", 1, 1 << 24)),
        states_(d, layer, program, d_, d_, d.gate),
        tensor_(static_cast<int>(program.tensors.size())),
        readout_(constants(d, layer).readout(d_)),
        gate_(constants(d, layer).gate(d_)),
        W_(Kernel::pack(layer.matrix("W", d_, d_), d.layout, program.layouts)) {
    for (const char* name : {"z", "g", "out"}) program.tensors.push_back({name, d_});
  }

  void run(Work<Kernel>& w, const Wire* in, Wire* out, int tokens) const override {
    states_.run(w, in, tokens);
    ReadoutOverflow overflow;
    for (int t = 0; t < tokens; ++t) {
      const int at = t * w.stride;
      Kernel::template readout<wrap>(readout_, w.acc.data() + at, in + at,
                                     w.z.data() + at, overflow);
      w.record(tensor_, t, w.z.data() + at, d_);
    }
    w.overflows[tensor_] += overflow.z;
    this->multiply(w, W_, w.z.data(), tokens);
    finish(w, in, out, tokens);
  }

 private:
  using Constant = Constants<Value>;
  static Constant constants(const Description& d, const LayerDescription& layer) {
    return Constant(layer, d.nearest);
  }

  void finish(Work<Kernel>& w, const Wire* in, Wire* out, int tokens) const {
    GateOverflow overflow;
    for (int t = 0; t < tokens; ++t) {
      const int at = t * w.stride;
      Kernel::template gate_argument<wrap>(gate_, w.acc.data() + at, w.g.data(),
                                           w.p.data(), overflow);
      Kernel::template gate_combine<wrap>(gate_, w.p.data(), w.z.data() + at, in + at,
                                          out + at, overflow);
      if (w.trace) Kernel::give(w.g.data(), w.place(tensor_ + 1, t, d_), d_);
      w.record(tensor_ + 2, t, out + at, d_);
    }
    w.overflows[tensor_ + 1] += overflow.g;
    w.overflows[tensor_ + 2] += overflow.out;
  }

  int d_;
  States<Kernel, wrap> states_;
  int tensor_;
  ReadoutConstants<Value> readout_;
  GateConstants<Value> gate_;
  typename Kernel::Matrix W_;
};

template <class Kernel, bool wrap>
class Program final : public Executor {
 public:
  using Wire = typename Kernel::Wire;

  explicit Program(const Description& description) {
    int widest = 0;
    for (const LayerDescription& layer : description.layers) {
      add(description, layer);
      for (const auto& [name, matrix] : layer.matrices)
        widest = std::max({widest, matrix.rows, matrix.columns});
    }
    // A kernel may read a whole window of payloads where there are fewer.
    stride_ = round_up(std::max(widest, 128), 4 * kLanes);
    const LayerDescription& first = description.layers.at(0);
    const int bits = first.number("inp_bits", 2, 8 * sizeof(Wire));
    low_ = -(int64_t(1) << (bits - 1));
    high_ = -low_ - 1;
    d_in = first.number(first.type == "s5" ? "d_model" : "d_in", 1, 1 << 24);
    d_out = tensors.back().size;
  }

  std::unique_ptr<Context> context() const override {
    auto work =
        std::make_unique<Work<Kernel>>(stride_, static_cast<int>(layers_.size()));
    for (const StateShape& state : states)
      for (int part = 0; part < 2; ++part)
        work->x.emplace_back(round_up(state.size, kLanes), 0);
    work->overflows.assign(tensors.size(), 0);
    return work;
  }

  bool run(Context& context, Tokens in, int64_t count, int64_t* out,
           int64_t* const* trace) const override {
    auto& w = static_cast<Work<Kernel>&>(context);
    bool fits = true;
    w.trace = trace;
    for (w.first = 0; fits && w.first < count; w.first += kChunk) {
      const int tokens = static_cast<int>(std::min<int64_t>(kChunk, count - w.first));
      for (int t = 0; fits && t < tokens; ++t)
        fits = take(in, w.first + t, w.wires[0].data() + t * stride_);
      if (fits) chunk(w, tokens, out + w.first * d_out);
    }
    w.trace = nullptr;
    return fits;
  }

  bool step(Context& context, Tokens in, int64_t* out) const override {
    auto& w = static_cast<Work<Kernel>&>(context);
    if (!take(in, 0, w.wires[0].data())) return false;
    chunk(w, 1, out);
    return true;
  }

 private:
  template <class Made>
  void append(const Description& description, const LayerDescription& layer) {
    layers_.push_back(std::make_unique<Made>(description, layer, *this));
  }

  void add(const Description& description, const LayerDescription& layer) {
    if (layer.type == "s5")
      append<S5Layer<Kernel, wrap>>(description, layer);
    else if (layer.type == "s4d")
      append<S4DLayer<Kernel, wrap>>(description, layer);
    else
      append<AffineLayer<Kernel, wrap>>(description, layer);
  }

  void chunk(Work<Kernel>& w, int tokens, int64_t* out) const {
    for (std::size_t i = 0; i < layers_.size(); ++i)
      layers_[i]->run(w, w.wires[i].data(), w.wires[i + 1].data(), tokens);
    for (int t = 0; t < tokens; ++t)
      Kernel::give(w.wires.back().data() + t * stride_, out + int64_t(t) * d_out,
                   d_out);
  }

  bool take(Tokens in, int64_t token, Wire* to) const {
    const int64_t at = token * d_in;
    switch (in.type) {
      case TokenType::kInt16:
        return Kernel::take(static_cast<const int16_t*>(in.data) + at, to, d_in, low_,
                            high_);
      case TokenType::kInt32:
        return Kernel::take(static_cast<const int32_t*>(in.data) + at, to, d_in, low_,
                            high_);
      default:
        return Kernel::take(static_cast<const int64_t*>(in.data) + at, to, d_in, low_,
                            high_);
    }
  }

  std::vector<std::unique_ptr<Layer<Kernel>>> layers_;
  int stride_ = 0;
  int64_t low_ = 0, high_ = 0;
};

template <class Kernel>
std::unique_ptr<Executor> make_program(const Description& description) {
  if (description.wrap) return std::make_unique<Program<Kernel, true>>(description);
  return std::make_unique<Program<Kernel, false>>(description);
}

}  // namespace engine
