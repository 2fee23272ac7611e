# SPDX-License-Identifier: BSD-3-Clause
"""Quantisation: folding, formats, and integers equal to the reference executor."""

import h5py
import numpy as np
import pytest
import torch

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.quantize import (
    FoldedAffine,
    FoldedBlock,
    FoldedNetwork,
    QuantizedRNN,
    calibrate,
    fold,
    quantize,
)
from lava_sparse_rnn.nn.sparsify import Pruner
from lava_sparse_rnn.nn.sparsify.masks import prune

RECIPES = [
    spec.Recipe(rounding=r, overflow=o, state_nonlinearity=n)
    for r, o, n in [
        ("floor", "saturate", "real_gate"),
        ("nearest", "saturate", "split"),
        ("floor", "wrap", "none"),
        ("nearest", "wrap", "real_gate"),
    ]
]


def dequantised(network):
    """Real weights of a description: the inverse of what quantisation does."""

    def matrix(weights, inp):
        dense = weights.matrix.toarray().astype(float)
        scale = weights.frac[:, None] + (inp.ref - inp.frac)[None, :]
        return torch.from_numpy(np.ldexp(dense, -scale))

    def bias(b, frac):
        return torch.from_numpy(np.ldexp(b.value.astype(float), -frac))

    layers = []
    for layer in network.layers:
        inp = layer.inp
        if isinstance(layer, spec.Affine):
            layers.append(
                FoldedAffine(
                    matrix(layer.weights, inp), bias(layer.bias, layer.acc_frac),
                    layer.relu,
                )
            )  # fmt: skip
            continue
        fraction = -int(layer.a_format.frac)
        layers.append(
            FoldedBlock(
                a_re=torch.from_numpy(np.ldexp(layer.a_re.astype(float), fraction)),
                a_im=torch.from_numpy(np.ldexp(layer.a_im.astype(float), fraction)),
                B_re=matrix(layer.B_re, inp),
                B_im=matrix(layer.B_im, inp),
                bias_x_re=bias(layer.bias_x_re, layer.B_re.frac + inp.ref),
                bias_x_im=bias(layer.bias_x_im, layer.B_re.frac + inp.ref),
                C_re=matrix(layer.C_re, layer.s),
                C_imn=matrix(layer.C_imn, layer.s),
                D=torch.from_numpy(np.ldexp(1.0 * layer.D.values, -layer.D.frac)),
                bias_z=bias(layer.bias_z, layer.z.frac),
                W=matrix(layer.W, layer.z),
                bias_g=bias(layer.bias_g, layer.W.frac + layer.z.ref),
                nonlinearity=network.recipe.state_nonlinearity,
            )
        )
    return FoldedNetwork(tuple(layers))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("seed", range(4))
def test_every_integer_equals_the_reference(recipe, seed):
    rng = np.random.default_rng(seed)
    source = spec.random_network(rng, n_blocks=2, recipe=recipe)
    model = QuantizedRNN(dequantised(source), source)
    network = model.network()
    for name, weights in source.layers[1].matrices.items():
        assert weights == network.layers[1].matrices[name]
    x = rng.integers(-(2**15), 2**15, (30, 3, source.d_in))
    found: dict[str, torch.Tensor] = {}
    model.forward_wires(torch.from_numpy(x).float(), found)
    for b in range(x.shape[1]):
        expected: dict[str, np.ndarray] = {}
        spec.reference.run(network, x[:, b], trace=expected)
        assert set(found) == set(expected)
        for name, value in expected.items():
            assert torch.equal(found[name][:, b].long(), torch.from_numpy(value)), name
            assert value.any(), name


@pytest.mark.parametrize(
    "widths",
    [
        {"wire_bits": 8, "gate_bits": 8},
        {"weight_bits": 4},
        {"state_bits": 16, "a_bits": 12},
        {"bias_bits": 12, "overflow": "wrap"},
    ],
    ids=str,
)
@pytest.mark.parametrize("rounding", ["floor", "nearest"])
def test_other_widths_satisfy_the_proof_and_stay_exact(widths, rounding):
    torch.manual_seed(0)
    model, features = trained_like(0.5)
    folded = fold(model)
    recipe = spec.Recipe(rounding=rounding, **widths)
    network = quantize(folded, calibrate(folded, [features]), recipe)
    assert network.layers[0].weights.bits == recipe.weight_bits
    assert network.layers[1].state.bits == recipe.state_bits
    fake = QuantizedRNN(folded, network)
    q = fake.to_wire(features.transpose(0, 1))
    expected = spec.reference.run(fake.network(), network.to_wire(features[2].numpy()))
    found = fake.forward_wires(q)[:, 2]
    assert torch.equal(found.long(), torch.from_numpy(expected))
    with torch.no_grad():
        error = fake(features) - model(features)
    assert error.norm() < 0.4 * model(features).norm()


def test_calibrated_ranges_leave_one_bit():
    torch.manual_seed(0)
    model, features = trained_like()
    folded = fold(model)
    network = quantize(folded, calibrate(folded, [features]))
    trace: dict[str, np.ndarray] = {}
    counters = OverflowCounters()
    for x in features.numpy():
        spec.reference.run(network, network.to_wire(x), trace, counters)
        for name in ("layer0_out", "layer1_z", "layer1_s_re", "layer2_out"):
            assert np.abs(trace[name]).max() < 1.1 * 2**14
    assert counters.total() == 0


def test_integer_gradient_is_that_of_the_float_equations():
    torch.manual_seed(0)
    model, features = trained_like(sparsity=0.5)
    folded = fold(model)
    ranges = calibrate(folded, [features])
    network = quantize(folded, ranges, spec.Recipe(rounding="nearest"))
    fake = QuantizedRNN(folded, network)
    target = torch.randn(features.shape[0], features.shape[1], model.d_out)
    (fake(features) - target).square().sum().backward()

    real = [p.detach().clone() for p in parameters_of(folded)]
    for p in parameters_of(folded):
        p.requires_grad_()
    u = features.double().transpose(0, 1)
    for layer in folded.layers:
        u = layer.trace(u)["out"]
    (u.transpose(0, 1) - target).square().sum().backward()
    assert len(real) > 0
    for name in ("B_re", "C_imn", "W"):
        matrix, weights = (
            fake.layers[1].matrices[name],
            network.layers[1].matrices[name],
        )
        inp = {"B_re": "inp", "C_imn": "s", "W": "z"}[name]
        inp = getattr(network.layers[1], inp)
        shift = weights.frac[:, None] + (inp.ref - inp.frac)[None, :]
        scale = torch.from_numpy(np.ldexp(1.0, shift)) / matrix.full
        mine = (matrix.relative.grad.double() * scale).flatten()
        mask = matrix.mask.flatten()
        float_gradient = getattr(folded.layers[1], name).grad.flatten()[mask]
        cosine = torch.cosine_similarity(mine[mask], float_gradient, dim=0)
        assert cosine > 0.98, name
        ratio = (mine[mask].norm() / float_gradient.norm()).item()
        assert 0.9 < ratio < 1.1, name


def parameters_of(folded):
    return [
        value
        for layer in folded.layers
        for value in vars(layer).values()
        if isinstance(value, torch.Tensor)
    ]


def trained_like(sparsity=0.0, nonlinearity="real_gate", d_out=4):
    """A small model whose norms have seen data, and features for it."""
    model = SparseRNN(
        6, 16, 16, 2, d_out, hippo_blocks=2, state_nonlinearity=nonlinearity, seed=1
    )
    features = torch.randn(4, 60, 6)
    for block in model.blocks:
        block.norm.momentum = 0.5
        torch.nn.init.uniform_(block.norm.weight, 0.5, 2)
        torch.nn.init.normal_(block.norm.bias, std=0.3)
        torch.nn.init.normal_(block.gate_bias, std=0.3)
    if sparsity:
        prune(model, sparsity)
    with torch.no_grad():
        for _ in range(8):
            model(features)
    return model.eval(), features


@pytest.mark.parametrize("nonlinearity", ["real_gate", "split", "none"])
def test_fold_changes_nothing(nonlinearity):
    torch.manual_seed(0)
    model, features = trained_like(0.6, nonlinearity)
    model = model.double()
    with torch.no_grad():
        expected = model(features.double())
    found = fold(model).trace(features.double().transpose(0, 1))[-1]["out"]
    assert torch.allclose(found.transpose(0, 1), expected, atol=1e-10)


def test_post_training_quantisation_is_close_and_keeps_zeros(tmp_path):
    torch.manual_seed(0)
    model, features = trained_like(0.6)
    path = tmp_path / "model.net"
    written = model.export_hdf5(path, [features], meta={"task": "test"})
    network = spec.load(path)
    assert network == written
    assert network.meta["task"] == "test"
    for name in ("B_re", "B_im", "C_re"):
        zeros = ~getattr(model.blocks[0], f"{name}_mask").numpy()
        assert not network.layers[1].matrices[name].matrix.toarray()[zeros].any()
    with torch.no_grad():
        expected = model(features)[0].numpy()
    y = spec.reference.run(network, network.to_wire(features[0].numpy()))
    error = np.abs(network.from_wire(y) - expected)
    assert error.max() < 0.05 * np.abs(expected).max()


def test_export_into_an_open_group(tmp_path):
    torch.manual_seed(0)
    model, features = trained_like()
    with h5py.File(tmp_path / "many.h5", "w") as file:
        network = model.export_hdf5(file.create_group("inside"), [features])
        assert spec.read(file["inside"], "inside") == network


@pytest.mark.slow
def test_fine_tuning_keeps_zeros_and_formats():
    torch.manual_seed(0)
    model, features = trained_like(0.7)
    folded = fold(model)
    before = quantize(folded, calibrate(folded, [features]))
    fake = QuantizedRNN(folded, before)
    optimizer = torch.optim.Adam(fake.parameters(), lr=1e-2)
    target = torch.randn(4, 60, 4)
    losses = []
    for _ in range(15):
        loss = (fake(features) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]
    after = fake.network()
    assert after != before
    for old, new in zip(before.layers, after.layers, strict=True):
        assert old.out == new.out
        for name, weights in old.matrices.items():
            pattern = weights.matrix.toarray() != 0
            now = new.matrices[name].matrix.toarray() != 0
            mask = fold_mask(fake, before.layers.index(old), name)
            assert not (now & ~mask).any()
            assert (pattern & ~mask).sum() == 0


def fold_mask(fake, index, name):
    layer = fake.layers[index]
    matrix = layer.weights if name == "weights" else layer.matrices[name]
    return matrix.mask.numpy()


def test_silent_neurons_and_dense_rows_satisfy_the_proof():
    """A wide dense layer needs smaller exponents than its largest weight allows."""
    torch.manual_seed(0)
    n = 700
    W = torch.full((3, n), 1.0, dtype=torch.float64)
    layer = FoldedAffine(W, torch.zeros(3, dtype=torch.float64), relu=False)
    folded = FoldedNetwork((layer,))
    features = torch.rand(1, 20, n)
    features[..., 5] = 0
    network = quantize(folded, calibrate(folded, [features]))
    (affine,) = network.layers
    assert affine.weights.row_magnitude.max() * 2**15 < 2**30
    assert affine.inp.frac[5] == affine.inp.ref


def test_calibration_rejects_nothing_and_nan():
    model, features = trained_like()
    folded = fold(model)
    with pytest.raises(ValueError, match="at least one token, got none"):
        calibrate(folded, [])
    features[0, 3, 2] = float("nan")
    with pytest.raises(ValueError, match="input has values that are not finite"):
        calibrate(folded, [features])


def test_pruner_names_unknown_distribution():
    with pytest.raises(ValueError, match="distribution is 'magic'"):
        Pruner(schedule=None, distribution="magic")
