# SPDX-License-Identifier: BSD-3-Clause
"""The shipped networks in Lava, on real sound."""

import numpy as np
import pytest

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.fixed_point import OverflowCounters


def assert_same(network, tokens, layered):
    expected_counts, counts = OverflowCounters(), OverflowCounters()
    expected = spec.reference.run(network, tokens, counters=expected_counts)
    answers = proc.run(network, tokens, layered=layered, counters=counts)
    assert np.array_equal(answers, expected)
    assert +counts == +expected_counts


@pytest.mark.slow
def test_integers_are_the_reference_s(shipped, heard):
    assert_same(shipped, heard(shipped), layered=False)


@pytest.mark.slow
def test_integers_of_the_layered_models(shipped_small, heard):
    # From where speech has begun.
    assert_same(shipped_small, heard(shipped_small)[-60:], layered=True)
