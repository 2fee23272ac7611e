# SPDX-License-Identifier: BSD-3-Clause
"""A metric that NeuroBench has not: memory without the zeros."""

from __future__ import annotations

from neurobench.metrics.abstract import StaticMetric  # type: ignore[import-not-found]

from lava_sparse_rnn import c_export
from lava_sparse_rnn.interchange.neurobench._model import NetworkModel


class SparseFootprint(StaticMetric):
    """Bytes of constants and state as `c_export` stores them.

    Weights other than zero with their positions, formats, biases, states and work
    space: what a microcontroller holds besides the code.
    """

    def __call__(self, model: NetworkModel) -> int:
        """Bytes of a model's network."""
        made = c_export.export(model.network)
        return made.constant_bytes + made.state_bytes
