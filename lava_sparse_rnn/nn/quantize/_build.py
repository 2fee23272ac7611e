# SPDX-License-Identifier: BSD-3-Clause
"""From a folded network and its ranges to a network description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import SIGMOID_FRAC, QFormat
from lava_sparse_rnn.nn.folded import FoldedAffine, FoldedBlock, FoldedNetwork
from lava_sparse_rnn.nn.quantize._calibrate import Ranges
from lava_sparse_rnn.nn.quantize._formats import calibrated_frac, joint_frac
from lava_sparse_rnn.spec import (
    Affine,
    Bias,
    Diagonal,
    Network,
    Recipe,
    S5Block,
    Weights,
    Wire,
    shifted_bound,
)
from lava_sparse_rnn.spec.formats import lower, wire, within_shift

Peaks = dict[str, NDArray[np.float64]]


def quantize(
    folded: FoldedNetwork,
    ranges: Ranges,
    recipe: Recipe | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Network:
    """Post-training quantisation.

    Parameters
    ----------
    folded : FoldedNetwork
    ranges : Ranges
        Of `calibrate`.
    recipe : Recipe, optional
        Widths and policies; the state nonlinearity is that of the folded network.
    meta : mapping, optional
        Kept in the description.

    Returns
    -------
    spec.Network
        It satisfies the load-time proof.
    """
    recipe = replace(recipe or Recipe(), state_nonlinearity=folded.nonlinearity)
    inp = wire(calibrated_frac(ranges[0]["out"], recipe.wire_bits), recipe.wire_bits)
    layers: list[Affine | S5Block] = []
    for layer, peaks in zip(folded.layers, ranges[1:], strict=True):
        layers.append(_BUILDERS[type(layer)](layer, peaks, inp, recipe))
        inp = layers[-1].out
    return Network(tuple(layers), recipe, dict(meta or {}))


def _affine(layer: FoldedAffine, peaks: Peaks, inp: Wire, recipe: Recipe) -> Affine:
    W, bias = layer.weights.numpy(), layer.bias.numpy()
    out_frac = calibrated_frac(peaks["out"], recipe.wire_bits)
    frac = Weights.largest_frac(W, inp, recipe.weight_bits)
    frac = _lower_for_accumulator(frac, W, inp, recipe, bias)
    frac = within_shift(frac, inp.ref - out_frac)
    worst = _accumulator(frac, W, inp, recipe, bias)
    out_frac = lower(out_frac, lambda f: shifted_bound(worst, frac + inp.ref - f))
    return Affine(
        inp,
        Weights.quantize(W, inp, frac, recipe.weight_bits),
        Bias.quantize(bias, frac + inp.ref, recipe.bias_bits),
        wire(out_frac, recipe.wire_bits),
        layer.relu,
    )


def _block(layer: FoldedBlock, peaks: Peaks, inp: Wire, recipe: Recipe) -> S5Block:
    recurrence = _recurrence(layer, peaks, inp, recipe)
    readout = _readout(layer, peaks, inp, recurrence["s"], recipe)
    gate = _gate(layer, peaks, inp, readout["z"], recipe)
    return S5Block(inp=inp, **recurrence, **readout, **gate)


def _recurrence(
    layer: FoldedBlock, peaks: Peaks, inp: Wire, recipe: Recipe
) -> dict[str, Any]:
    """B, biases, A, the formats of state and state wire."""
    parts = {p: getattr(layer, f"B_{p}").numpy() for p in ("re", "im")}
    biases = {p: getattr(layer, f"bias_x_{p}").numpy() for p in ("re", "im")}
    a_format = QFormat(recipe.a_bits, recipe.a_bits - 1)  # type: ignore[arg-type]
    a_re, a_im = (a_format.quantize(x.numpy()) for x in (layer.a_re, layer.a_im))
    state_frac = calibrated_frac(peaks["x"], recipe.state_bits)
    frac = joint_frac(parts["re"], parts["im"], inp, recipe.weight_bits)
    for p in parts:
        frac = _lower_for_accumulator(frac, parts[p], inp, recipe, biases[p])
    frac = within_shift(frac, inp.ref - state_frac)
    # |a_re x| + |a_im x| after their shifts, each rounded away from zero.
    x_max = 1 << (recipe.state_bits - 1)
    own = sum(shifted_bound(abs(a) * x_max, recipe.a_bits - 1) for a in (a_re, a_im))
    for p in parts:
        worst = _accumulator(frac, parts[p], inp, recipe, biases[p])
        state_frac = lower(
            state_frac,
            lambda f, w=worst: own + shifted_bound(w, frac + inp.ref - f),
        )
    # A state that the nonlinearity stops may be larger than all that pass; where it
    # would wrap, its sign could change and it would pass.
    seen = peaks["s" if recipe.overflow == "saturate" else "x"]
    s = wire(calibrated_frac(seen, recipe.wire_bits), recipe.wire_bits)
    weights = {
        f"B_{p}": Weights.quantize(m, inp, frac, recipe.weight_bits)
        for p, m in parts.items()
    }
    offsets = {
        f"bias_x_{p}": Bias.quantize(b, frac + inp.ref, recipe.bias_bits)
        for p, b in biases.items()
    }
    state = QFormat(recipe.state_bits, state_frac)
    return dict(
        **weights, **offsets, a_re=a_re, a_im=a_im, a_format=a_format, state=state, s=s
    )


def _readout(
    layer: FoldedBlock, peaks: Peaks, inp: Wire, s: Wire, recipe: Recipe
) -> dict[str, Any]:
    """C, D, bias and the wire z."""
    C_re, C_imn = layer.C_re.numpy(), layer.C_imn.numpy()
    bias, D = layer.bias_z.numpy(), layer.D.numpy()
    bits = recipe.weight_bits
    both = Wire(s.bits, np.concatenate([s.frac, s.frac]), s.ref)
    C = np.concatenate([C_re, C_imn], axis=1)
    z_frac = calibrated_frac(peaks["z"], recipe.wire_bits)
    frac = joint_frac(C_re, C_imn, s, bits)
    frac = _lower_for_accumulator(frac, C, both, recipe, None)
    frac = within_shift(frac, s.ref - 1 - z_frac)
    unit = Wire(2, np.zeros(1, dtype=np.int64), 0)
    D_frac = Weights.largest_frac(D[:, None], unit, bits)
    D_frac = within_shift(D_frac, inp.frac - z_frac)
    D_values = QFormat(bits, D_frac).quantize(D)
    worst_C = _accumulator(frac, C, both, recipe, None)
    worst_D = abs(D_values) * inp.magnitude

    def worst(f):
        return (
            shifted_bound(worst_C, frac + s.ref - 1 - f)
            + shifted_bound(worst_D, D_frac + inp.frac - f)
            + np.ceil(np.ldexp(abs(bias), f)).astype(np.int64)
        )

    z_frac = lower(z_frac, worst)
    z = wire(z_frac, recipe.wire_bits)
    return dict(
        C_re=Weights.quantize(C_re, s, frac, bits),
        C_imn=Weights.quantize(C_imn, s, frac, bits),
        D=Diagonal(D_values, D_frac, bits),
        bias_z=Bias.quantize(bias, z.frac, recipe.bias_bits),
        z=z,
    )


def _gate(
    layer: FoldedBlock, peaks: Peaks, inp: Wire, z: Wire, recipe: Recipe
) -> dict[str, Any]:
    """W, its bias, the argument's format and the output wire."""
    W, bias = layer.W.numpy(), layer.bias_g.numpy()
    lines = recipe.sigmoid.shift
    # Every line's shift plus the argument's frac must be a possible shift.
    g_frac = np.clip(
        calibrated_frac(peaks["g"], recipe.gate_bits), -lines.min(), 31 - lines.max()
    )
    frac = Weights.largest_frac(W, z, recipe.weight_bits)
    frac = _lower_for_accumulator(frac, W, z, recipe, bias)
    frac = within_shift(frac, z.ref - g_frac)
    worst_g = _accumulator(frac, W, z, recipe, bias)
    g_frac = lower(g_frac, lambda f: shifted_bound(worst_g, frac + z.ref - f))
    gated, residual = z.magnitude << SIGMOID_FRAC, inp.magnitude
    out_frac = lower(
        calibrated_frac(peaks["out"], recipe.wire_bits),
        lambda f: shifted_bound(gated, z.frac + SIGMOID_FRAC - f)
        + shifted_bound(residual, inp.frac - f),
    )
    return dict(
        W=Weights.quantize(W, z, frac, recipe.weight_bits),
        bias_g=Bias.quantize(bias, frac + z.ref, recipe.bias_bits),
        g=QFormat(recipe.gate_bits, g_frac),
        out=wire(out_frac, recipe.wire_bits),
    )


def _accumulator(
    frac: NDArray, W: NDArray, inp: Wire, recipe: Recipe, bias: NDArray | None
) -> NDArray[np.int64]:
    """Worst case of every row's accumulator with weights of `frac`."""
    rows = Weights.quantize(W, inp, frac, recipe.weight_bits).row_magnitude
    total = rows * inp.magnitude
    if bias is not None:
        scaled = np.ceil(np.ldexp(abs(bias), frac + inp.ref))
        # A bias with an exponent is rounded to its last place, perhaps upwards.
        total = total + np.minimum(scaled * (1 + 2.0**-20) + 1, 2.0**61).astype(int)
    return total


def _lower_for_accumulator(
    frac: NDArray, W: NDArray, inp: Wire, recipe: Recipe, bias: NDArray | None
) -> NDArray[np.int64]:
    return lower(frac, lambda f: _accumulator(f, W, inp, recipe, bias))


_BUILDERS = {FoldedAffine: _affine, FoldedBlock: _block}
