# SPDX-License-Identifier: BSD-3-Clause
"""Fetching without a network: packages are made here."""

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from dataclasses import astuple, replace

import numpy as np
import pytest
import soundfile
from rich.console import Console

from lava_sparse_rnn.audio import AudioError, MissingDependencyError, fetch, open_split
from lava_sparse_rnn.audio.corpus import corpus, decode, readers
from lava_sparse_rnn.audio.corpus.packages import KINDS, SOURCES, SPLITS, Source

pytest.importorskip("av")


def sound(seed, seconds=1.0, rate=16000):
    rng = np.random.default_rng(seed)
    x = 0.2 * rng.standard_normal(int(seconds * rate))
    return x * (1 + np.sin(np.arange(len(x)) / rate * 20))


VOICES = Source(
    "voices", "a/*/*.wav", "speech", "train", "v-{parent}", "CC0", core=True
)
NOISES = [
    Source("noises", "n/*.wav", "noise", split, "{p[0]}", "GPL-2+", part=(i, 2))
    for i, split in enumerate(("train", "test"))
]
TABLE = [VOICES, *NOISES]


@pytest.fixture
def packages(monkeypatch):
    """Replace the download by made files; count what was asked for."""
    asked = []

    def unpack(package, folder):
        asked.append(package)
        root = folder / "root"
        (root / "usr/share/doc" / package).mkdir(parents=True)
        (root / "usr/share/doc" / package / "copyright").write_text("free")
        if package == "voices":
            for k, name in enumerate(("ann", "bob")):
                (root / "a" / name).mkdir(parents=True)
                soundfile.write(
                    root / "a" / name / "1.wav", sound(k, rate=44100), 44100
                )
                soundfile.write(root / "a" / name / "same.wav", sound(k), 16000)
                shutil.copy(root / "a" / name / "same.wav", root / "a" / name / "z.wav")
        elif package == "noises":
            (root / "n").mkdir()
            for k in range(5):
                soundfile.write(root / "n" / f"{k}.wav", sound(k), 16000)
            (root / "n" / "9.wav").write_text("not audio")
        else:
            raise AudioError(f"apt-get download {package}: not found")
        return root

    monkeypatch.setattr(corpus, "_unpack", unpack)
    monkeypatch.setattr(corpus, "_require_tools", lambda: None)
    return asked


def quiet():
    return Console(file=io.StringIO())


def test_fetch(packages, tmp_path):
    screen = quiet()
    assert fetch(tmp_path, screen, TABLE) == []
    assert screen.file.getvalue().splitlines() == [
        "packages, voices: 0 of 2",
        "packages, noises: 1 of 2",
        "packages, joining them: 2 of 2",
    ]
    speech = open_split(tmp_path, "train", "speech")
    assert [c.group for c in speech] == ["v-ann", "v-ann", "v-bob", "v-bob"]
    assert speech.clips[0].file == "a/ann/1.wav"
    assert {c.licence for c in speech} == {"CC0"}
    x = speech.samples(0)
    assert len(x) == pytest.approx(16000, abs=1)
    assert np.max(np.abs(x)) == pytest.approx(0.9, abs=0.01)
    assert np.array_equal(speech.samples(2, 100, 50), speech.samples(2)[100:150])
    halves = [open_split(tmp_path, split, "noise") for split in ("train", "test")]
    names = [[c.file for c in half] for half in halves]
    assert names == [["n/0.wav", "n/2.wav", "n/4.wav"], ["n/1.wav", "n/3.wav"]]
    assert (tmp_path / "licences" / "voices.txt").read_text() == "free"
    assert not list(tmp_path.glob(".unpack*"))
    assert not list(tmp_path.rglob("*.part"))


def test_second_fetch_downloads_nothing(packages, tmp_path):
    fetch(tmp_path, quiet(), TABLE)
    before = (tmp_path / "train_speech.npy").read_bytes()
    fetch(tmp_path, quiet(), TABLE)
    assert packages == ["voices", "noises"]
    assert (tmp_path / "train_speech.npy").read_bytes() == before


def test_interrupted_package_is_redone(packages, tmp_path):
    fetch(tmp_path, quiet(), TABLE)
    (tmp_path / "shards" / "noises.done.json").unlink()
    fetch(tmp_path, quiet(), TABLE)
    assert packages == ["voices", "noises", "noises"]


def test_moved_recordings_do_not_stay_in_the_old_split(packages, tmp_path):
    fetch(tmp_path, quiet(), TABLE)
    moved = [VOICES, Source("noises", "n/*.wav", "noise", "test", "n", "GPL-2+")]
    fetch(tmp_path, quiet(), moved)
    assert len(open_split(tmp_path, "test", "noise")) == 5
    with pytest.raises(AudioError, match="train_noise.json: not found"):
        open_split(tmp_path, "train", "noise")


def test_optional_package_may_fail(packages, tmp_path):
    table = [*TABLE, Source("gone", "*", "noise", "train", "g", "GPL-2+")]
    (line,) = fetch(tmp_path, quiet(), table)
    assert "gone: not found" in line
    assert len(open_split(tmp_path, "train", "noise")) == 3


def test_core_package_must_not_fail(packages, tmp_path):
    table = [Source("gone", "*", "noise", "train", "g", "GPL-2+", core=True)]
    with pytest.raises(AudioError, match="gone: not found"):
        fetch(tmp_path, quiet(), table)


def test_package_with_nothing_usable(packages, tmp_path):
    table = [Source("noises", "n/9.wav", "noise", "train", "g", "GPL", core=True)]
    with pytest.raises(AudioError, match="noises: nothing usable in n/9.wav"):
        fetch(tmp_path, quiet(), table)


def test_missing_tools(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="apt-get and dpkg"):
        fetch(tmp_path / "c", quiet(), TABLE)


def test_missing_av(monkeypatch, tmp_path):
    monkeypatch.setattr(corpus, "_require_tools", lambda: None)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingDependencyError, match="uv sync --extra train"):
        fetch(tmp_path, quiet(), TABLE)


def test_failing_command_is_told(tmp_path):
    with pytest.raises(AudioError, match="ls -l /no-such: .*No such file"):
        corpus._run(["ls", "-l", "/no-such"], tmp_path)


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_a_real_package_is_unpacked(monkeypatch, tmp_path):
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: tiny\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\n"
        "Description: test\n"
    )
    with zipfile.ZipFile(tree / "data.pk3", "w") as inner:
        inner.writestr("sound/rain.txt", "rain")
    run = corpus._run

    def instead(command, folder):
        if command[0] == "apt-get":
            command = ["dpkg-deb", "-b", str(tree), "tiny_1_all.deb"]
        run(command, folder)

    monkeypatch.setattr(corpus, "_run", instead)
    folder = tmp_path / "work"
    folder.mkdir()
    root = corpus._unpack("tiny", folder)
    assert (root / "data.pk3.d" / "sound" / "rain.txt").read_text() == "rain"
    assert not list(folder.glob("*.deb"))


def test_unknown_split(tmp_path):
    with pytest.raises(AudioError, match="kind 'music': known are speech, noise"):
        open_split(tmp_path, "train", "music")


@pytest.mark.parametrize("text", ["{", '{"clips": []}', "[]"])
def test_bad_index(packages, tmp_path, text):
    fetch(tmp_path, quiet(), TABLE)
    (tmp_path / "test_noise.json").write_text(text)
    with pytest.raises(AudioError, match="not an index"):
        open_split(tmp_path, "test", "noise")


def test_index_of_another_version_or_file(packages, tmp_path):
    fetch(tmp_path, quiet(), TABLE)
    path = tmp_path / "test_noise.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps({**index, "format": 99}))
    with pytest.raises(AudioError, match="format 99"):
        open_split(tmp_path, "test", "noise")
    index["clips"][-1]["length"] += 1
    path.write_text(json.dumps(index))
    with pytest.raises(AudioError, match="its index needs"):
        open_split(tmp_path, "test", "noise")


def test_table_keeps_splits_apart():
    """A voice is in one split; a package in two only by halves of its files."""
    speakers = {}
    for source in SOURCES:
        assert source.kind in KINDS
        assert source.split in SPLITS
        assert source.reader in readers.READERS
        assert source.licence
        if source.kind == "speech":
            speakers.setdefault(source.group, set()).add(source.split)
    assert all(len(splits) == 1 for splits in speakers.values())
    rows = {}
    for source in SOURCES:
        # Families of one pattern share no file: each leaves out what the others have.
        key = (source.package, source.kind, source.pattern, source.exclude)
        rows.setdefault(key, []).append(source)
    for (package, _, pattern, _), same in rows.items():
        parts = {source.part for source in same}
        assert len(parts) == len(same), (package, pattern)
        splits = {source.split for source in same}
        assert len(splits) == len(same), (package, pattern)


def test_trained_noises_are_not_measured_ones():
    measured = {s.package for s in SOURCES if s.split != "train" and s.kind == "noise"}
    trained = {s.package for s in SOURCES if s.split == "train"}
    assert measured
    assert not measured & trained


@pytest.mark.parametrize(("suffix", "channels"), [("wav", 1), ("flac", 2), ("ogg", 2)])
def test_decode_averages_and_resamples(tmp_path, suffix, channels):
    t = np.arange(22050) / 44100
    x = 0.5 * np.sin(2 * np.pi * 300 * t)
    data = np.stack([x] + [0 * x] * (channels - 1), axis=1)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, data, 44100)
    y = decode.decode(str(path), path.name)
    z = 0.5 / channels * np.sin(2 * np.pi * 300 * np.arange(8000) / 16000)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y[200:7800], z[200:7800], atol=0.02)


def test_decode_g722(tmp_path):
    import av

    t = np.arange(16000) / 16000
    x = 0.5 * np.sin(2 * np.pi * 5000 * t)  # the upper of the codec's two bands
    path = tmp_path / "a.g722"
    with av.open(str(path), "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16000)
        stream.layout = "mono"
        data = (x * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(data, format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    y = decode.decode(str(path), "a")
    assert len(y) == pytest.approx(16000, abs=100)
    assert np.argmax(np.abs(np.fft.rfft(y, 16000))) == 5000
    assert np.std(y[1000:15000]) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


def test_decode_of_no_audio(tmp_path):
    (tmp_path / "a.ogg").write_bytes(b"OggS but no more")
    with pytest.raises(AudioError, match="a.ogg: cannot be decoded"):
        decode.decode(str(tmp_path / "a.ogg"), "a.ogg")


@pytest.mark.parametrize("voice", [True, False])
def test_clean_up(voice):
    x = np.zeros(48000, np.float32) + 0.1  # an offset is no sound
    x[16000:32000] += 0.3 * sound(1)[:16000].astype(np.float32)
    y, span = decode.clean_up(x, 10.0, voice)
    assert abs(np.mean(y)) < 0.005
    assert np.max(np.abs(y)) == pytest.approx(0.9, abs=1e-5)
    assert 16000 <= len(y) <= 16000 + 2 * 6 * 320 + 1600
    assert len(decode.clean_up(x, 0.5, voice)[0]) == 8000
    assert span > 60


def test_background_is_cut_off_a_voice_only():
    rng = np.random.default_rng(0)
    x = (0.005 * rng.standard_normal(48000)).astype(np.float32)  # 35 dB below
    x[16000:32000] += sound(1)[:16000].astype(np.float32)
    voice, span = decode.clean_up(x, 10.0, True)
    noise, same = decode.clean_up(x, 10.0, False)
    assert len(noise) == 48000
    assert 16000 <= len(voice) <= 16000 + 2 * 6 * 320
    assert span == same == pytest.approx(36, abs=4)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros(16000, np.float32),
        np.full(16000, 1e-5, np.float32),
        sound(0, 0.15).astype(np.float32),
        np.full(16000, np.nan, np.float32),
        np.zeros(5, np.float32),
    ],
)
def test_clean_up_refuses(x):
    assert decode.clean_up(x, 10.0, True) is None


def test_pauses_are_silenced_and_speech_is_not():
    rng = np.random.default_rng(0)
    x = (0.003 * rng.standard_normal(48000)).astype(np.float32)
    x[:12000] += sound(1)[:12000].astype(np.float32)
    x[36000:] += sound(2)[:12000].astype(np.float32)
    y = decode.silence_pauses(x)
    assert not np.any(y[16000:32000])
    assert np.array_equal(y[:12000], x[:12000])
    assert np.array_equal(y[36400:47600], x[36400:47600])
    assert np.max(np.abs(np.diff(y - x))) < 0.03  # faded, not cut


def test_steady_noise_is_no_pause():
    x = sound(0, 2.0).astype(np.float32) * 0 + 0.1
    x = (x * np.random.default_rng(0).standard_normal(len(x))).astype(np.float32)
    assert np.array_equal(decode.silence_pauses(x), x)


@pytest.mark.slow
def test_import_is_lazy():
    code = (
        "import sys, lava_sparse_rnn.audio as a; a.Mixer; a.fetch;"
        "sys.exit('av' in sys.modules or 'torch' in sys.modules)"
    )
    python = __import__("sys").executable
    assert subprocess.run([python, "-c", code]).returncode == 0


def test_every_public_name_exists():
    import lava_sparse_rnn.audio as audio

    for name in audio.__all__:
        assert getattr(audio, name) is not None
    assert set(audio.__all__) <= set(dir(audio))
    with pytest.raises(AttributeError, match="nothing"):
        audio.nothing  # noqa: B018


def test_packages_without_an_edge_are_fetched_no_second_time():
    """The table's finger print is that of a version that knew no edges."""
    plain = Source("p", "*", "noise", "train", "g", "free")
    text = repr([corpus._REVISION, astuple(plain)[:-1]])
    known = corpus._fingerprint([plain])
    assert known == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert corpus._fingerprint([replace(plain, edge_hz=5e3)]) != known
