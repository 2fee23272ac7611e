# SPDX-License-Identifier: BSD-3-Clause
"""What `help` and editors see of the Processes: parameters, docs, a short repr."""

import inspect
import pydoc

import numpy as np
import pytest
from lava.magma.core.process.process import AbstractProcess

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.netx import hdf5
from lava_sparse_rnn.netx.token_gate.process import TokenGate

PROCESSES = [
    cls
    for cls in [TokenGate, *(getattr(m, n) for m in (proc, hdf5) for n in m.__all__)]
    if isinstance(cls, type) and issubclass(cls, AbstractProcess)
]


def test_they_are_found():
    assert len(PROCESSES) >= 14


@pytest.mark.parametrize("cls", PROCESSES, ids=lambda cls: cls.__name__)
def test_a_signature_has_the_parameters_of_init(cls):
    parameters = inspect.signature(cls).parameters
    assert "args" not in parameters
    assert "self" not in parameters
    own = vars(cls).get("__init__")
    if own is not None:
        _, *expected = inspect.signature(own).parameters.values()
        for p in expected:
            if p.kind is not p.VAR_KEYWORD and p.name not in cls.given:
                assert parameters[p.name] == p
    assert "Parameters" in inspect.getdoc(cls)
    first = next(iter(parameters))
    assert first in pydoc.plain(pydoc.render_doc(cls)).split("class ", 1)[1][:2000]


@pytest.mark.parametrize("cls", PROCESSES, ids=lambda cls: cls.__name__)
def test_its_documentation_names_the_parameters(cls):
    """Those of its own; `TimedProcess` tells of the rest."""
    doc = inspect.getdoc(cls)
    own = vars(cls).get("__init__")
    for p in inspect.signature(own).parameters.values() if own else ():
        if p.kind is not p.VAR_KEYWORD and p.name not in ("self", *cls.given):
            assert p.name in doc, p.name


def test_parameters_that_bases_take_are_shown_and_taken():
    network = spec.random_network(np.random.default_rng(0))
    block = network.layers[1]
    signature = inspect.signature(proc.S5Block)
    assert list(signature.parameters)[:4] == ["block", "recipe", "mode", "period"]
    assert {"depth", "reset_interval", "num_tokens"} <= {*signature.parameters}
    bound = signature.bind(block, network.recipe, depth=2, reset_interval=4)
    process = proc.S5Block(*bound.args, **bound.kwargs)
    assert process.timing.depth == 2
    assert "entries" not in inspect.signature(hdf5.Network).parameters
    assert next(iter(inspect.signature(hdf5.Network).parameters)) == "net_config"


def test_a_process_and_a_session_say_what_they_are():
    network = spec.random_network(np.random.default_rng(0))
    process = proc.SparseRNN(network, name="listener")
    assert repr(process) == "proc.SparseRNN('listener', inp (5,), out (4,))"
    with proc.Session(process) as session:
        assert repr(session) == (
            "proc.Session(SparseRNN 'listener', (5,) -> (4,), latency 5, open)"
        )
    assert repr(session).endswith("closed)")
