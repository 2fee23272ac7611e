// SPDX-License-Identifier: BSD-3-Clause
// The Python face: Program (a network's constants, shared) and Stream (a state).
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <tuple>

#include "batch.h"
#include "kernels.h"
#include "numpy_buffer.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace engine {
namespace {

using Ints = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Tensor = nb::ndarray<int64_t, nb::c_contig, nb::device::cpu>;

std::vector<int64_t> copy(const Ints& array) {
  return {array.data(), array.data() + array.shape(0)};
}

// Compressed rows whose indices are inside the matrix, or an error.
Csr csr_of(int rows, int columns, int input_bits, const Ints& begin, const Ints& index,
           const Ints& value) {
  Csr csr{rows, columns, input_bits, {}, {}, {}};
  const auto from = copy(begin);
  bool good = from.size() == std::size_t(rows) + 1 && from.front() == 0 &&
              from.back() == int64_t(index.shape(0)) &&
              index.shape(0) == value.shape(0) &&
              std::is_sorted(from.begin(), from.end());
  for (std::size_t i = 0; good && i < index.shape(0); ++i)
    good = index.data()[i] >= 0 && index.data()[i] < columns &&
           value.data()[i] >= -128 && value.data()[i] <= 127;
  if (!good) throw std::invalid_argument("engine: a matrix has bad indices or values");
  csr.begin.assign(from.begin(), from.end());
  csr.index.assign(index.data(), index.data() + index.shape(0));
  csr.value.assign(value.data(), value.data() + value.shape(0));
  return csr;
}

std::shared_ptr<Executor> make_shared(const Description& description,
                                      const std::string& kernel) {
  return make(description, kernel);
}

// Overflow counts of a batch; None where a payload does not fit or `in` is no array
// of signed integers of shape (sequences, tokens, d_in).
nb::object run(const Executor& executor, nb::handle in, const Tensor& out,
               const std::vector<Tensor>& trace, int threads) {
  const IntBuffer from(in);
  if (!from.is_batch(executor.d_in)) return nb::none();
  Batch batch{from.tokens(), from.length(0), from.length(1), out.data(), {}};
  const std::size_t tokens = std::size_t(batch.sequences * batch.tokens);
  bool good = out.size() == tokens * executor.d_out &&
              (trace.empty() || trace.size() == executor.tensors.size());
  for (std::size_t i = 0; good && i < trace.size(); ++i) {
    good = trace[i].size() == tokens * executor.tensors[i].size;
    batch.trace.push_back(trace[i].data());
  }
  if (!good) throw std::invalid_argument("engine: an array has the wrong size");
  std::optional<std::vector<int64_t>> overflows;
  {
    nb::gil_scoped_release release;
    overflows = run_batch(executor, batch, threads);
  }
  return overflows ? nb::cast(*overflows) : nb::none();
}

// A state and the tokens that move it. Locked, because another thread may call while
// this one computes without the interpreter's lock.
class Stream {
 public:
  Stream(std::shared_ptr<Executor> executor, nb::object check)
      : executor_(std::move(executor)),
        context_(executor_->context()),
        check_(std::move(check)),
        plain_(nb::module_::import_("numpy").attr("ndarray")),
        answers_(executor_->d_out) {}

  nb::object step(nb::handle u) {
    nb::object out = answers_.vector();
    IntBuffer to(out), from(u);
    if (!is_plain(u) || !from.is_vector(executor_->d_in) || !advance(from, to)) {
      // Another type, or an error to be told: the careful way finds out.
      const nb::object checked = check_(u, 1);
      IntBuffer again(checked);
      if (!again.is_vector(executor_->d_in) || !advance(again, to))
        throw std::invalid_argument("engine: a payload does not fit the input wire");
    }
    return out;
  }

  nb::object process(nb::handle chunk) {
    nb::object answers = is_plain(chunk) ? try_process(chunk) : nb::none();
    if (answers.is_none()) answers = try_process(check_(chunk, 2));
    if (answers.is_none())
      throw std::invalid_argument("engine: a payload does not fit the input wire");
    return answers;
  }

  void reset() {
    const Hold hold(mutex_);
    for (auto& part : context_->x) std::fill(part.begin(), part.end(), 0);
  }

  std::vector<std::vector<int64_t>> state() {
    const Hold hold(mutex_);
    std::vector<std::vector<int64_t>> parts;
    for (std::size_t i = 0; i < context_->x.size(); ++i) {
      const auto& part = context_->x[i];
      parts.emplace_back(part.begin(), part.begin() + executor_->states[i / 2].size);
    }
    return parts;
  }

  void set_state(const std::vector<std::vector<int64_t>>& parts) {
    if (parts.size() != context_->x.size())
      throw std::invalid_argument("engine: the state has another number of parts");
    for (std::size_t i = 0; i < parts.size(); ++i) check_part(parts[i], i);
    const Hold hold(mutex_);
    for (std::size_t i = 0; i < parts.size(); ++i)
      std::copy(parts[i].begin(), parts[i].end(), context_->x[i].begin());
  }

  std::vector<int64_t> overflows(bool clear) {
    const Hold hold(mutex_);
    std::vector<int64_t> counts = context_->overflows;
    if (clear) std::fill(context_->overflows.begin(), context_->overflows.end(), 0);
    return counts;
  }

 private:
  // Takes the lock without ever waiting for it while holding the interpreter's.
  class Hold {
   public:
    explicit Hold(std::mutex& mutex) : lock_(mutex, std::try_to_lock) {
      if (lock_.owns_lock()) return;
      nb::gil_scoped_release release;
      lock_.lock();
    }

   private:
    std::unique_lock<std::mutex> lock_;
  };

  // A kind of array that is derived from numpy's may say that some of its numbers are
  // none, as a masked one does.
  bool is_plain(nb::handle array) const { return array.type().is(plain_); }

  bool advance(const IntBuffer& from, const IntBuffer& to) {
    const Hold hold(mutex_);
    return executor_->step(*context_, from.tokens(), to.answers());
  }

  nb::object try_process(nb::handle chunk) {
    const IntBuffer from(chunk);
    if (!from.is_matrix(executor_->d_in)) return nb::none();
    nb::object out = answers_.matrix(from.length(0));
    const IntBuffer to(out);
    bool fits;
    {
      nb::gil_scoped_release release;
      const std::lock_guard<std::mutex> lock(mutex_);
      x_before_ = context_->x;
      overflows_before_ = context_->overflows;
      fits = executor_->run(*context_, from.tokens(), from.length(0), to.answers(),
                            nullptr);
      if (!fits) {
        context_->x = x_before_;
        context_->overflows = overflows_before_;
      }
    }
    return fits ? out : nb::none();
  }

  void check_part(const std::vector<int64_t>& part, std::size_t i) const {
    const StateShape shape = executor_->states[i / 2];
    const int64_t limit = int64_t(1) << (shape.bits - 1);
    bool good = part.size() == std::size_t(shape.size);
    for (int64_t v : part) good = good && v >= -limit && v < limit;
    if (!good)
      throw std::invalid_argument(
          "engine: the state of block " + std::to_string(i / 2) + " must be " +
          std::to_string(shape.size) + " numbers of " + std::to_string(shape.bits) +
          " bits");
  }

  std::shared_ptr<Executor> executor_;
  std::unique_ptr<Context> context_;
  std::vector<Array<int32_t>> x_before_;  // a chunk, for one that does not fit
  std::vector<int64_t> overflows_before_;
  nb::object check_, plain_;
  Answers answers_;
  std::mutex mutex_;
};

void set_gate(Description& d, int gate) {
  if (gate < 0 || gate > 2) throw std::invalid_argument("engine: no such state gate");
  d.gate = static_cast<StateGate>(gate);
}

void bind_description(nb::module_& m) {
  nb::class_<LayerDescription>(m, "LayerDescription")
      .def(nb::init<>())
      .def_rw("type", &LayerDescription::type)
      .def_rw("numbers", &LayerDescription::numbers)
      .def("set_array", [](LayerDescription& d, const std::string& name,
                           const Ints& array) { d.arrays[name] = copy(array); })
      .def("set_matrix",
           [](LayerDescription& d, const std::string& name, int rows, int columns,
              int input_bits, const Ints& begin, const Ints& index, const Ints& value) {
             d.matrices[name] = csr_of(rows, columns, input_bits, begin, index, value);
           });
  nb::class_<Description>(m, "Description")
      .def(nb::init<>())
      .def_rw("nearest", &Description::nearest)
      .def_rw("wrap", &Description::wrap)
      .def_rw("layout", &Description::layout)
      .def("set_gate", set_gate)
      .def("add", [](Description& d, const LayerDescription& layer) {
        d.layers.push_back(layer);
      });
}

}  // namespace

NB_MODULE(_native, m) {
  m.doc() = "Compiled kernels; used through lava_sparse_rnn.engine.";
  m.def("kernels", kernels);
  bind_description(m);
  nb::class_<Executor>(m, "Executor")
      .def_prop_ro("layouts", [](const Executor& e) { return e.layouts; })
      .def_prop_ro("tensors",
                   [](const Executor& e) {
                     std::vector<std::pair<std::string, int>> tensors;
                     for (const auto& t : e.tensors)
                       tensors.emplace_back(t.name, t.size);
                     return tensors;
                   })
      .def("run", run);
  m.def("make", make_shared, "description"_a, "kernel"_a);
  nb::class_<Stream>(m, "Stream")
      .def(nb::init<std::shared_ptr<Executor>, nb::object>())
      .def("step", &Stream::step, "u"_a.none())
      .def("process", &Stream::process, "chunk"_a.none())
      .def("reset", &Stream::reset)
      .def("_get_state", &Stream::state)
      .def("_set_state", &Stream::set_state)
      .def("_overflows", &Stream::overflows);
}

}  // namespace engine
