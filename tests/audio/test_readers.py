# SPDX-License-Identifier: BSD-3-Clause
"""Recordings inside the files of games."""

import contextlib
import gzip
import io
import struct

import numpy as np
import pytest
import soundfile
import soxr

from lava_sparse_rnn.audio import AudioError
from lava_sparse_rnn.audio.corpus import corpus, readers
from lava_sparse_rnn.audio.corpus.decode import decode
from lava_sparse_rnn.audio.corpus.packages import Source

pytest.importorskip("av")


def sound(seed, seconds=1.0, rate=16000):
    rng = np.random.default_rng(seed)
    x = 0.2 * rng.standard_normal(int(seconds * rate))
    return x * (1 + np.sin(np.arange(len(x)) / rate * 20))


def test_riff_reader(tmp_path):
    parts = [b"head" * 5]
    for k in range(3):
        out = io.BytesIO()
        soundfile.write(out, sound(k, 0.5), 22050, format="WAV")
        parts += [out.getvalue(), b"between"]
    (tmp_path / "a.cat").write_bytes(b"".join(parts))
    found = list(readers.READERS["riff"](tmp_path / "a.cat"))
    assert [len(x) for _, x in found] == pytest.approx([5805] * 3, abs=2)
    assert len({name for name, _ in found}) == 3


def test_ogg_reader(tmp_path):
    """Streams that are whole; one that is cut off, and names of pages, are none."""
    streams = []
    for k in range(3):
        out = io.BytesIO()
        soundfile.write(out, sound(k, 0.5 + k), 16000, format="OGG")
        streams.append(out.getvalue())
    parts = [b"qres", streams[0], streams[1], b"OggS" + bytes(30), streams[2]]
    parts += [b"between", streams[0][: len(streams[0]) // 2], b"OggS" + bytes(40)]
    (tmp_path / "a.rcc").write_bytes(b"".join(parts))
    found = readers.recordings("ogg", tmp_path / "a.rcc")
    assert len({name for name, _ in found}) == len(found) == 3
    for stream, (_, x) in zip(streams, found, strict=True):
        assert np.array_equal(x, decode(io.BytesIO(stream), "one"))


def test_speech_in_the_container_of_a_game(tmp_path):
    av = pytest.importorskip("av")
    content = io.BytesIO()
    with av.open(content, "w", format="mp3") as container:
        stream = container.add_stream("mp3", rate=11025, layout="mono")
        stream.bit_rate = 32000
        x = (sound(1, rate=11025) * 16000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(x[None], format="s16p", layout="mono")
        frame.sample_rate = 11025
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    names = (b"020007J1.SB", b"BACK.PCX", b"C10A02P3.SB", b"020009J1.SB")
    data = content.getvalue()
    head = b"QTBL" + bytes(9) + len(names).to_bytes(2, "big")
    start = len(head) + 21 * len(names)
    for i, name in enumerate(names):
        size = 3 if i == 3 else len(data)  # the last one holds no sound
        place = (start).to_bytes(4, "big") + size.to_bytes(4, "big")
        head += name.ljust(12, b"\0") + b"\1" + place
    (tmp_path / "queen.1c").write_bytes(head + data)
    found = dict(readers.READERS["queen"](tmp_path / "queen.1c"))
    assert [*found] == ["#J/020007J1", "#PC1/C10A02P3"]
    assert len(found["#J/020007J1"]) == pytest.approx(16000, abs=3000)
    (tmp_path / "queen.1c").write_bytes(b"RIFF")
    with pytest.raises(AudioError, match="queen.1c: no table"):
        list(readers.READERS["queen"](tmp_path / "queen.1c"))


def test_eight_bits_without_a_header(tmp_path):
    x = (np.sin(np.arange(11025) * 0.1) * 100 + 128).astype(np.uint8)
    x.tofile(tmp_path / "VB12.ALS")
    ((suffix, y),) = readers.READERS["als"](tmp_path / "VB12.ALS")
    assert suffix == "#VB/"
    assert len(y) == 16000
    assert np.max(np.abs(y)) == pytest.approx(100 / 128, abs=0.03)


def test_a_part_of_a_file_may_name_the_speaker_and_the_band(tmp_path):
    (tmp_path / "VB12.ALS").write_bytes(bytes(range(0, 256, 5)) * 400)
    source = Source("g", "*.ALS", "speech", "test", "g-{inner}", "free", reader="als",
                    edge_hz=5300.0)  # fmt: skip
    ((clip, _),) = corpus._clips(source, tmp_path)
    assert (clip.group, clip.edge_hz) == ("g-VB", 5300.0)


def group_of(entries):
    """A group of OpenClonk, the contents being bytes or those of a group in it."""
    header = bytearray(204)
    header[:24] = b"RedWolf Design GrpFolder"
    struct.pack_into("<i", header, 36, len(entries))
    header[0::3], header[2::3] = header[2::3], header[0::3]
    table, contents = b"", b""
    for name, part in entries.items():
        inner = isinstance(part, dict)
        part = group_of(part) if inner else part
        numbers = (0, inner, len(part), 0, len(contents))
        table += name.encode().ljust(260, b"\0") + struct.pack("<5i", *numbers)
        table += bytes(36)
        contents += part
    return bytes(byte ^ 237 for byte in header) + table + contents


def wav(seed):
    out = io.BytesIO()
    soundfile.write(out, sound(seed), 16000, format="WAV")
    return out.getvalue()


def test_sounds_in_a_packed_group(tmp_path):
    entries = {"readme.txt": b"no sound", "Rain.wav": wav(0),
               "Birds.ocg": {"Owl.ocg": {"Hoot.WAV": wav(1)}}}  # fmt: skip
    packed = b"\x1e\x8c" + gzip.compress(group_of(entries))[2:]
    for content in (packed, group_of(entries)):
        (tmp_path / "Sound.ocg").write_bytes(content)
        found = dict(readers.READERS["c4group"](tmp_path / "Sound.ocg"))
        assert [*found] == ["#Rain.wav", "#Birds.ocg/Owl.ocg/Hoot.WAV"]
        x = np.clip(sound(0), -1, 1)
        np.testing.assert_allclose(found["#Rain.wav"], x, atol=1e-4)
    (tmp_path / "Sound.ocg").write_bytes(wav(0) * 9)
    with pytest.raises(AudioError, match="no group of OpenClonk"):
        list(readers.READERS["c4group"](tmp_path / "Sound.ocg"))


def test_a_part_of_a_file_may_be_left_out(tmp_path):
    entries = {"Voice.ocg": {"Ouch.wav": wav(0)}, "Bat.ocg": {"Chirp.wav": wav(1)}}
    (tmp_path / "Sound.ocg").write_bytes(group_of(entries))
    source = Source("p", "*.ocg", "noise", "train", "p-{inner}", "free",
                    exclude="#Voice", reader="c4group")  # fmt: skip
    ((clip, _),) = corpus._clips(source, tmp_path)
    assert (clip.file, clip.group) == ("Sound.ocg#Bat.ocg/Chirp.wav", "p-Bat.ocg")


class Packer:
    """Words of bits, the least bit first, and bytes in front of the next whole word."""

    def __init__(self):
        self.bits, self.between = [0, 0], {}

    def put(self, value, bits):
        self.bits += [value >> i & 1 for i in range(bits)]

    def code(self, *symbols):
        """At most two symbols, of a bit each."""
        self.put(max(symbols) + 1, 5)
        for symbol in range(max(symbols) + 1):
            self.put(symbol in symbols, 4)

    def number(self, value, code):
        size = value.bit_length()
        self.put(code.index(size), 1)
        self.put(value - (1 << size >> 1), max(size - 1, 0))

    def literals(self, found):
        self.between[-(-len(self.bits) // 16)] = found

    def bytes(self):
        out = b""
        for k in range(len(self.bits) // 16 + 2):
            word = sum(bit << i for i, bit in enumerate(self.bits[16 * k :][:16]))
            out += self.between.get(k, b"") + word.to_bytes(2, "little")
        return out


def packed(first, distance, length, last):
    """One block: bytes, a copy of what was there before, bytes."""
    bits = Packer()
    sizes = sorted({len(first).bit_length(), len(last).bit_length()})
    bits.code(*sizes)
    bits.code((distance - 1).bit_length())
    bits.code((length - 2).bit_length())
    bits.put(2, 16)
    bits.number(len(first), sizes)
    bits.literals(first)
    bits.number(distance - 1, [(distance - 1).bit_length()])
    bits.number(length - 2, [(length - 2).bit_length()])
    bits.number(len(last), sizes)
    bits.literals(last)
    size = len(first) + length + len(last)
    return b"RNC\1" + struct.pack(">I", size) + bytes(10) + bits.bytes()


def test_speech_that_is_packed_in_a_game(tmp_path):
    rng = np.random.default_rng(0)
    first, last = (rng.integers(0, 256, n, np.uint8).tobytes() for n in (700, 90))
    speech = bytes(22) + packed(first, 600, 5000, last)
    music = bytes(22) + packed(first, 7, 9, last)
    entries = [(50123, 0, 0), (60000, len(speech), 0)]
    place = -(-(len(speech) + len(music)) // 16)
    entries += [(51007, place | 1 << 23, 0)]  # in units of 16 bytes
    index = struct.pack("<I", len(entries))
    for number, at, size in entries:
        index += number.to_bytes(2, "little") + at.to_bytes(3, "little")
        index += size.to_bytes(3, "little")
    (tmp_path / "sky.dnr").write_bytes(index)
    data = (speech + music).ljust(16 * place, b"\0")
    (tmp_path / "sky.dsk").write_bytes(data + bytes(22) + packed(first, 1, 300, last))
    found = dict(readers.READERS["sky"](tmp_path / "sky.dnr"))
    assert [*found] == ["#501/50123", "#510/51007"]
    copied = (first[-600:] * 9)[:5000]
    for x, middle in zip(found.values(), (copied, first[-1:] * 300), strict=True):
        y = np.frombuffer(first + middle + last, np.uint8)
        expected = soxr.resample((y.astype(float) - 128) / 128, 11025, 16000)
        np.testing.assert_array_equal(x, expected.astype(np.float32))


def test_no_speech_after_the_end_of_a_packed_file(tmp_path):
    """A file that is cut off ends in an error, not in a loop."""
    whole = packed(bytes(range(200)), 100, 5000, bytes(90))
    for end in (30, 100, 250):
        with pytest.raises(AudioError, match="packed"):
            readers._rnc(whole[:end], 0)


@pytest.mark.parametrize("reader", ["queen", "c4group", "sky", "riff", "ogg", "file"])
@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_file_is_told_of(reader, seed, tmp_path):
    """Whatever follows the first bytes: what is found, or an error of ours."""
    rng = np.random.default_rng(seed)
    heads = {"queen": b"QTBL" + bytes(9) + b"\0\2", "riff": b"RIFF\x20\0\0\0WAVE"}
    plain = bytearray(b"RedWolf Design GrpFolder" + bytes(12))
    plain += struct.pack("<i", [1, 40, -3, 10**6, 2][seed])
    plain += bytes(204 - len(plain))
    plain[0::3], plain[2::3] = plain[2::3], plain[0::3]
    heads["c4group"] = bytes(byte ^ 237 for byte in plain)
    heads["ogg"] = b"OggS\0\2" + bytes(20) + bytes([1, 3]) * seed
    heads["sky"] = bytes(4) + (50000).to_bytes(2, "little") + bytes(6)
    path = tmp_path / "sound.dnr"
    path.write_bytes(heads.get(reader, b"") + rng.bytes(400 * seed))
    if seed:
        packed = b"RNC\1" + struct.pack(">I", 5000) + rng.bytes(300)
        path.with_suffix(".dsk").write_bytes(bytes(22) + packed)
    with contextlib.suppress(AudioError):
        assert all(x.ndim == 1 for _, x in readers.recordings(reader, path))


def test_a_group_that_holds_itself_is_refused(tmp_path):
    plain = bytearray(b"RedWolf Design GrpFolder" + bytes(12) + struct.pack("<i", 1))
    plain += bytes(204 - len(plain))
    plain[0::3], plain[2::3] = plain[2::3], plain[0::3]
    entry = b"Sub".ljust(260, b"\0") + struct.pack("<5i", 1, 1, 520, 0, -520)
    (tmp_path / "a.ocg").write_bytes(
        bytes(byte ^ 237 for byte in plain) + entry.ljust(316, b"\0")
    )
    with pytest.raises(AudioError, match="an entry of 520 bytes at -520"):
        readers.recordings("c4group", tmp_path / "a.ocg")
