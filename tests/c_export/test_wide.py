# SPDX-License-Identifier: BSD-3-Clause
"""The denoiser in C at 48 kHz against that of `audio`."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import c_export
from lava_sparse_rnn.audio import Denoiser, wav
from lava_sparse_rnn.fixed_point import SpecError

SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "noisy_01.wav"
BOUND = 2e-6  # where gains are 1: sums of floats in another order


def program(gcc, strict, folder, network, *flags):
    """The example, compiled."""
    made = c_export.export_denoiser(network, "net", sample_rate=48000)
    made.write(folder, main=True)
    command = [gcc, *strict, *flags, *made.sources, made.main, "-o", "run"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "run"


def run(path, x, *words):
    done = subprocess.run([path, *words], input=x.tobytes(), stdout=-1, check=True)
    return np.frombuffer(done.stdout, x.dtype)


def music(n):
    """Something at all frequencies."""
    rng, t = np.random.default_rng(4), np.arange(n) / 48000
    tones = (0.1 * np.sin(2 * np.pi * f * t + f) for f in (440.0, 6000.0, 11000.0))
    return (sum(tones) + rng.normal(0, 0.05, n)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_fft", "hop", "lookahead", "bands"),
    [(64, 16, 0, (0, 0)), (24, 12, 2, (0, 0)), (64, 16, 1, (9, 8))],
)
def test_samples_are_those_of_python(
    gcc, strict, tmp_path, tiny_denoiser, n_fft, hop, lookahead, bands
):
    network = tiny_denoiser(n_fft, hop, lookahead, bands)
    flags = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all")
    path, x = program(gcc, strict, tmp_path, network, *flags), music(5000)
    everything = run(path, x, "f32", "0")
    np.testing.assert_allclose(everything, x, rtol=0, atol=BOUND)
    pcm = np.round(x * 32768).clip(-32768, 32767).astype(np.int16)
    np.testing.assert_array_equal(run(path, pcm, "0"), pcm)
    for words, strength in (((), None), (("12",), 12.0)):
        y = run(path, x, "f32", *words)
        right = Denoiser(network, strength=strength, sample_rate=48000).denoise(x)
        assert np.abs(right - x).max() > 0.05
        # A token may lie a step beside, and the gain of its bin a little.
        assert np.sum(right**2) / np.sum((y - right) ** 2) > 10**5.5


@pytest.mark.slow
def test_the_shipped_denoiser(gcc, strict, tmp_path, shipped_small):
    """What docs/live.md and docs/program.md state."""
    path = program(gcc, strict, tmp_path, shipped_small, "-O2")
    speech = wav.read(SAMPLE)[0].astype(np.float32)[:16000]
    x = np.repeat(speech, 3) + 0.1 * music(48000)  # something above 8 kHz, too
    y = run(path, x, "f32")
    right = Denoiser(shipped_small, sample_rate=48000).denoise(x)
    assert np.abs(right).max() > 0.05
    np.testing.assert_allclose(y, right, rtol=0, atol=2e-4)


DRIVER = """
#include "net_wide.h"
int size(void);
int latency(void);
int size(void) { return (int)sizeof(net_wide); }
int latency(void) { return NET_WIDE_LATENCY; }
"""


def test_streams_and_what_is_no_sound(gcc, strict, tmp_path, tiny_denoiser):
    network = tiny_denoiser(32, 16)
    made = c_export.export_denoiser(network, "net", sample_rate=48000)
    made.write(tmp_path)
    (tmp_path / "driver.c").write_text(DRIVER)
    command = [gcc, *strict, "-O1", "-shared", "-fPIC", "driver.c", *made.sources]
    subprocess.run([*command, "-o", "net.so"], cwd=tmp_path, check=True)
    lib = ctypes.CDLL(str(tmp_path / "net.so"))
    assert lib.size() == made.state_bytes
    denoiser = Denoiser(network, sample_rate=48000)
    assert lib.latency() == denoiser.delay == 3 * 32 + 192
    x = music(48 * 20)
    wide = ctypes.create_string_buffer(b"\xa5" * lib.size())
    lib.net_wide_init(wide)

    def hop(row):
        out = np.zeros_like(row)
        pointers = (a.ctypes.data_as(ctypes.c_void_p) for a in (row, out))
        return lib.net_wide_process(wide, *pointers), out

    def denoise():
        rows = [hop(row) for row in x.reshape(-1, 48)]
        assert not any(status for status, _ in rows)
        return np.concatenate([row for _, row in rows])

    first = denoise()
    late = denoiser.process(x)[48:]  # a hop later: it takes chunks of any size
    assert np.sum(late**2) / np.sum((first[:-48] - late) ** 2) > 10**5.5
    for bad in (np.nan, np.inf, 33.0):
        assert hop(np.full(48, bad, np.float32))[0] == 1
    lib.net_wide_reset(wide)
    np.testing.assert_array_equal(denoise(), first)
    assert hop(np.full(48, 32.0, np.float32))[0] == 0


def test_rates_that_there_are_not(tiny_denoiser):
    network = tiny_denoiser(32, 16)
    with pytest.raises(SpecError, match="44100 Hz, must be one of: 16000, 48000"):
        c_export.export_denoiser(network, sample_rate=44100)
    with pytest.raises(SpecError, match="48000 Hz, the C for it counts in floats"):
        c_export.export_denoiser(network, fixed_point=True, sample_rate=48000)


@pytest.mark.slow
def test_the_command(command, tiny_denoiser, tmp_path):
    tiny_denoiser(32, 16).save(tmp_path / "x.net")
    words = ("export-c", tmp_path / "x.net", "-o", tmp_path / "c", "--rate", "48000")
    code, _, error = command(*words)
    assert code == 1
    assert "--rate: is of the front end, give --front-end" in error
    code, text, _ = command(*words, "--front-end")
    assert code == 0
    assert "x_wide.c" in text
