# SPDX-License-Identifier: BSD-3-Clause
"""Any network, in any model and timing mode: the reference's integers and counts."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, SpecError
from lava_sparse_rnn.spec import reference

from ..conftest import BY_LAYER

pytestmark = pytest.mark.slow

RECIPES = st.builds(
    spec.Recipe,
    st.sampled_from(("floor", "nearest")),
    st.sampled_from(("saturate", "wrap")),
    st.sampled_from(("real_gate", "split", "none")),
    weight_bits=st.sampled_from((2, 4, 8)),
    a_bits=st.sampled_from((8, 12, 16)),
    state_bits=st.sampled_from((12, 16, 24)),
    wire_bits=st.sampled_from((6, 8, 16)),
    gate_bits=st.sampled_from((8, 16)),
    by_layer=BY_LAYER,
)
SIZES = st.fixed_dictionaries(
    {name: st.integers(1, 9) for name in ("d_in", "d_model", "d_state", "d_out")}
    | {"n_blocks": st.integers(0, 2), "density": st.sampled_from((0.0, 0.2, 1.0))}
)


@st.composite
def cases(draw):
    """A network, tokens over the whole range of its wire, timing of a Process."""
    seed, recipe, sizes = draw(st.integers(0, 10**6)), draw(RECIPES), draw(SIZES)
    rng = np.random.default_rng(seed)
    try:
        net = spec.random_network(rng, recipe=recipe, **sizes)
    except SpecError:  # these widths leave no room for the load-time proof
        assume(False)
    fmt = net.layers[0].inp.format
    shape = (draw(st.integers(1, 10)), net.d_in)
    x = rng.integers(fmt.lowest, fmt.highest + 1, shape)
    mode = draw(st.sampled_from(sorted(proc.MODES)))
    every = draw(st.sampled_from((None, 3)))
    return net, x, mode, every


def expected_of(net, x, every):
    counts = OverflowCounters()
    starts = range(every, len(x), every) if every else []
    pieces = [
        reference.run(net, piece, counters=counts) for piece in np.split(x, starts)
    ]
    return np.concatenate(pieces), counts


MODELS = {
    "fused": ({"tag": "fixed_pt"}, 20),
    "layered": ({"tag": "fixed_pt", "layered": True}, 5),
    "microcode": ({"tag": "microcode"}, 6),
    "microcode, layered": ({"tag": "microcode", "layered": True}, 3),
}


@pytest.mark.parametrize(("options", "n_examples"), MODELS.values(), ids=MODELS)
def test_integers_and_counts_are_the_reference_s(options, n_examples):
    @settings(
        max_examples=n_examples,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(cases())
    def check(case):
        net, x, mode, every = case
        y, expected = expected_of(net, x, every)
        event("overflows" if sum(expected.values()) else "fits")
        period = proc.MODES[mode](net.latency)
        interval = every and every * period
        process = proc.SparseRNN(net, mode=mode, reset_interval=interval)
        found = OverflowCounters()
        answers = proc.run(process, x, counters=found, **options)
        np.testing.assert_array_equal(answers, y)
        assert +found == +expected
        seen.append(sum(expected.values()))

    seen = []
    check()
    assert any(seen)  # some of them are meant to overflow
