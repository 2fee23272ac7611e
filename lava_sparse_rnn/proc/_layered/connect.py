# SPDX-License-Identifier: BSD-3-Clause
"""Lava's own connections between neuron groups."""

from __future__ import annotations

import numpy as np
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from scipy import sparse

WEIGHT_EXP = -1  # of every connection made here, see `connection`


def connection(weights: sparse.csr_array, hops: int, message_bits: int) -> Sparse:
    """A connection that takes ``hops`` time steps.

    Lava truncates signed 8-bit weights to even numbers; ``w`` therefore travels as
    ``2 w`` with a weight exponent of -1. Its delays cost a rebuilt matrix in every
    step, so only connections of more than one hop have them.

    Parameters
    ----------
    weights : sparse array of int, shape (n_out, n_in)
    hops : int
        1 or more.
    message_bits : int
        Width of the payloads; without it Lava takes spikes for binary.
    """
    doubled = sparse.csr_matrix(weights, dtype=np.int32) * 2
    options = {
        "weight_exp": WEIGHT_EXP,
        "num_weight_bits": 8,
        "sign_mode": SignMode.MIXED,
        "num_message_bits": message_bits,
    }
    if hops == 1:
        return Sparse(weights=doubled, **options)
    delays = doubled.astype(int)
    delays.data[:] = hops - 1
    # Given, because an empty matrix has no largest delay.
    return DelaySparse(weights=doubled, delays=delays, max_delay=hops - 1, **options)
