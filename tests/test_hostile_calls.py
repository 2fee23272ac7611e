# SPDX-License-Identifier: BSD-3-Clause
"""Whatever an entrance cannot use it names in one line: thing, value and limit.

A table for each kind of argument: entrances down, bad values across.
"""

import importlib.util
import math
import re
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import backends, c_export, engine, loihi2, microcode, spec
from lava_sparse_rnn.audio import wav
from lava_sparse_rnn.audio.ndns import NdnsFolder
from lava_sparse_rnn.fixed_point import QFormat
from lava_sparse_rnn.spec import quantize

RNG = np.random.default_rng(0)
NETWORK = spec.random_network(np.random.default_rng(0), d_in=3, d_out=2)
TOKENS = np.zeros((4, 3), int)
HAS_LAVA = importlib.util.find_spec("lava") is not None


def refused(call, *says):
    """The line with which a call is refused."""
    with pytest.raises((ValueError, OSError, TypeError)) as caught:
        call()
    text = str(caught.value)
    # Ours, not the inner error of somebody else.
    assert type(caught.value) not in (TypeError, OSError) or "option" in text
    assert "\n" not in text
    assert "Errno" not in text
    assert len(text) < 700
    for said in says:
        assert re.search(said, text), (said, text)
    return text


def netx(path):
    from lava_sparse_rnn.netx import hdf5

    return hdf5.Network(net_config=path)


READERS = {
    "spec.load": spec.load,
    "wav.read": wav.read,
    "wav.Reader": wav.Reader,
    "load_bundle": loihi2.load_bundle,
    "NdnsFolder": NdnsFolder,
    "board": lambda path: loihi2.map_network(NETWORK, path),
    "netx": pytest.param(
        netx, marks=pytest.mark.skipif(not HAS_LAVA, reason="no Lava"), id="netx"
    ),
}
WRITERS = {
    "save": NETWORK.save,
    "wav.write": lambda path: wav.write(path, np.zeros(9)),
    "write_bundle": lambda path: loihi2.write_bundle(NETWORK, path),
    "export_c": lambda path: c_export.export(NETWORK).write(path),
}
NO_PATHS = {
    "None": (None, "is NoneType, must be a path"),
    "number": (3, "is int, must be a path"),
    "bytes": (b"x.net", "is bytes, must be a path"),
    "network": (NETWORK, "is Network, must be a path"),
    "list": (["x.net"], "is list, must be a path"),
    "NUL": ("a\0b.wav", "'a.x00b.wav' holds a NUL character"),
    "empty": ("", "is empty, no file has such a name"),
    "half a character": ("\ud800.wav", "is not for the file system's utf-8"),
}


def parametrised(table):
    return [
        value if hasattr(value, "marks") else pytest.param(value, id=name)
        for name, value in table.items()
    ]


@pytest.mark.parametrize("entrance", parametrised(READERS | WRITERS))
def test_what_is_no_path_is_named(entrance, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, says in NO_PATHS.values():
        refused(lambda p=path: entrance(p), says)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("entrance", parametrised(READERS | WRITERS))
@pytest.mark.parametrize("path", ["x" * 300 + ".wav", "no/a.wav", "file/a.wav"])
def test_a_path_that_cannot_be_is_named(entrance, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    refused(lambda: entrance(path), re.escape(path))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("entrance", parametrised(WRITERS))
def test_a_writer_says_what_is_in_the_way(entrance, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if entrance is WRITERS["export_c"]:  # writes into a folder
        Path("a.wav").write_text("")
        refused(lambda: entrance("a.wav"), "a.wav")
    elif entrance is not WRITERS["write_bundle"]:
        Path("a.wav").mkdir()
        refused(lambda: entrance("a.wav"), "^a.wav: .*(folder|directory)")
        refused(lambda: entrance("no/a.wav"), "^no/a.wav: .*(folder|No such)")


RECIPE = {
    "weight_bits": [1, 9, 0, -3],
    "wire_bits": [1, 33],
    "state_bits": [1, 64],
    "a_bits": [1, 33],
    "gate_bits": [0, 33],
    "bias_bits": [1, 33],
}
NO_WHOLES = ["8", 8.5, 8.0, math.nan, None, True, [8], np.float32(8)]


@pytest.mark.parametrize("field", RECIPE)
def test_widths_of_a_recipe(field):
    most = 8 if field == "weight_bits" else 32
    for value in [*RECIPE[field], *NO_WHOLES]:
        says = f"{field} is .*, must be a whole number from 2 to {most}$"
        refused(lambda v=value: spec.Recipe(**{field: v}), says)
        refused(lambda v=value: quantize.recipe("w8a8", **{field: v}), says)
    assert getattr(spec.Recipe(**{field: np.int64(4)}), field) == 4


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: spec.Recipe(sigmoid=None), "sigmoid is None, must be SigmoidLines"),
        (
            lambda: spec.Recipe(rounding=["floor"]),
            "rounding is .*must be one of: floor",
        ),
        (lambda: quantize.recipe(["w8a8"]), "recipe is .*, must be one of: w8a16"),
        (lambda: quantize.recipe("w8a8", bits=3), "field is 'bits', must be one of"),
        (lambda: QFormat("8", 0), "QFormat: bits is '8', must be a whole number"),
        (lambda: spec.Wire(8.5, [0], 0), "Wire: bits is 8.5, must be a whole number"),
        (lambda: spec.Wire(8, [0], "0"), "Wire: ref is '0', must be a whole number"),
        (lambda: spec.Weights([[1]], [0], "8"), "Weights: bits is '8'"),
        (lambda: spec.Bias([1], [0], 8.5), "Bias: bits is 8.5"),
        (lambda: spec.Network(None), "layers is None, must be a list of layers"),
        (lambda: spec.Network([3]), "layer 0 is int, must be a spec.Layer"),
        (lambda: spec.Network(NETWORK.layers, meta=3), "meta is int, must be a mapp"),
        (lambda: spec.Network(NETWORK.layers, None), "recipe is None, must be a spec"),
        (lambda: microcode.assemble(None), "the text is NoneType, must be str"),
        (lambda: microcode.assemble(b"add"), "the text is bytes, must be str"),
        (lambda: loihi2.map_network(NETWORK, None), "board: is NoneType, must be a"),
        (lambda: loihi2.map_network(NETWORK, 3), "board: is int, must be a path"),
        (lambda: loihi2.map_network(NETWORK, model=3), "model is of type int, must"),
        (lambda: c_export.export(NETWORK, None), "prefix is None, must be an ident"),
        (lambda: engine.Engine(NETWORK, threads="2"), "threads is '2', must be a who"),
        (lambda: wav.Reader("a.wav", target="x"), "target is 'x', must be a whole nu"),
        (lambda: wav.read("a.wav", 2**80), "target is 1208.*, must be .* to 10000000"),
        (
            lambda: wav.read_parts([], "x", 1.0),
            "at is 'x', must be a finite number at least 0",
        ),
        (lambda: wav.read_parts([], 0.0, math.nan), "seconds is nan, must be"),
        (lambda: spec.random_network(RNG, d_in=1.5), "d_in is 1.5, must be a whole"),
        (
            lambda: spec.random_network(RNG, d_state="s"),
            "d_state is 's', must be a who",
        ),
        (lambda: spec.random_network(RNG, density=2), "density is 2, must be"),
        (lambda: wav.Reader("a.wav", 0), "block is 0, must be a whole number from 1"),
    ],
)
def test_what_cannot_be_is_named(call, says):
    refused(call, says)


def test_what_json_does_not_hold_is_named(tmp_path):
    for value in (np.ones(3), {1, 2}, object(), 1j):
        network = spec.Network(NETWORK.layers, NETWORK.recipe, {"a": value})
        refused(lambda n=network: n.save(tmp_path / "a.net"), "meta is not for JSON")
    refused(lambda: NETWORK.save(tmp_path / "a.net", packed="no"), "packed is 'no'")
    assert list(tmp_path.iterdir()) == []


NO_TOKENS = {
    "flags": (np.zeros((4, 3), bool), "must be whole numbers, got bool"),
    "ragged": ([[1, 2, 3], [1, 2]], "rows differ in length"),
    "ragged sequences": ([[[1, 2, 3], [1]], [[1, 2, 3]]], "rows differ in length"),
    "text": ("tokens", "shape"),
    "words": ([["a", "b", "c"]], "whole numbers, got <U1"),
    "None": (None, "shape"),
    "NaN": (np.full((4, 3), math.nan), "value|whole numbers"),
    "complex": (np.zeros((4, 3), complex), "whole numbers, got complex"),
    "other width": (np.zeros((4, 2), int), r"must be \(T, 3\)"),
    "scalar": (np.float64(3), "shape"),
    "masked": (np.ma.masked_less(np.zeros((4, 3), int), 1), "part of it is masked"),
    "loud": (np.full((4, 3), 10**9), "does not fit"),
}
RUNS = {
    "reference": lambda x: spec.reference.run(NETWORK, x),
    "engine": lambda x: engine.Engine(NETWORK).run(x),
    "stream of the engine": lambda x: engine.Stream(NETWORK).process(x),
    "microcode": lambda x: microcode.run(NETWORK, x),
    "measure": lambda x: loihi2.measure(NETWORK, x),
}


@pytest.mark.parametrize("run", parametrised(RUNS))
def test_what_are_no_tokens_is_named(run):
    of_engine = run in (RUNS["engine"], RUNS["stream of the engine"])
    if of_engine and engine.EXTENSION is None:
        pytest.skip("the engine is not built")
    for x, says in NO_TOKENS.values():
        refused(lambda x=x: run(x), "^(sequence 0: )?input: .*" + says)


@pytest.mark.parametrize("head", ["sequence", "mean"])
def test_what_are_no_real_tokens_or_lengths_is_named(head):
    network = spec.Network(NETWORK.layers, NETWORK.recipe, {"head": head})
    x = np.zeros((2, 4, 3))

    def answer(x, lengths=None):
        return backends.answer(network, x, lengths, backend="reference")

    for value in (math.nan, math.inf, -math.inf):
        refused(lambda v=value: answer(x + v), r"value at \(0, 0, 0\) is .*finite")
    refused(lambda: answer(x + 0j), "must be real numbers, got complex128")
    refused(lambda: answer(x > 0), "must be real numbers, got bool")
    for lengths in ([2.0, 4.0], [True, True], ["2", "4"], 3, [2], [[2, 4]], [2, [4]]):
        refused(lambda n=lengths: answer(x, n), "^lengths: ")
    for lengths in ([0, 4], [2, 5], [-1, 1]):
        refused(lambda n=lengths: answer(x, n), "lengths: .* must be from 1 to 4")


@pytest.mark.parametrize(
    "values", [math.nan, math.inf, 1j, "a", True, [[1, 2], [1]], None]
)
def test_no_answer_is_made_of_what_is_none(values):
    wire = values if isinstance(values, list) else np.full((3, 2), values)
    refused(lambda: NETWORK.from_wire(wire), "^output: ")


@pytest.mark.parametrize("name", ["a", "a.", "a.b", ".wav", "a.wav/"])
def test_sound_without_a_suffix_is_refused(tmp_path, name):
    if name == "a.wav/":
        (tmp_path / "a.wav").mkdir()
    refused(lambda: wav.write(f"{tmp_path}/{name}", np.zeros(9)), "suffix|folder|Is a")
    assert not [p for p in tmp_path.iterdir() if p.is_file()]
