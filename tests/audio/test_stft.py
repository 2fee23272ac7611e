# SPDX-License-Identifier: BSD-3-Clause
"""The transform reconstructs, and streaming gives the very same numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn.audio import Analyzer, AudioError, Stft, Synthesizer

SIZES = [(512, 128), (512, 256), (64, 16), (20, 5), (12, 2)]


def signal(n, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(n).astype(dtype)


def pieces(x, cuts):
    """Cut ``x`` at the sorted positions, empty pieces included."""
    return np.split(x, sorted(cut % (len(x) + 1) for cut in cuts))


@pytest.mark.parametrize(("n_fft", "hop"), SIZES)
@pytest.mark.parametrize(("dtype", "eps"), [(np.float32, 3e-6), (np.float64, 1e-13)])
@pytest.mark.parametrize("n", [0, 1, 5, 127, 128, 1000])
def test_reconstruction(n_fft, hop, dtype, eps, n):
    stft = Stft(n_fft, hop, dtype)
    x = signal(n, dtype)
    X = stft.analysis(x)
    y = stft.synthesis(X, n)
    assert X.shape == (stft.frames(n), n_fft // 2 + 1)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, x, atol=eps)


def test_framing_is_as_documented():
    """Frame t against the definition, computed another way."""
    stft = Stft(16, 4, np.float64)
    x = signal(50, np.float64)
    X = stft.analysis(x)
    n = np.arange(16)
    window = np.abs(np.sin(np.pi * n / 16))  # square root of the periodic Hann window
    for t in range(len(X)):
        at = (t + 1) * 4 - 16 + n
        frame = np.array([x[i] if 0 <= i < 50 else 0.0 for i in at]) * window
        for k in range(9):
            expected = np.sum(frame * np.exp(-2j * np.pi * k * n / 16))
            assert abs(X[t, k] - expected) < 1e-12


def test_causal():
    """What comes later changes no earlier frame."""
    stft = Stft(64, 16)
    x = signal(400)
    y = x.copy()
    y[200:] += 1.0
    first = 200 // 16  # frame t ends before sample (t + 1) * 16
    X, Y = stft.analysis(x), stft.analysis(y)
    assert np.array_equal(X[:first], Y[:first])
    assert not np.array_equal(X[first], Y[first])


def test_no_tail_counts_whole_hops():
    stft = Stft(64, 16)
    x = signal(100)
    assert stft.analysis(x, tail=False).shape == (6, 33)
    assert np.array_equal(stft.analysis(x, tail=False), stft.analysis(x)[:6])


def test_latency():
    stft = Stft()
    assert (stft.latency, stft.overlap, stft.bins, stft.ratio) == (512, 384, 257, 4)


@given(
    n=st.integers(0, 600),
    cuts=st.lists(st.integers(0, 10_000), max_size=12),
    size=st.sampled_from(SIZES[2:]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_streaming_analysis_equals_offline(n, cuts, size, dtype):
    stft = Stft(*size, dtype)
    x = signal(n, dtype, seed=n)
    analyzer = Analyzer(stft)
    rows = [analyzer.process(piece) for piece in pieces(x, cuts)]
    streamed = np.concatenate([*rows, analyzer.flush()])
    assert np.array_equal(streamed, stft.analysis(x))
    # and flush has reset it
    assert np.array_equal(analyzer.process(x), stft.analysis(x, tail=False))


@given(
    frames=st.integers(0, 40),
    cuts=st.lists(st.integers(0, 1000), max_size=8),
    size=st.sampled_from(SIZES[2:]),
)
def test_streaming_synthesis_is_offline_delayed(frames, cuts, size):
    stft = Stft(*size)
    rng = np.random.default_rng(frames)
    X = rng.standard_normal((2, frames, stft.bins)).astype(np.float32)
    X = X[0] + 1j * X[1]
    synthesizer = Synthesizer(stft)
    streamed = np.concatenate(
        [synthesizer.process(part) for part in pieces(X, cuts)] or [[]]
    )
    offline = stft.synthesis(X)
    assert len(streamed) == frames * stft.hop_length
    assert np.array_equal(streamed[stft.overlap :], offline)
    synthesizer.reset()
    assert np.array_equal(synthesizer.process(X), streamed)


def test_stream_in_and_out_is_late_by_the_overlap():
    stft = Stft(dtype=np.float64)
    x = signal(5000, np.float64)
    analyzer, synthesizer = Analyzer(stft), Synthesizer(stft)
    parts = [synthesizer.process(analyzer.process(p)) for p in np.array_split(x, 37)]
    parts.append(synthesizer.process(analyzer.flush()))
    y = np.concatenate(parts)
    np.testing.assert_allclose(y[384 : 384 + 5000], x, atol=1e-12)
    np.testing.assert_allclose(y[:384], 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"n_fft": 511}, "n_fft 511"),
        ({"n_fft": 2}, "n_fft 2"),
        ({"n_fft": 2**40, "hop_length": 2**30}, "n_fft 1099511627776: .* to 65536"),
        ({"hop_length": 100}, "hop_length 100"),
        ({"hop_length": 512}, "hop_length 512"),
        ({"hop_length": 0}, "hop_length 0"),
        ({"dtype": np.int16}, "float32"),
    ],
)
def test_bad_settings(settings, word):
    with pytest.raises(AudioError, match=word):
        Stft(**settings)


def test_bad_shapes():
    stft = Stft()
    with pytest.raises(AudioError, match=r"\(2, 3\)"):
        stft.analysis(np.zeros((2, 3)))
    with pytest.raises(AudioError, match="257"):
        stft.synthesis(np.zeros((4, 256), complex))
    with pytest.raises(AudioError, match=r"\(1, 4\)"):
        Analyzer(stft).process(np.zeros((1, 4)))
