# SPDX-License-Identifier: BSD-3-Clause
"""Folded networks back to models that train, and the norms of these."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from lava_sparse_rnn import spec
from lava_sparse_rnn.nn import SparseRNN, quantize

SIZES = {"d_in": 7, "d_model": 10, "d_state": 12, "n_layers": 2, "d_out": 5}


def trained(**options):
    """A model in float64 with masks, biases and statistics of norms."""
    torch.manual_seed(0)
    model = SparseRNN(**SIZES, hippo_blocks=2, **options).double()
    for _, owner, name in model.prunable():
        mask = getattr(owner, f"{name}_mask")
        mask.copy_(torch.rand(mask.shape) < 0.5)
        bias = getattr(owner, f"{name}_bias", None)
        if bias is not None:
            torch.nn.init.normal_(bias)
    for block in model.blocks:
        torch.nn.init.normal_(block.norm.weight)
        torch.nn.init.normal_(block.norm.bias)
    model(torch.randn(20, 30, 7, dtype=torch.float64))
    return model.eval()


def parts(folded):
    for i, layer in enumerate(folded.layers):
        for name, value in vars(layer).items():
            if isinstance(value, torch.Tensor):
                yield f"{i}.{name}", value


@pytest.mark.parametrize("rule", ["real_gate", "split", "none"])
@pytest.mark.parametrize("head", ["sequence", "mean"])
def test_a_folded_model_comes_back_and_folds_to_the_same(rule, head):
    model = trained(state_nonlinearity=rule, head=head)
    folded = model.fold()
    again = SparseRNN.from_folded(folded).double().eval()
    x = torch.randn(3, 20, 7, dtype=torch.float64)
    # Parameters are float32.
    assert torch.allclose(again(x), model(x), rtol=1e-4, atol=1e-4)
    wanted = dict(parts(folded))
    for name, value in parts(again.fold()):
        assert torch.allclose(value, wanted[name], rtol=1e-4, atol=2e-5), name
        if name.split(".")[1] not in ("bias_x_re", "bias_x_im", "bias_z"):
            assert torch.equal(value != 0, wanted[name] != 0), name


def test_norms_settle_and_answers_stay():
    model = SparseRNN.from_folded(trained().fold()).double().eval()
    x = torch.randn(6, 40, 7, dtype=torch.float64)
    before = model(x)
    model.settle_norms([x[:2], (x[2:], None)])
    assert not model.training
    assert torch.allclose(model(x), before, rtol=1e-9, atol=1e-9)
    for block in model.blocks:
        assert torch.equal(block.norm.weight, torch.ones(10, dtype=torch.float64))
    # The same batch has in training the statistics that it has settled on.
    assert torch.allclose(model.train()(x), before, rtol=1e-6, atol=1e-6)


def test_norms_settle_on_tokens_that_are_no_padding():
    model = SparseRNN.from_folded(trained().fold()).double()
    x, lengths = torch.randn(2, 9, 7, dtype=torch.float64), torch.tensor([9, 4])
    padded = x.clone()
    padded[1, 4:] = 1e6
    model.settle_norms(padded, lengths=lengths)
    twin = SparseRNN.from_folded(trained().fold()).double()
    twin.settle_norms([x[:1], x[1:, :4]])
    wanted = twin.state_dict()
    for name, value in model.state_dict().items():
        assert torch.allclose(value, wanted[name]), name


def test_a_feature_that_norms_have_switched_off_stays_off():
    model = trained()
    with torch.no_grad():
        model.blocks[0].norm.weight[3] = 0
    x = torch.randn(6, 40, 7, dtype=torch.float64)
    before = model(x)
    model.settle_norms(x)
    assert torch.allclose(model(x), before, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", spec.shipped())
def test_shipped_networks_become_models_of_about_the_same_integers(name):
    network = spec.load(name)
    folded = quantize.unfold(network)
    model = SparseRNN.from_folded(folded)
    found, wanted = (dict(parts(f)) for f in (model.fold(), folded))
    for part, value in found.items():
        far = (value - wanted[part]).norm() / wanted[part].norm().clamp_min(1e-9)
        assert far < (0.3 if part[2:6] == "bias" else 1e-3), part
    ranges = [{k: np.full(len(v), 4.0) for k, v in t.items()} for t in _peaks(folded)]
    first, second = (
        quantize.quantize(f, ranges, network.recipe) for f in (folded, model.fold())
    )
    for a, b in zip(first.layers, second.layers, strict=True):
        for matrix, same in zip(a.matrices.values(), b.matrices.values(), strict=True):
            change = np.abs((matrix.matrix - same.matrix).data)
            assert change.max(initial=0) <= 1


def _peaks(folded):
    return quantize.calibrate(folded, torch.zeros(1, 2, folded.d_in))


def test_a_state_that_rounding_brought_to_one_decays():
    folded = trained().fold()
    block = folded.layers[1]
    a_re, a_im = block.a_re.clone(), block.a_im.clone()
    a_re[0], a_im[0] = 1.00001, 0.0
    block = replace(block, a_re=a_re, a_im=a_im)
    folded = replace(folded, layers=(folded.layers[0], block, *folded.layers[2:]))
    found = SparseRNN.from_folded(folded).fold().layers[1]
    assert 0.999 < float(found.a_re[0]) < 1


@pytest.mark.parametrize("name", ["denoiser", "denoiser_small"])
@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0])
def test_shipped_networks_decay_with_longer_and_shorter_steps(name, factor):
    folded = quantize.unfold(spec.load(name))
    model = SparseRNN.from_folded(folded)
    model.stretch_time(factor)
    for old, new in zip(folded.layers[1:-1], model.fold().layers[1:-1], strict=True):
        sizes = [torch.hypot(b.a_re, b.a_im) for b in (old, new)]
        assert float(sizes[1].max()) < 1
        live = sizes[0] < 0.9999
        wanted = sizes[0][live] ** factor
        assert torch.allclose(sizes[1][live], wanted, rtol=1e-4, atol=1e-6)


def test_biases_that_a_fine_tune_has_moved_are_about_kept():
    """What no norm can give is left out; most of them stays."""
    folded = trained().fold()
    layers = list(folded.layers)
    for i in (1, 2):
        bias = layers[i].bias_z
        moved = bias + 0.15 * bias.norm() / len(bias) ** 0.5 * torch.randn(len(bias))
        layers[i] = replace(layers[i], bias_z=moved)
    again = SparseRNN.from_folded(replace(folded, layers=tuple(layers))).fold()
    for i in (1, 2):
        near = (again.layers[i].bias_z - layers[i].bias_z).norm()
        assert near < 0.3 * layers[i].bias_z.norm()


def test_values_that_are_not_finite_are_refused():
    folded = trained().fold()
    bias = folded.layers[1].bias_z.clone()
    bias[2] = np.nan
    block = replace(folded.layers[1], bias_z=bias)
    layers = (folded.layers[0], block, *folded.layers[2:])
    with pytest.raises(ValueError, match="layer 1: bias_z has values that are not fin"):
        SparseRNN.from_folded(replace(folded, layers=layers))


def test_blocks_of_different_nonlinearities_are_refused():
    folded = trained().fold()
    block = replace(folded.layers[1], nonlinearity="split")
    layers = (folded.layers[0], block, *folded.layers[2:])
    with pytest.raises(ValueError, match="S5 blocks of one size and state nonlin"):
        SparseRNN.from_folded(replace(folded, layers=layers))


def test_what_no_training_has_made_is_refused():
    random = quantize.unfold(spec.random_network(np.random.default_rng(0)))
    with pytest.raises(ValueError, match="block 0: its biases are not those"):
        SparseRNN.from_folded(random)
    folded = trained().fold()
    text = "what trains is an affine encoder with a ReLU, S5 blocks of one size"
    ends = folded.layers[0], folded.layers[-1]
    for layers in (folded.layers[1:], ends, ends[:1], ()):
        with pytest.raises(ValueError, match=re.escape(text)):
            SparseRNN.from_folded(replace(folded, layers=layers))
    for option, value in {"gate": "none", "conj_sym": False}.items():
        with pytest.raises(ValueError, match=f"{option} is {value!r}, must be"):
            SparseRNN.from_folded(folded, **{option: value})
    with pytest.raises(ValueError, match="folded is"):
        SparseRNN.from_folded(trained())
    with pytest.raises(ValueError, match="at least one token"):
        SparseRNN.from_folded(folded).settle_norms([])
