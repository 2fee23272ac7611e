# SPDX-License-Identifier: BSD-3-Clause
"""Ideal gains and the distance from them, written a second way in numpy."""

import numpy as np
import pytest
import torch

from lava_sparse_rnn.audio import FrontEnd
from lava_sparse_rnn.tasks.denoise import objective
from lava_sparse_rnn.tasks.denoise.frontend import analyse_features
from lava_sparse_rnn.tasks.denoise.gains import gain_distance, ideal_gains
from lava_sparse_rnn.tasks.denoise.resynthesis import gain

SMALL = {"n_fft": 64, "hop_length": 32}
BANDED = {**SMALL, "linear_bins": 9, "erb_bands": 7}


def speech_and_noise(tokens=40, hop=32, seed=0):
    """Bursts of sound with pauses, on a faint floor; and the same with noise."""
    rng = np.random.default_rng(seed)
    on = np.repeat(np.arange(tokens) % 20 < 10, hop)
    clean = (0.3 * on + 1e-3) * rng.standard_normal((2, tokens * hop))
    noisy = clean + 0.05 * rng.standard_normal(clean.shape)
    return (torch.from_numpy(x.astype(np.float32)) for x in (noisy, clean))


def power(front, wave):
    """(T, size) of one waveform, through the audio room."""
    spectrum = front.stft().analysis(wave.astype(np.float64), tail=False)
    return front.bands.reduce(abs(spectrum)) ** 2 if front.bands else abs(spectrum) ** 2


@pytest.mark.parametrize("sizes", [SMALL, BANDED])
def test_ideal_gains_by_numbers(sizes):
    front = FrontEnd(**sizes)
    noisy, clean = speech_and_noise(80)
    spectrum, _ = analyse_features(front, noisy)
    found, audible = ideal_gains(front, spectrum, clean)
    assert audible.float().mean() > 0.999
    weights = np.array([1, 4, 6, 4, 1]) / 16
    for row, x, s in zip(found.numpy(), noisy.numpy(), clean.numpy(), strict=True):
        heard, spoken = power(front, x), power(front, s)
        floor = spoken.reshape(10, 8, -1).mean(1).min(0)
        spoken = np.maximum(spoken - 2.5 * floor, 0)
        for t in range(2, len(heard) - 2):
            up, down = (weights @ p[t - 2 : t + 3] for p in (spoken, heard))
            right = np.clip(up / down, 0, 1) ** 1.5
            np.testing.assert_allclose(row[t], right, rtol=2e-3, atol=1e-5)
    speaking = np.arange(80) % 20 < 10
    assert found[:, speaking].mean() > 0.8
    assert found[:, 13:17].mean() < 0.01  # of a pause


def test_the_noise_of_a_clean_recording_is_no_speech():
    front = FrontEnd(**SMALL)
    _, clean = speech_and_noise(80)
    spectrum, _ = analyse_features(front, clean)  # a mixture without noise
    gains, _ = ideal_gains(front, spectrum, clean)
    pause = slice(14, 18)
    assert gains[:, pause].mean() < 0.2
    assert gains[:, 2:8].mean() > 0.99


def test_what_is_silent_does_not_count():
    front = FrontEnd(**SMALL)
    noisy, clean = speech_and_noise()
    noisy[:, :640] = clean[:, :640] = 0
    spectrum, _ = analyse_features(front, noisy)
    ideal, audible = ideal_gains(front, spectrum, clean)
    assert not audible[:, :19].any()
    assert audible[:, 22:].float().mean() > 0.99
    assert torch.isfinite(ideal).all()
    other = ideal.clone()
    other[:, :19] = 1.0
    assert gain_distance(other, ideal, audible) == 0
    nothing = torch.zeros_like(audible)
    assert gain_distance(other + 1, ideal, nothing) == 0


@pytest.mark.parametrize("tokens", [1, 2, 8, 10])
def test_little_sound_has_no_floor(tokens):
    front = FrontEnd(**SMALL)
    noisy, clean = speech_and_noise()
    spectrum, _ = analyse_features(front, noisy[:, : tokens * 32])
    gains, _ = ideal_gains(front, spectrum, clean)
    assert gains.shape == (2, tokens, 33)
    assert gains[:, :2].mean() > 0.7


def test_the_distance_by_numbers():
    rest = 10 ** (-30 / 20)
    gains = torch.tensor([[[1.0, 0.5, 0.0, 1e-4]]], dtype=torch.float64)
    ideal = torch.tensor([[[1.0, 1.0, 0.5, 0.0]]], dtype=torch.float64)
    audible = torch.tensor([[[True, True, True, True]]])
    decibels = [
        20 * np.log10((g + rest) / (i + rest))
        for g, i in zip(gains.flatten().tolist(), ideal.flatten().tolist(), strict=True)
    ]
    right = np.mean([(d * d + 1) ** 0.5 - 1 for d in decibels])
    assert gain_distance(gains, ideal, audible).item() == pytest.approx(right, 1e-12)
    audible[..., 2] = False
    right = np.mean([(decibels[i] ** 2 + 1) ** 0.5 - 1 for i in (0, 1, 3)])
    assert gain_distance(gains, ideal, audible).item() == pytest.approx(right, 1e-12)


def test_its_gradient_is_finite_where_a_gain_is_zero():
    gains = torch.zeros(1, 3, 4, requires_grad=True)
    gain_distance(gains, torch.ones(1, 3, 4), torch.ones(1, 3, 4).bool()).backward()
    assert (gains.grad < 0).all()
    assert torch.isfinite(gains.grad).all()


@pytest.mark.parametrize("lookahead", [0, 2])
def test_the_loss_adds_up(lookahead):
    front = FrontEnd(**SMALL, lookahead=lookahead)
    noisy, clean = speech_and_noise()

    def model(x):
        return 0.1 * x.tanh() - 0.5

    bare = objective.loss(model, front, noisy, clean)
    both = objective.loss(model, front, noisy, clean, gain_weight=3.0)
    spectrum, x = analyse_features(front, noisy)
    spectrum = spectrum[:, : 40 - lookahead]  # those that are answered to
    wave = objective.denoise(model, front, noisy)
    heard = clean[:, : wave.shape[1]]
    level = (wave * heard).sum(1) / (wave * wave).sum(1)
    answers = level[:, None, None] * gain(model(x))[lookahead:].transpose(0, 1)
    distance = gain_distance(answers, *ideal_gains(front, spectrum, clean))
    assert torch.allclose(both - bare, 3 * distance, atol=1e-4)
    assert distance > 1


@pytest.mark.parametrize("strength", [None, 6, 30])
def test_a_network_gains_nothing_by_being_louder(strength):
    """Neither rid of its limit nor nearer to ideal gains: a level is set in the end."""
    front = FrontEnd(**SMALL, strength=strength)
    noisy, clean = speech_and_noise()

    def model(x):
        return 0.3 * x.tanh() - 0.5

    def loud(x):
        return 100 * (1 + model(x)) - 1

    for weights in ((), (0.0, 3.0), (0.0, 0.0, 2.0)):
        one = objective.loss(model, front, noisy, clean, *weights)
        other = objective.loss(loud, front, noisy, clean, *weights)
        assert torch.allclose(one, other, rtol=1e-4)

    (one, speech), (other, _) = (
        objective.estimate(m, front, noisy, clean) for m in (model, loud)
    )
    assert torch.allclose(one, other, atol=1e-5)
    # Of all levels of what the network makes, the nearest to the speech.
    kept = front.kept * noisy[:, : one.shape[1]]
    made = one - kept
    assert made.abs().max() > 0.01
    errors = [(kept + f * made - speech).square().sum(1) for f in (1, 1.01, 0.99)]
    assert (errors[0] < torch.minimum(errors[1], errors[2])).all()


@pytest.mark.parametrize("strength", [None, 6, 30])
@pytest.mark.parametrize("weights", [(0.0,), (0.0, 400.0), (0.0, 0.0, 2.0)])
def test_no_gradient_makes_a_network_louder_or_softer(strength, weights):
    """Or else it would become so step by step, as nothing that it hears changes."""
    front = FrontEnd(**SMALL, strength=strength)
    noisy, clean = speech_and_noise()
    answers = []

    def model(x):
        answers.append((0.3 * x.tanh() - 0.5).detach().requires_grad_())
        return answers[0]

    objective.loss(model, front, noisy, clean, *weights).backward()
    (answer,) = answers
    each = answer.grad * gain(answer).detach()
    along, all_in_all = each.sum((0, 2)).abs(), each.abs().sum((0, 2))
    assert all_in_all.min() > 0.1
    assert (along < 1e-3 * all_in_all).all()


def test_what_the_file_keeps_is_in_the_estimate_and_in_its_magnitudes():
    free, front = FrontEnd(**SMALL), FrontEnd(**SMALL, strength=6)
    noisy, clean = speech_and_noise()

    def silent(x):
        return torch.full_like(x, -2.0)

    found = objective.denoise(silent, front, noisy)
    assert torch.allclose(found, front.kept * noisy[:, : found.shape[1]], atol=1e-6)
    # A gain that is the same everywhere: the level is open, and so is the limit.
    for weights in ((), (0.0, 2.0)):
        one = objective.loss(lambda x: x * 0 - 0.5, front, noisy, clean, *weights)
        other = objective.loss(lambda x: x * 0, free, noisy, clean, *weights)
        assert torch.allclose(one, other, atol=1e-3)
