# SPDX-License-Identifier: BSD-3-Clause
"""The denoiser in C against that of `audio`: tokens, integers, samples."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import c_export, spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd, wav
from lava_sparse_rnn.fixed_point import SpecError

DATA = Path(__file__).parents[2] / "data"


def expected(network, x, tokens, kept=None):
    """Samples that follow from some tokens, by the STFT of `audio`; and answers."""
    front = FrontEnd.of(network)
    stft = front.stft()
    answers = spec.reference.run(network, tokens)
    heard, gains = stft.analysis(x, tail=False), network.from_wire(answers)
    whole = len(heard) - front.lookahead
    spectrum = front.apply(heard[:whole], gains[front.lookahead :], kept)
    late = front.delay - front.hop_length
    y = stft.synthesis(spectrum, len(x) - late)
    return answers, np.concatenate([np.zeros(late, np.float32), y])


# Fours alone, a two, odd primes; one frame of overlap and three.
@pytest.mark.parametrize(
    ("n_fft", "hop", "lookahead", "bands", "level_s", "floor_rise"),
    [
        *((64, 16, 0, (0, 0), None, None), (28, 7, 1, (0, 0), None, None)),
        *((4, 2, 0, (0, 0), None, None), (72, 24, 2, (0, 0), None, None)),
        *((64, 16, 0, (9, 8), None, None), (88, 22, 2, (1, 2), None, None)),
        *((64, 16, 0, (9, 8), 0.01, None), (72, 24, 1, (0, 0), 1, None)),
        *((64, 16, 0, (9, 8), 0.1, 80), (72, 24, 1, (0, 0), None, 5)),
    ],
)
def test_a_denoiser_stage_by_stage(
    built, n_fft, hop, lookahead, bands, level_s, floor_rise, tiny_denoiser, noise
):
    network = tiny_denoiser(
        n_fft, hop, lookahead, bands, level_s=level_s, floor_rise=floor_rise
    )
    c, x = built(network), noise(60, hop)
    x[: x.size // 2] *= 0.01  # half of it is quiet
    x[x.size // 3 :][: 7 * hop + 1] = 0.0
    tokens, answers, y = c.run(x)
    heard = Denoiser(network).tokens(x)[: len(tokens)]
    assert np.ptp(heard) > 1000  # features are alive
    difference = np.abs(tokens - heard)
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.02
    integers, samples = expected(network, x, tokens.astype(np.int64))
    np.testing.assert_array_equal(answers, integers)
    gain = 1 + np.abs(network.from_wire(integers)).max()
    assert np.abs(samples).max() > 0.01
    np.testing.assert_allclose(y, samples, rtol=0, atol=1e-6 * gain)
    c.lib.net_sound_reset(c.sound)
    np.testing.assert_array_equal(c.run(x)[0], tokens)


def test_the_limit_of_attenuation_and_streams_that_do_not_meet(
    built, tiny_denoiser, noise
):
    network = tiny_denoiser(32, 16)
    c, x = built(network), noise(20, 16)
    plain = c.run(x)[2]
    c.lib.net_sound_strength(c.sound, 12.0)
    c.lib.net_sound_reset(c.sound)  # the limit stays
    half = c.run(x[:160])[2]
    copy, other = ctypes.create_string_buffer(c.sound.raw), c.new()
    whole = np.concatenate([half, c.run(x[160:])[2]])
    tokens = c.run(x, other)[0].astype(np.int64)
    samples = expected(network, x, tokens, 10.0 ** (-12 / 20))[1]
    np.testing.assert_allclose(whole, samples, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(c.run(x[160:], copy)[2], whole[160:])
    assert not np.array_equal(whole, plain)
    everything, silent = c.new(), c.new()
    c.lib.net_sound_strength(everything, 0.0)
    np.testing.assert_allclose(c.run(x, everything)[2][16:], x[:-16], atol=1e-6)
    for decibels in (-1.0, np.nan, 1e9, np.inf):  # none, and one that is none
        c.lib.net_sound_strength(silent, decibels)
        c.lib.net_sound_reset(silent)
        np.testing.assert_array_equal(c.run(x, silent)[2], plain)


def test_the_limit_that_the_file_says(built, tiny_denoiser, noise):
    network = tiny_denoiser(32, 16, strength=12)
    c, x = built(network), noise(20, 16)
    tokens, _, own = c.run(x)
    samples = [expected(network, x, tokens.astype(np.int64), k)[1] for k in (None, 0.0)]
    np.testing.assert_allclose(own, samples[0], rtol=0, atol=1e-4)
    same, none = c.new(), c.new()
    c.lib.net_sound_strength(same, 12.0)
    np.testing.assert_array_equal(c.run(x, same)[2], own)
    c.lib.net_sound_strength(none, 1000.0)
    free = c.run(x, none)[2]
    np.testing.assert_allclose(free, samples[1], rtol=0, atol=1e-4)
    assert np.abs(free - own).max() > 0.1
    c.lib.net_sound_strength(none, -1.0)  # its own again
    c.lib.net_sound_reset(none)
    np.testing.assert_array_equal(c.run(x, none)[2], own)


def test_what_is_no_sound_is_refused_and_changes_nothing(built, tiny_denoiser, noise):
    network = tiny_denoiser(32, 16)
    c, x = built(network), noise(20, 16)
    c.run(x)
    before = c.sound.raw
    for bad in (np.nan, np.inf, -np.inf, 65.0, -65.0):
        hop = np.full(16, bad, np.float32)
        pointer = hop.ctypes.data_as(ctypes.c_void_p)
        assert c.lib.net_sound_process(c.sound, pointer, pointer) == 1
        np.testing.assert_array_equal(hop, bad)
        assert c.sound.raw == before


def test_integers_are_floats_rounded_and_clipped(built, tiny_denoiser, noise):
    c = built(tiny_denoiser(32, 16))
    x = (noise(30, 16) * 100_000).clip(-32768, 32767).astype(np.int16)
    floats = c.run((x / 32768).astype(np.float32))[2]
    out, sound = x.copy(), c.new()
    for row in out.reshape(-1, 16):  # in place
        c.lib.net_sound_process_int16(sound, row, row)
    scaled = floats.astype(np.float64) * 32768
    assert np.abs(scaled).max() > 32768
    np.testing.assert_array_equal(out, np.round(scaled).clip(-32768, 32767))


def test_the_functions_of_the_library_give_the_same(
    built, gcc, tmp_path, tiny_denoiser, noise
):
    network, x = tiny_denoiser(32, 16), noise(40, 16)
    c = built(network, "-DNET_LIBM")
    tokens, answers, _ = c.run(x)
    heard = Denoiser(network).tokens(x)[: len(tokens)]
    assert np.abs(tokens - heard).max() <= 1
    integers, _ = expected(network, x, tokens.astype(np.int64))
    np.testing.assert_array_equal(answers, integers)


@pytest.mark.slow
@pytest.mark.parametrize("bands", [(0, 0), (6, 6)])
@pytest.mark.parametrize("recipe", [{"wire_bits": 8}, {"wire_bits": 20}])
def test_other_widths(strict, gcc, tmp_path, recipe, bands, tiny_denoiser, noise):
    """By the example program, under the sanitizers, in one compilation."""
    network = tiny_denoiser(32, 16, bands=bands, **recipe)
    made = c_export.export_denoiser(network, "net")
    made.write(tmp_path, main=True)
    flags = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
    command = [gcc, *strict, *flags, *tmp_path.glob("*.c"), "-o", tmp_path / "run"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    x = noise(1, 1000)
    done = subprocess.run(
        [tmp_path / "run", "f32"], input=x.tobytes(), check=True, capture_output=True
    )
    y = np.frombuffer(done.stdout, np.float32)
    right = Denoiser(network).denoise(x)
    assert y.shape == x.shape
    assert np.median(np.abs(y - right)) < 1e-4
    for words in (["x"], ["f32", "-1"], ["1", "2"]):
        done = subprocess.run(
            [tmp_path / "run", *words], capture_output=True, input=b""
        )
        assert done.returncode == 2


def test_the_shipped_denoiser(built, shipped_small):
    """What docs/program.md states, on a recording."""
    samples, _ = wav.read(DATA / "samples" / "noisy_01.wav")
    x = samples[: len(samples) // 256 * 256].astype(np.float32)
    c = built(shipped_small)
    tokens, answers, y = c.run(x)
    denoiser = Denoiser(shipped_small)
    difference = np.abs(tokens - denoiser.tokens(x)[: len(tokens)])
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.005
    integers, samples = expected(shipped_small, x, tokens.astype(np.int64))
    np.testing.assert_array_equal(answers, integers)
    gain = 1 + np.abs(shipped_small.from_wire(integers)).max()
    np.testing.assert_allclose(y, samples, rtol=0, atol=1e-6 * gain)
    # What a step beside does to the gains: how much is the network's own.
    right = denoiser.process(x)  # a hop later: it takes chunks of any size
    np.testing.assert_allclose(y[:-256], right[256:], rtol=0, atol=5e-3)


CPLUSPLUS = """
#include "a_sound.h"
#include "b_sound.h"
int main()
{
    static a_sound first;
    static b_sound second;
    a_sound_init(&first);
    b_sound_init(&second);
    return first.early - second.early;
}
"""


def test_two_denoisers_in_a_program_of_cplusplus(gcc, tmp_path, tiny_denoiser):
    for prefix in "ab":
        c_export.export_denoiser(tiny_denoiser(32, 16), prefix).write(tmp_path)
    (tmp_path / "main.cpp").write_text(CPLUSPLUS)
    sources = ["-x", "c++", "main.cpp", "-x", "c", "a.c", "a_sound.c", "b.c"]
    command = [gcc, "-Wall", "-Wextra", "-Werror", *sources, "b_sound.c", "-o", "run"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "run"]).returncode == 0


def test_what_cannot_be_done_is_refused(tiny_denoiser):
    network = tiny_denoiser(32, 16)
    with pytest.raises(AudioError, match="task is 'random', a denoiser has 'denoise'"):
        c_export.export_denoiser(
            spec.Network(network.layers, network.recipe, {"task": "random"})
        )
    with pytest.raises(SpecError, match="n_fft is 30, .* a multiple of 4"):
        c_export.export_denoiser(tiny_denoiser(30, 15))
    narrow = tiny_denoiser(256, 128, bands=(33, 96))
    for fixed_point in (False, True):
        with pytest.raises(SpecError, match=r"erb_bands is 96, .* add up to 0.00034"):
            c_export.export_denoiser(narrow, fixed_point=fixed_point)


@pytest.mark.parametrize("bands", [(0, 0), (9, 8)])
@pytest.mark.parametrize("follows", [{}, {"level_s": 1}, {"floor_rise": 5}])
def test_sizes(gcc, tiny_denoiser, bands, follows):
    made = c_export.export_denoiser(tiny_denoiser(64, 16, bands=bands, **follows))
    sizes = c_export.measure(made, gcc)
    assert sizes.ram == made.state_bytes
    assert 0 <= sizes.constants - made.constant_bytes < 1500
