# SPDX-License-Identifier: BSD-3-Clause
"""The denoiser: streaming against offline, and a mask that does nothing."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd

FRONT_END = FrontEnd(n_fft=64, hop_length=16, feature_mean=0.2, feature_scale=0.5)


def network(**meta):
    random = spec.random_network(
        np.random.default_rng(2), d_in=33, d_model=12, d_state=8, d_out=33
    )
    return spec.Network(random.layers, random.recipe, FRONT_END.metadata() | meta)


DENOISER = Denoiser(network())
SAMPLES = np.random.default_rng(0).normal(0, 0.1, 1000).astype(np.float32)
WHOLE = DENOISER.denoise(SAMPLES)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 300), max_size=12), st.integers(0, 1000))
def test_streaming_equals_offline_sample_by_sample(sizes, n):
    x, parts, start = SAMPLES[:n], [], 0
    DENOISER.reset()
    for size in [*sizes, n]:
        chunk = x[start : start + size]
        out = DENOISER.process(chunk)
        assert len(out) == len(chunk)
        parts.append(out)
        start += len(chunk)
    parts.append(DENOISER.flush())
    streamed = np.concatenate(parts)[DENOISER.delay :]
    assert np.array_equal(streamed, DENOISER.denoise(x))


def test_the_delay_is_one_window():
    assert DENOISER.delay == 64
    DENOISER.reset()
    assert not DENOISER.process(SAMPLES[:64])[:64].any()


def test_a_network_that_answers_zero_gives_the_input_back():
    net = network()
    decoder = net.layers[-1]
    silent = dataclasses.replace(
        decoder,
        weights=dataclasses.replace(decoder.weights, matrix=np.zeros((33, 12), int)),
        bias=spec.Bias.zeros(33),
    )
    net = spec.Network((*net.layers[:-1], silent), net.recipe, net.meta)
    assert np.abs(Denoiser(net).denoise(SAMPLES) - SAMPLES).max() < 1e-6


def test_gains_are_never_negative():
    spectrum = np.array([[1 + 1j, 2.0, -3.0]])
    out = FRONT_END.apply(spectrum, np.array([[-0.5, -2.0, 1.0]]))
    assert out.tolist() == [[0.5 + 0.5j, 0, -6]]


def test_features_are_the_documented_formula():
    spectrum = np.array([[0.03 + 0.04j, 0.0]])
    expected = 0.5 * (np.log([1 + 100 * 0.05, 1.0]) - 0.2)
    assert np.allclose(FRONT_END.features(spectrum), expected, rtol=1e-12)


def test_the_front_end_travels_in_the_metadata():
    assert FrontEnd.from_metadata(FRONT_END.metadata()) == FRONT_END


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"feature": "mel"}, "feature is 'mel'"),
        ({"task": "keywords"}, "task is 'keywords'"),
        ({"n_fft": 128, "hop_length": 32}, "33 outputs, its front end has 65 bins"),
    ],
)
def test_a_network_with_another_front_end_is_refused(meta, message):
    with pytest.raises(AudioError, match=message):
        Denoiser(network(**meta))


def test_a_missing_constant_is_named():
    meta = FRONT_END.metadata()
    del meta["feature_mean"]
    with pytest.raises(AudioError, match="lacks feature_mean"):
        FrontEnd.from_metadata(meta)


def test_a_backend_without_state_cannot_stream():
    with pytest.raises(AudioError, match="'lava' runs whole recordings only"):
        Denoiser(network(), "lava").process(SAMPLES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_fft", "512"),
        ("n_fft", 64.0),
        ("hop_length", -16),
        ("hop_length", True),
        ("magnitude_scale", 0),
        ("feature_scale", float("nan")),
        ("feature_mean", None),
        ("sample_rate", 8000),
    ],
)
def test_a_bad_constant_is_named(name, value):
    meta = FRONT_END.metadata() | {name: value}
    with pytest.raises(AudioError, match=f"{name} is {value!r}, must be"):
        FrontEnd.from_metadata(meta)
