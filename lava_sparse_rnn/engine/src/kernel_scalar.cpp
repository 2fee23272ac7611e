// SPDX-License-Identifier: BSD-3-Clause
// Plain C++: every format that a description allows, on every machine.
#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "program.h"

#define TARGET

namespace engine {
namespace {

struct Kernel {
  using Value = int64_t;
  using Wire = int32_t;
  using Matrix = Csr;
  static constexpr bool kWide = true;
  static constexpr int kRegister = 16;
#include "elementwise.inc"

  static Matrix pack(const Csr& matrix, const std::string&,
                     std::vector<std::string>& layouts) {
    layouts.push_back("rows");
    Matrix padded = matrix;  // empty rows, so that padding neurons see zeros
    padded.rows = round_up(matrix.rows, kLanes);
    padded.begin.resize(padded.rows + 1, matrix.begin.back());
    return padded;
  }

  static void multiply(const Matrix& m, const Wire* in, int32_t* acc, uint8_t*, int) {
    for (int row = 0; row < m.rows; ++row) {
      int32_t sum = 0;
      for (int i = m.begin[row]; i < m.begin[row + 1]; ++i)
        sum += m.value[i] * in[m.index[i]];
      acc[row] = sum;
    }
  }
};

}  // namespace

std::unique_ptr<Executor> make_scalar(const Description& description) {
  return make_program<Kernel>(description);
}

}  // namespace engine
