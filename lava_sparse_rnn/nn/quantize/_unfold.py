# SPDX-License-Identifier: BSD-3-Clause
"""From a network description back to real weights, to fine-tune what a file holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lava_sparse_rnn.nn.folded import (
    FoldedAffine,
    FoldedBlock,
    FoldedNetwork,
    not_trained,
)
from lava_sparse_rnn.spec import (
    S4D,
    Affine,
    Bias,
    Network,
    S5Block,
    Weights,
    Wire,
    check_network,
    head_of,
)


def unfold(network: Network) -> FoldedNetwork:
    """The real values that the integers of a description stand for.

    ``QuantizedRNN(unfold(network), network)`` holds the description's own integers.

    Parameters
    ----------
    network : spec.Network

    Returns
    -------
    FoldedNetwork
        Tensors of float64.
    """
    check_network(network, "unfold")
    rule = network.recipe.state_nonlinearity
    return FoldedNetwork(
        tuple(UNFOLDERS[type(layer)](layer, rule) for layer in network.layers),
        head_of(network),
    )


def _affine(layer: Affine, rule: str) -> FoldedAffine:
    bias = _bias(layer.bias, layer.acc_frac)
    return FoldedAffine(_matrix(layer.weights, layer.inp), bias, layer.relu)


def _block(block: S5Block, rule: str) -> FoldedBlock:
    acc_B, acc_W = block.B_re.frac + block.inp.ref, block.W.frac + block.z.ref
    fa = block.a_format.frac
    return FoldedBlock(
        a_re=_real(block.a_re, fa),
        a_im=_real(block.a_im, fa),
        B_re=_matrix(block.B_re, block.inp),
        B_im=_matrix(block.B_im, block.inp),
        bias_x_re=_bias(block.bias_x_re, acc_B),
        bias_x_im=_bias(block.bias_x_im, acc_B),
        C_re=_matrix(block.C_re, block.s),
        C_imn=_matrix(block.C_imn, block.s),
        D=_real(block.D.values, block.D.frac),
        bias_z=_bias(block.bias_z, block.z.frac),
        W=_matrix(block.W, block.z),
        bias_g=_bias(block.bias_g, acc_W),
        nonlinearity=rule,
    )


UNFOLDERS: dict[type, Callable] = {
    Affine: _affine,
    S5Block: _block,
    S4D: not_trained,
}


def _real(q: np.ndarray, frac: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ldexp(q.astype(np.float64), -frac))


def _matrix(weights: Weights, inp: Wire) -> Tensor:
    # Columns were brought to the wire's reference frac before they were quantised.
    frac = weights.frac[:, None] + (inp.ref - inp.frac)[None, :]
    return _real(weights.matrix.toarray(), frac)


def _bias(bias: Bias, frac: np.ndarray) -> Tensor:
    return _real(bias.value, frac)
