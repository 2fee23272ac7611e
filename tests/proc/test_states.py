# SPDX-License-Identifier: BSD-3-Clause
"""Which Vars are states is said once: by the Process that has them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.spec import SpecError

sys.path.insert(0, str(Path(__file__).parent))  # of summing_neurons
from summing_neurons import Summing, SummingGroup

TOKENS = np.array([[1, 10], [2, 20], [3, 30]])


def summing():
    return Summing(group=SummingGroup(bias=np.array([0, 1])))


@pytest.mark.parametrize("runtime", ["inline", "processes"])
def test_states_of_any_name_are_read_set_and_reset(runtime):
    with proc.Session(summing(), runtime=runtime) as session:
        sums = [[1, 11], [3, 32], [6, 63]]
        assert session.run(TOKENS).tolist() == sums
        ((total,),) = session.state
        assert total.tolist() == sums[-1]
        session.reset()
        assert not session.state[0][0].any()
        assert session.run(TOKENS).tolist() == sums
        session.state = [(np.array([100, 0]),)]
        assert session.run(TOKENS[:1]).tolist() == [[101, 11]]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([(np.zeros(3),)], r"state: total: shape \(3,\), must be \(2,\)"),
        ([(np.array([1, 0.5]),)], "state: total: value 0.5 at 1"),
        ([], r"must be an array for each of \[\('total',\)\]"),
        ([(np.zeros(2), np.zeros(2))], "must be an array for each of"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state, message):
    """Lava would set the first values, or drop fractions."""
    with proc.Session(summing()) as session:
        before = session.run(TOKENS)[-1]
        with pytest.raises(SpecError, match=message):
            session.state = state
        assert np.array_equal(session.state[0][0], before)


def test_every_process_names_its_states():
    network = spec.random_network(np.random.default_rng(0), 3, 4, 5, 2, n_blocks=2)
    block = network.layers[1]
    group = spec.groups.RecurrenceGroup.of(block, network.recipe)
    both = ("x_re", "x_im")
    layers = [("layer1_x_re", "layer1_x_im"), ("layer2_x_re", "layer2_x_im")]
    expected = {
        proc.SparseRNN(network): layers,
        proc.S5Block(block): [both],
        proc.Recurrence(group=group): [both],
        proc.Affine.of(network.layers[0], network.recipe): [],
        summing(): [("total",)],
        proc.Source(data=TOKENS): None,
    }
    for process, names in expected.items():
        found = getattr(process, "state_names", None)
        assert (found if found is None else list(found)) == names
