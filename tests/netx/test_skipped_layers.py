# SPDX-License-Identifier: BSD-3-Clause
"""Where first layers are left out, the others keep the file's numbers."""

import numpy as np
import pytest

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.netx import hdf5
from lava_sparse_rnn.spec import reference

SKIPPED = 2


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "random.net"
    spec.random_network(np.random.default_rng(0), n_blocks=3).save(path)
    return path


def test_vars_and_the_table_have_the_numbers_of_the_file(file):
    whole = hdf5.Network(net_config=file)
    net = hdf5.Network(net_config=file, skip_layers=SKIPPED, num_layers=4)
    kept = [f"layer{i}_" for i in range(SKIPPED, 4)]
    expected = {v.name for v in whole.vars if v.name[:7] in kept}
    assert {v.name for v in net.vars} == expected
    assert [names[0] for names in net.state_names] == ["layer2_x_re", "layer3_x_re"]
    rows = [line.split("|")[:2] for line in str(net).splitlines()[1:]]
    assert [(int(i), kind.strip()) for i, kind in rows] == [(2, "s5"), (3, "s5")]


@pytest.mark.parametrize(
    ("tag", "layered"),
    [("fixed_pt", False), ("fixed_pt", True), ("microcode", False)],
)
def test_vars_are_those_of_their_layer(file, random_tokens, tag, layered):
    net = hdf5.Network(net_config=file, skip_layers=SKIPPED)
    x = random_tokens(net.network, 6)
    trace: dict = {}
    expected = reference.run(net.network, x, trace)
    with proc.Session(net, tag=tag, layered=layered) as session:
        np.testing.assert_array_equal(session.run(x), expected)
        for i in range(SKIPPED, 4):
            for name in ("x_re", "x_im"):
                state = getattr(net, f"layer{i}_{name}").get()
                own = trace[f"layer{i - SKIPPED}_{name}"][-1]
                np.testing.assert_array_equal(state, own)
        session.reset()
        np.testing.assert_array_equal(session.run(x), expected)


def test_states_can_be_set(file, random_tokens):
    net = hdf5.Network(net_config=file, skip_layers=1)
    x = random_tokens(net.network, 6)
    expected = reference.run(net.network, x)
    with proc.Session(net) as session:
        session.run(x[:3])
        held = session.state
        session.run(x)
        session.state = held
        np.testing.assert_array_equal(session.run(x[3:]), expected[3:])
