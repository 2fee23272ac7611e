// SPDX-License-Identifier: BSD-3-Clause
// With -mavx2 -mfma.
#define TRAINING_TARGET Avx2
#include "common.inc"
#include "weights.inc"
#include "rows.inc"
#include "spectra.inc"
#include "sparse.inc"
