# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the export share: a compiler, and the comparison."""

import ctypes
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from lava_sparse_rnn import c_export, spec
from lava_sparse_rnn.audio import FrontEnd
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


STRICT_SOUND = (*STRICT, "-Wshadow", "-Wdouble-promotion", "-Wstrict-prototypes")
DRIVER = """
#include "net_sound.c"

int size(void);
int hop(net_sound *sound, const float *in, net_in *token, net_out *answer, float *out);

int size(void) { return (int)sizeof(net_sound); }

/* A hop, and what the network saw and said. */
int hop(net_sound *sound, const float *in, net_in *token, net_out *answer, float *out)
{
    int i, status = net_sound_process(sound, in, out);
    for (i = 0; i < NET_D_IN; ++i)
        token[i] = sound->token[i];
    for (i = 0; i < NET_D_OUT; ++i)
        answer[i] = sound->answer[i];
    return status;
}
"""
FLOATS, SHORTS = (np.ctypeslib.ndpointer(t, flags="C") for t in (np.float32, np.int16))


class Library:
    """A denoiser in C, called hop by hop."""

    def __init__(self, path, network):
        self.lib, self.network = ctypes.CDLL(str(path)), network
        self.lib.net_sound_strength.argtypes = [ctypes.c_void_p, ctypes.c_float]
        self.lib.net_sound_process_int16.argtypes = [ctypes.c_void_p, SHORTS, SHORTS]
        self.sound = self.new()

    def new(self):
        sound = ctypes.create_string_buffer(b"\xa5" * self.lib.size())
        self.lib.net_sound_init(sound)
        return sound

    def run(self, x, sound=None):
        """Tokens, answers and samples of whole hops."""
        front = FrontEnd.of(self.network)
        rows = []
        for row in x.reshape(-1, front.hop_length):
            rows.append([np.zeros(n, np.int16) for n in (front.d_in, front.d_out)])
            rows[-1].append(np.zeros(front.hop_length, np.float32))
            arrays = [a.ctypes.data_as(ctypes.c_void_p) for a in (row, *rows[-1])]
            assert self.lib.hop(sound or self.sound, *arrays) == 0
        token, answer, out = map(np.array, zip(*rows, strict=True))
        return token, answer, out.ravel()


def build(gcc, folder, network, *flags):
    c_export.export_denoiser(network, "net").write(folder)
    (folder / "driver.c").write_text(DRIVER)
    command = [
        gcc,
        *STRICT_SOUND,
        *flags,
        "-O1",
        "-shared",
        "-fPIC",
        "driver.c",
        "net.c",
    ]
    done = subprocess.run(
        [*command, "-o", "net.so"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Library(folder / "net.so", network)


def tiny(
    n_fft,
    hop_length,
    lookahead=0,
    bands=(0, 0),
    strength=None,
    level_s=None,
    floor_rise=None,
    **recipe,
):
    """A denoiser of random integers, whose features use the input's whole range.

    Fractions of its inputs differ, and of its outputs. ``bands`` are the linear bins,
    and the bands above them.
    """
    front = FrontEnd(
        n_fft=n_fft,
        hop_length=hop_length,
        feature_mean=0.6,
        lookahead=lookahead,
        linear_bins=bands[0],
        erb_bands=bands[1],
        strength=strength,
        level_s=level_s,
        floor_rise=floor_rise,
    )
    random = spec.random_network(
        *(np.random.default_rng(2), front.d_in, 12, 8, front.d_out),
        recipe=spec.Recipe(**recipe),
    )
    inp = random.layers[0].inp
    front = replace(front, feature_scale=2.0 ** (inp.bits - 4.0 - inp.frac.min()))
    return spec.Network(random.layers, random.recipe, front.metadata())


def some_noise(hops, hop, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, hops * hop).astype(np.float32)


@pytest.fixture
def built(gcc, tmp_path):
    """A function: a denoiser compiled to a library."""
    return lambda network, *flags: build(gcc, tmp_path, network, *flags)


@pytest.fixture(scope="session")
def strict():
    """Flags of a compiler that denoisers in C pass."""
    return STRICT_SOUND


@pytest.fixture(scope="session")
def tiny_denoiser():
    """A function: window, hop, lookahead, bands to a denoiser of random integers."""
    return tiny


@pytest.fixture(scope="session")
def noise():
    """A function: noise of so many hops."""
    return some_noise
