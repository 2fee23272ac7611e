# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the export share: a compiler, and the comparison."""

import shutil
import subprocess

import numpy as np
import pytest

from lava_sparse_rnn import c_export, spec
from lava_sparse_rnn.fixed_point import OverflowCounters

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion")
SANITIZE = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-g")


@pytest.fixture(scope="session")
def gcc():
    """The command of a C compiler, or a skip."""
    if not shutil.which("gcc"):
        pytest.skip("there is no gcc")
    return "gcc"


@pytest.fixture
def compiled(gcc, tmp_path):
    """A function: the example program of a network, compiled."""

    def make(network, *flags, prefix="net"):
        folder = tmp_path / "c"
        c_export.export(network, prefix).write(folder, main=True)
        program = folder / "program"
        sources = [str(folder / f"{prefix}{end}.c") for end in ("", "_main")]
        command = [gcc, *STRICT, *flags, *sources, "-o", str(program)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return program

    return make


def token_type(wire):
    """Type of the numbers that the example program reads or writes."""
    return np.int16 if wire.bits <= 16 else np.int32


@pytest.fixture
def assert_same(compiled):
    """A function: the C's answers and counts are the reference's."""

    def check(network, x, *flags):
        counts = OverflowCounters()
        y = spec.reference.run(network, x, counters=counts)
        program = compiled(network, *flags, "-DNET_COUNT_OVERFLOWS")
        tokens = x.astype(token_type(network.layers[0].inp)).tobytes()
        done = subprocess.run([program], input=tokens, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        answers = np.frombuffer(done.stdout, token_type(network.layers[-1].out))
        np.testing.assert_array_equal(answers.reshape(y.shape), y)
        assert [int(n) for n in done.stderr.split()] == [
            counts[name] for name in tensor_names(network)
        ]

    return check


def tensor_names(network):
    """Every tensor that is counted, in the order of the enumeration."""
    of = {
        "affine": ("out",),
        "s4d": ("x_re", "x_im", "s_re", "s_im", "out"),
        "s5": ("x_re", "x_im", "s_re", "s_im", "z", "g", "out"),
    }
    for i, layer in enumerate(network.layers):
        yield from (f"layer{i}_{name}" for name in of[layer.type])
