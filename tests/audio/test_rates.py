# SPDX-License-Identifier: BSD-3-Clause
"""Denoisers of 8 and 48 kHz: latency, the band above 8 kHz, and streams."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd, wav
from lava_sparse_rnn.audio.rates import Wide
from lava_sparse_rnn.audio.sound.stft import Stft
from lava_sparse_rnn.audio.sound.writer import writing

FRONT_END = FrontEnd(n_fft=64, hop_length=16, feature_mean=0.2, feature_scale=0.5)
RATES = (8000, 16000, 48000)


def network(**meta):
    random = spec.random_network(
        np.random.default_rng(2), d_in=33, d_model=12, d_state=8, d_out=33
    )
    return spec.Network(random.layers, random.recipe, FRONT_END.metadata() | meta)


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, n).astype(np.float32)


def tone(hertz, rate, n):
    return np.sin(2 * np.pi * hertz / rate * np.arange(n)).astype(np.float32)


DENOISERS = {rate: Denoiser(network(), sample_rate=rate) for rate in RATES}
SAMPLES = noise(1200)
WHOLE = {rate: denoiser.denoise(SAMPLES) for rate, denoiser in DENOISERS.items()}


@pytest.mark.parametrize("lookahead", [0, 1])
def test_what_is_let_through_comes_back_as_it_was(lookahead):
    """All of it at 48 kHz, what a telephone has at 8 kHz; at the stated time."""
    late = {8000: 6e-3, 16000: 0.0, 48000: 4e-3}
    for rate in RATES:
        net = network(lookahead=lookahead)
        denoiser = Denoiser(net, strength=0.0, sample_rate=rate)
        window = (64 + 16 * lookahead) / 16000
        assert denoiser.delay == round((window + late[rate]) * rate)
        x = tone(1000, rate, 2000) + tone(3300, rate, 2000)
        if rate == 48000:
            x += noise(2000)  # also what lies between the bands, and above them
        y = denoiser.process(x)
        assert y.dtype == np.float32
        delay = denoiser.delay
        within = slice(300, 2000 - delay)  # where a tone begins it is no tone
        bound = 2e-3 if rate == 8000 else 1e-5
        np.testing.assert_allclose(
            y[delay:][within], x[: 2000 - delay][within], rtol=0, atol=bound
        )


@pytest.mark.parametrize(("hertz", "gain"), [(12_000, 0.25), (20_000, 0.25)])
def test_the_upper_band_has_the_gain_of_the_bins_below(hertz, gain):
    stft = Stft(64, 16)
    converter = Wide(stft, stft.latency)
    x = tone(hertz, 48000, 6000)
    low = converter.down(x)
    assert np.abs(low[100:]).max() < 1e-3  # the network does not hear it
    gains = np.ones((len(low) // 16, 33))
    gains[:, 20:29] = gain  # 5 to 7 kHz
    converter.gains(gains)
    y = converter.back(np.zeros_like(low))
    delay = converter.delay
    np.testing.assert_allclose(y[600:], gain * x[600 - delay : -delay], atol=2e-3)


@settings(max_examples=30)
@given(st.sampled_from(RATES), st.lists(st.integers(0, 200), max_size=8))
def test_a_stream_is_the_same_however_it_is_cut(rate, sizes):
    denoiser, parts, at = DENOISERS[rate], [], 0
    denoiser.reset()
    for size in [*sizes, len(SAMPLES)]:
        parts.append(denoiser.process(SAMPLES[at : at + size]))
        assert len(parts[-1]) == len(SAMPLES[at : at + size])
        at += len(parts[-1])
    parts.append(denoiser.flush())
    np.testing.assert_array_equal(np.concatenate(parts)[denoiser.delay :], WHOLE[rate])


@pytest.mark.parametrize("rate", RATES)
def test_a_stream_goes_on_elsewhere(rate):
    denoiser, other = DENOISERS[rate], Denoiser(network(), sample_rate=rate)
    denoiser.reset()
    denoiser.process(SAMPLES[:501])
    other.state = denoiser.state
    rest = SAMPLES[501:]
    np.testing.assert_array_equal(other.process(rest), denoiser.process(rest))
    different = Denoiser(network(), sample_rate=RATES[RATES.index(rate) - 1])
    with pytest.raises(AudioError, match="state: is that of another sample rate"):
        different.state = denoiser.state


def test_the_network_hears_the_same_sound_at_any_rate():
    seconds = 0.2
    tokens = {
        rate: Denoiser(network(), sample_rate=rate).tokens(
            0.3 * tone(1000, rate, round(seconds * rate))
        )
        for rate in RATES
    }
    middle = slice(60, 180)
    for rate in (8000, 48000):
        apart = np.abs(tokens[rate][middle, 2:8] - tokens[16000][middle, 2:8])
        assert np.median(apart) < 0.02 * np.ptp(tokens[16000])


@pytest.mark.parametrize("rate", [44100, 0, "48000", 48000.0, True])
def test_other_rates_are_refused(rate):
    with pytest.raises(AudioError, match=r"sample_rate is .* must be one of: 8000, "):
        Denoiser(network(), sample_rate=rate)


@pytest.mark.parametrize("rate", [8000, 48000])
def test_the_commands(command, tmp_path, rate):
    network().save(tmp_path / "x.net")
    with writing(tmp_path / "in.wav", rate=rate) as writer:
        writer.write(noise(rate // 4))
    words = ("-n", tmp_path / "x.net", "--rate", rate)
    made = tmp_path / "out.wav", tmp_path / "live.wav"
    code, text, error = command("denoise", tmp_path / "in.wav", "-o", made[0], *words)
    assert code == 0, error
    assert "resampled" not in text
    code, _, error = command("live", "-i", tmp_path / "in.wav", "-o", made[1], *words)
    assert code == 0, error
    heard = [wav.read(path, rate) for path in made]
    assert {info.sample_rate for _, info in heard} == {rate}
    x = wav.read(tmp_path / "in.wav", rate)[0]
    right = Denoiser(network(), sample_rate=rate).denoise(x)
    for samples, _ in heard:
        np.testing.assert_allclose(samples, right.clip(-1, 1), atol=1.01 / 32768)


@pytest.mark.parametrize("rate", ["44100", "0", "-1"])
def test_a_rate_that_there_is_not(command, tmp_path, rate):
    network().save(tmp_path / "x.net")
    with writing(tmp_path / "in.wav") as writer:
        writer.write(noise(1000))
    words = ("-o", tmp_path / "o.wav", "-n", tmp_path / "x.net", "--rate", rate)
    code, _, error = command("denoise", tmp_path / "in.wav", *words)
    assert code == 1
    assert f"--rate: is {rate} Hz, must be one of: 8000, 16000, 48000" in error
    assert not (tmp_path / "o.wav").exists()
