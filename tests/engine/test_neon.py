# SPDX-License-Identifier: BSD-3-Clause
"""The kernels for 64-bit ARM, cross-compiled and run under qemu, without Python.

The networks are prepared by the code that prepares them for the extension, into a
stand-in for it that keeps what it is given; `neon/harness.cpp` reads that.
"""

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.engine import _prepare
from lava_sparse_rnn.fixed_point import OverflowCounters, SpecError, fit_lines

SOURCES = Path(_prepare.__file__).parent / "src"
HARNESS = Path(__file__).parent / "neon" / "harness.cpp"
COMPILER, QEMU = "aarch64-linux-gnu-g++", "qemu-aarch64"
# A processor of qemu, and the kernels that it has.
PROCESSORS = {
    "cortex-a72": ["scalar", "neon"],
    "cortex-a76": ["scalar", "neon", "dotprod"],
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which(COMPILER) and shutil.which(QEMU)),
        reason=f"{COMPILER} and {QEMU} are not both here",
    ),
]


class Layer:
    """Stands in for the extension's LayerDescription, and keeps words."""

    def __init__(self):
        self.type, self.numbers = "", {}
        self.arrays, self.matrices = {}, {}

    def set_array(self, name, values):
        self.arrays[name] = words(values)

    def set_matrix(self, name, *parts):
        numbers, arrays = parts[:3], parts[3:]
        self.matrices[name] = " ".join([*map(str, numbers), *map(words, arrays)])

    def words(self):
        yield self.type
        for table in (self.numbers, self.arrays, self.matrices):
            yield str(len(table))
            yield from (f"{name} {value}" for name, value in table.items())


class Description:
    """Stands in for the extension's Description."""

    def __init__(self):
        self.layers = []

    def set_gate(self, gate):
        self.gate = gate

    def add(self, layer):
        self.layers.append(layer)

    def words(self):
        yield f"{int(self.nearest)} {int(self.wrap)} {self.gate} {len(self.layers)}"
        for layer in self.layers:
            yield from layer.words()


def words(values):
    """A counted list of integers."""
    values = np.asarray(values).ravel()
    return " ".join(map(str, [len(values), *values.tolist()]))


def case(network, x):
    """A network, tokens, and all that the reference makes of them."""
    trace, counts = {}, OverflowCounters()
    y = spec.reference.run(network, x, trace, counts)
    yield from _prepare.describe(network, "").words()
    yield str(int(not any(_prepare.obstacles(network))))
    yield words(x)
    yield words(y)
    yield words([counts[name] for name in trace])
    yield str(len(trace))
    yield from map(words, trace.values())


def random_cases(random_tokens, seeds):
    """Networks of many sizes, widths and policies."""
    for seed in seeds:
        rng = np.random.default_rng(seed)

        def one_of(*values, rng=rng):
            return values[rng.integers(len(values))]

        recipe = spec.Recipe(
            rounding=one_of("floor", "nearest"),
            overflow=one_of("saturate", "wrap"),
            state_nonlinearity=one_of("real_gate", "split", "none"),
            sigmoid=one_of(fit_lines(), fit_lines(0.0004)),
            weight_bits=one_of(2, 4, 8),
            wire_bits=one_of(4, 8, 12, 16, 16, 16, 18),
            state_bits=one_of(12, 20, 24, 28),
            a_bits=one_of(8, 16),
        )
        sizes = [one_of(1, 15, 16, 37, 64, 65, 130, 257, 330) for _ in range(4)]
        density = rng.random() ** 2
        try:
            network = spec.random_network(
                rng, *sizes, n_blocks=one_of(0, 1, 2), density=density, recipe=recipe
            )
        except SpecError:
            continue  # the proof forbids it
        fmt, x = network.layers[0].inp.format, random_tokens(network, 19, seed)
        x[1], x[2] = fmt.lowest, fmt.highest
        yield network, x


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    """The harness, compiled for 64-bit ARM."""
    program = tmp_path_factory.mktemp("neon") / "harness"
    names = ("kernel_neon", "kernel_scalar", "kernels", "windows")
    sources = [HARNESS, *(SOURCES / f"{name}.cpp" for name in names)]
    command = [COMPILER, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Wno-psabi"]
    command += ["-Wno-uninitialized", "-static", "-pthread", "-I", str(SOURCES)]
    subprocess.run([*command, *map(str, sources), "-o", str(program)], check=True)
    return program


@pytest.fixture
def run(harness, monkeypatch):
    """A function: the harness's lines of output on cases."""
    stand_in = SimpleNamespace(Description=Description, LayerDescription=Layer)
    monkeypatch.setattr(_prepare, "EXTENSION", stand_in)

    def call(processor, cases):
        texts = ["\n".join(case(*pair)) for pair in cases]
        return subprocess.run(
            [QEMU, "-cpu", processor, harness],
            input="\n".join([str(len(texts)), *texts]),
            capture_output=True,
            text=True,
        )

    return call


@pytest.mark.parametrize("processor", PROCESSORS)
def test_random_networks(run, processor, random_tokens):
    cases = list(random_cases(random_tokens, range(6)))
    assert len(cases) >= 5
    done = run(processor, cases)
    assert done.returncode == 0, done.stderr
    *kernels, count = done.stdout.splitlines()
    assert kernels == PROCESSORS[processor]
    assert count == f"{len(cases)} cases"


def test_the_shipped_network(run):
    network = spec.load(Path(__file__).parents[2] / "data" / "denoiser.net")
    rng = np.random.default_rng(0)
    x = np.rint(rng.gamma(0.3, 900, (40, network.d_in))).clip(0, 32767).astype(int)
    done = run("cortex-a76", [(network, x)])
    assert done.returncode == 0, done.stderr


def test_a_difference_is_noticed(run, monkeypatch, random_tokens):
    network = spec.random_network(np.random.default_rng(0))
    right = spec.reference.run
    monkeypatch.setattr(spec.reference, "run", lambda *a: right(*a) + 1)
    done = run("cortex-a76", [(network, random_tokens(network, 3))])
    assert done.returncode == 1
    assert "answers differs from the reference" in done.stderr
