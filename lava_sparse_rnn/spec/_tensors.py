# SPDX-License-Identifier: BSD-3-Clause
"""The tensors of a description: wires, sparse weights, diagonals, biases."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from lava_sparse_rnn.fixed_point import (
    MAX_BITS,
    Immutable,
    QFormat,
    SpecError,
    check_whole,
    frozen_ints,
    quantize,
    span,
)

MAX_WEIGHT_BITS = 8  # a stored synaptic weight of the chip
MAX_FRAC_ABOVE_REF = 10  # more would push a column of weights below their last place


def same(a: Any, b: Any) -> bool:
    """Equality of two parts of a description, down to every integer."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if sparse.issparse(a):
        return a.shape == b.shape and (a != b).nnz == 0
    return bool(a == b)


class Part(Immutable):
    """Base of the frozen dataclasses: compared by their integers."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        names = [f.name for f in fields(self)]  # type: ignore[arg-type]
        return all(same(getattr(self, n), getattr(other, n)) for n in names)

    __hash__ = None  # type: ignore[assignment]

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, eq=False)
class Wire(Part):
    """The graded spikes of a group of neurons.

    Parameters
    ----------
    bits : int
        Width of a payload, sign included.
    frac : array of int, shape (n,)
        Binary point of every neuron: payload ``q`` stands for ``q / 2**frac``.
    ref : int
        The reference frac. A receiver's accumulator treats every payload as having
        ``ref`` fractional bits; that is made true by multiplying its weights' column
        ``j`` by ``2**(ref - frac[j])`` before they are quantised. No ``frac`` may
        exceed it by more than 10.
    """

    bits: int
    frac: NDArray[np.int64]
    ref: int

    def __post_init__(self) -> None:
        frac = np.atleast_1d(frozen_ints(self.frac, "Wire: frac"))
        bits = check_whole("Wire: bits", self.bits, 2, MAX_BITS)
        ref = check_whole("Wire: ref", self.ref, -(2**31))
        self._set(bits=bits, frac=frac, ref=ref)
        if not frac.size:
            raise SpecError("Wire: frac is empty, a wire has at least one neuron")
        if (worst := int(frac.max()) - self.ref) > MAX_FRAC_ABOVE_REF:
            raise SpecError(
                f"Wire: frac of neuron {int(frac.argmax())} is {worst} above ref "
                f"{self.ref}, at most {MAX_FRAC_ABOVE_REF} is allowed"
            )

    def _about(self) -> str:
        frac = span(self.frac)
        return f"{self.size} neurons, {self.bits} bits, frac {frac}, ref {self.ref}"

    @property
    def size(self) -> int:
        """Number of neurons, n."""
        return len(self.frac)

    @cached_property
    def format(self) -> QFormat:
        """Width and binary points as a number format."""
        return QFormat(self.bits, self.frac)

    @property
    def magnitude(self) -> int:
        """The largest absolute value of a payload."""
        return 1 << (self.bits - 1)


class _Frozen(sparse.csr_array):
    """A matrix in which no weight appears after the load-time proof.

    Its arrays are read-only, but scipy would put others in their place.
    """

    def __setitem__(self, key: Any, x: Any) -> None:
        raise ValueError("weights are read-only; matrix.copy() can be written to")

    def copy(self) -> sparse.csr_array:
        arrays = self.data.copy(), self.indices.copy(), self.indptr.copy()
        return sparse.csr_array(arrays, self.shape)


@dataclass(frozen=True, eq=False)
class Weights(Part):
    """A sparse integer matrix with one binary point per row.

    Parameters
    ----------
    matrix : sparse array of int, shape (n_out, n_in)
        Any scipy sparse or dense matrix; kept as CSR, sorted, without stored zeros.
    frac : array of int, shape (n_out,)
        Row ``i`` stands for ``matrix[i] / 2**frac[i]``; 0 for a row that is all zero.
    bits : int
        Width of a weight, sign included; 2 to 8.
    """

    matrix: sparse.csr_array
    frac: NDArray[np.int64]
    bits: int = 8

    def __post_init__(self) -> None:
        matrix: Any = sparse.csr_array(self.matrix)
        data = frozen_ints(matrix.data, "Weights: matrix")
        matrix = sparse.csr_array((data, matrix.indices, matrix.indptr), matrix.shape)
        matrix = _Frozen(matrix.copy())
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        for array in (matrix.data, matrix.indices, matrix.indptr):
            array.setflags(write=False)
        frac = np.atleast_1d(frozen_ints(self.frac, "Weights: frac"))
        bits = check_whole("Weights: bits", self.bits, 2, MAX_WEIGHT_BITS)
        self._set(matrix=matrix, frac=frac, bits=bits)
        if frac.shape != (matrix.shape[0],):
            raise SpecError(
                f"Weights: frac has shape {frac.shape}, the matrix {matrix.shape} "
                f"needs ({matrix.shape[0]},)"
            )
        low, high = -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        if matrix.nnz and (matrix.data.min() < low or matrix.data.max() > high):
            bad = matrix.data[(matrix.data < low) | (matrix.data > high)][0]
            raise SpecError(
                f"Weights: value {bad} does not fit {self.bits} bits ({low}..{high})"
            )

    def _about(self) -> str:
        n_out, n_in = self.shape
        nonzero = share(self.nnz, n_out * n_in)
        return f"{n_out} x {n_in}, {nonzero}, {self.bits} bits, frac {span(self.frac)}"

    @classmethod
    def quantize(
        cls, real: ArrayLike, inp: Wire, frac: ArrayLike, bits: int = 8
    ) -> Weights:
        """Integers of a real matrix for payloads that come on wire ``inp``.

        Values beyond the range saturate; `largest_frac` gives the exponents with
        which none does.

        Parameters
        ----------
        real : array of float, shape (n_out, n_in)
        inp : Wire of n_in neurons
        frac : array of int, shape (n_out,)
        bits : int
        """
        frac = frozen_ints(frac, "Weights: frac")
        q = quantize(_for_wire(real, inp).T, QFormat(bits, frac)).T
        return cls(sparse.csr_array(q), frac, bits)

    @staticmethod
    def largest_frac(real: ArrayLike, inp: Wire, bits: int = 8) -> NDArray[np.int64]:
        """The largest frac of each row with which its values fit; 0 for zero rows.

        Parameters
        ----------
        real : array of float, shape (n_out, n_in)
        inp : Wire of n_in neurons
        bits : int
        """
        highest = (1 << (bits - 1)) - 1
        peak = abs(_for_wire(real, inp)).max(axis=1)
        safe = np.where(peak > 0, peak, 1.0)
        frac = np.floor(np.log2((highest + 0.5) / safe)).astype(np.int64)
        # The logarithm may be off by one at a power of two, and 127.5 rounds up.
        frac = frac + 1
        frac = frac - (np.rint(np.ldexp(safe, frac)) > highest)
        frac = frac - (np.rint(np.ldexp(safe, frac)) > highest)
        return np.where(peak > 0, frac, 0)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_out, n_in)."""
        return cast("tuple[int, int]", self.matrix.shape)

    @property
    def nnz(self) -> int:
        """Number of weights that are not zero."""
        return int(self.matrix.nnz)

    @property
    def row_magnitude(self) -> NDArray[np.int64]:
        """Sum of absolute values of each row, shape (n_out,)."""
        ones = np.ones(self.shape[1], dtype=np.int64)
        return abs(self.matrix) @ ones


def share(nnz: int, total: int) -> str:
    """Weights other than zero, in words."""
    sparse_share = 100 * (1 - nnz / total) if total else 0.0
    return f"{nnz:,} of {total:,} weights ({sparse_share:.1f} % sparse)"


def _for_wire(real: ArrayLike, inp: Wire) -> NDArray[np.float64]:
    """Columns in units of the wire's reference frac."""
    return np.ldexp(np.asarray(real, dtype=np.float64), inp.ref - inp.frac)


@dataclass(frozen=True, eq=False)
class Diagonal(Part):
    """A diagonal matrix: one weight per neuron.

    Parameters
    ----------
    values : array of int, shape (n,)
    frac : array of int, shape (n,)
        Neuron ``i``'s weight stands for ``values[i] / 2**frac[i]``.
    bits : int
    """

    values: NDArray[np.int64]
    frac: NDArray[np.int64]
    bits: int = 8

    def __post_init__(self) -> None:
        values = np.atleast_1d(frozen_ints(self.values, "Diagonal: values"))
        frac = np.atleast_1d(frozen_ints(self.frac, "Diagonal: frac"))
        # The checks are those of a matrix with these values on its diagonal.
        matrix = sparse.diags_array(values, dtype=values.dtype).tocsr()
        Weights(matrix, frac, self.bits)
        self._set(values=values, frac=frac, bits=int(self.bits))

    def _about(self) -> str:
        return f"{self.size} neurons, {self.bits} bits, frac {span(self.frac)}"

    @property
    def size(self) -> int:
        """Number of neurons, n."""
        return len(self.values)

    @property
    def row_magnitude(self) -> NDArray[np.int64]:
        """Absolute value of each neuron's weight, shape (n,)."""
        return abs(self.values)


@dataclass(frozen=True, eq=False)
class Bias(Part):
    """``mant << exp`` per neuron, in the unit of what it is added to.

    Parameters
    ----------
    mant : array of int, shape (n,)
        Within ``bits`` bits.
    exp : array of int, shape (n,)
        Left shift, 0 to 30.
    bits : int
    """

    mant: NDArray[np.int64]
    exp: NDArray[np.int64]
    bits: int = 24

    def __post_init__(self) -> None:
        mant = np.atleast_1d(frozen_ints(self.mant, "Bias: mant"))
        exp = np.atleast_1d(frozen_ints(self.exp, "Bias: exp"))
        bits = check_whole("Bias: bits", self.bits, 2, MAX_BITS)
        self._set(mant=mant, exp=exp, bits=bits)
        if mant.shape != exp.shape:
            raise SpecError(f"Bias: mant has {mant.shape}, exp has {exp.shape}")
        high = QFormat(self.bits, 0).highest  # type: ignore[arg-type]
        if (abs(mant) > high).any():
            bad = int(mant[abs(mant) > high][0])
            raise SpecError(f"Bias: mantissa {bad} does not fit {self.bits} bits")
        if (exp < 0).any() or (exp > 30).any():
            bad = int(exp[(exp < 0) | (exp > 30)][0])
            raise SpecError(f"Bias: exp {bad} is not in 0..30")

    def _about(self) -> str:
        nonzero = f"{np.count_nonzero(self.mant)} of {len(self.mant)} are not 0"
        return f"{nonzero}, {self.bits} bits, exp {span(self.exp)}"

    @classmethod
    def quantize(cls, real: ArrayLike, frac: ArrayLike, bits: int = 24) -> Bias:
        """The nearest bias to real values, to be added to numbers of ``frac``.

        The exponent is the smallest with which the mantissa fits.
        """
        real = np.asarray(real, dtype=np.float64)
        scaled = np.ldexp(real, np.asarray(frac, dtype=np.int64))
        high = (1 << (bits - 1)) - 1
        if not (abs(scaled) < 2.0**30).all():
            worst = int(np.argmax(np.nan_to_num(abs(scaled), nan=np.inf)))
            raise SpecError(
                f"Bias: value {real[worst]} of neuron {worst} does not fit an "
                "accumulator of 30 bits"
            )
        exp = np.zeros(scaled.shape, dtype=np.int64)
        for _ in range(31):
            exp = exp + (np.rint(np.ldexp(abs(scaled), -exp)) > high)
        return cls(np.rint(np.ldexp(scaled, -exp)).astype(np.int64), exp, bits)

    @classmethod
    def zeros(cls, n: int, bits: int = 24) -> Bias:
        """No bias for ``n`` neurons."""
        return cls(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), bits)

    @property
    def value(self) -> NDArray[np.int64]:
        """``mant << exp``, shape (n,)."""
        return self.mant << self.exp
