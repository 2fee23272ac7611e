# SPDX-License-Identifier: BSD-3-Clause
"""Chips and boards: published figures, other figures, mistakes."""

import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from lava_sparse_rnn.loihi2 import (
    BOARDS,
    Board,
    Chip,
    Loihi2Error,
    MemoryModel,
    as_board,
)


def test_published_figures():
    chip = Chip()
    assert (chip.cores, chip.neurons_per_core) == (128, 8192)
    assert (chip.core_bytes, chip.synapse_bytes) == (192 * 1024, 128 * 1024)
    assert (chip.payload_bits, chip.weight_bits) == (32, 8)
    assert (chip.state_bytes_per_neuron, chip.synapses) == (4096, 120_000_000)
    assert chip.routers_x * chip.routers_y * chip.cores_per_router == chip.cores
    assert {name: b.chips for name, b in BOARDS.items()} == {
        "oheo_gulch": 1,
        "kapoho_point": 8,
        "hala_point": 1152,
    }


def test_every_figure_has_a_source():
    assert all("brief" in source for source in Chip().sources.values())
    assert len(Chip().sources) == 11
    assert Chip(cores=120).sources["cores"] == "given"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Chip(cores=0),
            "chip 'loihi2': cores is 0, must be a whole numb",
        ),
        (lambda: Chip(cores=129), "129 cores, its 8 x 4 routers of 4 have places for"),
        (lambda: Chip(synapse_bytes=200_000), "synapse_bytes is 200,000, a core has"),
        (lambda: Board("b", 0), "board 'b': chips is 0"),
        (lambda: Chip(cores="128"), "chip 'loihi2': cores is '128', must be a whole n"),
        (lambda: Chip(cores=True), "cores is True, must be a whole number from 1"),
        (lambda: Chip(routers_x=9.5), "routers_x is 9.5, must be a whole number from"),
        (lambda: Chip(synapses=None), "synapses is None, must be a whole number from"),
        (lambda: Chip(name=3), "chip: name is 3, must be a word"),
        (lambda: Board("b", 1.5), "board 'b': chips is 1.5, must be a whole number fr"),
        (lambda: Board("b", 1, "c"), "board 'b': chip is of type str, must be a loihi"),
        (lambda: as_board("oheo"), "board 'oheo', must be one of: oheo_gulch, kap"),
        (lambda: as_board("b.yaml"), "b.yaml: ending '.yaml', must be one of: .json"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(Loihi2Error, match=re.escape(message)):
        make()


SIZES = [f.name for f in dataclasses.fields(MemoryModel)]


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("value", [-1, 1.5, "4", True, float("nan"), 10**30])
def test_sizes_of_a_memory_model_are_whole_numbers(name, value):
    least = int(name == "word_bytes")
    limits = f"must be a whole number from {least} to 1048576"
    message = f"memory model: {name} is {value!r}, {limits}"
    with pytest.raises(Loihi2Error, match=re.escape(message)):
        MemoryModel(**{name: value})


def test_a_word_of_memory_has_a_byte():
    with pytest.raises(Loihi2Error, match="word_bytes is 0, must be a whole"):
        MemoryModel(word_bytes=0)
    with pytest.raises(Loihi2Error, match="axon_bytes is None"):
        MemoryModel(axon_bytes=None)
    assert MemoryModel(axon_bytes=0).axon_bytes == 0
    assert MemoryModel().index_bits is None


def test_numbers_of_numpy_are_kept_as_python_has_them():
    board = Board("b", np.int64(2), Chip(cores=np.int32(5)))
    model = MemoryModel(axon_bytes=np.int64(3))
    whole = (board.chips, board.chip.cores, model.axon_bytes)
    assert whole == (2, 5, 3)
    assert {type(n) for n in whole} == {int}


TOML = 'name = "two"\nchips = 2\n[chip]\nname = "c"\ncores = 120\n'


def test_files(tmp_path):
    wanted = Board("two", 2, Chip("c", 120))
    (tmp_path / "b.toml").write_text(TOML)
    table = {"name": "two", "chips": 2, "chip": {"name": "c", "cores": 120}}
    (tmp_path / "b.json").write_text(json.dumps(table))
    assert as_board(tmp_path / "b.toml") == wanted
    assert as_board(str(tmp_path / "b.json")) == wanted
    assert as_board(wanted) is wanted
    assert as_board(wanted.chip) == Board("c", 1, wanted.chip)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"chip": {"core": 3}}', "chip.core: Unexpected"),
        ('{"chip": {"cores": "3"}}', 'chip.cores is "3", must be a whole number'),
        ('{"chip": {"cores": 500}}', "500 cores"),
        ("{", "cannot be parsed"),
    ],
)
def test_bad_files(tmp_path, text, message):
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(Loihi2Error, match=rf"b\.json: .*{re.escape(message)}"):
        as_board(tmp_path / "b.json")


@pytest.mark.slow
def test_import_is_light():
    code = (
        "import sys, lava_sparse_rnn.loihi2\n"
        "assert not {'lava', 'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
