# SPDX-License-Identifier: BSD-3-Clause
"""Recordings whose headers and contents differ in length, and those of great length."""

import io
import os
import struct
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn.audio import AudioError
from lava_sparse_rnn.audio.live.pipes import PipeSource
from lava_sparse_rnn.audio.sound import libsndfile, plots, wav, writer

NOISE = np.random.default_rng(0).normal(0, 0.1, 8000)
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT\x0e\0\0\0Lavf58.76.100\0"


def content_of(form="WAV", subtype="PCM_16", endian="FILE", x=NOISE):
    file = io.BytesIO()
    soundfile.write(file, x, 16000, subtype, endian, form)
    return bytearray(file.getvalue())


def read_of(path):
    """What is read whole, which is also read in pieces, and its notes."""
    x, info = wav.read(path)
    pieces = wav.Reader(path, 700)
    assert np.array_equal(np.concatenate(list(pieces)), x)
    assert pieces.info == info
    return x, info.notes()


KINDS = {  # the field that tells the length: name before it, what it counts beside
    ("WAV", "PCM_16", "LITTLE"): ("<I", b"data", 4, 0),
    ("WAV", "PCM_16", "BIG"): (">I", b"data", 4, 0),
    ("WAV", "PCM_24", "LITTLE"): ("<I", b"data", 4, 0),
    ("WAV", "ULAW", "LITTLE"): ("<I", b"data", 4, 0),
    ("WAV", "IMA_ADPCM", "LITTLE"): ("<I", b"data", 4, 0),
    ("RF64", "PCM_16", "FILE"): ("<Q", b"ds64", 16, 0),
    ("AIFF", "PCM_16", "FILE"): (">I", b"SSND", 4, 8),
    ("AU", "PCM_16", "FILE"): (">I", b".snd", 8, 0),
}


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
@pytest.mark.parametrize("told", [0, 1536])
def test_what_a_header_does_not_tell_of_is_read_and_told(tmp_path, kind, told):
    whole = content_of(*kind)
    (tmp_path / "whole").write_bytes(whole)
    expected = read_of(tmp_path / "whole")[0]
    number, name, beside, more = KINDS[kind]
    place = bytes(whole).index(name) + beside
    struct.pack_into(number, whole, place, told + more)
    (tmp_path / "a").write_bytes(whole)
    x, notes = read_of(tmp_path / "a")
    assert np.array_equal(x, expected)
    width = {"PCM_16": 2, "PCM_24": 3, "ULAW": 1, "IMA_ADPCM": 256 / 505}[kind[1]]
    few = pytest.approx(told / width, rel=0.03)
    assert int(notes[0].split()[4]) == few
    assert notes[0].endswith(f"samples, all {len(x)} that are there were read")
    assert len(wav.read_parts([tmp_path / "a"], 1.0, 0.1)[0]) == 1600


@pytest.mark.parametrize(
    "behind",
    [
        *(LIST, LIST[:20], LIST * 3, bytes(20), bytes(3000), b"x"),
        *(b"TAG" + bytes(125), b"ID3\3" + bytes(60), b"abcd\x0b\0\0\0" + bytes(12)),
    ],
)
@pytest.mark.parametrize(("odd", "pad"), [(0, 0), (1, 0), (1, 1)])
def test_what_may_stand_behind_the_samples_is_no_sound(tmp_path, behind, odd, pad):
    x = NOISE[: 8000 - odd]
    content = content_of(subtype="PCM_U8", x=x)[: 44 + len(x)] + bytes(pad) + behind
    struct.pack_into("<I", content, 4, len(content) - 8)
    (tmp_path / "a.wav").write_bytes(content)
    y, notes = read_of(tmp_path / "a.wav")
    assert (len(y), notes) == (len(x), [])


@pytest.mark.parametrize(
    "behind",
    [
        b"minf" + struct.pack("<I", 16) + bytes(range(16)) + bytes(200),
        b"minf" + struct.pack("<I", 99) + bytes(range(12)),
        b"LYRICSBEGIN and so on",
        b"\xff" * 9000,
        bytes(1 << 17),
    ],
    ids=["chunk and filling", "cut chunk", "words", "one byte", "long silence"],
)
def test_what_else_may_stand_there_is_no_sound_either(tmp_path, behind):
    (tmp_path / "a.wav").write_bytes(bytes(content_of()) + behind)
    x, notes = read_of(tmp_path / "a.wav")
    assert len(x) == 8000
    assert not notes


@pytest.mark.parametrize(
    ("told", "there", "believed"),
    [(5 << 30, 6 << 30, 5 << 29), (3 << 30, 1 << 30, 3 << 29)],
)
def test_lengths_beyond_two_gibibytes_are_told(tmp_path, told, there, believed):
    head = bytearray(content_of("RF64"))
    start = head.index(b"data") + 8
    head[28:36] = struct.pack("<Q", told)
    with open(tmp_path / "a.wav", "wb") as file:  # no more on a disk than is written
        file.write(head[:start] + NOISE.astype("<f4").tobytes())
        file.truncate(start + there)
        file.seek(start + there - 4)
        file.write(b"\1\2\3\4")
    content = libsndfile.content_of(tmp_path / "a.wav")
    with libsndfile.opened(tmp_path / "a.wav", content) as file:
        assert libsndfile.told_of(tmp_path / "a.wav", content, file) == believed


def test_an_empty_recording_with_a_chunk_behind_it_is_empty(tmp_path):
    (tmp_path / "a.wav").write_bytes(content_of(x=NOISE[:0]) + LIST)
    with pytest.raises(AudioError, match="holds no samples"):
        wav.read(tmp_path / "a.wav")


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU", "RF64"])
def test_a_pipe_whose_header_tells_of_nothing_is_heard_to_its_end(form):
    content = content_of(form)
    kinds = {kind[0]: field for kind, field in reversed(KINDS.items())}
    number, name, beside, more = kinds[form]
    struct.pack_into(number, content, bytes(content).index(name) + beside, more)
    ends = os.pipe()
    feed = threading.Thread(
        target=lambda: (os.write(ends[1], content), os.close(ends[1]))
    )
    feed.start()
    source, stop = (
        PipeSource(SimpleNamespace(fileno=lambda: ends[0]), 512),
        threading.Event(),
    )
    heard = []
    while (piece := source.read(stop)) is not None:
        heard.append(piece)
    feed.join()
    os.close(ends[0])
    assert np.array_equal(np.concatenate(heard), wav_of(content_of(form)))
    assert source.notes() == []


def wav_of(content):
    return soundfile.read(io.BytesIO(content), dtype="float32")[0]


CUT = [
    *(("WAV", kind) for kind in ("PCM_16", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM")),
    *(("WAV", kind) for kind in ("GSM610", "G721_32", "NMS_ADPCM_16")),
    *(("W64", "PCM_24"), ("W64", "ULAW"), ("AU", "ULAW"), ("AIFF", "ALAW")),
    *(("AIFF", "IMA_ADPCM"), ("AU", "G721_32"), ("WAVEX", "ALAW"), ("RF64", "ULAW")),
]


@pytest.mark.parametrize("kind", CUT, ids="-".join)
def test_what_is_cut_off_is_told_of_every_kind_of_samples(tmp_path, kind):
    content = content_of(*kind)
    path = tmp_path / "a"
    path.write_bytes(content)
    whole, notes = read_of(path)
    assert not [note for note in notes if "header" in note]
    path.write_bytes(content[: len(content) * 2 // 3])
    there, notes = read_of(path)
    said = notes[0].removeprefix("cut off: its header tells of ")
    missing = int(said.removesuffix(" samples more than came"))
    exact = kind[1] in ("PCM_16", "PCM_24", "ULAW", "ALAW")
    tolerance = 0 if exact else 200
    assert missing == pytest.approx(len(whole) - len(there), abs=tolerance)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
def test_of_a_flac_that_is_cut_off_is_used_what_came(tmp_path, subtype, channels):
    x = np.random.default_rng(1).normal(0, 0.1, (100_000, channels))
    content, path = bytes(content_of("FLAC", subtype, x=x)), tmp_path / "a.flac"
    path.write_bytes(content)
    whole, _ = read_of(path)
    path.write_bytes(content[: len(content) * 2 // 3])
    there, notes = read_of(path)
    assert 60_000 < len(there) < 70_000
    assert np.array_equal(there, whole[: len(there)])
    missing = 100_000 - len(there)
    assert notes[0] == f"cut off: its header tells of {missing} samples more than came"
    with pytest.raises(AudioError, match=r"a\.flac"):  # training takes no part of it
        wav.read_parts([path], 1.0, 1.0)
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes(5000) + content[middle + 5000 :])
    for read in (wav.read, wav.Reader):
        with pytest.raises(AudioError, match=r"a\.flac: damaged after \d\.\d\d s"):
            read(path)


@pytest.mark.parametrize("quiet", [1.0, 0.98])
def test_channels_that_cancel_each_other_are_told(tmp_path, quiet):
    x = np.stack([NOISE, -quiet * NOISE], axis=1)
    soundfile.write(tmp_path / "a.wav", x, 16000, "FLOAT")
    left = "silent" if quiet == 1 else "40 dB below them"
    assert read_of(tmp_path / "a.wav")[1] == [
        "2 channels averaged to one",
        f"the channels cancel each other: their mean is {left}",
    ]


@pytest.mark.parametrize("channels", [2, 8])
def test_channels_that_do_not_cancel_are_not_told(tmp_path, channels):
    unlike = np.random.default_rng(0).normal(0, 0.1, (8000, channels))
    single = unlike * (np.arange(channels) == 0)
    for x, more in ((unlike, []), (single, []), (0 * unlike, ["silent"])):
        soundfile.write(tmp_path / "a.wav", x, 16000, "FLOAT")
        expected = [f"{channels} channels averaged to one", *more]
        notes = read_of(tmp_path / "a.wav")[1]
        assert [note for note in notes if "clipped" not in note] == expected


def test_a_recording_too_long_for_wav_becomes_rf64(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_LONGEST_WAV", 44 + 2 * 5000)
    for count, form in ((5000, "WAV"), (5001, "RF64")):
        wav.write(tmp_path / "a.wav", NOISE[:count])
        with soundfile.SoundFile(tmp_path / "a.wav") as file:
            assert file.format == form
        y, notes = read_of(tmp_path / "a.wav")
        np.testing.assert_allclose(y, NOISE[:count], atol=0.6 / 32768)
        assert notes == []
    assert writer.kind_for("a.flac", 5001) == ("FLAC", "PCM_16")
    with (
        pytest.raises(AudioError, match=r"a WAV file holds 4 GiB, \.flac and"),
        writer.writing(tmp_path / "b.wav") as unknown,
    ):
        unknown.write(NOISE)


def test_the_real_limit_is_that_of_32_bits():
    most = (2**32 - 1 - 44) // 2
    assert writer.kind_for("a.wav", most)[0] == "WAV"
    assert writer.kind_for("a.wav", most + 1)[0] == "RF64"


def test_a_spectrogram_stays_small_and_the_same(monkeypatch):
    frames = plots.Stft().analysis(NOISE.astype(np.float32), tail=False)
    power = np.abs(frames) ** 2
    gathered = plots.Spectrogram()
    for at in range(0, len(NOISE), 777):
        gathered.add(NOISE[at : at + 777])
    expected = 20 * np.log10(np.abs(frames).T + 1e-9)
    np.testing.assert_allclose(gathered.levels, expected, atol=1e-3)
    monkeypatch.setattr(plots, "COLUMNS", 9)
    pooled = plots.Spectrogram()
    for at in range(0, len(NOISE), 777):
        pooled.add(NOISE[at : at + 777])
    each = 8  # 62 frames
    means = [power[at : at + each].mean(axis=0) for at in range(0, len(power), each)]
    expected = 10 * np.log10(np.array(means).T)
    np.testing.assert_allclose(pooled.levels, expected, atol=1e-3)
