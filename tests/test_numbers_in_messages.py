# SPDX-License-Identifier: BSD-3-Clause
"""Messages write numpy's numbers as Python does; numpy 2 says ``np.float64(inf)``."""

import numpy as np
import pytest

from lava_sparse_rnn import engine, loihi2, spec
from lava_sparse_rnn.fixed_point import QFormat, brief, check_whole, choose, shown

NETWORK = spec.random_network(np.random.default_rng(0), d_in=3)
MAPPING = loihi2.map_network(NETWORK)
X = np.zeros((2, 3), int)
MAKERS = {
    "whole": (lambda: check_whole("n", np.float64(2.5)), "n is 2.5, must"),
    "name": (lambda: choose("kind", np.str_("x"), ["a"]), "kind is 'x', must"),
    "bits": (lambda: QFormat(np.int64(40), 0), "bits is 40, must"),
    "threads": (lambda: engine.Engine(NETWORK, threads=np.int64(0)), "threads is 0,"),
    "seconds": (
        lambda: loihi2.estimate(NETWORK, X, MAPPING, token_s=np.float64(np.inf)),
        "token_s is inf, must",
    ),
    "recipe": (lambda: spec.Recipe(rounding=np.str_("up")), "rounding is 'up', must"),
}


@pytest.mark.parametrize(("make", "says"), MAKERS.values(), ids=MAKERS)
def test_numbers_stand_without_their_type(make, says):
    with pytest.raises(ValueError, match=says) as error:
        make()
    assert "np." not in str(error.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(np.inf), "inf"),
        (np.float32(0.5), "0.5"),
        (np.int16(-3), "-3"),
        (np.bool_(True), "True"),
        (np.str_("a"), "'a'"),
        (None, "None"),
    ],
)
def test_what_is_shown(value, text):
    assert shown(value) == brief(value) == text
