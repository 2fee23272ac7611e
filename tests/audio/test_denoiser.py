# SPDX-License-Identifier: BSD-3-Clause
"""The denoiser: streaming against offline, and a mask that does nothing."""

import dataclasses
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import backends, engine, spec
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


@pytest.fixture(scope="module")
def every():
    """One of every backend."""
    names = set(backends.BACKENDS) - ({"engine"} if engine.EXTENSION is None else set())
    made = {name: Denoiser(network(), name) for name in sorted(names)}
    yield made
    for denoiser in made.values():
        denoiser.close()


@pytest.fixture(scope="module")
def denoisers(every):
    """The fast ones."""
    return [d for name, d in every.items() if name in ("engine", "reference")]


def chunked(denoiser, x, sizes):
    """A stream's answers, piece by piece; every piece is as long as its input."""
    parts, start = [], 0
    for size in [*sizes, len(x)]:
        chunk = x[start : start + size]
        out = denoiser.process(chunk)
        assert out.shape == chunk.shape
        assert out.dtype == np.float32
        parts.append(out)
        start += len(chunk)
    return np.concatenate(parts)


@settings(max_examples=30)
@given(
    st.integers(0, 1),
    st.lists(st.integers(0, 300) | st.sampled_from([0, 1, 15, 16, 17]), max_size=12),
    st.integers(0, 1000),
)
def test_streaming_equals_offline_sample_by_sample(denoisers, which, sizes, n):
    denoiser = denoisers[which % len(denoisers)]
    denoiser.reset()
    streamed = [chunked(denoiser, SAMPLES[:n], sizes), denoiser.flush()]
    streamed = np.concatenate(streamed)
    assert not streamed[: denoiser.delay].any()
    assert np.array_equal(streamed[denoiser.delay :], DENOISER.denoise(SAMPLES[:n]))


AHEAD = 3


@settings(max_examples=15)
@given(st.lists(st.integers(0, 300), max_size=8), st.integers(0, 1000))
def test_a_stream_that_looks_ahead_equals_offline(sizes, n):
    denoiser = Denoiser(network(lookahead=AHEAD))
    assert denoiser.delay == 64 + AHEAD * 16
    streamed = [chunked(denoiser, SAMPLES[:n], sizes), denoiser.flush()]
    streamed = np.concatenate(streamed)
    assert not streamed[: denoiser.delay].any()
    assert np.array_equal(streamed[denoiser.delay :], denoiser.denoise(SAMPLES[:n]))


def test_gains_of_a_network_that_looks_ahead_are_of_earlier_frames():
    net = network(lookahead=AHEAD)
    front, stft = FrontEnd.from_metadata(net.meta), FRONT_END.stft()
    padded = np.concatenate([SAMPLES, np.zeros(64 + AHEAD * 16, np.float32)])
    heard = stft.analysis(padded)
    answers = spec.reference.run(net, net.to_wire(front.features(heard)))
    cleaned = FRONT_END.apply(heard[:-AHEAD], net.from_wire(answers[AHEAD:]))
    expected = stft.synthesis(cleaned, len(SAMPLES))
    assert np.array_equal(Denoiser(net).denoise(SAMPLES), expected)


def test_a_state_is_of_one_lookahead():
    state = Denoiser(network(lookahead=AHEAD)).state
    with pytest.raises(AudioError, match="state: waits with 3 frames, .* looks 0 ahea"):
        DENOISER.state = state


@pytest.mark.parametrize("lookahead", [-1, 17, 1.0, "1", None, True])
def test_a_lookahead_is_a_small_whole_number(lookahead):
    with pytest.raises(AudioError, match=r"lookahead is .*, must be a whole number"):
        Denoiser(network(lookahead=lookahead))


def test_one_sample_at_a_time(denoisers):
    for denoiser in denoisers:
        denoiser.reset()
        streamed = [chunked(denoiser, SAMPLES[:200], [0, *[1] * 200])]
        streamed = np.concatenate([*streamed, denoiser.flush()])[denoiser.delay :]
        assert np.array_equal(streamed, DENOISER.denoise(SAMPLES[:200]))


@settings(max_examples=10)
@given(
    st.tuples(st.integers(0, 1), st.integers(0, 1)),
    st.lists(st.integers(0, 40), max_size=6),
    st.integers(0, 500),
)
def test_a_stream_goes_on_elsewhere(denoisers, which, sizes, at):
    first, second = (denoisers[i % len(denoisers)] for i in which)
    first.reset()
    heard = chunked(first, SAMPLES[:at], sizes)
    state = pickle.loads(pickle.dumps(first.state))
    first.process(SAMPLES[:77])  # what happens after it does not change a state
    for _ in range(2):  # nor does going on from it
        second.state = state
        rest = [chunked(second, SAMPLES[at:], sizes), second.flush()]
        whole = np.concatenate([heard, *rest])[first.delay :]
        assert np.array_equal(whole, WHOLE)


def test_every_backend_streams_the_same_and_goes_on_from_any_state(every):
    for first, second in itertools.product(every.values(), repeat=2):
        first.reset()
        heard = chunked(first, SAMPLES[:311], [5, 200])
        state = pickle.loads(pickle.dumps(first.state))
        second.reset()
        second.state = state
        rest = [chunked(second, SAMPLES[311:], [1, 250]), second.flush()]
        whole = np.concatenate([heard, *rest])[first.delay :]
        assert np.array_equal(whole, WHOLE)
    for denoiser in every.values():
        assert np.array_equal(denoiser.denoise(SAMPLES), WHOLE)


def test_states_of_others_are_refused():
    other = spec.random_network(
        np.random.default_rng(2), d_in=33, d_model=12, d_state=9, d_out=33
    )
    other = spec.Network(other.layers, other.recipe, FRONT_END.metadata())
    hop = Denoiser(network(hop_length=32))
    DENOISER.reset()
    DENOISER.process(SAMPLES[:100])
    before = DENOISER.state
    refused = {"of another network": Denoiser(other).state, "window": hop.state}
    for says, state in refused.items():
        with pytest.raises(AudioError, match=says):
            DENOISER.state = state
    with pytest.raises(AudioError, match="state: is of type int"):
        DENOISER.state = 7
    rest = DENOISER.process(SAMPLES[100:])
    DENOISER.state = before
    assert np.array_equal(DENOISER.process(SAMPLES[100:]), rest)


def test_a_reset_or_flush_begins_a_new_stream():
    for end in (DENOISER.reset, DENOISER.flush):
        DENOISER.process(SAMPLES[:333])
        end()
        streamed = [DENOISER.process(SAMPLES), DENOISER.flush()]
        assert np.array_equal(np.concatenate(streamed)[DENOISER.delay :], WHOLE)


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


def test_threads_get_the_pieces_of_one_stream(denoisers, at_once):
    piece = SAMPLES[:100]
    for denoiser in denoisers:
        denoiser.reset()
        stream = chunked(denoiser, np.tile(piece, 40), [100] * 40)
        expected = sorted(part.tobytes() for part in np.split(stream, 40))
        denoiser.reset()
        got = at_once(lambda i, d=denoiser: [d.process(piece) for _ in range(10)])
        assert sorted(part.tobytes() for parts in got for part in parts) == expected


@pytest.mark.parametrize("strength", [0, 6.0, 20, 200])
def test_strength_keeps_a_share_of_the_noisy_sound(strength):
    kept = 10.0 ** (-strength / 20)
    found = Denoiser(network(), strength=strength).denoise(SAMPLES)
    wanted = kept * SAMPLES + (1 - kept) * WHOLE
    largest = np.abs(WHOLE).max()  # of a random network, far beyond 1
    assert np.abs(found - wanted).max() < 1e-6 * largest  # single precision


def test_strength_may_change_in_a_stream():
    denoiser = Denoiser(network())
    first = denoiser.process(SAMPLES[:512])
    assert np.array_equal(first[64:], WHOLE[:448])
    denoiser.strength = 0
    denoiser.process(SAMPLES[512:640])  # windows of both overlap here
    rest = np.concatenate([denoiser.process(SAMPLES[640:]), denoiser.flush()])
    assert np.abs(rest[64:] - SAMPLES[640:]).max() < 1e-6
    denoiser.strength = None
    assert np.array_equal(denoiser.denoise(SAMPLES), WHOLE)


@pytest.mark.parametrize("strength", [-1, float("nan"), "6", True])
def test_strength_is_decibels_from_zero(strength):
    with pytest.raises(AudioError, match=f"strength is {strength!r}, must be 0 dB"):
        Denoiser(network(), strength=strength)
    with pytest.raises(AudioError, match="strength is"):
        DENOISER.strength = strength
    assert DENOISER.strength is None


def test_a_file_may_limit_attenuation_itself():
    limited = network(strength=12)
    own = Denoiser(limited)
    assert (own.strength, own.front_end.kept) == (12, 10.0 ** (-12 / 20))
    wanted = Denoiser(network(), strength=12).denoise(SAMPLES)
    assert np.array_equal(own.denoise(SAMPLES), wanted)
    assert not np.array_equal(wanted, WHOLE)
    own.strength = float("inf")  # no limit
    assert np.array_equal(own.denoise(SAMPLES), WHOLE)
    own.strength = None  # its own again
    assert own.strength == 12
    assert np.array_equal(own.denoise(SAMPLES), wanted)
    other = Denoiser(limited, strength=6.0).denoise(SAMPLES)
    assert np.array_equal(other, Denoiser(network(), strength=6.0).denoise(SAMPLES))
    # The front end alone does so, too, and says so.
    front = own.front_end
    assert FrontEnd.from_metadata(front.metadata()) == front
    assert "strength" not in FRONT_END.metadata()
    spectrum = front.stft().analysis(SAMPLES)
    answer = np.full((len(spectrum), front.d_out), -1.0)
    kept = front.apply(spectrum, answer)
    assert np.array_equal(kept, front.apply(spectrum, answer, front.kept))
    assert np.allclose(kept, spectrum * front.kept, atol=1e-6)
    assert not front.apply(spectrum, answer, 0.0).any()


@pytest.mark.parametrize("strength", [-1, 97, 1.5, True, "6", float("inf")])
def test_the_limit_of_a_file_is_whole_decibels(strength):
    words = "network: strength is .*, must be whole dB from 0 to 96, or missing"
    with pytest.raises(AudioError, match=words):
        Denoiser(network(strength=strength))


REFUSED = [
    ((SAMPLES * 32768).astype(np.int16), "of int16 that is x / 32768"),
    ((SAMPLES * 100 + 128).astype(np.uint8), r"of uint8 that is \(x - 128\) / 128"),
    (SAMPLES > 0, "type bool"),
    (SAMPLES.astype(complex), "type complex128"),
    (SAMPLES[:, None], r"shape \(1000, 1\)"),
    (np.where(np.arange(1000) == 7, np.nan, SAMPLES), "sample 7 is nan"),
    (np.where(np.arange(1000) == 7, np.inf, SAMPLES), "sample 7 is inf"),
    (["0.1"], "type <U3"),
]


@pytest.mark.parametrize(("samples", "says"), REFUSED)
def test_what_is_no_sound_is_refused_and_changes_nothing(denoisers, samples, says):
    for denoiser in denoisers:
        denoiser.reset()
        first = denoiser.process(SAMPLES[:500])
        for entrance in (denoiser.process, denoiser.tokens):
            with pytest.raises(AudioError, match=says):
                entrance(samples)
        streamed = [first, denoiser.process(SAMPLES[500:]), denoiser.flush()]
        assert np.array_equal(np.concatenate(streamed)[denoiser.delay :], WHOLE)
        with pytest.raises(AudioError, match=says):
            denoiser.denoise(samples)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 300), max_size=6), st.integers(0, 1000))
def test_pieces_of_a_recording_give_the_whole(denoisers, sizes, n):
    at = np.cumsum([0, *sizes])
    pieces = [SAMPLES[:n][a:b] for a, b in zip(at, [*at[1:], None], strict=True)]
    for denoiser in denoisers:
        denoiser.process(SAMPLES[:123])  # forgotten
        out = np.concatenate(list(denoiser.stream(iter(pieces))))
        assert np.array_equal(out, denoiser.denoise(SAMPLES[:n]))


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("magnitude_scale", -1, "a finite number above 0"),
        ("feature_mean", float("nan"), "a finite number"),
        ("lookahead", 17, "a whole number from 0 to 16"),
        ("hop_length", 128.0, "a whole number above 0"),
        ("sample_rate", 8000, "16000 Hz"),
    ],
)
def test_a_front_end_out_of_range_is_refused_when_it_is_made(name, value, rule):
    with pytest.raises(AudioError, match=f"^{name} is .*, must be {rule}"):
        FrontEnd(**{name: value})
    assert FrontEnd(strength=float("inf")).kept == 0
