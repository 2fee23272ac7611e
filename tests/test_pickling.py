# SPDX-License-Identifier: BSD-3-Clause
"""What is public can be pickled and copied, and the copy goes on as the original."""

import copy
import dataclasses
import importlib
import inspect
import mmap
import pickle

import h5py
import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.utils import serialization
from scipy import sparse

from lava_sparse_rnn import (
    backends,
    engine,
    fixed_point,
    loihi2,
    microcode,
    proc,
    spec,
)
from lava_sparse_rnn.audio import Denoiser, FrontEnd, MixerConfig, SegmentsConfig
from lava_sparse_rnn.netx import hdf5
from lava_sparse_rnn.spec import reference
from lava_sparse_rnn.spec.threads import OwnLock

ROOMS = "fixed_point spec spec.quantize engine microcode proc netx.hdf5 loihi2 audio"
COPIES = {"pickle": lambda x: pickle.loads(pickle.dumps(x)), "copy": copy.deepcopy}
each_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)

NETWORK = spec.random_network(np.random.default_rng(1))
BLOCK = NETWORK.layers[1]
TOKENS = np.random.default_rng(2).integers(-(1 << 15), 1 << 15, (12, NETWORK.d_in))
COUNTING = """
.program counting
.acc   input
.state total 16
.out   spikes 16
.reg   v
        RDC   v, input
        RMW   v, total, v
        PROBE v
        SPIKE spikes, v
"""


def denoiser(backend):
    rng = np.random.default_rng(2)
    net = spec.random_network(rng, d_in=17, d_model=8, d_state=6, d_out=17)
    front_end = FrontEnd(n_fft=32, hop_length=8, feature_mean=0.2, feature_scale=0.5)
    meta = front_end.metadata()
    return Denoiser(spec.Network(net.layers, net.recipe, meta), backend)


def mapping():
    return loihi2.map_network(NETWORK, "kapoho_point", cores=13)


def bundle(folder):
    loihi2.write_bundle(NETWORK, folder / "bundle", mapping())
    return loihi2.load_bundle(folder / "bundle")


def file(folder):
    NETWORK.save(folder / "a.net")
    return hdf5.Network(net_config=folder / "a.net")


def s4d():
    rng = np.random.default_rng(0)
    parts = rng.uniform(0.2, 0.6, (3, 2, 4)) + 0.1j
    return proc.S4D.from_float(*parts, calibration=rng.normal(size=(9, 2)))


def mixed(folder):
    """A file that begins with neurons of somebody else's."""
    path = folder / "mixed.net"
    with h5py.File(path, "w") as handle:
        handle["layer/0/type"] = [b"ours"]
        for i, layer in enumerate(NETWORK.layers, 1):
            group = handle.create_group(f"layer/{i}")
            spec.write_layer(layer, group)
            spec.write_recipe(NETWORK.recipe, group)
            group.attrs["input_frac"] = 12

    def build(group, place):
        zeros = np.zeros(NETWORK.d_in, int)
        neurons = spec.groups.AffineGroup(zeros, zeros, 16, False)
        timing = place.timing.arguments()
        process = proc.Affine(group=neurons, clock=place.clock, **timing)
        return hdf5.Layer(process, process.a_in, process.s_out, 0, message_bits=16)

    hdf5.register("ours", build)
    try:
        return hdf5.Network(net_config=path)
    finally:
        del hdf5.BUILDERS["ours"]


# Streams: a network and its state, by the way it runs.
STREAMS = {
    "reference": lambda: reference.Reference(NETWORK),
    "engine": lambda: engine.Stream(NETWORK, "scalar"),
    "microcode": lambda: microcode.Stream(NETWORK),
    "session": lambda: proc.Session(NETWORK, capacity=5),
}
PROCESSES = {
    "network": lambda folder: proc.SparseRNN(NETWORK),
    "network in fall-through": lambda folder: proc.SparseRNN(
        NETWORK, mode="fall_through"
    ),
    "file": file,
    "mixed file": mixed,
    "source": lambda folder: proc.Source(data=TOKENS),
    "sink": lambda folder: proc.Sink(shape=(2,), num_steps=3),
    "block": lambda folder: proc.S5Block(BLOCK, NETWORK.recipe),
    "affine": lambda folder: proc.Affine.of(NETWORK.layers[0], NETWORK.recipe),
    "recurrence": lambda folder: proc.Recurrence.of(BLOCK, NETWORK.recipe),
    "readout": lambda folder: proc.Readout.of(BLOCK, NETWORK.recipe),
    "gate": lambda folder: proc.Gate.of(BLOCK, NETWORK.recipe),
    "S4D": lambda folder: s4d(),
    "program": lambda folder: proc.MicrocodeNeurons(COUNTING, (3,)),
    "head": lambda folder: proc.Head(shape=(2,)),
}


def values(folder):
    """Objects without a state of their own that other objects are made of."""
    estimate = loihi2.estimate(NETWORK, TOKENS, mapping())
    complex_ones, ones, counts = np.ones((2, 2)) + 1j, np.ones(2), {}
    real = spec.quantize.RealBlock(
        complex_ones[0],
        *[complex_ones] * 2,
        ones,
        np.ones((2, 2)),
        *[ones] * 3,
        "split",
    )
    microcode.run(NETWORK, TOKENS, counts=counts)
    program, tracer = microcode.assemble(COUNTING), microcode.Tracer()
    interpreter = microcode.Interpreter(program, n_neurons=2)
    interpreter.step({"input": np.array([40000, 3])}, tracer)
    wrong = microcode.assemble(COUNTING.replace("v, input", "v, total"))
    place = hdf5.Place("here", (2,), 0, True, proc.Timing(), proc.Clock())
    return [
        *(NETWORK, mapping(), estimate, counts, program, tracer),
        *(bundle(folder), s4d().network),
        *(proc.RunCfg(), proc.MicrocodeSimCfg(), microcode.Timing()),
        *(fixed_point.OverflowCounters(a=1), fixed_point.RealArithmetic()),
        *(microcode.check(wrong), microcode.OPCODES, fixed_point.Shift([1, -2])),
        *(place, hdf5.View((3,)), loihi2.Violation("r", "core", 3, 2, "bytes")),
        *(real, spec.quantize.RealS4D(real.a_bar, real.a_bar, real.a_bar)),
        spec.quantize.RealAffine(np.ones((2, 2)), np.ones(2), True),
        *(MixerConfig("cache"), SegmentsConfig("folder")),
        *(spec.Sequences.of(NETWORK, TOKENS), loihi2.measure(NETWORK, TOKENS)),
        *loihi2.sweep(NETWORK, TOKENS, cores=[20]),
    ]


def parts(value, found=None):
    """Everything that a value is made of, itself included."""
    found = {} if found is None else found
    if id(value) in found or isinstance(value, type | str | np.ndarray):
        return found
    found[id(value)] = value
    inside = list(getattr(value, "__dict__", {}).values())
    if isinstance(value, dict):
        inside += [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inside += list(value)
    for part in inside:
        parts(part, found)
    return found


def same(a, b, seen=None):
    """Whether two values are made of the same parts, down to every number."""
    seen = set() if seen is None else seen
    if a is b or (id(a), id(b)) in seen or isinstance(a, OwnLock):
        return True
    seen.add((id(a), id(b)))
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if sparse.issparse(a):
        return a.shape == b.shape and (a != b).nnz == 0
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k], seen) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b, [seen] * len(a)))
    if dataclasses.is_dataclass(a):
        names = [f.name for f in dataclasses.fields(a)]
        return all(same(getattr(a, n), getattr(b, n), seen) for n in names)
    if isinstance(a, mmap.mmap):
        return a[:] == b[:]
    own = [{n: getattr(x, n) for n in _names(x)} for x in (a, b)]
    return a == b or (own[0] != {} and same(*own, seen))


def _names(value):
    return [*getattr(value, "__dict__", ()), *getattr(value, "__slots__", ())]


@each_copy
def test_values_are_the_same(tmp_path, copied):
    for value in values(tmp_path):
        assert same(value, copied(value)), type(value)


@each_copy
def test_a_network_cannot_be_changed_in_a_copy_either(copied):
    matrix = copied(NETWORK).layers[0].weights.matrix
    with pytest.raises(ValueError, match="read-only"):
        matrix.data[0] = 5


@each_copy
@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_goes_on_from_its_state(kind, copied):
    expected = reference.Reference(NETWORK)
    with STREAMS[kind]() as stream:
        first = stream.run(TOKENS[:6])
        np.testing.assert_array_equal(first, expected.run(TOKENS[:6]))
        counters = stream.counters
        assert sum(counters.values())
        with copied(stream) as other:
            stream.run(TOKENS[:3])  # what the original does is nothing to the copy
            assert other.counters == counters
            rest = other.run(TOKENS[6:])
            np.testing.assert_array_equal(rest, expected.run(TOKENS[6:]))
            assert other.counters == expected.counters


@each_copy
def test_an_engine_answers_and_goes_on_counting(copied):
    made = engine.Engine(NETWORK, threads=2)
    expected = made.run(TOKENS)
    other = copied(made)
    assert (other.kernel, other.threads) == (made.kernel, 2)
    np.testing.assert_array_equal(other.run(TOKENS), expected)
    assert other.counters == {name: 2 * n for name, n in made.counters.items()}


@each_copy
def test_an_interpreter_goes_on_by_itself(copied):
    program = microcode.assemble(COUNTING)
    one = microcode.Interpreter(program, n_neurons=2)
    one.step({"input": np.array([20000, 3])})
    other = copied(one)
    for made in (one, other):
        made.step({"input": np.array([20000, 3])})
    for made in (one, other):
        assert made.state["total"].tolist() == [32767, 6]
        assert made.probes["v"].tolist() == [32767, 6]
        assert made.counters == {"total": 1}
        assert (made.executed_total, made.steps) == (16, 2)
        assert made.executed_by_opcode["PROBE"] == 4


@each_copy
@pytest.mark.parametrize("backend", backends.BACKENDS)
def test_a_denoiser_goes_on_in_the_middle_of_a_stream(backend, copied):
    samples = np.random.default_rng(0).normal(0, 0.1, 300).astype(np.float32)
    with denoiser(backend) as one:
        one.process(samples[:130])
        with copied(one) as other:
            rest = other.process(samples[130:])
            np.testing.assert_array_equal(rest, one.process(samples[130:]))


@each_copy
@pytest.mark.parametrize("kind", PROCESSES)
def test_processes_are_made_of_the_same(kind, copied, tmp_path):
    process = PROCESSES[kind](tmp_path)
    other = copied(process)
    params, copies = process.proc_params._parameters, other.proc_params._parameters
    assert same(params, copies)
    assert str(other) == str(process) or "object at" in str(process)
    for members in ("vars", "in_ports", "out_ports"):
        pairs = zip(getattr(process, members), getattr(other, members), strict=True)
        for a, b in pairs:
            assert (a.name, a.shape) == (b.name, b.shape)
            assert b.process is other
            assert members != "vars" or (a.id != b.id and same(a.init, b.init))
    assert other.id != process.id
    if hasattr(process, "clock"):
        assert other.clock is other.proc_params["clock"] is not process.clock


@each_copy
@pytest.mark.parametrize("kind", ["file", "mixed file", "block", "program"])
def test_a_process_answers_as_the_original(kind, copied, tmp_path):
    process = PROCESSES[kind](tmp_path)
    other = copied(process)
    ports = vars(process)
    (shape,) = {ports[p].shape for p in ("inp", "a_in") if p in ports}
    x = np.random.default_rng(0).integers(-900, 900, (5, *shape))
    y = proc.run(other, x)
    np.testing.assert_array_equal(y, proc.run(process, x))
    np.testing.assert_array_equal(y, proc.run(copied(process), x))  # once it has run


def chain(folder, kind="file"):
    process = PROCESSES[kind](folder)
    source = proc.Source(data=TOKENS)
    sink = proc.Sink(shape=(NETWORK.d_out,), num_steps=12, skip=process.latency)
    source.s_out.connect(process.inp)
    process.out.connect(sink.a_in)
    return source, process, sink


SAVED = [
    "file",
    *(pytest.param(k, marks=pytest.mark.slow) for k in ("network", "mixed file")),
]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SAVED)
def test_processes_that_lava_saves_with_what_is_compiled(kind, tmp_path):
    source, process, sink = chain(tmp_path, kind)
    executable = process.compile(proc.RunCfg())
    path = str(tmp_path / "saved")
    serialization.save([source, process, sink], path, executable)
    expected = proc.run(PROCESSES[kind](tmp_path), TOKENS)
    (source, process, sink), executable = serialization.load(path + ".pickle")
    process.create_runtime(executable=executable)
    try:
        process.run(RunSteps(12 + process.latency))
        states = process.vars.members[0].get()
    finally:
        process.stop()
    np.testing.assert_array_equal(sink.data, expected)
    assert states.shape == process.vars.members[0].shape


def test_a_network_that_runs_is_not_copied(tmp_path):
    _, process, _ = chain(tmp_path)
    process.run(RunSteps(2), proc.RunCfg())
    try:
        for copied in COPIES.values():
            with pytest.raises(RuntimeError, match="stop it before"):
                copied(process)
    finally:
        process.stop()
    assert copy.deepcopy(process).network == NETWORK


# What needs recordings, so that tests/audio has it, or operating-system processes.
ELSEWHERE = {"Mixer", "NdnsFolder", "NdnsItem", "NdnsSegments", "Mix", "WavInfo"}


@pytest.fixture(scope="module")
def copied_kinds(tmp_path_factory):
    """The classes of all that is copied here, and of their parts."""
    folder = tmp_path_factory.mktemp("kinds")
    streams = [make() for make in STREAMS.values()]
    made = [*values(folder), *streams]
    made += [*(make(folder) for make in PROCESSES.values()), denoiser("reference")]
    made += [
        engine.Engine(NETWORK),
        microcode.Interpreter(microcode.assemble(COUNTING)),
    ]
    found = {type(part) for part in parts(made).values()}
    for stream in streams:
        stream.close()
    return found


@pytest.mark.parametrize("room", ROOMS.split())
def test_no_public_class_is_forgotten(room, copied_kinds):
    module = importlib.import_module(f"lava_sparse_rnn.{room}")
    public = [c for n in module.__all__ if inspect.isclass(c := getattr(module, n))]
    missing = {
        c.__name__
        for c in public
        if not (getattr(c, "_is_protocol", False) or issubclass(c, Exception))
        and not any(issubclass(kind, c) for kind in copied_kinds)
    }
    assert missing - ELSEWHERE == set()
