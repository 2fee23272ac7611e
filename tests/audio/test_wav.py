# SPDX-License-Identifier: BSD-3-Clause
"""Reading any file, writing one safely."""

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn.audio import AudioError
from lava_sparse_rnn.audio.sound import plots, wav
from lava_sparse_rnn.files import replacing


def tone(seconds=0.5, rate=16000, hz=440.0):
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)


def test_round_trip(tmp_path):
    x = tone().astype(np.float32)
    assert wav.write(tmp_path / "a.wav", x) == 0
    y, info = wav.read(tmp_path / "a.wav")
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, x, atol=0.6 / 32768)
    assert info.notes() == []
    assert (info.sample_rate, info.channels, info.seconds) == (16000, 1, 0.5)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_every_16_bit_value_survives(tmp_path):
    x = np.arange(-32768, 32768) / 32768
    assert wav.write(tmp_path / "a.wav", x) == 0
    assert np.array_equal(wav.read(tmp_path / "a.wav")[0], x.astype(np.float32))


def test_write_counts_clipping(tmp_path):
    assert wav.write(tmp_path / "a.wav", np.array([0.0, 1.0, 1.2, -3.0])) == 2
    y, info = wav.read(tmp_path / "a.wav")
    np.testing.assert_allclose(y, [0, 1, 1, -1], atol=1 / 32768)
    assert info.clipped == 3
    assert info.notes() == ["3 samples clipped"]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_other_rates_and_channels(tmp_path, suffix, rate):
    x = tone(rate=rate)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.stack([x, 0 * x], axis=1), rate)
    y, info = wav.read(path)
    assert abs(len(y) - 8000) <= 1
    np.testing.assert_allclose(y[500:7500], tone()[500:7500] / 2, atol=0.02)
    assert info.resampled
    assert info.notes() == [
        f"resampled from {rate} Hz to 16000 Hz",
        "2 channels averaged to one",
    ]


def test_silence_is_reported(tmp_path):
    wav.write(tmp_path / "a.wav", np.zeros(100))
    assert wav.read(tmp_path / "a.wav")[1].notes() == ["silent"]


def bad_files(folder):
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("hello, this is no audio at all")
    soundfile.write(folder / "none.wav", np.zeros(0), 16000)
    x = np.zeros(100, np.float32)
    x[37:40] = np.nan
    soundfile.write(folder / "nan.wav", x, 16000, subtype="FLOAT")
    x = np.zeros((100, 2), np.float32)
    x[12, 1] = np.inf
    soundfile.write(folder / "inf.wav", x, 16000, subtype="FLOAT")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.wav", "not found"),
        (".", "folder"),
        ("empty.wav", "empty file"),
        ("text.wav", "not an audio file"),
        ("none.wav", "no samples"),
        ("nan.wav", "sample 37 is nan; 3 samples"),
        ("inf.wav", "sample 12 is inf; 1 samples"),
    ],
)
def test_bad_files(tmp_path, name, words):
    bad_files(tmp_path)
    with pytest.raises(AudioError, match=words) as caught:
        wav.read(tmp_path / name)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((2, 3)), "one dimension"),
        (np.zeros(3, int), "floats"),
        (np.array([0.0, np.inf]), "sample 1 is inf"),
    ],
)
def test_bad_samples_leave_the_old_file(tmp_path, x, words):
    path = tmp_path / "a.wav"
    wav.write(path, tone())
    before = path.read_bytes()
    with pytest.raises(AudioError, match=words):
        wav.write(path, x)
    assert path.read_bytes() == before


def test_write_into_missing_folder(tmp_path):
    with pytest.raises(AudioError, match="cannot be written"):
        wav.write(tmp_path / "no" / "a.wav", tone())


def test_headerless_samples_are_refused(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(100))
    with pytest.raises(AudioError, match=r"a\.raw: has no header"):
        wav.read(tmp_path / "a.raw")


def test_a_picture_that_fails_leaves_the_old_one(tmp_path):
    path = tmp_path / "p.png"
    plots.spectrograms({"a": tone()}, path)
    assert path.stat().st_size > 1000
    path = path.rename(tmp_path / "p.xyz")
    with pytest.raises(ValueError, match="xyz"):
        plots.spectrograms({"a": tone()}, path)
    assert path.stat().st_size > 1000
    assert [p.name for p in tmp_path.iterdir()] == ["p.xyz"]


def test_a_write_that_fails_names_the_user_s_file(tmp_path):
    path = tmp_path / "no" / "a.txt"
    with (
        pytest.raises(OSError, match="No such file") as caught,
        replacing(path) as part,
    ):
        part.write_text("x")
    assert caught.value.filename == str(path)
