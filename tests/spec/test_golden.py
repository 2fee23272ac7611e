# SPDX-License-Identifier: BSD-3-Clause
"""Files written long ago load and give the same answers for ever.

Never write these files anew: a change that they notice breaks every user's file.
"""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from lava_sparse_rnn import spec

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize(
    "name", ["plain", "packed", "s4d_plain", "s4d_packed", "blocks"]
)
def test_old_files_give_their_answers(name):
    network = spec.load(GOLDEN / f"{name}.net")
    expected = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    answers = spec.reference.run(network, np.array(expected["tokens"]))
    assert np.array_equal(answers, expected["answers"])


def test_old_recipes_are_read_as_they_were():
    plain = spec.load(GOLDEN / "plain.net").recipe
    assert plain == spec.Recipe()
    packed = spec.load(GOLDEN / "packed.net").recipe
    changes = {"rounding": "nearest", "overflow": "wrap", "state_bits": 16}
    changes |= {"state_nonlinearity": "split", "wire_bits": 12}
    assert packed == spec.Recipe(**changes)


@pytest.mark.parametrize("name", ["plain", "packed", "s4d_plain", "s4d_packed"])
def test_they_are_of_both_formats(name):
    with h5py.File(GOLDEN / f"{name}.net") as file:
        assert ("packed" in file["layer/0"]) is name.endswith("packed")
        assert file.attrs["format_version"] == 1


def test_layer_by_layer_is_the_third():
    """As `nn.blocks.export_hdf5` writes files, for layers of several libraries."""
    with h5py.File(GOLDEN / "blocks.net") as file:
        assert not dict(file.attrs)
        assert all(
            group.attrs["format_version"] == 1 for group in file["layer"].values()
        )
        types = [bytes(file[f"layer/{i}/type"][0]) for i in range(len(file["layer"]))]
    assert types == [b"affine", b"s5", b"affine"]


def test_the_process_of_layer_by_layer_gives_their_answers():
    proc = pytest.importorskip("lava_sparse_rnn.proc")
    from lava_sparse_rnn.netx import hdf5

    expected = json.loads((GOLDEN / "blocks.json").read_text("utf-8"))
    process = hdf5.Network(net_config=GOLDEN / "blocks.net")
    answers = proc.run(process, np.array(expected["tokens"]))
    assert np.array_equal(answers, expected["answers"])


def test_channels_are_read_as_such():
    for name in ("s4d_plain", "s4d_packed"):
        network = spec.load(GOLDEN / f"{name}.net")
        assert [la.type for la in network.layers] == ["s4d", "affine"]
        assert network.layers[0].is_complex is name.endswith("packed")
