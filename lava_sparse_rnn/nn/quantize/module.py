# SPDX-License-Identifier: BSD-3-Clause
"""Fake-quantised network for fine-tuning: its forward pass is the integer contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import torch
from torch import Tensor, nn

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.nn._autograd import call, uncompiled
from lava_sparse_rnn.nn._inputs import check_batch
from lava_sparse_rnn.nn.folded import (
    FoldedAffine,
    FoldedBlock,
    FoldedNetwork,
    check_folded,
    not_trained,
)
from lava_sparse_rnn.nn.heads import HEADS
from lava_sparse_rnn.nn.quantize import _groups
from lava_sparse_rnn.nn.quantize._export import export_hdf5
from lava_sparse_rnn.nn.quantize._parameters import (
    Bias,
    Diagonal,
    Matrix,
    csr,
    ints,
    synaptic_unit,
    typical,
)
from lava_sparse_rnn.nn.quantize.formatted import Formatted
from lava_sparse_rnn.nn.quantize.rules import Rules, doubles, round_inside
from lava_sparse_rnn.spec import groups

Record = Callable[[str, Tensor], Any]


def _ignore(name: str, value: Tensor) -> None:
    pass


# Between the groups integers travel in float32.
_MAX_WIRE_BITS = 24


class QuantizedAffine(Formatted):
    """Encoder or decoder on integers.

    Parameters
    ----------
    folded : FoldedAffine
    layer : spec.Affine
        Formats; they stay as they are.
    recipe : spec.Recipe
    """

    layer: spec.Affine

    def __init__(
        self, folded: FoldedAffine, layer: spec.Affine, recipe: spec.Recipe
    ) -> None:
        super().__init__()
        self.weights = Matrix(folded.weights, layer.weights, layer.inp)
        unit = synaptic_unit(layer.acc_frac, layer.inp, layer.weights)
        self.bias = Bias(folded.bias, layer.acc_frac, layer.bias.bits, unit)
        self.hold(layer, recipe)

    def hold(self, layer: spec.Affine, recipe: spec.Recipe) -> None:
        """Compute with these formats."""
        self.layer, self.recipe, self.rules = layer, recipe, Rules.of(recipe)
        self.weights.hold(layer.weights)
        self.bias.bits = layer.bias.bits
        self.shift = self.rules.shift(layer.acc_frac - layer.out.frac)

    def constants(self) -> dict[str, Tensor]:
        """Of the bias."""
        return {f"bias.{name}": c for name, c in self.bias.constants().items()}

    @uncompiled
    def forward(self, u: Tensor, record: Record = _ignore) -> Tensor:
        """Wire values: (T, batch, d_in) to (T, batch, d_out), integers in float32."""
        out = call(
            _groups.AffineFunction, u, self.weights(), self.bias(), self.shift,
            self.layer.out.bits, self.layer.relu, self.rules,
        )  # fmt: skip
        record("out", out)
        return out

    def describe(self) -> spec.Affine:
        """The layer with the weights of this moment."""
        W = self.layer.weights
        weights = spec.Weights(csr(self.weights()), W.frac, W.bits)
        return replace(self.layer, weights=weights, bias=self.bias.describe())


class QuantizedBlock(Formatted):
    """S5 block on integers.

    Parameters
    ----------
    folded : FoldedBlock
    layer : spec.S5Block
        Formats; they stay as they are.
    recipe : spec.Recipe
    """

    layer: spec.S5Block
    angle_start: Tensor
    angle_unit: Tensor
    a_offset: Tensor

    def __init__(
        self, folded: FoldedBlock, layer: spec.S5Block, recipe: spec.Recipe
    ) -> None:
        super().__init__()
        inputs = {"B_re": layer.inp, "B_im": layer.inp, "C_re": layer.s}
        inputs |= {"C_imn": layer.s, "W": layer.z}
        self.matrices = nn.ModuleDict()
        for name, inp in inputs.items():
            weights = getattr(folded, name), getattr(layer, name)
            self.matrices[name] = Matrix(*weights, inp)
        self.D = Diagonal(folded.D, layer.D)
        self.biases = nn.ModuleDict(_biases(folded, layer))
        # Polar form keeps every state stable: |a| = exp(-exp(rate)).
        a = torch.complex(folded.a_re, folded.a_im)
        decay = -a.abs().clamp(1e-6, 1 - 1e-6).log()
        self.rate = nn.Parameter(decay.log().float())
        # In widths of the resonance, so that narrow ones do not jump.
        self.angle = nn.Parameter(torch.zeros_like(self.rate))
        self.register_buffer("angle_start", a.angle(), persistent=False)
        self.register_buffer("angle_unit", decay, persistent=False)
        # What float32 loses next to the middle of two integers: a fine-tune begins with
        # the very integers of post-training quantisation.
        offset = torch.zeros(2, len(decay), dtype=torch.float64)
        self.register_buffer("a_offset", offset, persistent=False)
        self.hold(layer, recipe)
        with torch.no_grad():
            wanted = torch.stack([doubles(layer.a_re), doubles(layer.a_im)])
            differs = torch.stack(self.a()) != wanted
            offset[differs] = (wanted - self._polar())[differs]

    def hold(self, layer: spec.S5Block, recipe: spec.Recipe) -> None:
        """Compute with these formats."""
        self.layer, self.recipe, self.rules = layer, recipe, Rules.of(recipe)
        for name, matrix in self.matrices.items():
            cast(Matrix, matrix).hold(getattr(layer, name))
        self.D.hold(layer.D)
        for name, bias in self.biases.items():
            cast(Bias, bias).bits = getattr(layer, name).bits
        readout = groups.ReadoutGroup.of(layer, recipe)
        self.shift_C = self.rules.shift(readout.k_C)
        self.shift_D = self.rules.shift(readout.k_D)
        recurrence = groups.RecurrenceGroup.of(layer, recipe)
        self.recurrence = _groups.RecurrenceConstants(recurrence, self.rules)
        self.gate = _groups.GateConstants(
            groups.GateGroup.of(layer, recipe), self.rules
        )

    def constants(self) -> dict[str, Tensor]:
        """Where the diagonal starts, and what biases are relative to."""
        start = ("angle_start", "angle_unit", "a_offset")
        return {name: getattr(self, name) for name in start} | {
            f"{bias_name}.{name}": constant
            for bias_name, bias in self.biases.items()
            for name, constant in cast(Bias, bias).constants().items()
        }

    def _polar(self) -> Tensor:
        """The diagonal in units of its integers, float64 (2, N)."""
        one = 2.0 ** int(self.layer.a_format.frac)
        radius = (-self.rate.double().exp()).exp() * one
        angle = self.angle_start + self.angle_unit * self.angle.double()
        return torch.stack([radius * angle.cos(), radius * angle.sin()])

    def a(self) -> tuple[Tensor, Tensor]:
        """Integers of the diagonal, real and imaginary part, float64 (N,)."""
        fmt = self.layer.a_format
        exact = self._polar() + self.a_offset
        re, im = round_inside(exact, fmt.bits, 1 << int(fmt.frac))
        return re, im

    @uncompiled
    def forward(self, u: Tensor, record: Record = _ignore) -> Tensor:
        """Wire values: (T, batch, H) to the same, integers in float32."""
        m = {name: matrix() for name, matrix in self.matrices.items()}
        b = {name: bias() for name, bias in self.biases.items()}
        s = call(
            _groups.RecurrenceFunction, u, torch.cat([m["B_re"], m["B_im"]]),
            torch.cat([b["bias_x_re"], b["bias_x_im"]]), *self.a(), self.recurrence,
            record,
        )  # fmt: skip
        z = call(
            _groups.ReadoutFunction, s, u,
            torch.cat([m["C_re"], m["C_imn"]], dim=1), self.D(), b["bias_z"],
            self.shift_C, self.shift_D, self.layer.z.bits, self.rules,
        )  # fmt: skip
        out = call(_groups.GateFunction, z, u, m["W"], b["bias_g"], self.gate, record)
        s_re, s_im = s.chunk(2, dim=-1)
        for name, value in {"s_re": s_re, "s_im": s_im, "z": z, "out": out}.items():
            record(name, value)
        return out

    def describe(self) -> spec.S5Block:
        """The block with the weights of this moment."""
        values: dict[str, Any] = {}
        for name, matrix in self.matrices.items():
            old = getattr(self.layer, name)
            values[name] = spec.Weights(csr(cast(Matrix, matrix)()), old.frac, old.bits)
        values |= {n: cast(Bias, b).describe() for n, b in self.biases.items()}
        D = self.layer.D
        values["D"] = spec.Diagonal(ints(self.D()), D.frac, D.bits)
        values["a_re"], values["a_im"] = (ints(x) for x in self.a())
        return replace(self.layer, **values)


def _biases(folded: FoldedBlock, layer: spec.S5Block) -> dict[str, nn.Module]:
    """Biases of a block, each in the unit of what it is added to."""
    acc_B, acc_W = layer.B_re.frac + layer.inp.ref, layer.W.frac + layer.z.ref
    unit_B = synaptic_unit(acc_B, layer.inp, layer.B_re, layer.B_im)
    unit_W, limit_g = synaptic_unit(acc_W, layer.z, layer.W), _gate_limit(layer)
    rows = {
        "bias_x_re": (acc_B, unit_B, None),
        "bias_x_im": (acc_B, unit_B, None),
        "bias_z": (layer.z.frac, typical(layer.z), None),
        "bias_g": (acc_W, unit_W, limit_g),
    }
    return {
        name: Bias(getattr(folded, name), frac, getattr(layer, name).bits, unit, limit)
        for name, (frac, unit, limit) in rows.items()
    }


def _gate_limit(layer: spec.S5Block) -> np.ndarray:
    """Largest gate biases, in units of W's accumulator, whose argument fits `g`.

    A gate neuron holds its bias whenever its input is silent, and one that has lost
    all its weights always: outside the format it would saturate in every step.
    """
    k = layer.W.frac + layer.z.ref - layer.g.frac
    limit = np.floor(np.ldexp(float(layer.g.highest), k))
    # As a mantissa of the bias can hold it, not rounded up.
    _, exponent = np.frexp(limit)
    last = np.maximum(exponent - (layer.bias_g.bits - 1), 0)
    return np.ldexp(np.floor(np.ldexp(limit, -last)), last)


MODULES: dict[type, Callable[[Any, Any, spec.Recipe], Formatted]] = {
    spec.Affine: QuantizedAffine,
    spec.S5Block: QuantizedBlock,
    spec.S4D: not_trained,
}
"""Module of each type of layer."""


def _check_wires(layer: spec.Layer, where: str) -> None:
    for name in ("inp", "s", "z", "out"):
        wire = getattr(layer, name, None)
        if wire is not None and wire.bits > _MAX_WIRE_BITS:
            raise ValueError(
                f"{where}: its wire {name} has {wire.bits} bits; the fine-tune holds "
                f"at most {_MAX_WIRE_BITS}"
            )


def _take_formats(model: QuantizedRNN, keys: Any) -> None:
    """After a state_dict: the ends of a network follow their layers' formats."""
    before = None
    for i in range(len(model.layers)):
        layer = model._layer(i).layer
        if before is not None and layer.inp != before:
            raise SpecError(
                f"state_dict: the inp of layer {i} is not the out wire of layer "
                f"{i - 1}; it holds formats of a part of a network only"
            )
        before = layer.out
    for name, unit in model._units().items():
        getattr(model, name).copy_(unit)


class QuantizedRNN(nn.Module):
    """A network whose forward pass holds the integers of its description.

    A ``state_dict`` holds the formats too, and loading one restores them.

    Parameters
    ----------
    folded : FoldedNetwork
        Real weights to start from.
    network : spec.Network
        Formats, from `quantize` of the same folded network; training leaves them as
        they are, as it does the zeros.

    Raises
    ------
    ValueError
        If a wire is wider than float32 holds exactly.
    """

    to_unit: Tensor
    from_unit: Tensor

    def __init__(self, folded: FoldedNetwork, network: spec.Network) -> None:
        super().__init__()
        spec.check_network(network, "QuantizedRNN")
        check_folded(folded)
        for i, layer in enumerate(network.layers):
            _check_wires(layer, f"layer {i}")
        self.meta = dict(network.meta)
        self.layers = nn.ModuleList()
        for real, layer in zip(folded.layers, network.layers, strict=True):
            self.layers.append(MODULES[type(layer)](real, layer, network.recipe))
        for name, unit in self._units().items():
            self.register_buffer(name, unit, persistent=False)
        self.register_load_state_dict_post_hook(_take_formats)

    @property
    def recipe(self) -> spec.Recipe:
        """Widths and policies."""
        return self._layer(0).recipe

    def _layer(self, i: int) -> Formatted:
        return cast(Formatted, self.layers[i])

    def _units(self) -> dict[str, Tensor]:
        """What one unit of the input stands for, inverted, and one of the output."""
        inp, out = self._layer(0).layer.inp, self._layer(-1).layer.out
        return {
            "to_unit": doubles(np.ldexp(1.0, inp.frac)),
            "from_unit": doubles(np.ldexp(1.0, -out.frac)).float(),
        }

    def to_wire(self, x: Tensor) -> Tensor:
        """Real inputs (..., d_in) as integers of the input wire, in float32."""
        half = float(self._layer(0).layer.inp.magnitude)
        return (x * self.to_unit).round().clamp(-half, half - 1).float()

    def forward_wires(
        self, q: Tensor, trace: dict[str, Tensor] | None = None
    ) -> Tensor:
        """Integers to integers, time-major: (T, batch, d_in) to (T, batch, d_out).

        Parameters
        ----------
        q : Tensor, float32
        trace : dict, optional
            Filled with every tensor under the names of `spec.reference.run`.
        """
        for i, layer in enumerate(self.layers):
            if trace is None:
                q = layer(q)
                continue

            def record(name: str, value: Tensor, at: str = f"layer{i}_") -> None:
                trace[at + name] = value.detach().clone()

            q = layer(q, record)
        return q

    def forward_time_major(self, x: Tensor) -> Tensor:
        """Real inputs (T, batch, d_in) to real outputs (T, batch, d_out)."""
        return self.forward_wires(self.to_wire(x)) * self.from_unit

    def forward(self, x: Tensor) -> Tensor:
        """Real inputs (batch, time, d_in) to real outputs (batch, time, d_out)."""
        check_batch(x, self._layer(0).layer.inp.size, None)
        return self.forward_time_major(x.transpose(0, 1)).transpose(0, 1)

    def answer(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """What the head makes of sequences, shapes as of `nn.SparseRNN.forward`."""
        check_batch(x, self._layer(0).layer.inp.size, None, lengths)
        head = self.meta.get("head", "sequence")
        y = HEADS[head](self.forward_time_major(x.transpose(0, 1)), lengths)
        return y.transpose(0, 1) if head == "sequence" else y

    def network(self) -> spec.Network:
        """The network description with the weights of this moment."""
        layers = tuple(cast(Any, layer).describe() for layer in self.layers)
        return spec.Network(layers, self.recipe, self.meta)

    def export_hdf5(self, target: str | Path | h5py.Group) -> spec.Network:
        """Write `network` as a file or into an open group; returns it."""
        network = self.network()
        export_hdf5(network, target)
        return network
