# SPDX-License-Identifier: BSD-3-Clause
"""The denoiser in C without floating point, against its rules in numpy."""

import ctypes
import re
import shutil
import subprocess
from dataclasses import replace
from math import isqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import c_export, spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd, wav
from lava_sparse_rnn.fixed_point import SpecError

DATA = Path(__file__).parents[2] / "data"
DRIVER = """
#include "net_sound.c"

int size(void);
uint32_t root_of(uint64_t n);
int32_t log_scaled(uint64_t square, int q);
void run(net_sound *sound, const int16_t *in, int16_t *out, net_in *tokens, int hops);

int size(void) { return (int)sizeof(net_sound); }
uint32_t root_of(uint64_t n) { return root(n); }
int32_t log_scaled(uint64_t square, int q) { return feature_of(square, q); }

void run(net_sound *sound, const int16_t *in, int16_t *out, net_in *tokens, int hops)
{
    int i, k;
    for (i = 0; i < hops; ++i) {
        net_sound_process_int16(sound, in + i * HOP, out + i * HOP);
        for (k = 0; k < NET_D_IN; ++k)
            tokens[i * NET_D_IN + k] = sound->token[k];
    }
}
"""
UNDEFINED = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
# Windows and hops: fours alone, a two, odd primes; one frame of overlap and more.
SHAPES = [(64, 16, 0), (28, 7, 1), (4, 2, 0), (72, 24, 2), (88, 22, 0)]


class Library:
    """A denoiser in C, a recording a call."""

    def __init__(self, gcc, folder, network, flags):
        self.network, self.front = network, FrontEnd.of(network)
        c_export.export_denoiser(network, "net", fixed_point=True).write(folder)
        (folder / "driver.c").write_text(DRIVER)
        command = [gcc, *flags, "-O1", "-shared", "-fPIC", "driver.c", "net.c"]
        done = subprocess.run(
            [*command, "-o", "net.so"], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        self.lib = ctypes.CDLL(str(folder / "net.so"))
        self.lib.root_of.argtypes = [ctypes.c_uint64]
        self.lib.root_of.restype = ctypes.c_uint32
        self.lib.log_scaled.argtypes = [ctypes.c_uint64, ctypes.c_int]

    def new(self, strength=-1):
        sound = ctypes.create_string_buffer(b"\xa5" * self.lib.size())
        self.lib.net_sound_init(sound)
        self.lib.net_sound_strength(sound, strength)
        return sound

    def run(self, sound, x):
        """Samples, and tokens of whole hops."""
        hops = len(x) // self.front.hop_length
        bits = self.network.layers[0].inp.bits
        tokens = np.zeros((hops, self.front.bins), np.int16 if bits <= 16 else np.int32)
        out = np.zeros(len(x), np.int16)
        arrays = [a.ctypes.data_as(ctypes.c_void_p) for a in (x, out, tokens)]
        self.lib.run(sound, *arrays, hops)
        return out, tokens

    def denoise(self, x, sound=None):
        """As `FixedPointDenoiser.denoise`: in time with the input."""
        late = self.front.delay - self.front.hop_length
        hop = self.front.hop_length
        padded = np.zeros(-(-(len(x) + late) // hop) * hop, np.int16)
        padded[: len(x)] = x
        out, tokens = self.run(sound or self.new(), padded)
        return out[late:][: len(x)], tokens


@pytest.fixture(scope="module")
def library(gcc, tmp_path_factory, strict):
    """A function: a denoiser, strictly compiled, each network once."""
    made = {}

    def make(name, network, *flags):
        key = (name, *flags)
        if key not in made:
            folder = tmp_path_factory.mktemp("fixed")
            made[key] = Library(gcc, folder, network, (*strict, *flags))
        return made[key]

    return make


def denoiser_of(tiny_denoiser, shape):
    network = tiny_denoiser(*shape[:2])
    meta = {**network.meta, "lookahead": shape[2]}
    return spec.Network(network.layers, network.recipe, meta)


def silence(rng, n):
    return np.zeros(n, np.int16)


def full_scale(rng, n):
    return rng.choice(np.array([-32768, 32767], np.int16), n)


def lowest(rng, n):
    return np.full(n, -32768, np.int16)


def impulse(rng, n):
    x = np.zeros(n, np.int16)
    x[rng.integers(n)] = rng.choice(np.array([-32768, -1, 1, 32767]))
    return x


def tone(rng, n):
    turn = 2 * np.pi * rng.uniform(0, 0.5) * np.arange(n)
    return np.round(rng.uniform(0, 32767) * np.sin(turn)).astype(np.int16)


def noise_of_a_level(rng, n):
    x = rng.normal(0, 10.0 ** rng.uniform(-1, 5), n)
    return x.clip(-32768, 32767).astype(np.int16)


SIGNALS = [silence, full_scale, lowest, impulse, tone, noise_of_a_level]


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@settings(deadline=None, max_examples=12)
@given(
    kinds=st.lists(st.sampled_from(SIGNALS), min_size=1, max_size=4),
    seed=st.integers(0, 2**32 - 1),
    length=st.integers(1, 150),
    strength=st.sampled_from([None, None, 0, 7, 96, 97]),
)
@example(kinds=[full_scale], seed=0, length=200, strength=None)
@example(kinds=[silence, lowest], seed=0, length=130, strength=12)
def test_samples_are_those_of_the_rules(
    library, tiny_denoiser, shape, kinds, seed, length, strength
):
    network = denoiser_of(tiny_denoiser, shape)
    c, rng = library(shape, network, *UNDEFINED), np.random.default_rng(seed)
    x = np.concatenate([kind(rng, length) for kind in kinds])
    right = c_export.FixedPointDenoiser(network, strength)
    y, tokens = c.denoise(x, c.new(-1 if strength is None else strength))
    np.testing.assert_array_equal(tokens, right.tokens(x)[: len(tokens)])
    np.testing.assert_array_equal(y, right.denoise(x))


def test_other_compilers_give_the_same(library, tiny_denoiser):
    """No arithmetic shift, no builtin of gcc."""
    network = denoiser_of(tiny_denoiser, SHAPES[0])
    c = library("portable", network, "-DARITHMETIC_SHIFT=0", "-U__GNUC__")
    x = noise_of_a_level(np.random.default_rng(1), 800)
    y = c_export.FixedPointDenoiser(network).denoise(x)
    assert np.abs(y).max() > 100
    np.testing.assert_array_equal(c.denoise(x)[0], y)


@pytest.mark.parametrize("recipe", [{"wire_bits": 8}, {"wire_bits": 20}])
def test_other_widths(library, tiny_denoiser, recipe):
    network = tiny_denoiser(32, 16, **recipe)
    c = library(str(recipe), network, *UNDEFINED)
    x = noise_of_a_level(np.random.default_rng(1), 500)
    right = c_export.FixedPointDenoiser(network, 20)
    y, tokens = c.denoise(x, c.new(20))
    np.testing.assert_array_equal(tokens, right.tokens(x)[: len(tokens)])
    np.testing.assert_array_equal(y, right.denoise(x))


def test_streams_that_do_not_meet(library, tiny_denoiser):
    c = library(SHAPES[3], denoiser_of(tiny_denoiser, SHAPES[3]), *UNDEFINED)
    x = noise_of_a_level(np.random.default_rng(3), 24 * 40)
    whole, _ = c.run(c.new(12), x)
    sound = c.new(12)
    half, _ = c.run(sound, x[: 24 * 15])
    copy, other = ctypes.create_string_buffer(sound.raw), c.new(12)
    np.testing.assert_array_equal(c.run(other, x)[0], whole)
    rest = whole[24 * 15 :]
    np.testing.assert_array_equal(half, whole[: 24 * 15])
    for one in (sound, copy):
        np.testing.assert_array_equal(c.run(one, x[24 * 15 :])[0], rest)
    c.lib.net_sound_reset(sound)  # the limit stays
    np.testing.assert_array_equal(c.run(sound, x)[0], whole)
    everything = c.new(0)  # all comes through, rounded
    late = c.front.delay - c.front.hop_length
    np.testing.assert_allclose(c.run(everything, x)[0][late:], x[:-late], atol=1)


@settings(deadline=None, max_examples=300)
@given(st.integers(2**62, 2**64 - 1), st.integers(2**31, 2**32 - 1))
@example(2**62, 2**31)
@example(2**64 - 1, 2**32 - 1)
def test_the_root_is_the_exact_one(library, tiny_denoiser, n, r):
    c = library(SHAPES[0], denoiser_of(tiny_denoiser, SHAPES[0]), *UNDEFINED)
    for square in (n, r * r, max(r * r - 1, 2**62)):
        assert c.lib.root_of(square) == isqrt(square)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**60 - 1), st.integers(0, 28))
@example(1, 28)
def test_the_logarithm_is_that_of_the_front_end(library, tiny_denoiser, square, q):
    network = denoiser_of(tiny_denoiser, SHAPES[0])
    c = library(SHAPES[0], network, *UNDEFINED)
    magnitude = np.sqrt(float(square)) * 2.0 ** -(q + 15)
    right = np.log1p(FrontEnd.of(network).magnitude_scale * magnitude) / np.log(2)
    assert abs(c.lib.log_scaled(square, q) * 2.0**-25 - right) < 1.2e-7


@pytest.mark.slow
def test_how_far_it_is_from_the_denoiser_in_floats(shipped_small):
    """What docs/fixed_point.md states, on a recording."""
    x = wav.read(DATA / "samples" / "noisy_01.wav")[0][:32000]
    pcm = np.round(x * 32768).astype(np.int16)
    fixed, floats = c_export.FixedPointDenoiser(shipped_small), Denoiser(shipped_small)
    sound = (pcm / 32768).astype(np.float32)
    difference = np.abs(fixed.tokens(pcm) - floats.tokens(sound))
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.01
    y = floats.denoise(sound) * 32768.0
    assert np.abs(y).max() > 3000
    error = fixed.denoise(pcm) - y
    assert 10 * np.log10(np.sum(y**2) / np.sum(error**2)) > 65
    assert np.abs(error).max() < 4


def test_there_is_no_word_of_floating_point(shipped_small):
    files = c_export.export_denoiser(shipped_small, "net", fixed_point=True).files
    for name in ("net.h", "net.c", "net_sound.h", "net_sound.c"):
        code = re.sub(r"/\*.*?\*/", "", files[name], flags=re.DOTALL)
        assert not re.search(r"\b(float|double)\b|\d\.\d|\bmath\b", code)


# What the compiler's library has for integers: multiply, shift, count, clear, copy.
INTEGER_CALLS = re.compile(
    r"__aeabi_(lmul|llsl|llsr|lasr|idiv|idivmod|uidiv|uidivmod|mem\w+)$|mem(set|cpy|move)$"
    r"|__clzsi2$|__gnu_thumb1_case_\w+$|net_"
)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="no gcc for ARM")
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4"])
def test_no_function_of_floats_is_called(tiny_denoiser, tmp_path, core):
    """Cores without a unit for floats would call the compiler's library."""
    network = denoiser_of(tiny_denoiser, (72, 24, 1))

    def calls(fixed_point):
        made = c_export.export_denoiser(network, "net", fixed_point)
        made.write(tmp_path)
        flags = [f"-mcpu={core}", "-mthumb", "-mfloat-abi=soft", "-std=c99", "-Os"]
        for name in made.sources:
            command = ["arm-none-eabi-gcc", *flags, "-c", name]
            subprocess.run(command, cwd=tmp_path, check=True)
        objects = [str(Path(n).with_suffix(".o")) for n in made.sources]
        command = ["arm-none-eabi-nm", "--undefined-only", *objects]
        done = subprocess.run(command, cwd=tmp_path, check=True, stdout=-1, text=True)
        return {li.split()[1] for li in done.stdout.splitlines() if " U " in li}

    assert not [name for name in calls(True) if not INTEGER_CALLS.match(name)]
    assert "__aeabi_fmul" in calls(False)  # the test sees what it looks for


def test_what_cannot_be_done_is_refused(tiny_denoiser):
    network = tiny_denoiser(32, 16)
    front = FrontEnd.of(network)
    for name, value in (
        ("magnitude_scale", 1e12),
        ("feature_mean", 1e4),
        ("feature_scale", 1e30),
        ("feature_scale", 1e-30),
    ):
        meta = replace(front, **{name: value}).metadata()
        other = spec.Network(network.layers, network.recipe, meta)
        with pytest.raises(SpecError, match=f"network: {name} is .* fixed point"):
            c_export.export_denoiser(other, fixed_point=True)
        c_export.export_denoiser(other)
    with pytest.raises(SpecError, match="fixed_point"):
        c_export.export_denoiser(network, fixed_point=1)
    for strength in (-1, 1.5, True):
        with pytest.raises(AudioError, match="strength is .* whole dB"):
            c_export.FixedPointDenoiser(network, strength)
    denoiser = c_export.FixedPointDenoiser(network)
    for x in (np.zeros(3), np.zeros((3, 2), np.int16), [1, 2]):
        with pytest.raises(AudioError, match="signal"):
            denoiser.denoise(x)
    assert len(denoiser.denoise(np.zeros(0, np.int16))) == 0


@pytest.mark.slow
def test_sizes(gcc, tiny_denoiser):
    for shape in SHAPES[1], SHAPES[3]:
        network = denoiser_of(tiny_denoiser, shape)
        made = c_export.export_denoiser(network, fixed_point=True)
        sizes = c_export.measure(made, gcc)
        assert sizes.ram == made.state_bytes
        assert 0 <= sizes.constants - made.constant_bytes < 1500


@pytest.mark.slow
def test_the_command(command, gcc, tiny_denoiser, tmp_path):
    tiny_denoiser(32, 16).save(tmp_path / "x.net")
    words = ("export-c", tmp_path / "x.net", "-o", tmp_path / "c", "--fixed-point")
    code, _, error = command(*words)
    assert code == 1
    assert "--fixed-point: is of the front end, give --front-end" in error
    code, _, error = command(*words, "--front-end", "--ladspa")
    assert code == 1
    assert "--fixed-point: a LADSPA plugin hears floats" in error
    code, _, _ = command(*words, "--front-end", "--main")
    assert code == 0
    folder = tmp_path / "c"
    sources = [folder / f"x{end}.c" for end in ("", "_sound", "_main")]
    subprocess.run([gcc, "-std=c99", *sources, "-o", folder / "run"], check=True)
    x = noise_of_a_level(np.random.default_rng(0), 999)
    run = [folder / "run", "12"]
    done = subprocess.run(run, input=x.tobytes(), stdout=-1, check=True)
    right = c_export.FixedPointDenoiser(spec.load(tmp_path / "x.net"), 12).denoise(x)
    np.testing.assert_array_equal(np.frombuffer(done.stdout, np.int16), right)
    for wrong in ("-1", "1.5", "f32"):
        assert subprocess.run([folder / "run", wrong], stderr=-1).returncode == 2
