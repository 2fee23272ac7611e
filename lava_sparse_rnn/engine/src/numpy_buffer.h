// SPDX-License-Identifier: BSD-3-Clause
// numpy arrays by Python's own buffer protocol: at 2 us per token every 100 ns count.
#pragma once

#include <nanobind/nanobind.h>

#include <cstring>

#include "executor.h"

namespace engine {

namespace nb = nanobind;

// A view of an aligned array of signed integers; empty where the object is something
// else.
class IntBuffer {
 public:
  explicit IntBuffer(nb::handle object) {
    constexpr int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT;
    if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) {
      PyErr_Clear();
      return;
    }
    held_ = true;
    const char* format = view_.format;
    const bool is_signed =
        format && format[0] && !format[1] && std::strchr("hilq", format[0]);
    // numpy may hold numbers at odd addresses; those are copied first.
    const bool aligned =
        reinterpret_cast<uintptr_t>(view_.buf) % std::size_t(view_.itemsize) == 0;
    if (!is_signed || !aligned) return;
    valid_ = true;
    switch (view_.itemsize) {
      case 2: type_ = TokenType::kInt16; break;
      case 4: type_ = TokenType::kInt32; break;
      case 8: type_ = TokenType::kInt64; break;
      default: valid_ = false;
    }
  }
  ~IntBuffer() {
    if (held_) PyBuffer_Release(&view_);
  }
  IntBuffer(const IntBuffer&) = delete;
  IntBuffer& operator=(const IntBuffer&) = delete;

  bool is_vector(Py_ssize_t n) const {
    return valid_ && view_.ndim == 1 && view_.shape[0] == n;
  }
  bool is_matrix(Py_ssize_t n) const {
    return valid_ && view_.ndim == 2 && view_.shape[1] == n;
  }
  bool is_batch(Py_ssize_t n) const {
    return valid_ && view_.ndim == 3 && view_.shape[2] == n;
  }
  Py_ssize_t length(int axis) const { return view_.shape[axis]; }
  Tokens tokens() const { return {view_.buf, type_}; }
  int64_t* answers() const { return static_cast<int64_t*>(view_.buf); }

 private:
  Py_buffer view_;
  bool held_ = false, valid_ = false;
  TokenType type_ = TokenType::kInt64;
};

// Makes the arrays that answers are written to.
class Answers {
 public:
  explicit Answers(int width) : width_(width) {
    const nb::module_ numpy = nb::module_::import_("numpy");
    empty_ = numpy.attr("empty");
    type_ = numpy.attr("dtype")("int64");
    shape_ = nb::int_(width);
  }
  nb::object vector() const { return empty_(shape_, type_); }
  nb::object matrix(Py_ssize_t rows) const {
    return empty_(nb::make_tuple(rows, width_), type_);
  }

 private:
  int width_;
  nb::object empty_, type_, shape_;
};

}  // namespace engine
