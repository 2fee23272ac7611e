# SPDX-License-Identifier: BSD-3-Clause
"""Blocks in lava-dl's conventions."""

import io

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import nn, spec
from lava_sparse_rnn.nn import blocks as nb
from lava_sparse_rnn.nn.blocks._entry import Entry, entry_wire
from lava_sparse_rnn.spec import reference


class Spikes(torch.nn.Module):
    """Stands for a block of another library: binary answers, surrogate gradient."""

    def forward(self, x):
        return (x > 0.3).to(x.dtype) + (x - x.detach())

    def export_hdf5(self, handle):
        handle.create_dataset("type", data=[b"dense"], dtype="S10")


class Stack(torch.nn.Module):
    def __init__(self, *blocks):
        super().__init__()
        self.blocks = torch.nn.ModuleList(blocks)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x

    def prunable(self):
        return nb.prunable(self)


def make(**options):
    return Stack(
        nb.Affine(5, 8, seed=1),
        torch.nn.Dropout(0.1),
        nb.S5(8, 8, seed=2, hippo_blocks=2, **options),
        nb.S5(8, 8, seed=3, hippo_blocks=2, **options),
        nb.Affine(8, 3, relu=False, seed=4),
    )


def signals(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape)).float()


def quantized(model, x, recipe=None):
    nb.calibrate(model, [x])
    nb.quantize(model.blocks, recipe)
    return model.eval()


def described(model, tmp_path):
    """The layers of the file that a model writes."""
    path = tmp_path / "model.net"
    nb.export_hdf5(model.blocks, path)
    with h5py.File(path) as file:
        groups = [file[f"layer/{i}"] for i in range(len(file["layer"]))]
        recipe = spec.read_recipe(groups[0], "layer/0")
        layers = [spec.read_layer(g, g.name) for g in groups]
    return spec.Network(tuple(layers), recipe)


def test_computes_what_the_module_inside_does_in_other_order():
    block = nb.S5(8, 8, hippo_blocks=2).eval()
    x = signals(2, 8, 7).abs()
    expected = block.real(x.permute(2, 0, 1)).permute(1, 2, 0)
    torch.testing.assert_close(block(x), expected, rtol=0, atol=0)
    assert block.shape == (8,)
    y, rate = nb.Affine(8, 3, count_log=True)(x)
    assert rate == (y != 0).float().mean()


@pytest.mark.slow
@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("rounding", ["floor", "nearest"])
@pytest.mark.parametrize("by_layer", [{}, {"layer1": {"weight_bits": 4}}], ids=len)
def test_quantised_forward_is_the_description(tmp_path, rounding, overflow, by_layer):
    recipe = spec.Recipe(rounding, overflow, by_layer=by_layer)
    model = quantized(make(state_nonlinearity="split"), signals(2, 5, 50), recipe)
    network = described(model, tmp_path)
    assert network.recipe.state_nonlinearity == "split"
    assert (network.recipe.rounding, network.recipe.overflow) == (rounding, overflow)
    narrow = [m.bits == 4 for layer in network.layers for m in layer.matrices.values()]
    assert any(narrow) == bool(by_layer)
    assert not all(narrow)
    x = 3 * signals(2, 5, 40, seed=1)  # beyond what calibration has seen
    with torch.no_grad():
        y = model(x).double().numpy()
    for one, answers in zip(x.numpy(), y, strict=True):
        expected = reference.run(network, network.to_wire(one.T))
        scaled = np.ldexp(answers.T, network.layers[-1].out.frac)
        np.testing.assert_array_equal(scaled, expected)


def test_quantised_forward_is_close_to_the_float_one():
    model, x = make().eval(), signals(4, 5, 60)
    with torch.no_grad():
        before = model(x)
        after = quantized(model, x)(x)
    assert (after - before).norm() < 0.05 * before.norm()
    assert (after != before).any()


@given(
    st.integers(-4, 20),
    st.lists(st.integers(-(1 << 23), 1 << 23), min_size=3, max_size=3),
    st.sampled_from(["floor", "nearest"]),
    st.sampled_from(["saturate", "wrap"]),
)
@settings(max_examples=60)
def test_integers_that_arrive_are_shifted_and_saturated(frac, q, rounding, overflow):
    recipe = spec.Recipe(rounding, overflow)
    wire = entry_wire(np.array([0.5, 3.0, 40.0]), frac, recipe)
    assert (wire.frac <= frac).all()
    found = Entry(wire, frac, recipe)(torch.tensor(q).double() * 2.0**-frac)
    for value, place, answer in zip(q, wire.frac, found.tolist(), strict=True):
        k = frac - int(place)
        value += (1 << k) >> 1 if rounding == "nearest" else 0
        value >>= k
        if overflow == "saturate":
            assert answer == min(max(value, -(1 << 15)), (1 << 15) - 1)
        else:
            assert answer == (value + (1 << 15)) % (1 << 16) - (1 << 15)


def test_gradients_pass_the_entry():
    wire = entry_wire(np.array([0.5, 0.5]), None, spec.Recipe())
    for frac in (None, 18):
        x = torch.tensor([[0.3, 100.0]], requires_grad=True)
        Entry(wire, frac, spec.Recipe())(x)[0, 0].backward()
        assert x.grad[0, 0] == 2.0 ** wire.frac[0]


@pytest.mark.slow
def test_fine_tunes_with_other_blocks(tmp_path):
    torch.manual_seed(0)
    front = torch.nn.Conv1d(5, 8, 1)
    model = Stack(
        front, Spikes(), nb.S5(8, 8, hippo_blocks=2, input_frac=0), nb.Affine(8, 2)
    )
    x, target = signals(3, 5, 20), signals(3, 2, 20, seed=1).abs()
    quantized(model, x).train()
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = (model(x) - target).square().mean()
        loss.backward()
        assert front.weight.grad.abs().sum() > 0
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    nb.export_hdf5(model.blocks, tmp_path / "tuned.net")
    with h5py.File(tmp_path / "tuned.net") as file:
        assert [bytes(g["type"][0]) for g in file["layer"].values()] == [
            b"dense",
            b"s5",
            b"affine",
        ]
        assert file["layer/1"].attrs["input_frac"] == 0
        s5, affine = (spec.read_layer(file[f"layer/{i}"], "") for i in (1, 2))
    assert affine.inp == s5.out
    # Spikes have no fraction, and what arrives is not scaled up.
    assert not s5.inp.frac.any()


@pytest.mark.parametrize("frac", [0, 6, 9])
def test_one_binary_point_for_what_follows(frac):
    model = Stack(nb.S5(8, 8, hippo_blocks=2, output_frac=frac))
    quantized(model, 2 * signals(2, 8, 30).abs())
    assert (model.blocks[0].layer.out.frac == frac).all()


def test_an_impossible_binary_point_is_an_error():
    model = Stack(nb.Affine(8, 3, output_frac=26))
    nb.calibrate(model, [2000 * signals(2, 8, 30)])
    with pytest.raises(spec.SpecError, match="output_frac is 26"):
        nb.quantize(model.blocks)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_a_state_dict_holds_everything(tmp_path, after):
    model, x = make(), signals(2, 5, 30)
    nb.calibrate(model, [x])
    if after:
        nb.quantize(model.blocks)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    other = make()
    torch.nn.init.ones_(other.blocks[0].real.bias)
    state = torch.load(tmp_path / "model.pt", weights_only=True)
    assert not any(other.load_state_dict(state))
    for one in (model, other):
        if not after:
            nb.quantize(one.blocks)
        one.eval()
    with torch.no_grad():
        assert torch.equal(model(x), other(x))
    assert described(model, tmp_path) == described(other, tmp_path)


def test_pruned_connections_are_zero_in_the_file(tmp_path):
    model = make()
    nn.sparsify.masks.prune(model, 0.75)
    assert abs(nn.sparsify.sparsity(model)["total"] - 0.75) < 0.01
    network = described(quantized(model, signals(2, 5, 30)), tmp_path)
    matrices = [w for layer in network.layers for w in layer.matrices.values()]
    assert sum(w.matrix.nnz for w in matrices) <= 0.26 * sum(
        np.prod(w.shape) for w in matrices
    )
    assert not list(model.prunable())  # no masks any more: zeros stay zeros


def test_every_wrong_order_is_one_error(tmp_path):
    model, x = make(), signals(2, 5, 30)
    with pytest.raises(ValueError, match=r"call nn\.blocks\.calibrate"):
        nb.quantize(model.blocks)
    with pytest.raises(ValueError, match=r"call nn\.blocks\.quantize"):
        nb.export_hdf5(model.blocks, tmp_path / "no.net")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="no block"):
        nb.calibrate(torch.nn.Linear(2, 2), [x])
    with pytest.raises(ValueError, match="no input"):
        nb.calibrate(model, [])
    quantized(model, x)
    with pytest.raises(ValueError, match="quantised already"):
        nb.calibrate(model, [x])
    with pytest.raises(ValueError, match="quantised already"):
        nb.quantize(model.blocks)
    with pytest.raises(ValueError, match=r"\(2, 4, 30\); expected \(batch, 5, time\)"):
        model(x[:, :4])


def test_an_input_fraction_between_our_blocks_is_an_error():
    model = Stack(nb.Affine(5, 8), nb.S5(8, 8, hippo_blocks=2, input_frac=3))
    nb.calibrate(model, [signals(2, 5, 30)])
    with pytest.raises(spec.SpecError, match="input_frac is 3"):
        nb.quantize(model.blocks)


@pytest.mark.parametrize("sizes", [(0, 3), (3, -1)])
def test_sizes_are_checked(sizes):
    with pytest.raises(ValueError, match=r"_neurons is (0|-1)"):
        nb.Affine(*sizes)


def test_writes_into_groups_one_after_the_other_as_lava_dl_does():
    model = quantized(make(), signals(2, 5, 30))
    with h5py.File(io.BytesIO(), "w") as file:
        layer = file.create_group("layer")
        own = [b for b in model.blocks if hasattr(b, "export_hdf5")]
        for i, block in enumerate(own):
            block.export_hdf5(layer.create_group(f"{i}"))
        types = [bytes(layer[f"{i}/type"][0]).decode() for i in range(4)]
        shapes = [int(layer[f"{i}/shape"][0]) for i in range(4)]
    assert types == ["affine", "s5", "s5", "affine"]
    assert shapes == [8, 8, 8, 3]
