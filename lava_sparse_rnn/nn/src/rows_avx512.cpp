// SPDX-License-Identifier: BSD-3-Clause
// With -mavx512f and what came with it.
#define TRAINING_TARGET Avx512
#include "common.inc"
#include "weights.inc"
#include "rows.inc"
#include "spectra.inc"
#include "sparse.inc"
