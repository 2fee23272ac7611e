# SPDX-License-Identifier: BSD-3-Clause
"""From a network with GELU to one with ReLU, whose activations are sparse."""

from __future__ import annotations

from copy import deepcopy

from lava_sparse_rnn.nn.network import SparseRNN


def relufy(model: SparseRNN, state_nonlinearity: str = "real_gate") -> SparseRNN:
    """The same weights with a ReLU on every wire; train it on.

    GELU becomes ReLU, and ReLUs appear where the integer contract has them: after the
    encoder, on the state and after the residual (Mirzadeh et al., arXiv 2310.04564,
    call the first 'stage 1' and the second 'stage 2' of ReLU-fication; Pierro et al.,
    arXiv 2502.01330, do both with S5). The result answers otherwise than `model`
    until it has been fine-tuned.

    Parameters
    ----------
    model : SparseRNN
        Left as it is.
    state_nonlinearity : {'real_gate', 'split', 'none'}

    Returns
    -------
    SparseRNN
        Parameters, masks and statistics are copies, under the same names.
    """
    result = deepcopy(model)
    result.change(activation="relu", state_nonlinearity=state_nonlinearity)
    return result
