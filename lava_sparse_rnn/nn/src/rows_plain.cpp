// SPDX-License-Identifier: BSD-3-Clause
// For every machine.
#define TRAINING_TARGET Plain
#include "rows.inc"
#include "spectra.inc"
