# SPDX-License-Identifier: BSD-3-Clause
"""The layers of a network, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import (
    MAX_SHIFT,
    QFormat,
    frozen_ints,
)
from lava_sparse_rnn.spec._tensors import Bias, Diagonal, Part, Weights, Wire, share


class Layer(Part):
    """What the frozen dataclasses of layers have in common.

    A layer's fields are its tensors and formats; how they compute is a `Graph`.

    Attributes
    ----------
    type : str
        In files.
    latency : int
        Time steps from a token's arrival to its answer.
    inp, out : Wire
    """

    type: ClassVar[str]
    latency: ClassVar[int]

    inp: Wire
    out: Wire

    @property
    def matrices(self) -> dict[str, Weights]:
        """The sparse matrices by name."""
        values = {f.name: getattr(self, f.name) for f in fields(cast("Any", self))}
        return {n: value for n, value in values.items() if isinstance(value, Weights)}

    @property
    def summary(self) -> str:
        """Sizes, weights and their sparsity, in a line."""
        matrices = self.matrices.values()
        total = sum(m.shape[0] * m.shape[1] for m in matrices)
        nonzero = share(sum(m.nnz for m in matrices), total)
        return f"{self.inp.size} -> {self.out.size}, {nonzero}"

    @property
    def weight_bytes(self) -> int:
        """Bytes of the non-zero weights alone, without their positions."""
        return sum(-(-m.nnz * m.bits // 8) for m in self.matrices.values())

    def _about(self) -> str:
        held = {f.name: getattr(self, f.name) for f in fields(cast("Any", self))}
        widths = (f"{n} {v.bits}" for n, v in held.items() if hasattr(v, "bits"))
        plain = (f"{n}={v}" for n, v in held.items() if isinstance(v, int | str))
        return ", ".join([self.summary, *plain, f"bits: {' '.join(widths)}"])

    def sizes(self) -> Iterator[tuple[str, object, object]]:
        """What must have some size: name, size or shape, what that must be."""
        yield from ()

    def problems(self) -> Iterator[tuple[str, str]]:
        """What else does not fit together: name, and what is wrong."""
        yield from ()


@dataclass(frozen=True, eq=False)
class Affine(Layer):
    """``out = shift(W u + bias, k)``, ReLU where asked: encoder or decoder.

    Parameters
    ----------
    inp : Wire, d_in neurons
    weights : Weights, shape (d_out, d_in)
    bias : Bias, d_out
        In units of the accumulator, ``weights.frac + inp.ref`` fractional bits.
    out : Wire, d_out neurons
    relu : bool
    """

    type: ClassVar[str] = "affine"
    latency: ClassVar[int] = 1

    inp: Wire
    weights: Weights
    bias: Bias
    out: Wire
    relu: bool = True

    @property
    def acc_frac(self) -> NDArray[np.int64]:
        """Fractional bits of the accumulator, shape (d_out,)."""
        return self.weights.frac + self.inp.ref

    def sizes(self) -> Iterator[tuple[str, object, object]]:
        """See `Layer`."""
        for name in ("inp", "out"):
            wire = getattr(self, name)
            yield f"{name}.frac", wire.frac.shape, (wire.size,)
        yield "weights", self.weights.shape, (self.out.size, self.inp.size)
        yield "bias", self.bias.mant.shape, (self.out.size,)


class _Recurrent(Layer):
    """What layers with a diagonal recurrence have in common: no field of their own."""

    B_re: Weights
    B_im: Weights
    a_re: NDArray[np.int64]
    a_im: NDArray[np.int64]
    a_format: QFormat
    state: QFormat
    s: Wire
    C_re: Weights
    C_imn: Weights

    def __post_init__(self) -> None:
        for name in ("a_re", "a_im"):
            value = frozen_ints(getattr(self, name), f"{type(self).__name__}: {name}")
            self._set(**{name: np.atleast_1d(value)})
        self._spread("state", self.d_state)

    def _spread(self, name: str, n: int) -> None:
        """One binary point for all ``n`` neurons is allowed."""
        fmt = getattr(self, name)
        if fmt.frac.ndim == 0:
            self._set(**{name: QFormat(fmt.bits, np.full(n, fmt.frac))})

    @property
    def d_state(self) -> int:
        """Number of complex states that are stored."""
        return len(self.a_re)

    def sizes(self) -> Iterator[tuple[str, object, object]]:
        """See `Layer`."""
        n = self.d_state
        for name in ("inp", "s", "out"):
            wire = getattr(self, name)
            yield f"{name}.frac", wire.frac.shape, (wire.size,)
        for name in ("a_re", "a_im"):
            yield name, getattr(self, name).shape, (n,)
        yield "s", self.s.size, n
        yield "state.frac", self.state.frac.shape, (n,)
        for name in ("B_re", "B_im"):
            yield name, getattr(self, name).shape, (n, self.inp.size)
        for name in ("C_re", "C_imn"):
            yield name, getattr(self, name).shape, (self.out.size, n)

    def problems(self) -> Iterator[tuple[str, str]]:
        """See `Layer`."""
        if self.a_format.frac.ndim != 0:
            yield "a_format", "frac must be one number"
        elif not 0 <= (frac := int(self.a_format.frac)) <= MAX_SHIFT:
            yield "a_format", f"frac is {frac}, must be 0 to {MAX_SHIFT}"
        for name in ("a_re", "a_im"):
            value = getattr(self, name)
            low, high = self.a_format.lowest, self.a_format.highest
            if (bad := np.flatnonzero((value < low) | (value > high))).size:
                row = int(bad[0])
                text = f"row {row}: {value[row]} does not fit {self.a_format.bits} bits"
                yield name, text
        for a, b in (("B_re", "B_im"), ("C_re", "C_imn")):
            if not np.array_equal(getattr(self, a).frac, getattr(self, b).frac):
                yield f"{a} and {b}", "the same row must have the same frac in both"


@dataclass(frozen=True, eq=False)
class S5Block(_Recurrent):
    """One state-space block: recurrence, readout, gate with residual.

    With ``x`` the complex state, ``s`` its wire and ``u`` the block's input::

        x' = a x + B u + bias_x
        z  = relu(2 Re(C s) + D u + bias_z)
        out = relu(z sigmoid(W z + bias_g) + u)

    Parameters
    ----------
    inp : Wire, d_model neurons
    B_re, B_im : Weights, shape (d_state, d_model)
        Of the discretised system; both parts of a row share one frac.
    bias_x_re, bias_x_im : Bias, d_state
        In units of B's accumulator.
    a_re, a_im : array of int, shape (d_state,)
    a_format : QFormat
        Of a; 16 bits, 15 of them fractional, unless the recipe says otherwise.
    state : QFormat
        Of both parts of the state, one frac per state.
    s : Wire, d_state neurons
        Of both parts of the state's messages.
    C_re, C_imn : Weights, shape (d_model, d_state)
        ``C_imn`` is the negated imaginary part; both share their rows' frac.
    D : Diagonal, d_model
    bias_z : Bias, d_model
        In units of ``z``.
    z : Wire, d_model neurons
    W : Weights, shape (d_model, d_model)
    bias_g : Bias, d_model
        In units of W's accumulator.
    g : QFormat
        Of the gate's argument, one frac per neuron.
    out : Wire, d_model neurons
    """

    type: ClassVar[str] = "s5"
    latency: ClassVar[int] = 3

    inp: Wire
    B_re: Weights
    B_im: Weights
    bias_x_re: Bias
    bias_x_im: Bias
    a_re: NDArray[np.int64]
    a_im: NDArray[np.int64]
    a_format: QFormat
    state: QFormat
    s: Wire
    C_re: Weights
    C_imn: Weights
    D: Diagonal
    bias_z: Bias
    z: Wire
    W: Weights
    bias_g: Bias
    g: QFormat
    out: Wire

    def __post_init__(self) -> None:
        super().__post_init__()
        self._spread("g", self.z.size)

    @property
    def d_model(self) -> int:
        """Width of input and output."""
        return self.inp.size

    def sizes(self) -> Iterator[tuple[str, object, object]]:
        """See `Layer`."""
        n, d = self.d_state, self.d_model
        yield "out", self.out.size, d
        yield from super().sizes()
        for name in ("bias_x_re", "bias_x_im"):
            yield name, getattr(self, name).mant.shape, (n,)
        yield "z.frac", self.z.frac.shape, (self.z.size,)
        yield "z", self.z.size, d
        yield "W", self.W.shape, (d, d)
        yield "D", self.D.values.shape, (d,)
        yield "D.frac", self.D.frac.shape, (d,)
        yield "g.frac", self.g.frac.shape, (d,)
        for name in ("bias_z", "bias_g"):
            yield name, getattr(self, name).mant.shape, (d,)


@dataclass(frozen=True, eq=False)
class S4D(_Recurrent):
    """Diagonal channels: each input has ``n`` complex states of its own, and an answer.

    With ``x`` the states, ``s`` their wire and ``u`` the input of a channel::

        x'  = a x + b u
        out = 2 Re(c s), summed over the channel's states

    There is no nonlinearity, whatever the recipe says.

    Parameters
    ----------
    inp : Wire of h channels
    B_re, B_im : Weights, shape (h * n, h)
        One weight per row: state ``i * n + j`` is state ``j`` of channel ``i``.
    a_re, a_im : array of int, shape (h * n,)
    a_format : QFormat
    state : QFormat
        Of both parts of the state, one frac per state.
    s : Wire of h * n states
        Of both parts of the state's messages.
    C_re, C_imn : Weights, shape (h, h * n) or (2 h, h * n)
        ``C_imn`` is the negated imaginary part. Where answers are complex, h more
        rows give the imaginary parts.
    out : Wire of h channels, or of their real and then their imaginary parts
    """

    type: ClassVar[str] = "s4d"
    latency: ClassVar[int] = 2

    inp: Wire
    B_re: Weights
    B_im: Weights
    a_re: NDArray[np.int64]
    a_im: NDArray[np.int64]
    a_format: QFormat
    state: QFormat
    s: Wire
    C_re: Weights
    C_imn: Weights
    out: Wire

    @property
    def is_complex(self) -> bool:
        """Whether answers have an imaginary part."""
        return self.out.size > self.inp.size

    @property
    def parameters(self) -> tuple[NDArray, NDArray, NDArray]:
        """The real ``a``, ``b``, ``c`` that the integers stand for, shape (h, n)."""
        h, fa = self.inp.size, self.a_format.frac
        a = np.ldexp(self.a_re + 0.0, -fa) + 1j * np.ldexp(self.a_im + 0.0, -fa)
        B = _real(self.B_re, self.inp) + 1j * _real(self.B_im, self.inp)
        C = _real(self.C_re, self.s) - 1j * _real(self.C_imn, self.s)
        b, c = B.sum(axis=1), C[:h].sum(axis=0)
        return a.reshape(h, -1), b.reshape(h, -1), c.reshape(h, -1)

    def sizes(self) -> Iterator[tuple[str, object, object]]:
        """See `Layer`."""
        h, n = self.inp.size, self.d_state
        yield "a_re", n, max(n // h, 1) * h  # as many states for every channel
        yield "out", self.out.size, h * (1 + self.is_complex)
        yield from super().sizes()

    def problems(self) -> Iterator[tuple[str, str]]:
        """See `Layer`."""
        yield from super().problems()
        h = self.inp.size
        channel = np.arange(self.d_state) // (self.d_state // h)
        for name in ("B_re", "B_im", "C_re", "C_imn"):
            matrix = getattr(self, name).matrix.tocoo()
            row, column = matrix.coords
            state, other = (row, column) if name[0] == "B" else (column, row % h)
            if (bad := np.flatnonzero(channel[state] != other)).size:
                at = f"weight in row {row[bad[0]]}, column {column[bad[0]]}"
                own = f"state {state[bad[0]]} is of channel {channel[state[bad[0]]]}"
                yield name, f"{at}: {own}"


def _real(weights: Weights, inp: Wire) -> NDArray[np.float64]:
    """The real matrix that weights stand for, whose payloads come on ``inp``."""
    frac = weights.frac[:, None] + (inp.ref - inp.frac)[None]
    return np.ldexp(weights.matrix.toarray() + 0.0, -frac)


LAYER_TYPES: dict[str, type[Layer]] = {c.type: c for c in (Affine, S5Block, S4D)}
"""Layers by the name that files have for their type; add your own."""
