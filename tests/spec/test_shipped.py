# SPDX-License-Identifier: BSD-3-Clause
"""Networks by name, and files that blocks write layer by layer."""

import h5py
import numpy as np
import pytest

from lava_sparse_rnn import spec


def test_shipped_networks_have_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list(spec.shipped()) == [
        *("denoiser", "denoiser_small", "digits", "fashion", "watch")
    ]
    assert spec.load("denoiser_small").d_in == 129
    spec.random_network(np.random.default_rng(0)).save("denoiser_small")
    assert spec.load("denoiser_small").meta["task"] == "random"
    with pytest.raises(
        spec.SpecError, match=r"nix: no such file, and no shipped network"
    ):
        spec.load("nix")


def of_blocks(path, network, recipes=None):
    """The file that `nn.blocks.export_hdf5` makes of these layers."""
    with h5py.File(path, "w") as file:
        for i, layer in enumerate(network.layers):
            group = file.create_group(f"layer/{i}")
            spec.write_layer(layer, group)
            spec.write_recipe((recipes or {}).get(i, network.recipe), group)
            group.attrs["format_version"] = spec.FORMAT_VERSION


def test_a_file_of_blocks_is_a_network(tmp_path):
    network = spec.random_network(np.random.default_rng(0))
    of_blocks(tmp_path / "b.net", network)
    x = np.random.default_rng(1).integers(-99, 99, (7, network.d_in))
    found = spec.load(tmp_path / "b.net")
    expected = spec.reference.run(network, x)
    assert np.array_equal(spec.reference.run(found, x), expected)


def drop_recipe(group):
    del group["recipe"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_recipe, "layer/1 has no recipe: write the network with Network.save"),
        (lambda g: g.attrs.__setitem__("input_frac", 6), "netx.hdf5.Network reads"),
        (lambda g: g["type"].__setitem__(0, b"dense"), "type 'dense', which is not of"),
        (lambda g: g.attrs.__setitem__("format_version", 9), "format_version is 9"),
    ],
)
def test_other_files_of_blocks_say_what_to_do(tmp_path, change, message):
    path = tmp_path / "b.net"
    of_blocks(path, spec.random_network(np.random.default_rng(0)))
    with h5py.File(path, "r+") as file:
        change(file["layer/1"])
    with pytest.raises(spec.SpecError, match=message) as caught:
        spec.load(path)
    assert str(caught.value).startswith(str(path))


def test_blocks_of_two_recipes_are_no_network(tmp_path):
    network = spec.random_network(np.random.default_rng(0))
    of_blocks(tmp_path / "b.net", network, {1: spec.Recipe(rounding="nearest")})
    with pytest.raises(spec.SpecError, match="layer/1 has another recipe than layer/0"):
        spec.load(tmp_path / "b.net")
