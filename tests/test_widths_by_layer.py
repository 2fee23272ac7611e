# SPDX-License-Identifier: BSD-3-Clause
"""Widths by layer: one table in the recipe, the same integers everywhere."""

import re
from dataclasses import replace
from importlib import util
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import backends, loihi2, proc, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, SpecError
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.spec import quantize as sq

from .conftest import SEEDS, made, recipes, tokens

W4 = {"layer[1-2]": {"weight_bits": 4, "wire_bits": 12}, "layer2": {"wire_bits": 10}}


@st.composite
def networks(draw):
    """Random networks whose layers have widths of their own."""
    seed, recipe = draw(SEEDS), draw(recipes(st.integers(8, 16)))
    kinds = draw(st.lists(st.sampled_from(["affine", "s4d", "s5"]), max_size=2))
    network = made(seed, recipe, (4, 6, 5, 3), 1, 0.4, kinds or None)
    event(f"{len({layer.out.bits for layer in network.layers})} widths of wires")
    return network


@pytest.mark.slow
@settings(max_examples=40)
@given(networks(), SEEDS)
def test_every_backend_gives_the_same_integers(network, seed):
    x, counts = tokens(network, seed), OverflowCounters()
    expected = spec.reference.run(network, x, counters=counts)
    for name in backends.BACKENDS:
        with backends.create(name, network) as stream:
            assert np.array_equal(stream.run(x), expected), name
            assert +stream.counters == +counts, name


@pytest.mark.slow
@settings(max_examples=5)
@given(networks(), SEEDS)
def test_connections_of_lava_and_bundles_too(tmp_path_factory, network, seed):
    x = tokens(network, seed)
    expected = spec.reference.run(network, x)
    assert np.array_equal(proc.run(network, x, layered=True), expected)
    path = tmp_path_factory.mktemp("bundle") / "b"
    backend = deployment.CpuBackend()
    backend.load(loihi2.write_bundle(network, path, golden=x), "pipelined")
    assert np.array_equal(backend.run(x), expected)


@pytest.mark.slow
@settings(max_examples=15)
@given(networks(), SEEDS)
def test_a_fine_tune_holds_them(network, seed):
    torch = pytest.importorskip("torch")
    nnq = pytest.importorskip("lava_sparse_rnn.nn.quantize")
    if any(layer.type == "s4d" for layer in network.layers):
        return  # nn has no such layer
    x = tokens(network, seed)
    model = nnq.QuantizedRNN(nnq.unfold(network), network)
    held = model.network()
    for layer, before in zip(held.layers, network.layers, strict=True):
        assert layer.out == before.out
        bits = {name: m.bits for name, m in before.matrices.items()}
        assert {name: m.bits for name, m in layer.matrices.items()} == bits
    found = model.forward_wires(torch.from_numpy(x[:, None]).float(), {})[:, 0]
    assert torch.equal(found.long(), torch.from_numpy(spec.reference.run(held, x)))


@pytest.mark.parametrize("packed", [False, True])
def test_files_hold_them(tmp_path, packed):
    recipe = spec.Recipe(by_layer={"layer1": {"weight_bits": 4}, "*": {"a_bits": 12}})
    network = spec.random_network(np.random.default_rng(0), recipe=recipe)
    network.save(tmp_path / "a.net", packed)
    again = spec.load(tmp_path / "a.net")
    assert again == network
    assert list(again.recipe.by_layer) == ["layer1", "*"]
    assert again.layers[1].W.bits == 4
    assert again.layers[0].weights.bits == 8
    assert again.layers[1].a_format.bits == 12


def test_files_without_them_are_what_they_were(tmp_path):
    network = spec.random_network(np.random.default_rng(0))
    network.save(tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net", "r") as file:
        assert "by_layer" not in file["recipe"].attrs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "recipe: by_layer is no JSON"),
        ("[]", "recipe: by_layer is list in JSON, must be an object"),
        ('{"layer0": 4}', r"by_layer\['layer0'\] is 4, must map widths"),
        ('{"layer0": {"bits": 4}}', "is 'bits', must be one of: weight_bits, wire"),
        ('{"layer0": {"a_bits": 1}}', "a_bits is 1, must be a whole number from 2"),
    ],
)
def test_damaged_files_are_refused(tmp_path, text, message):
    spec.random_network(np.random.default_rng(0)).save(tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net", "r+") as file:
        file["recipe"].attrs["by_layer"] = text
    with pytest.raises(SpecError, match=message):
        spec.load(tmp_path / "a.net")


def real_layers():
    rng = np.random.default_rng(1)
    layers = [sq.RealAffine(rng.normal(size=(6, 4)), np.zeros(6), True)]
    for _ in range(2):
        arrays = {
            "C": rng.normal(size=(6, 5)) + 1j * rng.normal(size=(6, 5)),
            "D": rng.normal(size=6),
            "W": rng.normal(size=(6, 6)),
            "bias_x": np.zeros(5),
            "bias_z": np.zeros(6),
            "bias_g": np.zeros(6),
        }
        a = rng.uniform(0.2, 0.9, 5) * np.exp(1j * rng.uniform(0, 3, 5))
        B = rng.normal(size=(5, 6)) + 1j * rng.normal(size=(5, 6))
        layers.append(sq.RealBlock.of(spec.Recipe(), a, B, **arrays))
    layers.append(sq.RealAffine(rng.normal(size=(3, 6)), np.zeros(3), False))
    return layers


def quantised(by_layer):
    layers = real_layers()
    ranges = sq.worst_case(layers, 1.0)
    return sq.quantize_network(layers, ranges, spec.Recipe(by_layer=by_layer), {}, 0)


def test_the_quantiser_gives_each_layer_its_own():
    network = quantised(W4 | {"input": {"wire_bits": 9}})
    encoder, first, second, decoder = network.layers
    assert encoder.inp.bits == 9
    assert [layer.out.bits for layer in network.layers] == [16, 12, 10, 16]
    assert [m.bits for m in first.matrices.values()] == [4] * 5
    assert (first.D.bits, second.s.bits, second.z.bits) == (4, 10, 10)
    assert (encoder.weights.bits, decoder.weights.bits) == (8, 8)
    same = quantised({"layer0": {"weight_bits": 8}})
    assert spec.Network(same.layers) == quantised({})


def test_the_chip_stores_them():
    wide, narrow = (loihi2.map_network(quantised(w)) for w in ({}, W4))
    assert narrow.memory["synapses"].sum() < wide.memory["synapses"].sum()
    groups = loihi2.neuron_groups(quantised(W4))
    assert {g.payload_bits for g in groups} == {16, 12, 10}


def test_a_pattern_of_no_layer_is_refused():
    with pytest.raises(SpecError, match="'layer7' matches no place of this network"):
        quantised({"layer7": {"weight_bits": 4}})
    with pytest.raises(SpecError, match="by_layer is 4, must be a mapping"):
        spec.Recipe(by_layer=4)
    recipe = spec.Recipe(by_layer=W4)
    with pytest.raises(SpecError, match="one layer has no place in a network"):
        sq.recipe_of_one(recipe)
    assert replace(recipe, by_layer=dict(reversed(W4.items()))) != recipe


@pytest.mark.slow
def test_the_page(tmp_path, monkeypatch):
    """What docs/arithmetic.md shows runs."""
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[1] / "docs" / "arithmetic.md"
    for code in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S):
        exec(compile(code, str(page), "exec"), {})
    narrow, shipped = spec.load("narrow.net"), spec.load("denoiser_small")
    assert {m.bits for m in narrow.layers[2].matrices.values()} == {4}
    assert narrow.meta == shipped.meta
    before = sum(layer.weight_bytes for layer in shipped.layers)
    assert sum(layer.weight_bytes for layer in narrow.layers) < 0.7 * before


@pytest.mark.slow
def test_a_denoiser_with_narrow_blocks_still_denoises(shipped_small):
    """What docs/arithmetic.md tabulates; `-rP` shows it."""
    pytest.importorskip("torch")
    path = Path(__file__).parents[1] / "benchmarks" / "widths.py"
    found = util.spec_from_file_location("widths", path)
    widths = util.module_from_spec(found)
    found.loader.exec_module(widths)
    names = ["4 in the last block", "5 in the blocks", "4 in encoder and decoder"]
    lines = widths.table(shipped_small, names)
    print("\n".join(lines))
    rows = [[cell.replace(",", "") for cell in line.split("|")] for line in lines[2:]]
    wide, narrow = ((float(row[2]), float(row[5])) for row in rows[:2])  # bytes, dB
    assert narrow[0] < 0.85 * wide[0]
    assert narrow[1] > 0.6 * wide[1]
