// SPDX-License-Identifier: BSD-3-Clause
// For every machine.
#define TRAINING_TARGET Plain
#include "common.inc"
#include "weights.inc"
#include "rows.inc"
#include "spectra.inc"
#include "sparse.inc"
