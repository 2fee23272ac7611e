# SPDX-License-Identifier: BSD-3-Clause
"""What comes out of a pipe is heard while it comes, with a header or without one."""

import io
import os
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.live.files import Paced, pcm16
from lava_sparse_rnn.audio.live.pipes import KEPT, PipeSource
from lava_sparse_rnn.audio.sound import wav

GO = threading.Event()
RECORDINGS = [
    ("WAV", "PCM_16", "LITTLE"),
    ("WAV", "PCM_24", "LITTLE"),
    ("WAV", "PCM_16", "BIG"),
    ("WAV", "GSM610", "FILE"),
    ("RF64", "FLOAT", "FILE"),
    ("W64", "PCM_16", "FILE"),
    ("AIFF", "PCM_16", "FILE"),
    ("AU", "PCM_16", "FILE"),
    ("FLAC", "PCM_16", "FILE"),
    ("OGG", "VORBIS", "FILE"),
    ("CAF", "PCM_16", "FILE"),
]

HEAD = b"RIFF\xff\xff\xff\x7fWAVEfmt "  # a recording begins


def end(fd):
    return SimpleNamespace(fileno=lambda: fd)


@pytest.fixture
def pipe():
    """A pipe's ends to read and to write."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            continue


def sent(pipe, data, cut):
    """Write in pieces from another thread, and close."""

    def send():
        for at in range(0, len(data), cut):
            os.write(pipe[1], data[at : at + cut])
        os.close(pipe[1])

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def all_of(source, stop=GO):
    pieces = [np.zeros(0, np.float32)]
    while (piece := source.read(stop)) is not None:
        pieces.append(piece)
    return np.concatenate(pieces)


@pytest.mark.parametrize("kind", RECORDINGS, ids="-".join)
@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (8000, 2)])
def test_a_recording_is_what_the_file_is(pipe, tmp_path, kind, rate, channels):
    if kind[1] == "GSM610":
        channels = 1
    x = np.random.default_rng(0).normal(0, 0.1, (6400, channels))
    form, subtype, endian = kind
    file = tmp_path / "x"
    soundfile.write(file, x, rate, subtype, endian, form)
    expected, info = wav.read(file)
    thread = sent(pipe, file.read_bytes(), 999)
    source = PipeSource(end(pipe[0]), 128)
    heard = all_of(source)
    thread.join()
    if rate == 16000:
        assert np.array_equal(heard, expected)
    else:  # soxr's result depends on how it is cut, in the last bit
        assert np.allclose(heard, expected, atol=1e-6)
        assert len(heard) == len(expected)
    assert source.notes() == info.notes()


def test_a_long_recording_is_not_kept(pipe):
    x = np.random.default_rng(0).normal(0, 0.1, (100_000, 4))
    file = io.BytesIO()
    soundfile.write(file, x, 16000, "FLOAT", format="WAV")
    assert len(file.getvalue()) > 20 * KEPT
    sent(pipe, file.getvalue(), 50_000)
    file.seek(0)
    expected = soundfile.read(file, dtype="float32")[0].mean(1, dtype=np.float32)
    assert np.array_equal(all_of(PipeSource(end(pipe[0]), 128)), expected)


@pytest.mark.parametrize("size", [2**31 - 1, 2**32 - 1])
def test_a_header_may_not_know_the_length(pipe, size):
    """What ffmpeg and arecord write into a pipe."""
    x = np.random.default_rng(0).normal(0, 0.1, 3200)
    file = io.BytesIO()
    soundfile.write(file, x, 16000, "PCM_16", format="WAV")
    data = bytearray(file.getvalue())
    data[40:44] = size.to_bytes(4, "little")
    sent(pipe, bytes(data), 777)
    source = PipeSource(end(pipe[0]), 128)
    assert pcm16(all_of(source))[0] == file.getvalue()[44:]
    assert source.notes() == []


@pytest.mark.parametrize("form", ["WAV", "raw", "FLAC", "OGG"])
def test_a_stop_gives_what_had_come(pipe, form):
    """The pipe stays open, and nothing more comes."""
    x = np.random.default_rng(0).normal(0, 0.1, 6400)
    file = io.BytesIO()
    soundfile.write(file, x, 16000, format="WAV" if form == "raw" else form)
    data = file.getvalue()[44 if form == "raw" else 0 :]
    os.write(pipe[1], data)
    source, stop = PipeSource(end(pipe[0]), 128), threading.Event()
    first = source.read(stop)
    stop.set()
    heard = np.concatenate([first, all_of(source, stop)])
    file.seek(0)
    expected = soundfile.read(file, dtype="float32")[0]
    if form == "OGG":  # its last block is known at the end only
        assert len(expected) - 2048 <= len(heard) <= len(expected)
    assert np.array_equal(heard, expected[: len(heard)])
    assert form == "OGG" or len(heard) == len(x)


@pytest.mark.parametrize("size", [10, 3000, 70_000])
def test_what_stands_before_the_samples_is_skipped(pipe, size):
    """And what may stand behind them is not waited for: the pipe stays open."""
    x = np.random.default_rng(0).normal(0, 0.1, 128)
    file = io.BytesIO()
    soundfile.write(file, x, 16000, "PCM_16", format="WAV")
    data = file.getvalue()
    chunk = b"FLLR" + size.to_bytes(4, "little") + bytes(size)
    length = (len(data) + len(chunk) - 8).to_bytes(4, "little")
    sent = threading.Thread(
        target=os.write,
        args=(pipe[1], b"RIFF" + length + data[8:36] + chunk + data[36:]),
    )
    sent.start()
    source = PipeSource(end(pipe[0]), 128)
    assert pcm16(source.read(GO))[0] == data[44:]
    sent.join()


@pytest.mark.parametrize("size", [0, 4, 20, 44])
def test_a_stop_within_a_header_is_no_error(pipe, size):
    file = io.BytesIO()
    soundfile.write(file, np.zeros(100), 16000, format="WAV", subtype="PCM_16")
    os.write(pipe[1], file.getvalue()[:size])
    stop = threading.Event()
    stop.set()
    source = PipeSource(end(pipe[0]), 512)
    assert not len(all_of(source, stop))
    assert source.notes() == []


@pytest.mark.slow
def test_ctrl_c_ends_a_wait_for_more_of_a_recording(pipe, capfd):
    """Where no other thread reads: within libsndfile, which calls Python back."""
    os.write(pipe[1], HEAD)
    source = PipeSource(end(pipe[0]), 512)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        all_of(source)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "AU", "RF64"])
@pytest.mark.parametrize("lost", [0, 1000])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_cut_off_is_told_in_the_same_words(
    pipe, tmp_path, kind, lost, channels
):
    file, path = io.BytesIO(), tmp_path / "a.wav"
    x = np.zeros((4000, channels)) + 0.1
    soundfile.write(file, x, 16000, format=kind, subtype="PCM_24")
    content = file.getvalue()
    content = content[: len(content) - 3 * channels * lost]
    path.write_bytes(content)
    sent(pipe, content, 1000)
    source = PipeSource(end(pipe[0]), 512)
    assert len(all_of(source)) == 4000 - lost
    notes = source.notes()
    said = "cut off: its header tells of 1000 samples more than came"
    assert notes == [said] * bool(lost) + ["3 channels averaged to one"] * (
        channels > 1
    )
    assert wav.read(path)[1].notes() == wav.Reader(path).info.notes() == notes


def test_what_a_stop_has_cut_off_is_no_fault(pipe):
    file = io.BytesIO()
    soundfile.write(file, np.zeros(4000) + 0.1, 16000, format="WAV")
    os.write(pipe[1], file.getvalue()[:4044])
    stop = threading.Event()
    source = PipeSource(end(pipe[0]), 512)
    while not len(source.read(stop)):
        pass
    stop.set()
    all_of(source, stop)
    assert source.notes() == []


def test_a_source_that_is_slowed_down_keeps_its_notes(pipe):
    file = io.BytesIO()
    x = np.full((40, 2), 0.1)
    soundfile.write(file, x, 16000, format="WAV", subtype="PCM_16")
    sent(pipe, file.getvalue(), 1000).join()
    source = Paced(PipeSource(end(pipe[0]), 512))
    assert len(all_of(source)) == 40
    assert source.notes() == ["2 channels averaged to one"]


def test_after_a_stop_nothing_more_is_heard(pipe):
    os.write(pipe[1], bytes(1000))
    source, stop = PipeSource(end(pipe[0]), 100), threading.Event()
    source.read(stop)
    stop.set()
    source.read(stop)
    os.write(pipe[1], bytes(1000))
    assert len(all_of(source, stop)) <= 500


@pytest.mark.parametrize(
    "head", [b"", b"R", b"RIF", b"RIFF", b"fLaC\0\0\0\x22", b"ID3"]
)
def test_what_begins_as_a_recording_and_is_none(pipe, head):
    os.write(pipe[1], head)
    os.close(pipe[1])
    source = PipeSource(end(pipe[0]), 128, name="x.pipe")
    if not head:
        assert len(all_of(source)) == 0
        return
    with pytest.raises(AudioError, match=r"^x\.pipe: "):
        all_of(source)


def test_a_value_that_is_no_sound_ends_it_and_what_came_before_is_heard(pipe):
    x = np.zeros(1000, np.float32)
    x[700] = np.nan
    file = io.BytesIO()
    soundfile.write(file, x, 16000, "FLOAT", format="WAV")
    sent(pipe, file.getvalue(), 500)
    source = PipeSource(end(pipe[0]), 100)
    assert sum(len(source.read(GO)) for _ in range(7)) == 700
    with pytest.raises(AudioError, match=r"input: sample 700 is nan"):
        source.read(GO)
