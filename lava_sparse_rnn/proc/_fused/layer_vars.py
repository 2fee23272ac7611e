# SPDX-License-Identifier: BSD-3-Clause
"""The Vars of a layer, and their names in a network of any depth."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.type import LavaPyType

from lava_sparse_rnn.proc._neurons.process import NeuronGroup
from lava_sparse_rnn.proc.affine.process import Affine
from lava_sparse_rnn.proc.gate.process import Gate
from lava_sparse_rnn.proc.readout.process import Readout
from lava_sparse_rnn.proc.recurrence.process import Recurrence
from lava_sparse_rnn.spec import Affine as AffineSpec
from lava_sparse_rnn.spec import Layer
from lava_sparse_rnn.spec import S5Block as S5BlockSpec

STATES = ("x_re", "x_im")
VAR = re.compile(r"layer\d+_(x_re|x_im|overflow_\w+|instructions_\w+)")


def _counts(*groups: type[NeuronGroup]) -> dict[str, tuple[int, ...]]:
    names = [f"overflow_{tensor}" for group in groups for tensor in group.tensors]
    names += [f"instructions_{group.kind}" for group in groups]
    return dict.fromkeys(names, (1,))


def _affine(layer: AffineSpec) -> dict[str, tuple[int, ...]]:
    return _counts(Affine)


def _s5(block: S5BlockSpec) -> dict[str, tuple[int, ...]]:
    counts = _counts(Recurrence, Readout, Gate)
    return dict.fromkeys(STATES, (block.d_state,)) | counts


VARS: dict[str, Callable[[Any], dict[str, tuple[int, ...]]]] = {
    AffineSpec.type: _affine,
    S5BlockSpec.type: _s5,
}


def layer_vars(layer: Layer) -> dict[str, tuple[int, ...]]:
    """Name and shape of every Var of a layer."""
    return VARS[layer.type](layer)


class LayerVars(type(PyLoihiProcessModel)):
    """Metaclass of models of networks: a Lava type for ``layer<i>_<var>``, any i.

    Lava asks a model's class for the type of each Var of its Process by name, and a
    class body cannot list the Vars of every network.
    """

    state_type: type

    def __getattr__(cls, name: str) -> Any:
        match = VAR.fullmatch(name)
        if match is None:
            raise AttributeError(f"{cls.__name__} has no attribute {name!r}")
        is_state = match[1] in STATES
        return LavaPyType(np.ndarray, cls.state_type if is_state else np.int64)
