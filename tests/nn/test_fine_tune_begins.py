# SPDX-License-Identifier: BSD-3-Clause
"""A fine-tune begins with the integers of post-training quantisation, all of them."""

import io

import h5py
import numpy as np
import pytest
import torch

from lava_sparse_rnn import spec
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.quantize import (
    RECIPES,
    QuantizedRNN,
    calibrate,
    fold,
    quantize,
    recipe,
)


def drawn(seed, name):
    """A network of many states: one in 300 lies where float32 rounds another way."""
    torch.manual_seed(seed)
    dt_min = 10.0 ** np.random.default_rng(seed).uniform(-4, -1)
    model = SparseRNN(3, 4, 1024, 1, 2, seed=seed, dt_min=dt_min, dt_max=1.0).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(torch.randn_like(parameter).exp())
    features = torch.randn(1, 10, 3)
    folded = fold(model)
    ranges = calibrate(folded, [features])
    return folded, quantize(folded, ranges, recipe(name)), features


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("seed", [1, 4])
def test_a_fine_tune_begins_with_the_quantiser_s_integers(seed, name):
    folded, network, features = drawn(seed, name)
    tuned = QuantizedRNN(folded, network)
    assert tuned.network() == network
    answers = tuned(features).detach().numpy()
    expected = [
        spec.reference.run(network, network.to_wire(x)) for x in features.numpy()
    ]
    assert np.array_equal(answers, network.from_wire(np.stack(expected)))


def test_where_it_began_travels_with_the_weights():
    folded, network, _ = drawn(4, "w8a8")
    tuned = QuantizedRNN(folded, network)
    assert tuned.layers[1].a_offset.any()
    other, formats, _ = drawn(1, "w8a8")
    loaded = QuantizedRNN(other, formats)
    loaded.load_state_dict(tuned.state_dict())
    assert loaded.network() == network


def test_states_of_earlier_versions_load():
    folded, network, _ = drawn(4, "w8a16")
    tuned = QuantizedRNN(folded, network)
    assert tuned.layers[1].a_offset.any()
    state = tuned.state_dict()
    key = "layers.1._extra_state"
    content = io.BytesIO(state[key].numpy().tobytes())
    with h5py.File(content, "r+") as file:
        del file["constants/a_offset"]
    state[key] = torch.frombuffer(bytearray(content.getvalue()), dtype=torch.uint8)
    tuned.load_state_dict(state)
    assert not tuned.layers[1].a_offset.any()
