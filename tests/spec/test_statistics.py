# SPDX-License-Identifier: BSD-3-Clause
"""Sizes and activity against counting one by one."""

import numpy as np
import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.spec import statistics


@pytest.fixture
def run(random_tokens):
    network = spec.random_network(np.random.default_rng(7), n_blocks=2)
    x, trace = random_tokens(network, 9), {}
    x[3] = 0
    spec.reference.run(network, x, trace)
    return network, x, trace


def test_sizes(run):
    sizes = statistics.matrix_sizes(run[0])
    assert [(m.layer, m.name) for m in sizes][:3] == [
        (0, "weights"),
        (1, "B_re"),
        (1, "B_im"),
    ]
    dense = [w.matrix.toarray() for n in run[0].layers for w in n.matrices.values()]
    zeros = sum(int((d == 0).sum()) for d in dense)
    assert statistics.sparsity(run[0]) == pytest.approx(
        zeros / sum(map(np.size, dense))
    )


def test_synops_count_weights_that_meet_a_message(run):
    network, x, trace = run
    encoder, block = network.layers[:2]
    rows = statistics.activity(network, x, trace)

    def count(matrix, payload):
        return sum(
            int(w != 0 and p != 0)
            for row in matrix
            for w, p in zip(row, payload, strict=True)
        )

    expected = np.mean([count(encoder.weights.matrix.toarray(), u) for u in x])
    assert rows[0].synops == pytest.approx(expected)
    totals = []
    for t in range(len(x)):
        u = trace["layer0_out"][t]
        wires = {"B_re": u, "B_im": u, "W": trace["layer1_z"][t]}
        wires["C_re"], wires["C_imn"] = trace["layer1_s_re"][t], trace["layer1_s_im"][t]
        total = sum(count(block.matrices[n].matrix.toarray(), wires[n]) for n in wires)
        totals.append(total + count(np.diag(block.D.values), u))
    assert rows[1].synops == pytest.approx(np.mean(totals))
    assert rows[1].dense_synops == 2 * 6 * 8 + 2 * 8 * 6 + 8 * 8 + 8


def test_silent_share(run):
    network, x, trace = run
    rows = statistics.activity(network, x, trace)
    assert rows[2].silent["z"] == np.mean(trace["layer2_z"] == 0)
