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
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import c_export, spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd, wav
from lava_sparse_rnn.audio.frontend_rules import STRONGEST
from lava_sparse_rnn.audio.sound.bands import erb_bands
from lava_sparse_rnn.c_export.sound import _fixed_point
from lava_sparse_rnn.c_export.sound._fixed_point import Constants, IntegerBands
from lava_sparse_rnn.c_export.sound._reference import Block
from lava_sparse_rnn.fixed_point import SpecError

DATA = Path(__file__).parents[2] / "data"
DRIVER = """
#include "net_sound.c"

int size(void);
uint32_t root_of(uint64_t n);
int32_t log_scaled(uint64_t square, uint32_t scale, int n);
void hear_spectrum(net_sound *sound, const int32_t *spectrum, int q, net_in *token);
void gains(net_sound *sound, const net_out *answer, int32_t *gain);
void add_frame(net_sound *sound, const int32_t *spectrum, int q, int32_t *sum);
int take_frame(net_sound *sound, const int16_t *frame, int32_t *spectrum);
void run(net_sound *sound, const int16_t *in, int16_t *out, net_in *tokens, int hops);

int size(void) { return (int)sizeof(net_sound); }
uint32_t root_of(uint64_t n) { return root(n); }
int32_t log_scaled(uint64_t square, uint32_t scale, int n)
{
    return feature_of(square, scale, n);
}

void hear_spectrum(net_sound *sound, const int32_t *spectrum, int q, net_in *token)
{
    int i;
    for (i = 0; i < N + 2; ++i)
        sound->spectrum[i] = spectrum[i];
    sound->q = q;
    features(sound);
    for (i = 0; i < NET_D_IN; ++i)
        token[i] = sound->token[i];
}

void gains(net_sound *sound, const net_out *answer, int32_t *gain)
{
    int i;
    for (i = 0; i < NET_D_OUT; ++i)
        sound->answer[i] = answer[i];
    for (i = 0; i <= HALF; ++i)
        gain[i] = gain_of(sound, i);
}

/* With the answer that is there, to sums that are zero. */
void add_frame(net_sound *sound, const int32_t *spectrum, int q, int32_t *sum)
{
    int i;
    for (i = 0; i < N + 2; ++i)
        sound->spectrum[i] = spectrum[i];
    sound->q = q;
    for (i = 0; i < N; ++i)
        sound->sum[i] = 0;
    synthesise(sound);
    for (i = 0; i < N; ++i)
        sum[i] = sound->sum[i];
}

/* The spectrum of a frame, and its q. */
int take_frame(net_sound *sound, const int16_t *frame, int32_t *spectrum)
{
    int i;
    for (i = 0; i < LAP; ++i)
        sound->heard[i] = frame[i];
    analyse(sound, frame + LAP);
    for (i = 0; i < N + 2; ++i)
        spectrum[i] = sound->spectrum[i];
    return sound->q;
}

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
# With bands: many, as few as there can be, so wide that squares are scaled down.
BANDED = [(64, 16, 0, (9, 8)), (72, 24, 2, (10, 12)), (88, 22, 1, (1, 2))]
# With a running level, which few frames and many last.
LEVELLED = [(64, 16, 0, (9, 8), None, 0.01), (72, 24, 2, (0, 0), None, 1.0)]
# With floors and changes: at a level, with floors that rise at once, and little, ahead.
CONTRASTED = [
    (64, 16, 0, (9, 8), None, 0.1, 100),
    (64, 16, 0, (0, 0), None, None, 1),
    (72, 24, 2, (0, 0), None, None, 1),
]


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
        self.lib.log_scaled.argtypes = [ctypes.c_uint64, ctypes.c_uint32, ctypes.c_int]

    def new(self, strength=-1):
        sound = ctypes.create_string_buffer(b"\xa5" * self.lib.size())
        self.lib.net_sound_init(sound)
        self.lib.net_sound_strength(sound, strength)
        return sound

    def run(self, sound, x):
        """Samples, and tokens of whole hops."""
        hops = len(x) // self.front.hop_length
        bits = self.network.layers[0].inp.bits
        tokens = np.zeros((hops, self.front.d_in), np.int16 if bits <= 16 else np.int32)
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
@pytest.mark.parametrize("shape", SHAPES + BANDED + LEVELLED + CONTRASTED)
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
    network = tiny_denoiser(*shape)
    c, rng = library(shape, network, *UNDEFINED), np.random.default_rng(seed)
    x = np.concatenate([kind(rng, length) for kind in kinds])
    right = c_export.FixedPointDenoiser(network, strength)
    y, tokens = c.denoise(x, c.new(-1 if strength is None else strength))
    np.testing.assert_array_equal(tokens, right.tokens(x)[: len(tokens)])
    np.testing.assert_array_equal(y, right.denoise(x))


@pytest.mark.parametrize("own", [0, 20, 96])
def test_the_limit_that_the_file_says(library, tiny_denoiser, own):
    network = tiny_denoiser(*SHAPES[0], strength=own)
    c = library(f"limit {own}", network, *UNDEFINED)
    x = noise_of_a_level(np.random.default_rng(3), 400)
    found = {}
    for asked, said in ((None, -1), (own, own), (5, 5), (1000, 1000)):
        right = c_export.FixedPointDenoiser(network, asked)
        found[asked] = right.denoise(x)
        np.testing.assert_array_equal(c.denoise(x, c.new(said))[0], found[asked])
    np.testing.assert_array_equal(found[None], found[own])
    np.testing.assert_array_equal(
        found[1000],
        c_export.FixedPointDenoiser(tiny_denoiser(*SHAPES[0])).denoise(x),
    )


@pytest.mark.parametrize("shape", [SHAPES[0], BANDED[0], LEVELLED[0], CONTRASTED[0]])
def test_other_compilers_give_the_same(library, tiny_denoiser, shape):
    """No arithmetic shift, no builtin of gcc."""
    network = tiny_denoiser(*shape)
    c = library(f"portable {shape}", network, "-DARITHMETIC_SHIFT=0", "-U__GNUC__")
    x = noise_of_a_level(np.random.default_rng(1), 800)
    y = c_export.FixedPointDenoiser(network).denoise(x)
    assert np.abs(y).max() > 100
    np.testing.assert_array_equal(c.denoise(x)[0], y)


@pytest.mark.parametrize("bands", [(0, 0), (6, 6)])
@pytest.mark.parametrize("recipe", [{"wire_bits": 8}, {"wire_bits": 20}])
def test_other_widths(library, tiny_denoiser, recipe, bands):
    network = tiny_denoiser(32, 16, bands=bands, **recipe)
    c = library(f"{recipe} {bands}", network, *UNDEFINED)
    x = noise_of_a_level(np.random.default_rng(1), 500)
    right = c_export.FixedPointDenoiser(network, 20)
    y, tokens = c.denoise(x, c.new(20))
    np.testing.assert_array_equal(tokens, right.tokens(x)[: len(tokens)])
    np.testing.assert_array_equal(y, right.denoise(x))


@pytest.mark.parametrize("shape", [SHAPES[3], LEVELLED[1], CONTRASTED[2]])
def test_streams_that_do_not_meet(library, tiny_denoiser, shape):
    c = library(shape, tiny_denoiser(*shape), *UNDEFINED)
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


@pytest.mark.parametrize("level_db", [-75, -50, -20, 0])
def test_the_running_level_is_that_of_floats(level_db):
    small = spec.load("denoiser_small")
    meta = small.meta | {"level_s": 0.5, "feature": "log1p of levelled"}
    network = spec.Network(small.layers, small.recipe, meta)
    rng = np.random.default_rng(4)
    x = rng.standard_normal(16000) * np.repeat([1.0, 0.02, 0.3, 0.0, 0.5], 3200)
    x = np.clip(32768 * 10.0 ** (level_db / 20) * x, -32768, 32767).astype(np.int16)
    heard = c_export.FixedPointDenoiser(network).tokens(x)
    floats = Denoiser(network).tokens((x / np.float32(32768)).astype(np.float32))
    step = network.layers[0].inp.frac.max()
    assert np.abs(heard - floats).max() <= 2.0 ** (step - 10)
    assert np.ptp(floats[10:40]) > 100


@settings(deadline=None, max_examples=300)
@given(st.integers(2**62, 2**64 - 1), st.integers(2**31, 2**32 - 1))
@example(2**62, 2**31)
@example(2**64 - 1, 2**32 - 1)
def test_the_root_is_the_exact_one(library, tiny_denoiser, n, r):
    c = library(SHAPES[0], tiny_denoiser(*SHAPES[0]), *UNDEFINED)
    for square in (n, r * r, max(r * r - 1, 2**62)):
        assert c.lib.root_of(square) == isqrt(square)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**60 - 1), st.integers(0, 28))
@example(1, 28)
def test_the_logarithm_is_that_of_the_front_end(library, tiny_denoiser, square, q):
    network = tiny_denoiser(*SHAPES[0])
    c = library(SHAPES[0], network, *UNDEFINED)
    magnitude = np.sqrt(float(square)) * 2.0 ** -(q + 15)
    right = np.log1p(FrontEnd.of(network).magnitude_scale * magnitude) / np.log(2)
    constants = Constants.of(network)
    scale = constants.magnitude_scale[0], q + constants.scale_shift
    assert abs(c.lib.log_scaled(square, *scale) * 2.0**-25 - right) < 1.2e-7


HIGHEST = 759250124  # of both parts of X at once: |X|^2 is just below 2^60


def extremes(rng, n, highest):
    """Integers of all sizes: the highest, ones, zeros, and those of random widths."""
    any_size = np.floor(2.0 ** rng.uniform(0, np.log2(highest), n))
    kinds = np.stack([np.full(n, highest), np.ones(n), np.zeros(n), any_size])
    chosen = kinds[rng.integers(0, rng.integers(1, 5), n), np.arange(n)]
    return (chosen * rng.choice([-1, 1], n)).astype(np.int64)


def with_fractions(network, frac):
    """The same integers with other binary points of the answers."""
    *others, last = network.layers
    frac = np.broadcast_to(frac, network.d_out)
    weights = replace(last.weights, frac=last.weights.frac + frac - last.out.frac)
    out = replace(last.out, frac=frac, ref=int(frac.max()))
    last = replace(last, weights=weights, out=out)
    return spec.Network((*others, last), network.recipe, network.meta)


@pytest.mark.parametrize("far", [False, True], ids=["", "fractions far apart"])
@pytest.mark.parametrize("shape", [SHAPES[0], *BANDED, LEVELLED[0], *CONTRASTED])
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), q=st.integers(-4, 40))
def test_extreme_spectra_and_answers(library, tiny_denoiser, shape, far, seed, q):
    """No sum of a band overflows; whatever the fractions, answers meet in between."""
    network, rng = tiny_denoiser(*shape), np.random.default_rng(seed)
    if far:  # to where answers have more places than gains
        frac = np.random.default_rng(0).permutation(np.linspace(1, 20, network.d_out))
        network = with_fractions(network, frac.astype(np.int64))
    c = library((*shape, "far") if far else shape, network, *UNDEFINED)
    right = c_export.FixedPointDenoiser(network)
    bins, sound = right._constants.front.bins, c.new()
    if len(shape) > 5:  # something is followed: no sound is louder than full scale
        q = max(q, 13)
    blocks = [Block(*(extremes(rng, bins, HIGHEST) for _ in "ri"), q) for _ in "abc"]
    token, gain = np.zeros(network.d_in, np.int16), np.zeros(bins, np.int32)
    for block, expected in zip(blocks, right._tokens(blocks), strict=True):
        spectrum = np.stack([block.re, block.im], axis=1).astype(np.int32)
        c.lib.hear_spectrum(sound, spectrum.ctypes, q, token.ctypes)
        np.testing.assert_array_equal(token, expected)
    wire = network.layers[-1].out.format
    answer = extremes(rng, network.d_out, wire.highest).astype(np.int16)
    answer[rng.random(network.d_out) < 0.2] = wire.lowest
    c.lib.gains(sound, answer.ctypes, gain.ctypes)
    np.testing.assert_array_equal(gain, right._gains(answer.astype(np.int64)))


@pytest.mark.parametrize("shape", SHAPES)
@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1),
    bits=st.integers(12, 16) | st.integers(0, 28),  # of which gains take 12
    q=st.integers(4, 30),
)
@example(seed=36, bits=14, q=8)  # a tie
def test_frames_of_any_size(library, tiny_denoiser, shape, seed, bits, q):
    """Small numbers, too: of these, half of a turn by 60 degrees is often a tie."""
    network, rng = tiny_denoiser(*shape), np.random.default_rng(seed)
    c, right = library(shape, network, *UNDEFINED), c_export.FixedPointDenoiser(network)
    bins, sound = right._constants.front.bins, c.new()
    spectrum = rng.integers(-(2**bits), 2**bits, (bins, 2), np.int32)
    spectrum[[0, -1], 1] = 0
    answer = rng.integers(-300, 300, network.d_out, np.int16)
    gain, sums = np.zeros(bins, np.int32), np.zeros(2 * bins - 2, np.int32)
    c.lib.gains(sound, answer.ctypes, gain.ctypes)
    c.lib.add_frame(sound, spectrum.ctypes, q, sums.ctypes)
    block = Block(*spectrum.T.astype(np.int64), q)
    expected = right._frame(block, right._gains(answer.astype(np.int64)))
    np.testing.assert_array_equal(sums, expected.clip(-(2**31), 2**31 - 1))


@pytest.mark.parametrize("shape", SHAPES)
def test_spectra_of_impulses(library, tiny_denoiser, shape):
    """Of which many products tie, too; and of two impulses, and of noise."""
    network, rng = tiny_denoiser(*shape), np.random.default_rng(0)
    c, right = library(shape, network, *UNDEFINED), c_export.FixedPointDenoiser(network)
    n, sound = shape[0], c.new()
    for k in range(300):
        frame = np.zeros(n, np.int16)
        frame[rng.integers(n, size=k % 3 + 1)] = rng.integers(-9, 10, k % 3 + 1)
        if k % 10 == 0:
            frame = noise_of_a_level(rng, n)
        spectrum = np.zeros((n // 2 + 1, 2), np.int32)
        q = c.lib.take_frame(sound, frame.ctypes, spectrum.ctypes)
        expected = right._spectrum(frame.astype(np.int64))
        assert q == expected.q
        np.testing.assert_array_equal(spectrum.T, [expected.re, expected.im])


@settings(deadline=None)
@given(data=st.data(), bins=st.integers(3, 600), seed=st.integers(0, 2**32 - 1))
def test_bands_lose_no_power_and_do_not_overflow(data, bins, seed):
    linear = data.draw(st.integers(1, bins - 2))
    count = data.draw(st.integers(2, max(2, (bins - linear) // 3)))
    try:
        exact = erb_bands(bins, linear, count, 8000.0)
        bands = IntegerBands.of(exact, 100.0)
    except (AudioError, SpecError):  # a band between two bins, or nearly so
        assume(False)
    most = bands.reduce([2**60 - 1] * bins)
    assert len(most) == linear + count
    assert max(most) < 2**64
    rng = np.random.default_rng(seed)
    squares = [
        int(x) for x in rng.integers(0, 2**60, bins) >> rng.integers(0, 60, bins)
    ]
    powers = bands.reduce(squares)
    assert powers[:linear] == squares[:linear]
    assert sum(powers) == sum(squares[:linear]) + sum(
        x >> 2 * bands.down for x in squares[linear:]
    )
    magnitude = np.sqrt(np.array(powers[linear:], float)) * bands.scale
    magnitude *= 2.0 ** -(32.0 + bands.shift)
    right = 100 * exact.reduce(np.sqrt(np.array([squares], float)))[0, linear:]
    np.testing.assert_allclose(
        magnitude * 2**15, right, rtol=1e-6, atol=100 * 2.0**bands.down * bins
    )
    answers = rng.integers(-(2**30), 2**30, linear + count)
    between = bands.expand(answers) - exact.expand(answers[None].astype(float))[0]
    assert np.abs(between).max() <= 1.5  # shares have 31 bits


@pytest.fixture
def near_denoiser(tiny_denoiser):
    """A function: bands to a denoiser whose tokens are about those of one shipped."""

    def make(bands):
        network = tiny_denoiser(512, 256, bands=bands)
        first, *others = with_fractions(network, 14).layers
        first = replace(first, inp=spec.Wire(16, np.full(network.d_in, 12), 8))
        constants = {
            "magnitude_scale": 100.0,
            "feature_mean": 2.0,
            "feature_scale": 0.5,
        }
        meta = network.meta | constants
        return spec.Network((first, *others), network.recipe, meta)

    return make


@pytest.mark.parametrize("bands", [(0, 0), (65, 64)])
def test_tokens_are_as_near_with_bands(bands, near_denoiser):
    """To those of the denoiser in floats, on a recording."""
    x = wav.read(DATA / "samples" / "noisy_01.wav")[0][:16000]
    pcm, network = np.round(x * 32768).astype(np.int16), near_denoiser(bands)
    fixed = c_export.FixedPointDenoiser(network).tokens(pcm)
    floats = Denoiser(network).tokens((pcm / 32768).astype(np.float32))
    assert np.ptp(floats) > 10_000
    difference = np.abs(fixed - floats)
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.01


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
    assert np.abs(error).max() < 8  # where a token is one step beside


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
@pytest.mark.parametrize("bands", [(0, 0), (10, 12)])
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4"])
def test_no_function_of_floats_is_called(tiny_denoiser, tmp_path, core, bands):
    """Cores without a unit for floats would call the compiler's library."""
    network = tiny_denoiser(72, 24, 1, bands)

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
    assert len(_fixed_point.KEPT) == STRONGEST + 1  # what a file may say
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
    for shape in SHAPES[1], SHAPES[3], BANDED[1]:
        network = tiny_denoiser(*shape)
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
