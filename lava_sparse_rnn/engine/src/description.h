// SPDX-License-Identifier: BSD-3-Clause
// What Python hands over: layers as named arrays, and constants made of them.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "layers.h"

namespace engine {

struct LayerDescription {
  std::string type;
  std::map<std::string, std::vector<int64_t>> arrays;
  std::map<std::string, int64_t> numbers;
  std::map<std::string, Csr> matrices;

  const std::vector<int64_t>& array(const std::string& name, std::size_t n) const {
    const auto& found = at(arrays, name);
    if (found.size() != n)
      throw std::invalid_argument("engine: " + name + " has " +
                                  std::to_string(found.size()) + " values, needs " +
                                  std::to_string(n));
    return found;
  }

  int number(const std::string& name, int64_t low, int64_t high) const {
    const int64_t value = at(numbers, name);
    if (value < low || value > high)
      throw std::invalid_argument("engine: " + name + " is " + std::to_string(value) +
                                  ", must be in " + std::to_string(low) + ".." +
                                  std::to_string(high));
    return static_cast<int>(value);
  }

  const Csr& matrix(const std::string& name, int rows, int columns) const {
    const Csr& found = at(matrices, name);
    if (found.rows != rows || found.columns != columns)
      throw std::invalid_argument("engine: " + name + " has another shape");
    return found;
  }

 private:
  template <class Map>
  static const typename Map::mapped_type& at(const Map& map, const std::string& name) {
    const auto found = map.find(name);
    if (found == map.end()) throw std::invalid_argument("engine: no " + name);
    return found->second;
  }
};

struct Description {
  bool nearest = false, wrap = false;
  StateGate gate = StateGate::kRealGate;
  std::string layout;  // empty: the cheaper one, per matrix
  std::vector<LayerDescription> layers;
};

// Makes the constants of one layer: arrays padded with zeros to whole registers.
template <class Value>
class Constants {
 public:
  Constants(const LayerDescription& layer, bool nearest)
      : layer_(layer), nearest_(nearest) {}

  template <class T = Value>
  Array<T> padded(const std::string& name, int n) const {
    const auto& from = layer_.array(name, n);
    Array<T> to(round_up(n, kLanes), T(0));
    for (int i = 0; i < n; ++i) {
      if (from[i] < std::numeric_limits<T>::min() ||
          from[i] > std::numeric_limits<T>::max())
        throw std::invalid_argument("engine: " + name + " is out of range");
      to[i] = static_cast<T>(from[i]);
    }
    return to;
  }

  ShiftBy<Value> shift(const std::string& name, int n) const {
    const auto& by = layer_.array(name, n);
    const Array<Value> zero(round_up(n, kLanes), Value(0));
    ShiftBy<Value> shift{zero, zero, zero};
    for (int i = 0; i < n; ++i) {
      if (by[i] < -31 || by[i] > 31)
        throw std::invalid_argument("engine: " + name + " is not in -31..31");
      shift.left[i] = static_cast<Value>(std::max<int64_t>(-by[i], 0));
      shift.right[i] = static_cast<Value>(std::max<int64_t>(by[i], 0));
      if (nearest_ && by[i] > 0)
        shift.half[i] = static_cast<Value>(int64_t(1) << (by[i] - 1));
    }
    return shift;
  }

  Format<Value> format(const std::string& name) const {
    const int widest = std::min<int>(32, 8 * sizeof(Value));
    return Format<Value>(layer_.number(name, 2, widest));
  }

  AffineConstants<Value> affine(int n) const {
    const bool relu = layer_.number("relu", 0, 1);
    return {round_up(n, kLanes), padded("bias", n), shift("k", n), format("bits"),
            relu ? Value(0) : std::numeric_limits<Value>::min()};
  }

  RecurrenceConstants<Value> recurrence(int n, StateGate gate) const {
    const int by = layer_.number("a_frac", -31, 62);
    const int64_t half = nearest_ && by > 0 ? int64_t(1) << (by - 1) : 0;
    return {round_up(n, kLanes),
            padded("bias_re", n),
            padded("bias_im", n),
            shift("k_B", n),
            shift("k_x", n),
            padded<int32_t>("a_re", n),
            padded<int32_t>("a_im", n),
            std::max(-by, 0),
            std::max(by, 0),
            half,
            format("state_bits"),
            format("s_bits"),
            gate};
  }

  ReadoutConstants<Value> readout(int n) const {
    return {round_up(n, kLanes), padded("D", n),   padded("bias_z", n),
            shift("k_C", n),     shift("k_D", n), format("z_bits")};
  }

  GateConstants<Value> gate(int n) const {
    GateConstants<Value> made{round_up(n, kLanes), padded("bias_g", n),
                              shift("k_g", n),     shift("k_h", n),
                              shift("k_u", n),     format("g_bits"),
                              format("bits"),      {}};
    const int count = layer_.number("lines", 1, 1 << 16);
    const auto& slope = layer_.array("slope", count);
    const auto& offset = layer_.array("offset", count);
    for (int i = 0; i < count; ++i) {
      const Array<Value> by = shift("line" + std::to_string(i), n).right;
      made.lines.push_back({Value(slope[i]), Value(offset[i]), by});
    }
    return made;
  }

 private:
  const LayerDescription& layer_;
  bool nearest_;
};

}  // namespace engine
