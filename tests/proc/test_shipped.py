# SPDX-License-Identifier: BSD-3-Clause
"""The shipped network in Lava, on real sound."""

from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.audio import Denoiser, wav
from lava_sparse_rnn.fixed_point import OverflowCounters

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.slow
@pytest.mark.parametrize(("layered", "n_tokens"), [(False, None), (True, 120)])
def test_integers_are_the_reference_s(layered, n_tokens):
    network = spec.load(DATA / "denoiser.net")
    samples, _ = wav.read(DATA / "samples" / "noisy_01.wav")
    # From where speech has begun.
    tokens = Denoiser(network).tokens(samples)[-n_tokens if n_tokens else 0 :]
    expected_counts, counts = OverflowCounters(), OverflowCounters()
    expected = spec.reference.run(network, tokens, counters=expected_counts)
    answers = proc.run(network, tokens, layered=layered, counters=counts)
    assert np.array_equal(answers, expected)
    assert +counts == +expected_counts
