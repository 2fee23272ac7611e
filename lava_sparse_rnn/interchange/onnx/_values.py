# SPDX-License-Identifier: BSD-3-Clause
"""Arrays that are written down instead of computed: what numpy does becomes ONNX.

The equations of the neuron groups are written once, for numpy (`spec.groups`). Here
they are called with a `Value` in place of each array, and every operation on it
becomes an operator of an ONNX graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx  # type: ignore[import-not-found]
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, NDArray
from onnx import helper, numpy_helper  # type: ignore[import-not-found]

from lava_sparse_rnn.fixed_point import SpecError


@dataclass(frozen=True, eq=False)
class Operator:
    """A node of a graph under construction."""

    type: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    attributes: dict[str, Any]


class Value(NDArrayOperatorsMixin):
    """A tensor of a graph, which equations take for a vector of n numbers.

    The axes in front, of sequences and tokens, are not seen by the equations: they
    are the same everywhere, and operators spread vectors over them.

    Parameters
    ----------
    builder : Builder
        Of the graph that it belongs to.
    dtype : numpy.dtype
    n : int
    name : str
        In the graph; numbered where it is empty.
    """

    ndim = 1

    def __init__(self, builder: Builder, dtype: Any, n: int, name: str = "") -> None:
        self.builder, self.dtype, self.n = builder, np.dtype(dtype), n
        self.name = name

    @property
    def shape(self) -> tuple[int]:
        """(n,)."""
        return (self.n,)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        if method != "__call__" or kwargs or ufunc not in UFUNCS:
            raise SpecError(f"onnx: no operator for np.{ufunc.__name__}, {method}")
        return UFUNCS[ufunc](self.builder, *inputs)

    def __array_function__(
        self, func: Callable, types: Any, args: tuple, kwargs: dict
    ) -> Any:
        if func not in FUNCTIONS or kwargs:
            raise SpecError(f"onnx: no operator for np.{func.__name__}")
        return FUNCTIONS[func](self.builder, *args)

    def sigmoid(self) -> Value:
        """``1 / (1 + exp(-x))``, called as torch calls it."""
        return self.builder.add("Sigmoid", self)

    def astype(self, dtype: Any) -> Value:
        """The same in another type."""
        if self.dtype == np.dtype(dtype):
            return self
        key = id(self), np.dtype(dtype)
        if key not in self.builder.casts:
            to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            cast = self.builder.add("Cast", self, dtype=dtype, to=to)
            self.builder.casts[key] = cast
            if np.can_cast(self.dtype, cast.dtype):  # nothing is lost on the way back
                self.builder.casts[id(cast), self.dtype] = self
        return self.builder.casts[key]


@dataclass(eq=False)
class Builder:
    """A graph under construction.

    Parameters
    ----------
    prefix : str
        Of the names of what has none.

    Attributes
    ----------
    operators : list of Operator
        In an order in which they can be computed.
    constants : dict
        Values and their arrays, by what they hold.
    casts : dict
        Values in other types, by value and type.
    """

    prefix: str = ""
    operators: list[Operator] = field(default_factory=list)
    constants: dict[tuple, tuple[Value, NDArray]] = field(default_factory=dict)
    casts: dict[tuple[int, np.dtype], Value] = field(default_factory=dict)

    def constant(self, array: ArrayLike, dtype: Any) -> Value:
        """A tensor that the graph holds; one for all that are the same."""
        held = np.ascontiguousarray(array, dtype=dtype).reshape(np.shape(array))
        key = held.dtype.str, held.shape, held.tobytes()
        if key not in self.constants:
            n = (1, *held.shape)[-1]
            self.constants[key] = Value(self, held.dtype, n), held
        return self.constants[key][0]

    def add(
        self, type: str, *inputs: Value, dtype: Any = None, n: int = 0, **more: Any
    ) -> Value:
        """What an operator with one output makes of its inputs.

        Its type is that of the first input unless ``dtype`` is given, and as many
        numbers as the longest input has, unless ``n`` is.
        """
        n = n or max(value.n for value in inputs)
        out = Value(self, inputs[0].dtype if dtype is None else dtype, n)
        self.operators.append(Operator(type, inputs, (out,), more))
        return out

    def coerced(self, a: Any, b: Any) -> tuple[Value, Value]:
        """Two operands as values of one type: a constant takes the other's."""
        if not isinstance(a, Value):
            return self.constant(a, b.dtype), b
        if not isinstance(b, Value):
            return a, self.constant(b, a.dtype)
        return a, b

    def used(self, outputs: Sequence[Value]) -> list[Operator]:
        """The operators that the outputs need; equations also count overflows."""
        needed, kept = {id(value) for value in outputs}, []
        for operator in reversed(self.operators):
            if any(id(value) in needed for value in operator.outputs):
                needed |= {id(value) for value in operator.inputs}
                kept.append(operator)
        return kept[::-1]

    def graph(
        self,
        name: str,
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        axes: Sequence[Sequence[str]] | None = None,
    ) -> Any:
        """The finished graph, an ``onnx.GraphProto``.

        Parameters
        ----------
        name : str
        inputs, outputs : sequence of Value
        axes : sequence of sequence of str, optional
            Names of the axes in front of each input's and then each output's own.
        """
        operators = self.used(outputs)
        self._number(operators)
        nodes = [
            helper.make_node(
                o.type,
                [value.name for value in o.inputs],
                [value.name for value in o.outputs],
                f"{o.outputs[0].name}_{o.type}",
                **o.attributes,
            )
            for o in operators
        ]
        used = {id(value) for o in operators for value in o.inputs}
        held = [
            numpy_helper.from_array(array, value.name)
            for value, array in self.constants.values()
            if id(value) in used
        ]
        ends = [*inputs, *outputs]
        described = [
            _described(value, front)
            for value, front in zip(ends, axes or [None] * len(ends), strict=True)
        ]
        return helper.make_graph(
            nodes, name, described[: len(inputs)], described[len(inputs) :], held
        )

    def _number(self, operators: list[Operator]) -> None:
        made = [value for o in operators for value in o.outputs]
        made += [value for value, _ in self.constants.values()]
        for i, value in enumerate(made):
            value.name = value.name or f"{self.prefix}t{i}"


def _described(value: Value, front: Sequence[str] | None) -> onnx.ValueInfoProto:
    """Type and shape of an input or output; no shape where no axes are named."""
    shape = None if front is None else [*front, value.n]
    of_type = helper.np_dtype_to_tensor_dtype(value.dtype)
    return helper.make_tensor_value_info(value.name, of_type, shape)


def _operator(type: str, dtype: Any = None, nothing: int | None = None) -> Callable:
    """An operator of two operands; one that is ``nothing`` everywhere needs none."""

    def apply(builder: Builder, a: Any, b: Any) -> Any:
        for value, other in ((a, b), (b, a)):
            if nothing is None or isinstance(other, Value):
                continue
            if np.size(other) in (1, value.n) and np.all(other == nothing):
                return value
        return builder.add(type, *builder.coerced(a, b), dtype=dtype)

    return apply


_times = _operator("Mul", nothing=1)


def _multiply(builder: Builder, a: Any, b: Any) -> Any:
    """A product, of which one factor may be a truth value."""
    for value, mask in ((a, b), (b, a)):
        if isinstance(mask, Value) and mask.dtype == bool:
            zero = builder.constant(0, value.dtype)
            return builder.add("Where", mask, value, zero, dtype=value.dtype)
    return _times(builder, a, b)


def _matmul(builder: Builder, a: Value, matrix: NDArray) -> Value:
    held = builder.constant(matrix, a.dtype)
    return builder.add("MatMul", a, held, n=matrix.shape[1])


def _left_shift(builder: Builder, a: Value, s: NDArray) -> Value:
    return _times(builder, a, np.int64(1) << s)


def _right_shift(builder: Builder, a: Value, s: NDArray) -> Value:
    """The arithmetic shift: ONNX shifts unsigned numbers only, and Div truncates."""
    if not np.any(s):
        return a
    divisor = builder.constant(np.int64(1) << s, a.dtype)
    rest = builder.add("Mod", a, divisor)  # never negative
    return builder.add("Div", builder.add("Sub", a, rest), divisor)


def _extreme(type: str, comparison: str) -> Callable:
    """The larger or smaller of two: of 64-bit integers by a comparison.

    ONNX Runtime 1.23 has wrong answers from Min, Max and Clip of int64 where numbers
    need more than 32 bits: a line of the sigmoid does.
    """

    def apply(builder: Builder, a: Any, b: Any) -> Value:
        a, b = builder.coerced(a, b)
        if a.dtype != np.int64:
            return builder.add(type, a, b)
        first = builder.add(comparison, a, b, dtype=bool)
        return builder.add("Where", first, a, b, dtype=a.dtype)

    return apply


def _absolute(builder: Builder, a: Value) -> Value:
    return builder.add("Abs", a)


UFUNCS: dict[np.ufunc, Callable] = {
    np.add: _operator("Add", nothing=0),
    np.subtract: lambda builder, a, b: builder.add("Sub", *builder.coerced(a, b)),
    np.multiply: _multiply,
    np.matmul: _matmul,
    np.left_shift: _left_shift,
    np.right_shift: _right_shift,
    np.remainder: _operator("Mod"),
    np.maximum: _extreme("Max", "Greater"),
    np.minimum: _extreme("Min", "Less"),
    np.absolute: _absolute,
    np.greater: _operator("Greater", bool),
    np.greater_equal: _operator("GreaterOrEqual", bool),
    np.less: _operator("Less", bool),
    np.less_equal: _operator("LessOrEqual", bool),
    np.equal: _operator("Equal", bool),
    np.bitwise_and: _operator("And", bool),
    np.bitwise_or: _operator("Or", bool),
    np.tanh: lambda builder, a: builder.add("Tanh", a),
}
"""What numpy's functions of one or two arrays become."""


def _where(builder: Builder, mask: Value, a: Any, b: Any) -> Value:
    a, b = builder.coerced(a, b)
    return builder.add("Where", mask, a, b, dtype=a.dtype)


def _clip(builder: Builder, a: Value, low: int, high: int) -> Value:
    ends = (builder.constant(end, a.dtype) for end in (low, high))
    return builder.add("Clip", a, *ends)


FUNCTIONS: dict[Callable, Callable] = {np.where: _where, np.clip: _clip}
"""What numpy's other functions become."""
