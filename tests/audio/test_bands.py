# SPDX-License-Identifier: BSD-3-Clause
"""Bands of bins against the formulas that define them, written a second way."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd
from lava_sparse_rnn.audio.sound.bands import erb_bands

TOP = 8000.0
FRONT_END = FrontEnd(n_fft=64, hop_length=16, linear_bins=9, erb_bands=7)


def erb_number(hz):
    """Natural logarithms in place of decimal ones, kHz in place of Hz."""
    return 21.4 / np.log(10) * np.log1p(4.37 * hz / 1000)


def network(front=FRONT_END, size=None, seed=2):
    size = front.d_in if size is None else size
    rng = np.random.default_rng(seed)
    made = spec.random_network(rng, d_in=size, d_model=12, d_state=8, d_out=size)
    return spec.Network(made.layers, made.recipe, front.metadata())


@st.composite
def any_bands(draw):
    bins = draw(st.integers(4, 300))
    linear = draw(st.integers(1, bins - 2))
    count = draw(st.integers(2, max(2, (bins - linear) // 4)))
    top = draw(st.sampled_from([4000.0, 8000.0, 24000.0]))
    try:
        return erb_bands(bins, linear, count, top), top
    except AudioError:
        return erb_bands(bins, linear, 2, top), top


@settings(max_examples=60)
@given(any_bands(), st.integers(0, 2**32 - 1))
def test_answers_between_centres_are_interpolated_over_erb_numbers(made, seed):
    bands, top = made
    hz = np.arange(bands.bins) * top / (bands.bins - 1)
    place = erb_number(hz[bands.linear :])
    centres = np.linspace(place[0], place[-1], bands.count)
    answer = np.random.default_rng(seed).normal(size=(3, bands.size))
    found = bands.expand(answer)
    assert np.array_equal(found[:, : bands.linear], answer[:, : bands.linear])
    for got, given_row in zip(found, answer, strict=True):
        expected = np.interp(place, centres, given_row[bands.linear :])
        assert np.allclose(got[bands.linear :], expected, atol=1e-9)


@settings(max_examples=60)
@given(any_bands(), st.integers(0, 2**32 - 1))
def test_a_band_has_the_mean_power_of_its_bins(made, seed):
    bands, _ = made
    magnitude = np.random.default_rng(seed).exponential(size=(5, bands.bins))
    found = bands.reduce(magnitude)
    assert found.shape == (5, bands.size)
    high = magnitude[:, bands.linear :]
    for band, weights in enumerate(bands.weights):
        power = (high**2 * weights).sum(axis=1) / weights.sum()
        assert np.allclose(found[:, bands.linear + band], np.sqrt(power))
    one_by_one = [bands.reduce(row[None])[0] for row in magnitude]
    assert np.array_equal(found, one_by_one)


@given(any_bands())
def test_a_bin_is_shared_between_two_neighbours(made):
    bands, _ = made
    assert np.allclose(bands.weights.sum(axis=0), 1)
    assert ((bands.weights > 0).sum(axis=0) <= 2).all()
    assert bands.weights[0, 0] == bands.weights[-1, -1] == 1
    even = np.full((1, bands.bins), 3.0)
    assert np.allclose(bands.reduce(even), 3)
    assert np.allclose(bands.expand(bands.reduce(even)), 3)


def test_the_scale_is_that_of_glasberg_and_moore():
    # Their table: 1 kHz has the number 15.6; a band of 1 number there is 133 Hz wide.
    bands = erb_bands(8001, 1000, 12, TOP)
    centres = np.argmax(bands.weights, axis=1) + 1000
    steps = np.diff(erb_number(centres.astype(float)))
    assert np.allclose(steps, steps[0], rtol=1e-2)
    assert erb_number(1000.0) == pytest.approx(15.6, abs=0.05)
    width = 1 / (erb_number(1000.5) - erb_number(999.5))
    assert width == pytest.approx(24.7 * (4.37 + 1), rel=0.01)


@pytest.mark.parametrize(
    ("linear", "count", "words"),
    [
        (0, 5, "linear_bins is 0, must be 1 to 31 of 33 bins"),
        (32, 2, "linear_bins is 32"),
        (9, 0, "erb_bands is 0, must be 2 to 24"),
        (9, 1, "erb_bands is 1, must be 2 to 24"),
        (9, 25, "erb_bands is 25, must be 2 to 24"),
        (1, 32, "erb_bands is 32, must be 2 to 14 above 1 linear bins of 33"),
    ],
)
def test_bands_that_a_spectrum_cannot_have(linear, count, words):
    with pytest.raises(AudioError, match=words):
        FrontEnd(n_fft=64, hop_length=16, linear_bins=linear, erb_bands=count)


@given(st.integers(3, 300), st.data())
def test_so_many_bands_that_each_has_a_bin(bins, data):
    linear = data.draw(st.integers(1, bins - 2))
    with pytest.raises(AudioError, match="must be 2 to") as refused:
        erb_bands(bins, linear, bins, TOP)
    most = int(re.search(r"2 to (\d+)", str(refused.value))[1])
    assert (erb_bands(bins, linear, most, TOP).weights.max(axis=1) > 0).all()
    place = erb_number(np.arange(linear, bins) * TOP / (bins - 1))
    second = (place[1] - place[0]) / (place[-1] - place[0]) * most  # of one more
    assert most == bins - linear or second >= 2 - 1e-9


@pytest.mark.parametrize("value", [-1, 1.5, True, "9", None])
@pytest.mark.parametrize("name", ["linear_bins", "erb_bands"])
def test_bands_that_a_file_cannot_have(name, value):
    meta = FRONT_END.metadata() | {name: value}
    with pytest.raises(AudioError, match=f"{name} is .*must be a whole number"):
        FrontEnd.from_metadata(meta)


def test_the_file_says_which_bands():
    meta = FRONT_END.metadata()
    assert (meta["linear_bins"], meta["erb_bands"]) == (9, 7)
    assert FrontEnd.from_metadata(meta) == FRONT_END
    plain = FrontEnd(n_fft=64, hop_length=16)
    assert "erb_bands" not in plain.metadata()
    assert (plain.d_in, FRONT_END.d_out, FRONT_END.bins) == (33, 16, 33)


def test_a_network_of_another_size_is_refused():
    with pytest.raises(AudioError, match="33 inputs.*has 33 bins in 16 numbers"):
        Denoiser(network(size=33))


@settings(max_examples=20)
@given(st.lists(st.integers(0, 300), max_size=8), st.integers(0, 1000))
def test_a_stream_equals_offline(sizes, n):
    denoiser = Denoiser(network())
    samples = np.random.default_rng(n).normal(0, 0.1, 1000).astype(np.float32)
    whole = denoiser.denoise(samples)
    cuts = np.cumsum(sizes)[np.cumsum(sizes) < 1000]
    parts = [denoiser.process(part) for part in np.split(samples, cuts)]
    streamed = np.concatenate([*parts, denoiser.flush()])[denoiser.delay :]
    assert np.array_equal(streamed, whole)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_answers_of_zero_change_nothing(sample_rate):
    samples = np.random.default_rng(3).normal(0, 0.1, 4000).astype(np.float32)
    found = []
    for front in (FRONT_END, FrontEnd(n_fft=64, hop_length=16)):
        *layers, decoder = network(front).layers
        matrix = np.zeros((front.d_out, 12), int)
        weights = dataclasses.replace(decoder.weights, matrix=matrix)
        silent = dataclasses.replace(
            decoder, weights=weights, bias=spec.Bias.zeros(front.d_out)
        )
        made = spec.Network((*layers, silent), network(front).recipe, front.metadata())
        denoiser = Denoiser(made, sample_rate=sample_rate)
        found.append(denoiser.denoise(samples))
    assert np.array_equal(*found)
    if sample_rate == 16000:
        assert np.abs(found[0] - samples).max() < 1e-6
