# SPDX-License-Identifier: BSD-3-Clause
"""What is shown of an object: a few words, whatever the number of its numbers."""

import copy
import dataclasses
import importlib
import inspect
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import lava_sparse_rnn
from lava_sparse_rnn import audio, c_export, engine, loihi2, microcode, spec
from lava_sparse_rnn.fixed_point import Brief, Shift, fit_lines
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.spec import reference

FRONT_END = audio.FrontEnd(n_fft=16, hop_length=4)


def network_of(n_blocks, width=8):
    rng = np.random.default_rng(0)
    sizes = {"d_in": 9, "d_model": width, "d_out": 9, "n_blocks": n_blocks}
    made = spec.random_network(rng, **sizes)
    return spec.Network(made.layers, made.recipe, FRONT_END.metadata())


def shown(network, folder):
    """One of each kind of object that is made of a network."""
    x = np.zeros((3, network.d_in), int)
    mapping = loihi2.map_network(network)
    estimate = loihi2.estimate(network, x, mapping)
    bundle = loihi2.write_bundle(network, folder / "bundle")
    block, stft = network.layers[1], audio.Stft()
    yield from (network, network.recipe, fit_lines(), *network.layers[:2])
    yield from (block.B_re, block.D, block.bias_z, block.s, block.a_format, block.g)
    yield from (network.graphs[1], *network.graphs[1].nodes, *network.graphs[1].edges)
    yield from (node.group for node in network.graphs[1].nodes)
    yield from (mapping, mapping.groups[1], mapping.groups[1].inputs[0])
    yield from (estimate, estimate.counts, estimate.counts.real, estimate.pipelined)
    yield from (bundle, bundle.manifest, deployment.board_image(bundle))
    yield from (bundle.programs["layer1_gate"], c_export.export(network))
    yield from (reference.Reference(network), microcode.Stream(network))
    yield from (audio.Denoiser(network), stft, audio.Analyzer(stft))
    yield microcode.Stream(network).groups["layer1_gate"]
    if engine.EXTENSION is not None:
        yield from (engine.Engine(network), engine.Stream(network))


@pytest.mark.parametrize(
    ("n_blocks", "width"), [(1, 8), pytest.param(8, 24, marks=pytest.mark.slow)]
)
def test_a_repr_is_a_few_lines(n_blocks, width, tmp_path):
    for thing in shown(network_of(n_blocks, width), tmp_path):
        text = repr(thing)
        assert len(text) <= 700, text
        assert text.count("\n") < 10, text
        assert type(thing).__name__ in text
        assert " at 0x" not in text
        assert "array(" not in text
        assert text == repr(copy.deepcopy(thing))


def test_a_network_says_what_it_is():
    network = network_of(1)
    first, *layers = repr(network).splitlines()
    held = [m for layer in network.layers for m in layer.matrices.values()]
    nnz = sum(m.nnz for m in held)
    assert first.startswith(f"spec.Network(9 -> 9, latency 5, {nnz} of ")
    assert f"{nnz} bytes" in first  # of 8 bits each
    names = [line.split(":")[0] for line in layers]
    assert names == ["  0 affine", "  1 s5", "  2 affine"]
    many = repr(network_of(30)).splitlines()
    assert many[-2] == "  ... 26 more"
    assert many[-1].startswith("  31 affine: 8 -> 9, ")


def test_an_estimate_says_that_it_is_one(tmp_path):
    network = network_of(1)
    mapping = loihi2.map_network(network)
    text = repr(loihi2.estimate(network, np.ones((3, 9), int), mapping))
    assert "no hardware was run" in text
    assert "pipelined, step at least" in text


def test_a_class_keeps_the_repr_that_it_is_given():
    @dataclasses.dataclass(frozen=True)
    class Pair(Brief):
        numbers: np.ndarray
        name: str = "x"

    pair = Pair(np.arange(100))
    assert repr(pair).endswith("Pair(numbers=int64 (100,), 0..99, name='x')")
    assert pickle.loads(pickle.dumps(spec.Bias.zeros(3))) == spec.Bias.zeros(3)


LARGE = re.compile(r"NDArray|Array\b|Tensor|csr_array|Network\b|Mapping\b|Program\b")
PACKAGE = Path(lava_sparse_rnn.__file__).parent
# Whatever offers names, and two files that do so without a list.
OFFERING = sorted(
    ".".join(path.parent.relative_to(PACKAGE).parts)
    for path in PACKAGE.glob("*/**/__init__.py")
    if "__all__" in path.read_text("utf-8") and PACKAGE / "cli" not in path.parents
)
NEEDS = {
    **dict.fromkeys(("nn", "train", "tasks", "study"), "torch"),
    **dict.fromkeys(("inline", "proc", "netx"), "lava"),
    "interchange.neurobench": "neurobench",
    "interchange.nir": "nir",
    "interchange.onnx": "onnx",
}


@pytest.mark.parametrize("room", [*OFFERING, "spec.graph", "spec.groups"])
def test_public_dataclasses_of_arrays_are_brief(room):
    if needed := NEEDS.get(room) or NEEDS.get(room.partition(".")[0]):
        pytest.importorskip(needed)
    module = importlib.import_module(f"lava_sparse_rnn.{room}")
    names = getattr(module, "__all__", dir(module))
    for cls in (getattr(module, name) for name in names):
        if isinstance(cls, type) and dataclasses.is_dataclass(cls):
            kinds = [str(f.type) for f in dataclasses.fields(cls) if f.repr]
            if any(LARGE.search(kind) for kind in kinds):
                assert issubclass(cls, Brief), cls


@pytest.mark.parametrize("room", OFFERING)
def test_public_classes_say_what_they_are_and_what_they_take(room):
    """Not an address, and not ``(*args, **kwargs)``."""
    if needed := NEEDS.get(room) or NEEDS.get(room.partition(".")[0]):
        pytest.importorskip(needed)
    module = importlib.import_module(f"lava_sparse_rnn.{room}")
    for cls in (getattr(module, name) for name in module.__all__):
        if not isinstance(cls, type) or not cls.__module__.startswith("lava_sparse_"):
            continue
        is_model = re.search(
            "Process|Pt'", str(cls.__mro__)
        )  # Lava makes them and shows none
        is_idea = getattr(cls, "_is_protocol", False) or inspect.isabstract(cls)
        if not issubclass(cls, BaseException) and not is_idea and not is_model:
            assert cls.__repr__ is not object.__repr__, cls
            assert not str(inspect.signature(cls)).startswith("(*args"), cls


def test_things_of_every_room_are_told_in_a_few_words(tmp_path):
    for kind in ("noisy", "clean"):
        (tmp_path / kind).mkdir()
        audio.wav.write(tmp_path / kind / f"{kind}_fileid_0.wav", np.zeros(800))
    folder = audio.NdnsFolder(tmp_path)
    assert re.fullmatch(r"audio.NdnsFolder\('.*, 1 examples\)", repr(folder))
    assert repr(Shift([3, -2])) == "fixed_point.Shift(-2..3)"
    pytest.importorskip("lava")
    from lava_sparse_rnn import proc

    shown = repr(proc.MicrocodeSimCfg(layered=True))
    assert shown == "proc.MicrocodeSimCfg('microcode', layered=True, runtime=None)"
    clock = proc.Clock(3)
    assert repr(clock) == repr(copy.deepcopy(clock)) == "proc.Clock(num_tokens=3)"
