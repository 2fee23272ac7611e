# SPDX-License-Identifier: BSD-3-Clause
"""Integers as the real values that they stand for, and back by their formats.

NIR has no quantisation: nodes hold real values, each an integer times a power of two,
and formats are in their metadata by the names of the layer's fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import QFormat, SpecError
from lava_sparse_rnn.spec import Bias, Diagonal, Weights, Wire

# What of each part of a description is no value: its format.
FIELDS: dict[type, tuple[str, ...]] = {
    Wire: ("bits", "frac", "ref"),
    QFormat: ("bits", "frac"),
    Weights: ("bits", "frac"),
    Diagonal: ("bits", "frac"),
    Bias: ("bits", "exp"),
}
Real = NDArray[np.float64]


def formats(layer: Any, *names: str) -> dict[str, dict[str, Any]]:
    """Metadata of a node: the formats of some fields of a layer."""
    parts = {name: getattr(layer, name) for name in names}
    return {
        name: {f: _plain(getattr(part, f)) for f in FIELDS[type(part)]}
        for name, part in parts.items()
    }


def _plain(value: Any) -> Any:
    """Arrays of no axis as numbers: NIR's writer compresses arrays."""
    return value if np.ndim(value) else int(value)


def matrix(weights: Weights, inp: Wire) -> Real:
    """The real matrix for real values of a wire."""
    return _real(weights.matrix.toarray(), _column_frac(weights.frac, inp))


def bias(value: Bias, frac: NDArray) -> Real:
    """The real bias of a sum of ``frac``."""
    return _real(value.value, frac)


def _real(q: NDArray, frac: NDArray) -> Real:
    return np.ldexp(np.asarray(q) + 0.0, -np.asarray(frac))


def _column_frac(frac: NDArray, inp: Wire) -> NDArray:
    """Columns were brought to the wire's reference before they were quantised."""
    return frac[:, None] + (inp.ref - inp.frac)[None]


class Reader:
    """A layer's formats, and its fields from the real values of nodes.

    Parameters
    ----------
    name : str
        Of the layer, in messages.
    metadata : mapping
        Of all of its nodes: formats by field.
    """

    def __init__(self, name: str, metadata: Mapping[str, Any]) -> None:
        self.name, self.metadata = name, metadata

    def _format(self, field: str) -> dict[str, Any]:
        if field not in self.metadata:
            raise SpecError(
                f"nir: {self.name}: no format of {field} is in the metadata of its "
                "nodes, and NIR has no quantisation"
            )
        return dict(self.metadata[field])

    def wire(self, field: str) -> Wire:
        """A wire."""
        return Wire(**self._format(field))

    def qformat(self, field: str) -> QFormat:
        """A number format."""
        return QFormat(**self._format(field))

    def weights(self, field: str, real: Real, inp: Wire) -> Weights:
        """A matrix for payloads of ``inp``."""
        of = self._format(field)
        q = self.integers(field, real, _column_frac(of["frac"], inp))
        return Weights(q, of["frac"], int(of["bits"]))  # type: ignore[arg-type]

    def diagonal(self, field: str, real: Real) -> Diagonal:
        """A diagonal."""
        of = self._format(field)
        q = self.integers(field, real, of["frac"])
        return Diagonal(q, of["frac"], int(of["bits"]))

    def bias(self, field: str, real: Real, frac: NDArray) -> Bias:
        """A bias of a sum of ``frac``."""
        of = self._format(field)
        mant = self.integers(field, real, np.asarray(frac) - of["exp"])
        return Bias(mant, of["exp"], int(of["bits"]))

    def integers(self, field: str, real: Real, frac: NDArray) -> NDArray[np.int64]:
        """The integers that stand for real values.

        Raises
        ------
        SpecError
            Where one is no multiple of its format's last place: it was changed.
        """
        q = np.ldexp(np.asarray(real, dtype=np.float64), np.asarray(frac))
        if (bad := np.argwhere(q != np.rint(q))).size:
            at = tuple(int(i) for i in bad[0])
            raise SpecError(
                f"nir: {self.name}: {field} at {at} is {q[at]} times the last place of "
                "its format, must be a whole number; values were changed, quantise "
                "them again"
            )
        return q.astype(np.int64)
