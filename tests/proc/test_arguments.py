# SPDX-License-Identifier: BSD-3-Clause
"""What the processes say about arguments that they cannot use."""

import numpy as np
import pytest
from lava.proc.monitor.process import Monitor

from lava_sparse_rnn import proc
from lava_sparse_rnn.fixed_point import SpecError

BAD = {
    "source of scalars": (lambda n: proc.Source(data=np.ones(3)), r"\(3,\)"),
    "source of text": (lambda n: proc.Source(data=[["a"]]), "numbers"),
    "source's end": (lambda n: proc.Source(data=[[1]], at_end="loop"), "'loop'"),
    "sink of -1": (lambda n: proc.Sink(shape=(1,), num_steps=-1), "-1"),
    "network": (
        lambda n: proc.SparseRNN("x.net"),
        "SparseRNN: needs a spec.Net",
    ),
    "block": (lambda n: proc.S5Block(n.layers[0]), "is a Affine, must be a S5Block"),
    "group": (lambda n: proc.Gate(group=3), "is a int, must be a GateGroup"),
    "depth": (lambda n: proc.SparseRNN(n, depth=-2), "depth is -2"),
    "tag": (lambda n: proc.RunCfg("fixed"), "'fixed'"),
    "width": (lambda n: proc.run(n, np.ones((4, 99), int)), r"must be \(T, 5\)"),
    "range": (lambda n: proc.run(n, np.full((4, 5), 40000)), "value 40000"),
    "fractions": (lambda n: proc.run(n, np.full((4, 5), 0.5)), "whole numbers"),
    "ends": (lambda n: proc.run(Monitor(), np.ones((4, 5))), "no pair of ports"),
    "block's width": (
        lambda n: proc.run(proc.S5Block(n.layers[1], n.recipe), np.ones((4, 5), int)),
        r"must be \(T, 8\)",
    ),
    "group's width": (
        lambda n: proc.run(proc.Affine.of(n.layers[0], n.recipe), np.ones((4, 5))),
        r"must be \(T, 8\)",
    ),
}


@pytest.mark.parametrize(("make", "says"), BAD.values(), ids=BAD)
def test_the_message_names_the_value(network, make, says):
    with pytest.raises(SpecError, match=says):
        make(network())
