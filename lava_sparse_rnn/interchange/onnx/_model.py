# SPDX-License-Identifier: BSD-3-Clause
"""A float model of torch as values of a graph, in evaluation.

Whatever its options: also those that the integer contract cannot express.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn import nn
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.interchange.onnx._network import Traced
from lava_sparse_rnn.interchange.onnx._tokens import Tokens, Values
from lava_sparse_rnn.interchange.onnx._values import Builder, Value
from lava_sparse_rnn.nn.gates import GATES
from lava_sparse_rnn.spec.groups import STATE_GATES, relu


def _gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)))


def _identity(x: Any) -> Any:
    return x


# As `nn.activations`, for values: before the gate, and on the wires.
ACTIVATIONS: dict[str, tuple[Callable, Callable]] = {
    "relu": (relu, relu),
    "gelu": (_gelu, _identity),
}


def trace(model: nn.SparseRNN, dtype: Any, builder: Builder, tokens: Tokens) -> Traced:
    """Write a model down; see `_network.trace`.

    Raises
    ------
    SpecError
        When it keeps only the largest activations, which no operator chooses.
    """
    if model.options.top_k is not None:
        raise SpecError(f"onnx: top_k={model.options.top_k!r} cannot be exported")
    _, wire = ACTIVATIONS[model.options.activation]
    u = Value(builder, dtype, model.d_in, "u")
    values = wire(_affine(u, model.masked("encoder"), model.encoder_bias))
    states, following = {}, {}
    for i, block in enumerate(model.blocks, 1):
        n, at = len(block.lambda_re), f"layer{i}_"  # type: ignore[arg-type]
        before = [Value(builder, dtype, n, f"{at}x_{part}") for part in ("re", "im")]
        states |= {value.name: value for value in before}
        values, after = _block(block, values, before, tokens, at)
        following |= dict(zip((v.name for v in before), after, strict=True))
    y = _affine(values, model.masked("decoder"), model.decoder_bias)
    return Traced(u, y, y, states, following)


def _block(
    block: Any, u: Value, states: Values, tokens: Tokens, at: str
) -> tuple[Value, Values]:
    """A block's answer and its next states."""
    options = block.options
    a_re, a_im, *dense = block.discretise()
    a_re, a_im = _array(a_re), _array(a_im)
    B_re, B_im = (
        _array(block.masked(name, b))
        for name, b in zip(("B_re", "B_im"), dense, strict=True)
    )
    scale, offset = (_array(x) for x in block.norm_scale())
    v = u * scale + offset

    def body(x: Values, drive: Values) -> tuple[Values, Values]:
        re = a_re * x[0] - a_im * x[1] + drive[0]
        im = a_re * x[1] + a_im * x[0] + drive[1]
        pass_re, pass_im = STATE_GATES[options.state_nonlinearity](re, im)  # type: ignore
        return (re, im), (re * pass_re, im * pass_im)

    drive = v @ B_re.T, v @ B_im.T
    after, (s_re, s_im) = tokens.recur(f"{at}recurrence", body, states, drive)
    twice = 2.0 if options.conj_sym else 1.0
    C_re, C_im = (twice * _array(block.masked(name)) for name in ("C_re", "C_im"))
    y = s_re @ C_re.T - s_im @ C_im.T + v * _array(block.D)
    inner, wire = ACTIVATIONS[options.activation]

    def product(name: str, z: Any) -> Any:
        return _affine(z, block.masked(name), getattr(block, f"{name}_bias"))

    gated: Any = GATES[options.gate].equation(product, y, inner(y))
    return wire(gated + u), after


def _affine(x: Value, weights: Any, bias: Any) -> Any:
    return x @ _array(weights).T + _array(bias)


def _array(x: Any) -> NDArray[np.float64]:
    return x.detach().cpu().double().numpy()
