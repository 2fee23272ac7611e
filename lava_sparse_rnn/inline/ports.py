# SPDX-License-Identifier: BSD-3-Clause
"""Shorter ways through Lava's ports, with the values that Lava's own would give."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import (
    IdentityTransformer,
    PyInPortVectorDense,
    PyOutPortVectorDense,
    VirtualPortTransformer,
)
from numpy.typing import NDArray


def shorten(port: Any) -> None:
    """Replace ``recv`` and ``send`` of a dense port; other ports stay as they are."""
    ends: list[Any] = port.csp_ports
    if type(port) is PyOutPortVectorDense and ends:
        port.send = _send(ends)  # type: ignore[method-assign]
    elif type(port) is PyInPortVectorDense and ends:
        sources = [_source(port, end) for end in ends]
        if all(source is not None for source in sources):
            port.recv = _receive(port, sources)


def _send(ends: list[Any]) -> Callable[[Any], None]:
    """Into every end; the message is checked and converted once."""
    if len(ends) == 1:
        return ends[0].send

    def send(data: Any) -> None:
        last = len(ends) - 1
        value = ends[0].message(data)
        for i, end in enumerate(ends):
            # A receiver may change what it has.
            end.put(value if i == last else value.copy())

    return send


def _source(port: Any, csp_port: Any) -> Callable[[], NDArray] | None:
    """What receives from one sender and sees its message through virtual ports."""
    transformer, recv = port._transformer, csp_port.recv
    if type(transformer) is IdentityTransformer:
        return recv
    if type(transformer) is VirtualPortTransformer:
        transform = transformer._get_transform(csp_port)
        return lambda: transform(recv())
    return None


def _receive(port: Any, sources: list[Any]) -> Callable[[], NDArray]:
    """Zeros of the port plus the message of each source, without the zeros.

    A message is the receiver's own array, so that it need not be copied. Adding the
    zeros would make negative zeros positive, so floats are still added to one.
    """
    shape, dtype = port._shape, np.dtype(port._d_type)
    as_sent: dict[np.dtype, tuple[np.dtype, bool]] = {}

    def first(recv: Callable[[], NDArray]) -> NDArray:
        data = recv()
        if data.shape != shape:
            return np.zeros(shape, dtype) + data
        known = as_sent.get(data.dtype)
        if known is None:
            result = np.result_type(dtype, data.dtype)
            known = as_sent[data.dtype] = result, result.kind in "fc"
        result, signed_zeros = known
        if data.dtype is not result:
            data = data.astype(result)
        if signed_zeros:
            data += result.type(0)
        return data

    if len(sources) == 1:
        (csp_port,) = port.csp_ports
        sent = csp_port._exact
        same = sources[0] == csp_port.recv and csp_port._shape == shape
        if same and sent.kind in "biu" and np.result_type(dtype, sent) == sent:
            return csp_port.recv
        return functools.partial(first, sources[0])

    def recv() -> NDArray:
        total = first(sources[0])
        for source in sources[1:]:
            total = total + source()
        return total

    return recv
