# SPDX-License-Identifier: BSD-3-Clause
"""A network file back in torch: the same integers, on every wire."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import Denoiser
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.nn.quantize import QuantizedRNN, unfold

DATA = Path(__file__).parents[2] / "data"


def assert_same_wires(network, tokens):
    found, expected = {}, {}
    model = QuantizedRNN(unfold(network), network)
    with torch.no_grad():
        model.forward_wires(torch.from_numpy(tokens[:, None]).float(), found)
    spec.reference.run(network, tokens, trace=expected)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name][:, 0].long(), torch.from_numpy(value)), name


@pytest.mark.parametrize("seed", range(4))
def test_random_networks(seed, random_tokens):
    network = spec.random_network(np.random.default_rng(seed), n_blocks=2)
    assert_same_wires(network, random_tokens(network, 20))


@pytest.mark.slow
def test_the_shipped_network_on_a_real_recording():
    network = spec.load(DATA / "denoiser.net")
    samples, _ = wav.read(DATA / "samples" / "noisy_01.wav")
    assert_same_wires(network, Denoiser(network).tokens(samples))
    assert QuantizedRNN(unfold(network), network).network() == network


def test_real_values_are_those_of_the_formats():
    network = spec.random_network(np.random.default_rng(0), n_blocks=1)
    encoder, block, _ = unfold(network).layers
    layer = network.layers[0]
    i, j = np.argwhere(layer.weights.matrix.toarray())[0]
    value = layer.weights.matrix.toarray()[i, j] / 2.0 ** layer.weights.frac[i]
    column = 2.0 ** (layer.inp.ref - layer.inp.frac[j])
    assert float(encoder.weights[i, j]) == value / column
    assert float(block.a_re[0]) == network.layers[1].a_re[0] / 2.0**15
