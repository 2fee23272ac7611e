# SPDX-License-Identifier: BSD-3-Clause
"""Models of `OwnNetwork`: those of every Process that stands for a network."""

from __future__ import annotations

from typing import Any

from lava_sparse_rnn.netx.hdf5.own.numbers import numbered
from lava_sparse_rnn.netx.hdf5.own.process import OwnNetwork
from lava_sparse_rnn.proc.sparse_rnn.network_models import models_of

MODELS = (
    PyOwnNetworkModelFixed,
    PyOwnNetworkModelFloat,
    PyOwnNetworkModelMicrocode,
    SubOwnNetworkModel,
) = models_of(OwnNetwork, __name__)


def _by_file(model: Any) -> None:
    """Let a model call Vars by the numbers of layers in the file."""
    made = model.__init__

    def __init__(self: Any, given: Any = None) -> None:  # noqa: N807
        params = getattr(given, "proc_params", given)  # a Process, or its parameters
        self.var_format = numbered(params["first_layer"])
        made(self, given)

    model.__init__ = __init__


for _model in MODELS:
    _by_file(_model)
