# SPDX-License-Identifier: BSD-3-Clause
"""A state_dict of a quantised network is that network: formats travel with weights."""

import copy

import pytest
import torch

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.nn import SparseRNN, blocks, quantize

torch.manual_seed(0)
MODEL = SparseRNN(4, 8, 8, 2, 3, hippo_blocks=2).eval()
X = torch.randn(3, 20, 4)


def quantized(material, recipe=None, model=MODEL):
    folded = model.fold()
    ranges = quantize.calibrate(folded, material)
    return quantize.QuantizedRNN(folded, quantize.quantize(folded, ranges, recipe))


def tune(model, optimizer, x=X, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        (model(x) - 0.5).square().mean().backward()
        optimizer.step()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["w8a16", "w8a8"])
def test_loading_restores_the_network_whatever_was_calibrated(recipe, tmp_path):
    tuned = quantized(X, recipe)
    tune(tuned, torch.optim.Adam(tuned.parameters(), lr=1e-2))
    torch.save(tuned.state_dict(), tmp_path / "tuned.pt")
    other = quantized(0.1 * torch.randn_like(X))
    optimizer = torch.optim.Adam(other.parameters(), lr=1e-2)
    saved = torch.load(tmp_path / "tuned.pt", weights_only=True)
    other.load_state_dict(saved)
    assert other.network() == tuned.network()
    assert torch.equal(other(X), tuned(X))
    # ... in place: an optimiser made before goes on.
    before = other.network()
    tune(other, optimizer)
    assert other.network() != before


def test_a_copy_keeps_its_own_formats():
    first = quantized(X)
    second = copy.deepcopy(first)
    second.load_state_dict(quantized(9 * X).state_dict())
    assert first.network() == quantized(X).network() != second.network()


def test_another_size_is_refused_by_name():
    small = SparseRNN(4, 8, 4, 2, 3, hippo_blocks=1).eval()
    with pytest.raises(SpecError, match=r"state_dict: a layer s5 of B_re \(4, 8\)"):
        quantized(X, model=small).load_state_dict(quantized(X).state_dict())


def test_another_depth_is_refused_by_name():
    deep = SparseRNN(4, 8, 8, 3, 3, hippo_blocks=2).eval()
    for one, other in ((MODEL, deep), (deep, MODEL)):
        with pytest.raises(SpecError, match="state_dict: a layer .* the model has"):
            quantized(X, model=one).load_state_dict(
                quantized(X, model=other).state_dict()
            )


def test_a_part_of_a_network_is_refused():
    state = quantized(9 * X).state_dict()
    state = {k: v for k, v in state.items() if k.startswith("layers.1.")}
    with pytest.raises(SpecError, match="inp of layer 1 is not the out wire of"):
        quantized(X).load_state_dict(state, strict=False)


def test_an_old_state_dict_is_loaded_with_a_warning():
    state = quantized(X).state_dict()
    old = {k: v for k, v in state.items() if not k.endswith("_extra_state")}
    model = quantized(X)
    with pytest.warns(UserWarning, match="holds no formats"):
        model.load_state_dict(old)
    assert model.network() == quantized(X).network()


def stack():
    torch.manual_seed(1)
    return torch.nn.Sequential(
        blocks.Affine(4, 8),
        blocks.S5(8, 8, hippo_blocks=2),
        blocks.Affine(8, 3, relu=False),
    ).eval()


def quantized_stack(scale=1.0):
    model = stack()
    blocks.calibrate(model, [scale * X.transpose(1, 2)])
    blocks.quantize(model)
    return model


@pytest.mark.slow
def test_blocks_keep_what_was_tuned():
    """Also where angles start and what biases are relative to."""
    tuned, x = quantized_stack(), X.transpose(1, 2)
    tune(tuned, torch.optim.Adam(tuned.parameters(), lr=3e-2), x, 10)
    for other in (stack(), quantized_stack(0.1)):
        other.load_state_dict(tuned.state_dict())
        assert [b.describe() for b in other] == [b.describe() for b in tuned]
        assert torch.equal(other(x), tuned(x))


@pytest.mark.slow
def test_an_optimiser_of_blocks_that_were_quantised_since_is_refused():
    model, x = stack(), X.transpose(1, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    tune(model, optimizer, x)
    blocks.calibrate(model, [x])
    blocks.quantize(model)
    with pytest.raises(RuntimeError, match=r"Adam holds .* make the optimiser after"):
        tune(model, optimizer, x)
    tune(model, torch.optim.Adam(model.parameters()), x)
    # The usual order of a resume.
    resumed = stack()
    optimizer = torch.optim.SGD(resumed.parameters(), lr=1e-2)
    resumed.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match="SGD holds parameters"):
        tune(resumed, optimizer, x)


@pytest.mark.slow
def test_an_optimiser_of_quantised_blocks_survives_loading():
    model, x = quantized_stack(), X.transpose(1, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
    model.load_state_dict(quantized_stack(0.1).state_dict())
    before = [b.describe() for b in model]
    tune(model, optimizer, x, 10)
    assert [b.describe() for b in model] != before
