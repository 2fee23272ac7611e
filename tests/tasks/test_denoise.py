# SPDX-License-Identifier: BSD-3-Clause
"""Front end, loss and validation of the denoising objective."""

import numpy as np
import pytest
import torch

from lava_sparse_rnn.audio import FrontEnd
from lava_sparse_rnn.nn import loops
from lava_sparse_rnn.nn.quantize import FoldedAffine, FoldedNetwork
from lava_sparse_rnn.tasks.denoise import Denoise, objective
from lava_sparse_rnn.tasks.denoise.config import DataConfig, FrontEndConfig
from lava_sparse_rnn.tasks.denoise.frontend import (
    analyse,
    analyse_features,
    features,
    measure,
)
from lava_sparse_rnn.tasks.denoise.losses import compressed_distance, si_snr
from lava_sparse_rnn.tasks.denoise.resynthesis import (
    expand,
    gain,
    resynthesise,
    synthesise,
)
from lava_sparse_rnn.tasks.denoise.translation import translation

BANDS = {"linear_bins": 65, "erb_bands": 64}
SOME = {"linear_bins": 30, "erb_bands": 12}
LEVEL = {"level_s": 0.3}
CONTRAST = {"floor_rise": 6.0}
both = pytest.mark.parametrize("bands", [{}, BANDS], ids=["bins", "bands"])
every = pytest.mark.parametrize(
    "bands",
    [{}, BANDS, LEVEL, CONTRAST, BANDS | LEVEL | CONTRAST],
    ids=["bins", "bands", "level", "contrast", "all"],
)


@every
def test_analysis_equals_that_of_the_audio_room(bands):
    front = FrontEnd(feature_mean=1.5, feature_scale=0.5, **bands)
    wave = np.random.default_rng(0).standard_normal(128 * 20).astype(np.float32)
    expected = front.stft().analysis(wave)
    found = analyse(front, torch.from_numpy(wave)[None])[:, 0]
    assert np.allclose(found.numpy(), expected[: len(found)], atol=1e-4)
    mine = features(front, found.abs()).numpy()
    assert np.allclose(mine, front.features(expected[: len(found)]), atol=1e-4)
    answer = 2 * torch.randn(7, front.d_out, dtype=torch.float64) - 1
    gains = gain(expand(front, answer)).numpy()
    assert np.allclose(gains, front.gains(answer.numpy()), atol=1e-12)


@pytest.mark.parametrize("hop", [128, 256, 64])
def test_perfect_reconstruction(hop):
    front = FrontEnd(n_fft=512, hop_length=hop)
    wave = torch.randn(2, 16 * 512, dtype=torch.float64)
    again = synthesise(front, analyse(front, wave))
    assert again.shape[1] == wave.shape[1] - 512 + hop
    assert torch.allclose(again, wave[:, : again.shape[1]], atol=1e-12)


@every
def test_features_one_by_one_are_those_of_the_batch(bands):
    front = FrontEnd(feature_mean=1.5, feature_scale=0.5, **bands)
    wave = torch.randn(3, 128 * 9)
    spectrum, x = analyse_features(front, wave)
    expected = analyse(front, wave)
    assert torch.equal(spectrum, expected.transpose(0, 1))
    assert torch.allclose(x, features(front, expected.abs()), atol=1e-6)


@both
@pytest.mark.parametrize("hop", [128, 256])
def test_gradient_of_the_resynthesis_is_that_of_its_graph(hop, bands):
    front = FrontEnd(n_fft=512, hop_length=hop, **bands)
    spectrum = analyse(front, torch.randn(2, 512 * 6, dtype=torch.float64))
    shape = *spectrum.shape[:2], front.d_out
    output = (2 * torch.randn(shape, dtype=torch.float64) - 1).requires_grad_()
    weight = torch.randn(2, 512 * 6 - 512 + hop, dtype=torch.float64)

    expected = synthesise(front, spectrum * gain(expand(front, output)))
    (wanted,) = torch.autograd.grad((expected.sin() * weight).sum(), output)
    found = resynthesise(front, spectrum.transpose(0, 1), output)
    (got,) = torch.autograd.grad((found.sin() * weight).sum(), output)
    assert torch.allclose(found, expected, atol=1e-12)
    assert torch.allclose(got, wanted, atol=1e-12)
    assert (wanted == 0).any()  # where the gain is zero
    assert (wanted != 0).any()


@both
def test_gradients_come_after_inference(bands):
    """What was made in inference mode first is of use with gradients afterwards."""
    front = FrontEnd(n_fft=192, hop_length=96, **({} if not bands else SOME))
    with torch.inference_mode():
        wave = torch.randn(2, 192 * 4)
        spectrum, x = analyse_features(front, wave)
        resynthesise(front, spectrum, x)  # any answer will do
        synthesise(front, analyse(front, wave))
    wave = torch.randn(2, 192 * 4, requires_grad=True)
    answer = synthesise(front, analyse(front, wave) * gain(expand(front, x.clone())))
    answer.square().sum().backward()
    assert wave.grad is not None
    assert wave.grad.isfinite().all()


def _denoised(front, noisy, clean, output):
    """Everything on the way from samples to a loss, and the gradient of the output."""
    output = output.clone().requires_grad_()
    spectrum, x = analyse_features(front, noisy)
    wave = resynthesise(front, spectrum, output)
    ratio = si_snr(wave, clean[:, : wave.shape[1]])
    (ratio * torch.arange(1.0, 4.0)).sum().backward()
    return spectrum, x, wave, ratio, output.grad


@every
@pytest.mark.parametrize(("hop", "samples"), [(256, 512 * 9), (64, 64 * 40 + 5)])
def test_compiled_passes_equal_the_plain_ones(hop, samples, bands, monkeypatch):
    torch.manual_seed(0)
    front = FrontEnd(hop_length=hop, feature_mean=1.5, feature_scale=0.5, **bands)
    noisy, clean = torch.randn(2, 3, samples)
    noisy = clean + 0.3 * noisy + 0.1
    noisy[1, samples // 4 : samples // 2] = 0.0
    output = 2 * torch.randn(samples // hop, 3, front.d_out) - 0.5
    compiled = _denoised(front, noisy, clean, output)
    monkeypatch.setattr(loops, "built", lambda: False)
    plain = _denoised(front, noisy, clean, output)
    for one, other in zip(compiled, plain, strict=True):
        assert ((one - other).norm() / other.norm()).item() < 3e-6


@pytest.mark.parametrize("loops_built", [True, False])
def test_features_at_a_level_do_not_know_how_loud_a_sound_is(loops_built, monkeypatch):
    if not loops_built:
        monkeypatch.setattr(loops, "built", lambda: False)
    front = FrontEnd(**BANDS, **LEVEL)
    wave = 0.1 * torch.randn(2, 128 * 30)
    _, loud = analyse_features(front, wave)
    _, soft = analyse_features(front, wave / 256)
    assert torch.allclose(loud, soft, rtol=1e-5)
    assert loud.std() > 0.1


def test_features_of_any_magnitude():
    front = FrontEnd(magnitude_scale=1.0)
    powers = torch.tensor([10.0**k for k in range(-12, 13)])
    for size in (torch.zeros(1), powers):
        wave = size[:, None] * torch.randn(len(size), 128 * 5).sign()
        spectrum, x = analyse_features(front, wave)
        expected = features(front, spectrum.abs()).transpose(0, 1)
        assert torch.allclose(x, expected, rtol=1e-5, atol=1e-6)
    wave[0, 130] = torch.nan
    assert analyse_features(front, wave)[1][1, 0].isnan().all()


@pytest.mark.parametrize("snr", [-20.0, 5.0, 40.0])
def test_si_snr_in_float32_is_that_in_float64(snr):
    torch.manual_seed(0)
    target = torch.randn(4, 30001) + 0.2
    estimate = 3 * (target + 10 ** (-snr / 20) * torch.randn(4, 30001))
    found = []
    for dtype in (torch.float32, torch.float64):
        x = estimate.to(dtype, copy=True).requires_grad_()
        ratio = si_snr(x, target.to(dtype))
        ratio.sum().backward()
        found.append((ratio.detach().double(), x.grad.double()))
    (ratio, grad), (expected, wanted) = found
    assert torch.allclose(ratio, expected, atol=1e-4)
    assert ((grad - wanted).norm() / wanted.norm()).item() < 1e-4


def test_weights_for_bins_are_carried_over_to_bands():
    """What is heard and answered is about the same; the last band has one side."""
    bins, bands = FrontEnd(), FrontEnd(**BANDS)
    heard, answered = translation(bands, bins)
    assert heard.shape == (257, 129)
    assert answered.shape == (129, 257)
    smooth = torch.linspace(0, 6, 257, dtype=torch.float64).sin()
    token = _tokens_of(bands, smooth)
    assert torch.allclose(heard @ token, smooth, atol=0.02)
    assert torch.allclose(expand(bands, answered @ smooth), smooth, atol=0.04)
    back_heard, back_answered = translation(bins, bands)
    assert torch.allclose(back_heard @ smooth, token, atol=0.05)
    assert torch.allclose(back_answered @ token, expand(bands, token), atol=1e-12)
    assert translation(bands, FrontEnd(**BANDS, hop_length=256)) is None
    assert translation(bands, FrontEnd(n_fft=256)) is None


def test_contrasts_are_their_own_or_nothing_in_a_translation():
    bins, bands = FrontEnd(), FrontEnd(**BANDS)
    more, rising = FrontEnd(**CONTRAST), FrontEnd(floor_rise=1.0)
    heard, answered = translation(more, bins)
    token = torch.arange(3.0 * 257, dtype=torch.float64)
    assert torch.equal(heard @ token, token[:257])
    assert torch.equal(answered, torch.eye(257, dtype=torch.float64))
    heard, _ = translation(bins, more)
    assert torch.equal(heard @ token[:257], torch.cat([token[:257], 0 * token[257:]]))
    assert translation(more, rising) is None
    heard, answered = translation(FrontEnd(**BANDS, **CONTRAST), more)
    alone, same = translation(bands, bins)
    assert torch.equal(answered, same)
    assert torch.equal(heard, torch.block_diag(alone, alone, alone))


def _tokens_of(front, smooth):
    """Those that are equal to a smooth curve at the middles of all bands."""
    middles = front.bands.weights.argmax(axis=1) + front.linear_bins
    return smooth[[*range(front.linear_bins), *middles]]


def test_silent_answer_changes_nothing():
    wave = torch.randn(2, 128 * 12)
    out = objective.denoise(torch.zeros_like, FrontEnd(), wave)
    assert torch.allclose(out, wave[:, : out.shape[1]], atol=1e-5)


@pytest.mark.parametrize("weights", [(), (0.1, 3.0)])
def test_answers_to_frames_ahead_are_late_answers(weights):
    """A network that answers two tokens late is worth what it says at once."""
    torch.manual_seed(0)
    noisy, clean = torch.randn(2, 2, 128 * 12).unbind()
    late, front = FrontEnd(lookahead=2), FrontEnd()
    answer = torch.randn(12, 2, front.bins)
    late_answer = torch.cat([torch.full((2, 2, front.bins), 9.0), answer[:-2]])
    answer.requires_grad_()
    late_answer.requires_grad_()
    shorter = 128 * 10
    found = objective.loss(lambda _: late_answer, late, noisy, clean, *weights)
    short = noisy[:, :shorter], clean[:, :shorter]
    expected = objective.loss(lambda _: answer[:10], front, *short, *weights)
    assert torch.allclose(found, expected)
    found.backward()
    expected.backward()
    assert not late_answer.grad[:2].any()
    assert torch.allclose(late_answer.grad[2:], answer.grad[:10], atol=1e-7)


def test_si_snr_formula_and_invariance():
    torch.manual_seed(0)
    target = torch.randn(3, 5000, dtype=torch.float64)
    noise = torch.randn_like(target)
    noise -= noise.mean(1, keepdim=True)
    t = target - target.mean(1, keepdim=True)
    noise -= (noise * t).sum(1, keepdim=True) / (t * t).sum(1, keepdim=True) * t
    expected = 10 * torch.log10(t.square().sum(1) / noise.square().sum(1))
    assert torch.allclose(si_snr(t + noise, target), expected, atol=1e-4)
    assert torch.allclose(si_snr(3 * (t + noise) + 7, target), expected, atol=1e-4)


def test_silence_gives_finite_gradients():
    estimate = torch.zeros(1, 1000, requires_grad=True)
    si_snr(estimate, torch.zeros(1, 1000)).sum().backward()
    assert torch.isfinite(estimate.grad).all()


def test_compressed_distance_by_numbers():
    target = torch.tensor([[[3.0, 0.0], [0.0, 3.0]]], dtype=torch.float64)
    estimate = torch.tensor([[[1.5, 0.3], [0.0, 3.0]]], dtype=torch.float64)
    root = (18 / 4) ** 0.5
    parts = [(3 / root) ** 0.3 - (1.5 / root) ** 0.3, (0.3 / root) ** 0.3]
    expected = sum(p * p for p in parts) / 4
    found = compressed_distance(estimate, target, eps=0.0)
    assert found.item() == pytest.approx(expected, rel=1e-9)
    assert compressed_distance(5 * target, 5 * target) == 0
    level = compressed_distance(7 * estimate, 7 * target, eps=0.0)
    assert torch.allclose(level, found)


def test_the_loss_adds_up_and_leaves_the_level_open():
    torch.manual_seed(0)
    front = FrontEnd()
    clean = torch.randn(2, 128 * 12)
    noisy = clean + 0.5 * torch.randn(2, 128 * 12)
    bare = objective.loss(torch.zeros_like, front, noisy, clean)
    both = objective.loss(torch.zeros_like, front, noisy, clean, 0.1, 3.0)
    wave = objective.denoise(torch.zeros_like, front, noisy)
    heard = clean[:, : wave.shape[1]]
    level = (wave * heard).sum(1) / (wave * wave).sum(1)
    one, other = (analyse(front, x).abs().transpose(0, 1) for x in (noisy, clean))
    plain = 0.1 * (one - other).square().mean()
    compressed = 3 * compressed_distance(level[:, None, None] * one, other)
    assert torch.allclose(both - bare, plain + compressed, atol=1e-4)

    def louder(x):
        return torch.full_like(x, 4.0)  # all gains are 5 instead of 1

    loud = objective.loss(louder, front, noisy, clean, 0.0, 3.0)
    assert torch.allclose(loud, bare + compressed, atol=1e-4)


@both
def test_measured_features_are_centred(bands):
    waves = [torch.randn(2, 128 * 50) * 0.1 for _ in range(2)]
    front = measure(FrontEnd(**bands), waves)
    values = torch.cat([features(front, analyse(front, w).abs()) for w in waves])
    assert abs(values.mean().item()) < 1e-3
    assert 0.6 < values.std().item() < 1.5
    assert np.log2(front.feature_scale) == round(np.log2(front.feature_scale))


def test_magnitude_term_adds_to_the_loss():
    noisy, clean = torch.randn(2, 2, 128 * 12)
    plain = objective.loss(torch.zeros_like, FrontEnd(), noisy, clean)
    more = objective.loss(torch.zeros_like, FrontEnd(), noisy, clean, 0.001)
    assert more > plain


def test_output_level_and_its_fold():
    torch.manual_seed(0)
    clean = torch.randn(4, 128 * 20).numpy()
    factor = 5.0

    def loud(features):  # every gain is 5
        return torch.full_like(features, factor - 1)

    for strength in (None, 12):  # with what is kept the whole is right, too
        front = FrontEnd(strength=strength)
        found = objective.output_level(loud, front, [(clean, clean)])
        assert found == pytest.approx(1 / factor, rel=1e-3)

    decoder = FoldedAffine(torch.randn(3, 2), torch.randn(3), relu=False)
    u = torch.randn(7, 1, 2)
    gains = 1 + decoder.trace(u)["out"]
    scaled = objective.at_level(FoldedNetwork((decoder,)), found)
    again = 1 + scaled.layers[0].trace(u)["out"]
    assert torch.allclose(again, found * gains, atol=1e-6)


def test_oversubtraction_takes_more_away_and_keeps_the_level():
    torch.manual_seed(0)
    front = FrontEnd(strength=30)
    speech = 0.1 * torch.randn(4, 128 * 20)
    noise = 0.1 * torch.randn(4, 128 * 20)
    decoder = FoldedAffine(torch.randn(65, 65) / 8, torch.randn(65) / 8, relu=False)
    u = torch.randn(7, 1, 65)
    gains = 1 + decoder.trace(u)["out"]

    # Without a level, the distance of a gain from 1 is what grows.
    more = objective.at_level(FoldedNetwork((decoder,)), 1.0, 1.25).layers[0]
    found = 1 + more.trace(u)["out"]
    assert torch.allclose(1 - found, 1.25 * (1 - gains), atol=1e-5)
    none = gains < 1 - 1 / 1.25  # these are 0 then
    assert none.any()
    assert (found[none] < 1e-5).all()

    # Of level and factor together, an equation of its own: 0.8 * (1 + 1.25 * answer).
    both = objective.at_level(FoldedNetwork((decoder,)), 0.8, 1.25).layers[0]
    assert torch.allclose(
        1 + both.trace(u)["out"], 0.8 * (1 + 1.25 * (gains - 1)), atol=1e-5
    )

    # The level is that of the gains as they are in the end: 1 - 1.5 * 0.5 is 0.25.
    mixes = [((speech + noise).numpy(), speech.numpy())]
    level = objective.output_level(
        lambda x: torch.full_like(x, -0.5), front, mixes, oversubtraction=1.5
    )
    least = objective.output_level(lambda x: torch.full_like(x, -0.75), front, mixes)
    assert level == pytest.approx(least, rel=1e-6)


@pytest.mark.parametrize("given", ["linear_bins", "erb_bands"])
def test_one_of_both_settings_of_bands_is_refused(given):
    missing = ({"linear_bins", "erb_bands"} - {given}).pop()
    with pytest.raises(ValueError, match=f"{missing} is missing: both are given"):
        FrontEndConfig(**{given: 65})


def test_the_limit_is_that_of_the_start_unless_another_is_given():
    start, free = FrontEnd(strength=30), FrontEnd()
    assert FrontEndConfig().after(start).strength == 30
    assert FrontEndConfig(strength=12).after(start).strength == 12
    assert FrontEndConfig().after(free).strength is None
    assert FrontEndConfig(strength=12).build().strength == 12


@pytest.mark.parametrize(("name", "most"), [("level_s", 60), ("floor_rise", 100)])
def test_what_is_followed_is_that_of_the_start_unless_it_is_given(name, most):
    start = FrontEnd(**{name: 5.0})
    assert FrontEndConfig(hop_length=128).after(start) == start
    for before in (start, FrontEnd()):
        assert getattr(FrontEndConfig(**{name: 1}).after(before), name) == 1
    assert getattr(FrontEndConfig(**{name: 0}).after(start), name) is None
    assert FrontEndConfig(**{name: 0}, hop_length=128).build() == FrontEnd()
    for bad in (-1, most + 1):
        with pytest.raises(ValueError, match=name):
            FrontEndConfig(**{name: bad})


def test_a_strength_is_in_range():
    for bad in (0, 97):
        with pytest.raises(ValueError, match="strength"):
            FrontEndConfig(strength=bad)


def test_a_start_of_another_task_is_refused():
    with pytest.raises(ValueError, match="start: is of another task"):
        Denoise.open(DataConfig(source="synthetic"), 0, {"classes": 3})
