# SPDX-License-Identifier: BSD-3-Clause
"""Batches depend on seed and step only, and are mixed as configured."""

import itertools
import sys
from collections import deque

import numpy as np
import pytest
import torch

from lava_sparse_rnn import cli
from lava_sparse_rnn.audio import AudioError, prefetch
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.tasks.denoise.config import DataConfig
from lava_sparse_rnn.tasks.denoise.data import (
    SOURCES,
    mixer_config,
    training_batches,
)
from lava_sparse_rnn.tasks.denoise.pairing import active_powers, mixed, remix
from lava_sparse_rnn.tasks.denoise.task import Denoise
from lava_sparse_rnn.train.distributed import Group


def config(**changes):
    values = {"source": "synthetic", "batch": 4, "seconds": 0.3, "pool": 3}
    return DataConfig(**{**values, "fresh_every": 2, "long_share": 0.3, **changes})


def take(cfg, start, count, seed=5):
    source = SOURCES[cfg.source](cfg, seed)
    batches = training_batches(source, cfg, seed, start)
    return list(itertools.islice(batches, count))


@pytest.mark.parametrize("start", [1, 5, 6, 9])
def test_a_restart_sees_what_the_first_run_saw(start):
    whole = take(config(), 0, 12)
    rest = take(config(), start, 12 - start)
    for a, b in zip(whole[start:], rest, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_seeds_differ():
    a, b = take(config(), 0, 1, seed=1), take(config(), 0, 1, seed=2)
    assert not np.array_equal(a[0][0], b[0][0])


def test_ratio_and_level_are_those_of_the_configuration():
    cfg = config(snr_min=7, snr_max=7, level_min=-30, level_max=-30, long_share=0)
    for noisy, clean in take(cfg, 0, 4):
        assert noisy.shape == clean.shape == (4, 4800)
        assert noisy.dtype == np.float32
        noise = noisy - clean
        ratio = active_powers(clean)[:, 0] / (noise**2).mean(1)
        assert np.allclose(10 * np.log10(ratio), 7, atol=0.1)
        assert np.allclose(10 * np.log10((noisy**2).mean(1)), -30, atol=0.01)


def test_long_sequences_keep_the_number_of_samples():
    (noisy, clean), *_ = take(config(long_share=1.0), 0, 1)
    assert noisy.shape == clean.shape == (1, 4 * 4800)


def test_loud_mixtures_do_not_clip():
    cfg = config(level_min=0, level_max=0)
    for noisy, _ in take(cfg, 0, 3):
        assert np.abs(noisy).max() <= 0.99 + 1e-6


def test_validation_does_not_depend_on_the_seed():
    cfg = config(validation_mixes=2, validation_seconds=0.2)
    a, b = (SOURCES["synthetic"](cfg, seed).validation(0.0) for seed in (1, 2))
    assert np.array_equal(a[0], b[0])


@pytest.mark.slow
def test_taking_turns_gives_the_same_batches(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for kind in ("speech", "noise"):
        for k in range(3):
            (tmp_path / kind / str(k)).mkdir(parents=True)
            x = 0.1 * rng.standard_normal(24000) * (np.arange(24000) % 8000 > 4000)
            wav.write(tmp_path / kind / str(k) / "a.wav", x)
    folders = {k: [tmp_path / k] for k in ("speech", "noise")}
    held_out = {f"{kind}_held_out": (1, 1) for kind in folders}
    own = {"corpus": False, "own_cache": tmp_path / "own", **folders, **held_out}
    cfg = config(source="corpus", validation_mixes=2, **own)
    task = Denoise(cfg, SOURCES["corpus"](cfg, 5), cfg.front_end.build())
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    started, start_one = [], prefetch.subprocess.Popen

    def start_and_note(*arguments, **named):
        started.append(arguments)
        return start_one(*arguments, **named)

    monkeypatch.setattr(prefetch.subprocess, "Popen", start_and_note)

    def taken(start, ahead):
        made = task.batches(5, start, Group(ahead=ahead))
        found = list(itertools.islice(made, 5))
        made.close()
        return found

    for start in (0, 7):
        for a, b in zip(taken(start, True), taken(start, False), strict=True):
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert len(started) == 2 * (1 + 2)  # a worker, or one for each thread


@pytest.fixture(scope="module")
def ndns(tmp_path_factory):
    """A set of five examples of 2 s, and one of two for validation."""
    root = tmp_path_factory.mktemp("ndns")
    rng = np.random.default_rng(0)
    for name, count in (("train", 5), ("val", 2)):
        for key in range(count):
            t = np.arange(32000)
            clean = 0.05 * np.sin(t * (0.03 + 0.01 * key)) * (np.sin(t / 3000) > -0.5)
            noisy = clean + 0.02 * rng.standard_normal(len(t))
            for kind, x in (("clean", clean), ("noisy", noisy)):
                (root / name / kind).mkdir(parents=True, exist_ok=True)
                wav.write(root / name / kind / f"{kind}_fileid_{key}.wav", x)
    return root


@pytest.mark.slow
def test_a_set_from_disk_restarts_at_any_step(ndns):
    cfg = config(source="ndns", root=ndns / "train", workers=2, validation_mixes=2)
    whole, rest = take(cfg, 0, 8), take(cfg, 5, 3)
    for a, b in zip(whole[5:], rest, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    other = take(cfg, 0, 1, seed=6)
    assert not np.array_equal(whole[0][0], other[0][0])


@pytest.mark.parametrize("apart", [False, True])
def test_validation_of_a_set_is_at_the_asked_ratio(ndns, apart):
    more = {"validation_root": ndns / "val"} if apart else {}
    cfg = config(
        source="ndns", root=ndns / "train", validation_mixes=2, validation_seconds=1.0,
        **more,
    )  # fmt: skip
    first, second = (SOURCES["ndns"](cfg, seed) for seed in (1, 2))
    for snr in (0.0, 10.0):
        noisy, clean = first.validation(snr)
        assert noisy.shape == clean.shape == (2, 16000)
        ratio = active_powers(clean)[:, 0] / ((noisy - clean) ** 2).mean(1)
        assert np.allclose(10 * np.log10(ratio), snr, atol=0.1)
        again = second.validation(snr)
        assert np.array_equal(noisy, again[0])
        assert np.array_equal(clean, again[1])


def test_settings_of_a_set_belong_together(ndns):
    with pytest.raises(ValueError, match="source is ndns, and root is missing"):
        config(source="ndns")
    with pytest.raises(ValueError, match="validation_root is .*source is synthetic"):
        config(validation_root=ndns)
    cfg = config(source="ndns", root=ndns / "train", validation_mixes=5)
    with pytest.raises(AudioError, match="5 examples, more than the 5"):
        SOURCES["ndns"](cfg, 0).validation(0.0)


def test_sources_can_share_the_numbers_of_batches():
    source = SOURCES["synthetic"](config(), 5)
    whole = list(itertools.islice(source.fresh(3), 4))
    odd = list(itertools.islice(source.fresh(4, 2), 2))
    for a, b in zip(whole[1::2], odd, strict=True):
        assert np.array_equal(a[0], b[0])


def test_own_folders_in_settings(tmp_path):
    noise = str(tmp_path / "n")
    cfg = DataConfig(noise=noise, speech=["a", "b"], noise_held_out=(1, 2))
    assert cfg.noise == (tmp_path / "n",)
    assert DataConfig.model_validate_json(cfg.model_dump_json()) == cfg
    mixer = mixer_config(cfg, "test", 1.0, 3)
    assert mixer.noise == (str(tmp_path / "n"),)
    assert (mixer.speech, mixer.noise_held_out) == (("a", "b"), (1, 2))
    with pytest.raises(ValueError, match="speech is missing, and corpus is false"):
        DataConfig(noise="n", corpus=False)
    with pytest.raises(ValueError, match="noise is a folder .*source is synthetic"):
        config(noise="n")
    with pytest.raises(ValueError, match="noise_held_out"):
        DataConfig(noise_held_out=(-1, 0))


def test_a_set_is_mixed_of_what_a_training_holds_out(tmp_path, monkeypatch):
    pytest.importorskip("av")
    rng = np.random.default_rng(0)
    for i in range(6):
        for kind, seconds in (("voices", 2.0), ("noises", 0.5)):
            t = np.arange(round(seconds * 16000)) / 16000
            x = 0.1 * rng.standard_normal(len(t)) * (np.sin(20 * t) ** 2 + 1e-3)
            (tmp_path / kind).mkdir(exist_ok=True)
            wav.write(tmp_path / kind / f"{i}.wav", x)
    monkeypatch.chdir(tmp_path)
    settings = ["data.corpus=false", "data.speech=voices", "data.noise=noises"]
    mix = ("data", "mix", "held", "--split", "test", "--count", "3", "--snr", "5")
    words = ["lava-sparse-rnn", *mix, "--seconds", "0.5", *settings]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert not stopped.value.code
    assert len(list((tmp_path / "held" / "noisy").iterdir())) == 3
    assert "voices: that of the" in (tmp_path / "held" / "ATTRIBUTION.txt").read_text()


@pytest.mark.parametrize("each", [1, 3])
def test_rows_are_mixed_at_their_ratio_and_level(each):
    """Beside the same in double precision, of as many rows in one as there are."""
    rng = np.random.default_rng(each)
    clean, noise, heard = rng.standard_normal((3, 6, 1600), np.float32)
    kept = noise.copy()
    snr, level = rng.uniform(-10, 20, 6 // each), np.linspace(-40, 6, 6 // each)
    noisy, target = mixed(clean, noise, snr, level, heard)
    whole = [x.reshape(len(snr), -1).astype(np.float64) for x in (clean, noise, heard)]
    wanted = whole[2] + whole[1] * 10.0 ** (-snr[:, None] / 20)
    rms = np.sqrt((wanted**2).mean(1))
    scale = np.minimum(10.0 ** (level / 20) / rms, 0.99 / np.abs(wanted).max(1))
    np.testing.assert_allclose(noisy, wanted * scale[:, None], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(target, whole[0] * scale[:, None], rtol=1e-4, atol=1e-6)
    assert (scale < 10.0 ** (level / 20) / rms)[-1]  # no louder than full scale
    assert np.array_equal(noise, kept)  # it is paired again with other speech


def test_narrow_speech_is_paired_with_narrow_noise():
    """Batches of a number each, so that what is paired can be told."""
    cfg = config(long_share=0, snr_min=0, snr_max=0)
    parts = [np.full((2, 4, 800), k, np.float32) for k in (1, 2, 4, 8)]
    pool = deque(
        ((speech, 16 * noise), k in (1, 3)) for k, (speech, noise) in enumerate(parts)
    )
    seen = set()
    for step in range(200):
        noisy, clean = remix(np.random.default_rng(step), pool, cfg)
        ratios = (noisy[:, 0] - clean[:, 0]) / clean[:, 0] / 16
        seen |= {int(ratio) for ratio in np.round(ratios * 64)}
    # Speech 2 and 8 are narrow, with noise 2 and 8: 1, 4 and 1/4 times as strong.
    wide = {64 * n // s for s in (1, 4) for n in (1, 2, 4, 8)}
    assert seen == wide | {64, 256, 16}
