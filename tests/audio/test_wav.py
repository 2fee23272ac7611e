# SPDX-License-Identifier: BSD-3-Clause
"""Reading any file, writing one safely."""

import io
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn import pictures
from lava_sparse_rnn.audio import AudioError
from lava_sparse_rnn.audio.sound import plots, wav
from lava_sparse_rnn.audio.sound.libsndfile import opened, skip, take
from lava_sparse_rnn.audio.sound.writer import Writer, writing
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


@pytest.mark.slow
def test_spectrograms_show_the_sound_on_one_scale():
    loud, quiet = plots.spectrograms({"a": tone(), "b": tone() / 10}).axes[:2]
    assert loud.get_title(loc="left") == "a"
    levels = [axis.images[0].get_array() for axis in (loud, quiet)]
    # What is darkest in both: there is nothing to hear, and a floor to the logarithm.
    heard = levels[0] > loud.images[0].get_clim()[0]
    assert heard.sum() > 1000
    np.testing.assert_allclose((levels[0] - levels[1])[heard], 20, atol=0.01)
    assert loud.images[0].get_clim() == quiet.images[0].get_clim()
    peak = levels[0].mean(axis=1).argmax() / (len(levels[0]) - 1) * 8000
    assert abs(peak - 440) < 40


@pytest.mark.slow
def test_a_picture_that_fails_leaves_the_old_one(tmp_path):
    path = tmp_path / "p.png"
    pictures.save(plots.spectrograms({"a": tone()}), path)
    assert path.stat().st_size > 1000
    path = path.rename(tmp_path / "p.xyz")
    with pytest.raises(ValueError, match="xyz"):
        pictures.save(plots.spectrograms({"a": tone()}), path)
    assert path.stat().st_size > 1000
    assert [p.name for p in tmp_path.iterdir()] == ["p.xyz"]


def test_a_write_that_fails_names_the_user_s_file(tmp_path):
    path = tmp_path / "no" / "a.txt"
    with (
        pytest.raises(OSError, match="there is no folder") as caught,
        replacing(path) as part,
    ):
        part.write_text("x")
    assert caught.value.filename == str(path)


WRITTEN = [
    (form, kind)
    for form in sorted(set(soundfile.available_formats()) - {"RAW"})
    for kind in soundfile.available_subtypes(form)
]


@pytest.mark.parametrize("rate", [8000, 16000])
def test_whatever_libsndfile_decodes_is_read_whole_in_pieces_and_in_part(
    tmp_path, rate
):
    path, read, unread = tmp_path / "x", set(), set()
    noise = np.random.default_rng(0).normal(0, 0.1, 3000)
    for form, kind in WRITTEN:
        try:
            soundfile.write(path, noise, rate, subtype=kind, format=form)
        except soundfile.LibsndfileError:
            continue  # there is no encoder
        try:
            whole, info = wav.read(path)
            pieces = wav.Reader(path, 700)
            assert np.array_equal(np.concatenate(list(pieces)), whole), (form, kind)
            assert pieces.info == info
            assert abs(pieces.samples - len(whole)) <= 1
            assert len(wav.read_parts([path], 0.5, 0.1)[0]) == 1600
            read.add((form, kind))
        except AudioError:
            unread.add((form, kind))
    assert len(read) > 50
    # That is too much for libsndfile itself.
    assert unread <= {("AIFF", "DWVW_12"), ("AIFF", "DWVW_16"), ("AIFF", "DWVW_24")}
    assert {("WAV", "GSM610"), ("AU", "G721_32"), ("WAV", "G721_32")} <= read


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
@pytest.mark.parametrize("block", [1, 999, 5000])
def test_resampled_pieces_are_the_whole(tmp_path, rate, block):
    # One sample after the other takes long: of few.
    x = np.random.default_rng(0).normal(0, 0.1, (4321 if block > 1 else 1234, 2))
    soundfile.write(tmp_path / "x.wav", x, rate, subtype="FLOAT")
    reader = wav.Reader(tmp_path / "x.wav", block)
    whole, info = wav.read(tmp_path / "x.wav")
    for _ in range(2):  # from the beginning again
        assert np.array_equal(np.concatenate(list(reader)), whole)
    assert reader.info == info


def test_pieces_refuse_what_the_whole_refuses(tmp_path):
    x = tone(0.1)
    x[[1234, 1300]] = np.nan, np.inf
    soundfile.write(tmp_path / "x.wav", x, 16000, subtype="FLOAT")
    for read in (wav.read, lambda path: wav.Reader(path, 100)):
        with pytest.raises(AudioError, match="sample 1234 is nan; 2 samples are not"):
            read(tmp_path / "x.wav")


def test_a_pipe_is_read_whole(tmp_path):
    soundfile.write(tmp_path / "x.flac", tone(), 16000)
    content = (tmp_path / "x.flac").read_bytes()
    os.mkfifo(tmp_path / "pipe")
    for read in (
        lambda path: wav.read(path)[0],
        lambda path: np.concatenate(list(wav.Reader(path, 1000))),
    ):
        feed = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
        feed.start()
        got = read(tmp_path / "pipe")
        feed.join()
        assert np.array_equal(got, wav.read(tmp_path / "x.flac")[0])
    there, to_there = os.pipe()
    os.write(to_there, content[:1000])
    os.close(to_there)
    with pytest.raises(AudioError, match=f"/dev/fd/{there}: not an audio file"):
        wav.read(f"/dev/fd/{there}")
    with pytest.raises(AudioError, match=f"/dev/fd/{there}: empty"):
        wav.read(f"/dev/fd/{there}")
    os.close(there)


def test_what_is_no_sound_is_told(tmp_path):
    for path, says in (
        (tmp_path, "is a folder, an audio file is needed"),
        (os.devnull, "is a device, an audio file is needed"),
        (tmp_path / "absent", "not found"),
    ):
        with pytest.raises(AudioError, match=f"{path}: {says}"):
            wav.read(path)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.wav", "WAV"),
        ("a.WAV", "WAV"),
        ("a.flac", "FLAC"),
        ("a.Flac", "FLAC"),
        ("a.OGG", "OGG"),
        ("n" * 250 + ".wav", "WAV"),
    ],
)
def test_the_suffix_says_the_format(tmp_path, name, form):
    x = tone(3).astype(np.float32)
    assert wav.write(tmp_path / name, x) == 0
    with soundfile.SoundFile(tmp_path / name) as file:
        assert (file.format, file.samplerate, file.channels) == (form, 16000, 1)
    y, _ = wav.read(tmp_path / name)
    assert y.shape == x.shape
    assert np.abs(y - x).max() <= (0.5 / 32768 if form != "OGG" else 0.05)
    with writing(tmp_path / f"b{name[1:]}") as writer:
        for at in range(0, len(x), 777):
            writer.write(x[at : at + 777])
    assert writer.written == len(x)
    if form != "OGG":  # a number by chance is in every one of those
        written = (tmp_path / f"b{name[1:]}").read_bytes()
        assert written == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", ["a.mp3", "a.wave", "a.wav.bak", "a.aiff", "a.", "a"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(AudioError, match="must be one of: .wav, .flac, .ogg"):
        wav.write(tmp_path / name, tone())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.int64, bool, complex])
def test_samples_that_are_no_floats_are_refused(tmp_path, kind):
    with pytest.raises(AudioError, match="one dimension of floats is needed") as told:
        wav.write(tmp_path / "a.wav", np.ones(10, kind))
    hints = {np.int16: "x / 32768", np.uint8: r"(x - 128) / 128"}
    assert hints.get(kind, "") in str(told.value)


FULL = """
import resource, signal, sys
import numpy as np
from lava_sparse_rnn.audio.sound import wav, writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).normal(0, 0.1, 100_000)
for name in ("a.wav", "a.flac", "a.ogg"):
    try:
        wav.write(name, noise)
    except wav.AudioError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path):
    # A limit of a file's size stands for a disk that is full.
    (tmp_path / "a.wav").write_text("old")
    command = [sys.executable, "-c", FULL]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"a.{kind}: cannot be written (File too large)"
        for kind in ("wav", "flac", "ogg")
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    assert (tmp_path / "a.wav").read_text() == "old"


def test_modules_that_are_used_whole_are_in_the_room_s_face():
    from lava_sparse_rnn import audio

    assert audio.wav is wav
    assert {"metrics", "plots", "stft", "wav"} <= set(dir(audio))
    assert audio.metrics.si_snr is audio.si_snr


def test_a_rate_that_leaves_no_sample_is_refused(tmp_path):
    path = tmp_path / "fast.wav"
    soundfile.write(path, np.full(9, 0.1), 1_000_000)
    for entrance in (wav.read, wav.Reader):
        with pytest.raises(
            AudioError, match="holds 9 samples at 1000000 Hz, less than"
        ):
            entrance(path)


def test_samples_that_are_masked_or_in_use_are_refused(tmp_path):
    masked = np.ma.masked_less(np.zeros(9), 1)
    with pytest.raises(AudioError, match="a part of it is masked"):
        wav.write(tmp_path / "a.wav", masked)
    with pytest.raises(AudioError, match="its rows differ in length"):
        wav.write(tmp_path / "a.wav", [[0.0], [0.0, 0.1]])


@pytest.mark.parametrize("name", [b"\xff\xe9.wav", b"\xff.FLAC"])
def test_names_that_are_no_utf8_are_names(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    wav.write(path, np.full(800, 0.25))
    assert wav.read(path)[0].tolist() == [0.25] * 800
    assert wav.Reader(path).samples == 800
    assert wav.read_parts([path], 0.0, 0.05)[0].tolist() == [0.25] * 800


@pytest.mark.parametrize("called", ["tell", "seek"])
def test_ctrl_c_in_the_midst_of_libsndfile_is_not_lost(called, tmp_path, capfd):
    class Raw(io.FileIO):
        interrupts = 1

    def interrupted(self, *args):
        if self.interrupts:
            self.interrupts -= 1
            signal.raise_signal(signal.SIGINT)
        return getattr(io.FileIO, called)(self, *args)

    setattr(Raw, called, interrupted)
    before = signal.getsignal(signal.SIGINT)
    with Raw(tmp_path / "a.wav", "w+") as raw, pytest.raises(KeyboardInterrupt):
        Writer(tmp_path / "a.wav", raw, ("WAV", "PCM_16"))
    assert signal.getsignal(signal.SIGINT) is before
    assert capfd.readouterr().err == ""


CALLED = ["read", "readinto", "seek", "tell"]


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG"])
def test_no_signal_is_lost_while_libsndfile_reads(form, capfd):
    """Of a pipe's bytes: it calls Python back, and one comes in each of the calls."""
    x = np.zeros((2000, 1))
    content = io.BytesIO()
    soundfile.write(content, x, 16000, format=form)
    calls = [0, 0]  # until now, and the one in which a signal comes

    class Raw(io.BytesIO):
        pass

    def counted(name):
        def call(self, *args):
            calls[0] += 1
            if calls[0] == calls[1]:
                signal.raise_signal(signal.SIGINT)
            return getattr(io.BytesIO, name)(self, *args)

        return call

    for name in CALLED:
        setattr(Raw, name, counted(name))

    def heard():
        calls[0] = 0
        with opened("a", Raw(content.getvalue())) as file:
            skip("a", file, 100)
            return take("a", file, 2000)

    assert np.array_equal(heard(), x[100:])
    for number in range(1, calls[0] + 1):
        calls[1] = number
        with pytest.raises(KeyboardInterrupt):
            heard()
    assert capfd.readouterr().err == ""
