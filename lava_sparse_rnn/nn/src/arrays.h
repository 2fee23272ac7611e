// SPDX-License-Identifier: BSD-3-Clause
// The memory of torch's tensors as the functions of the Python face are given it.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "rows.h"

namespace training {

namespace nb = nanobind;

namespace {  // as nanobind is hidden, so is what holds something of it

using Array = nb::ndarray<nb::c_contig, nb::device::cpu>;

template <class T>
nb::dlpack::dtype type_of() {
  return nb::dtype<T>();
}
template <>
inline nb::dlpack::dtype type_of<Bfloat16>() {
  return {uint8_t(nb::dlpack::dtype_code::Bfloat), 16, 1};
}

// Values of an array, of the right type and number or an error.
template <class T>
T* values(const Array& array, int64_t count) {
  if (array.dtype() != type_of<T>() || int64_t(array.size()) != count)
    throw std::invalid_argument("training: an array has the wrong type or size");
  return static_cast<T*>(array.data());
}

using Arrays = std::vector<Array>;

// Takes the arrays of a list one by one.
class Taken {
 public:
  explicit Taken(const Arrays& arrays) : arrays_(arrays) {}
  template <class T>
  T* next(int64_t count) {
    if (at_ == arrays_.size()) throw std::invalid_argument("training: an array is missing");
    return values<T>(arrays_[at_++], count);
  }

  // Of the next one.
  int64_t size() const { return size(at_); }
  int64_t size(std::size_t place) const {
    if (place >= arrays_.size()) throw std::invalid_argument("training: an array is missing");
    return int64_t(arrays_[place].size());
  }
  // The values of one sequence of (steps, batch, bins).
  float* row(int64_t steps, int64_t batch, int64_t bins, int64_t which) {
    if (which < 0 || which >= batch)
      throw std::invalid_argument("training: no such sequence");
    return next<float>(steps * batch * bins) + which * bins;
  }
  const uint8_t* mask(int64_t count) {
    return reinterpret_cast<const uint8_t*>(next<bool>(count));
  }

 private:
  const Arrays& arrays_;
  std::size_t at_ = 0;
};

inline Nonlinearity nonlinearity(const std::string& name) {
  if (name == "real_gate") return Nonlinearity::kRealGate;
  if (name == "split") return Nonlinearity::kSplit;
  if (name == "none") return Nonlinearity::kNone;
  throw std::invalid_argument("training: no state nonlinearity " + name);
}

}  // namespace
}  // namespace training
