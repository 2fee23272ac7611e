# SPDX-License-Identifier: BSD-3-Clause
"""What ``denoise`` does with recordings that are long."""

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn.audio.sound import plots, wav, writer


@pytest.fixture
def noisy(tmp_path):
    """Noise of several pieces."""
    noise = np.random.default_rng(0).normal(0, 0.05, 3 * wav.BLOCK)
    soundfile.write(tmp_path / "noisy.wav", noise, 16000)
    return tmp_path / "noisy.wav"


@pytest.mark.slow
def test_a_picture_is_gathered_while_the_sound_passes_by(
    command, net, noisy, tmp_path, monkeypatch
):
    heard = []

    class Watched(plots.Spectrogram):
        def add(self, samples):
            heard.append(len(samples))
            super().add(samples)

    monkeypatch.setattr(plots, "Spectrogram", Watched)
    plot = tmp_path / "p.png"
    code, _, _ = command(
        "denoise", noisy, "-o", tmp_path / "o.wav", "-n", net, "--plot", plot
    )
    assert code == 0
    assert plot.stat().st_size > 10_000
    assert sum(heard) == 2 * 3 * wav.BLOCK
    assert max(heard) < 1.1 * wav.BLOCK


@pytest.mark.slow
def test_what_is_too_long_for_wav_is_rf64_and_told(
    command, net, noisy, tmp_path, monkeypatch
):
    out = tmp_path / "o.wav"
    monkeypatch.setattr(writer, "_LONGEST_WAV", 300_000)
    code, text, _ = command("denoise", noisy, "-o", out, "-n", net)
    assert code == 0
    assert "RF64, which is WAV for more than 4 GiB" in " ".join(text.split())
    with soundfile.SoundFile(out) as file:
        assert (file.format, file.frames) == ("RF64", 3 * wav.BLOCK)


def test_a_recording_without_noise_has_no_improvement(command, net, noisy, tmp_path):
    code, text, _ = command(
        "denoise", noisy, "-o", tmp_path / "o.wav", "-n", net, "--clean", noisy
    )
    assert code == 0
    assert "SI-SNR: inf dB before" in text
    assert "after; their difference is not defined" in text
