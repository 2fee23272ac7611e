# SPDX-License-Identifier: BSD-3-Clause
"""The exported C on qemu's Cortex-M boards, through the benchmark that measures it."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import spec

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "cortex_m.py"


def load_script():
    description = importlib.util.spec_from_file_location("cortex_m", SCRIPT)
    module = importlib.util.module_from_spec(description)
    sys.modules["cortex_m"] = module  # where its dataclasses look their types up
    description.loader.exec_module(module)
    return module


cortex_m = load_script()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(cortex_m.missing_tools()),
        reason=f"not found: {', '.join(cortex_m.missing_tools())}",
    ),
]


@pytest.fixture
def network():
    return spec.random_network(np.random.default_rng(3), 20, 16, 12, 9, 2)


@pytest.mark.parametrize("board", cortex_m.BOARDS, ids=lambda b: b.core)
def test_boards(network, board, random_tokens):
    x = random_tokens(network, 20)
    result = cortex_m.run(network, x, board, "-O2")  # compares the answers
    entries = sum(w.nnz for la in network.layers for w in la.matrices.values())
    assert 0 < result.mean <= result.most
    # Between two instructions for a neuron and far more than all weights can cost.
    assert 200 < result.mean < 20 * entries + 20_000
    assert 0 < result.stack < 2000


def test_no_events_cost_fewer_instructions(network, random_tokens):
    board = cortex_m.BOARDS[1]
    x = random_tokens(network, 20)
    busy = cortex_m.run(network, x, board, "-Os")
    quiet = cortex_m.run(network, np.zeros_like(x), board, "-Os")
    assert quiet.mean < busy.mean


def test_a_wrong_answer_is_noticed(network, random_tokens, monkeypatch):
    right = spec.reference.run
    monkeypatch.setattr(spec.reference, "run", lambda *a: right(*a) + 1)
    with pytest.raises(RuntimeError, match="answers differ"):
        cortex_m.run(network, random_tokens(network, 3), cortex_m.BOARDS[0], "-Os")
