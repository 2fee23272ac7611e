# SPDX-License-Identifier: BSD-3-Clause
"""Find the recordings in a file: it is one, or a container that a game has."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soxr

from lava_sparse_rnn.audio.corpus.decode import decode
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE


def _read_file(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    yield "", decode(str(path), path.name)


def _read_raw(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Headerless 16-bit 16 kHz samples."""
    yield "", np.fromfile(path, dtype="<i2").astype(np.float32) / 32768.0


def _read_riff(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Every RIFF file found inside another file."""
    data = path.read_bytes()
    start = data.find(b"RIFF")
    while start >= 0:
        size = int.from_bytes(data[start + 4 : start + 8], "little") + 8
        if data[start + 8 : start + 12] == b"WAVE":
            chunk = io.BytesIO(data[start : start + size])
            yield f"#{start}", decode(chunk, f"{path.name} at byte {start}")
        start = data.find(b"RIFF", start + 4)


def _read_ogg(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Every Ogg stream found inside another file, such as Qt's resources.

    A page says in its sixth byte whether it begins (2) or ends (4) a stream, and in its
    27th how many bytes follow it that add up to the length of its content.
    """
    data = path.read_bytes()
    start = data.find(b"OggS")
    while start >= 0:
        at, flags = start, 0
        while data[at : at + 4] == b"OggS" and not flags & 4:
            flags, count = data[at + 5], data[at + 26]
            at += 27 + count + sum(data[at + 27 : at + 27 + count])
        if flags & 4 and data[start + 5] & 2:
            chunk = io.BytesIO(data[start:at])
            yield f"#{start}", decode(chunk, f"{path.name} at byte {start}")
        start = data.find(b"OggS", max(at, start + 4))


def _read_queen(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Speech in the container of Flight of the Amazon Queen: MP3 of 11 kHz.

    The names end in the speaker's letter and a number; J is the hero, the others are
    told apart by the first two characters, those of the scene.
    """
    data = path.read_bytes()
    if data[:4] != b"QTBL":
        raise AudioError(f"{path.name}: no table of this game's files")
    (count,) = struct.unpack_from(">H", data, 13)
    for entry in range(count):
        name, _, start, size = struct.unpack_from(">12sBII", data, 15 + 21 * entry)
        stem, _, suffix = name.rstrip(b"\0").decode("ascii").partition(".")
        if suffix != "SB":
            continue
        speaker = stem[-2:-1] if stem[-2:-1] == "J" else stem[-2:-1] + stem[:2]
        content = io.BytesIO(data[start : start + size])
        try:
            yield f"#{speaker}/{stem}", decode(content, stem, format="mp3")
        except AudioError:
            continue  # a few hold no sound


def _eight_bits(x: np.ndarray) -> np.ndarray:
    x = (x.astype(np.float64) - 128.0) / 128.0
    return soxr.resample(x, 11025, SAMPLE_RATE).astype(np.float32)


def _read_als(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Unsigned 8-bit samples at 11025 Hz; the letters of the name are the scene."""
    scene = path.stem.rstrip("0123456789") or "hero"
    yield f"#{scene}/", _eight_bits(np.fromfile(path, dtype=np.uint8))


def _c4group_entries(data: bytes, folder: str = "") -> Iterator[tuple[str, bytes]]:
    """Walk a packed group of OpenClonk: a header, 316 bytes for each entry, contents.

    The header is XORed with 237 after its bytes 0 and 2 of each three changed places.
    """
    header = bytearray(byte ^ 237 for byte in data[:204])
    header[0::3], header[2::3] = header[2::3], header[0::3]
    if not header.startswith(b"RedWolf Design GrpFolder"):
        raise AudioError(f"{folder or 'file'}: no group of OpenClonk")
    (count,) = struct.unpack_from("<i", header, 36)
    contents = 204 + 316 * count
    for entry in range(count):
        at = 204 + 316 * entry
        name = data[at : at + 260].split(b"\0")[0].decode("latin-1")
        _, is_group, size, _, offset = struct.unpack_from("<5i", data, at + 260)
        if min(offset, size) < 0:
            raise AudioError(
                f"{folder or 'file'}: an entry of {size} bytes at {offset}"
            )
        part = data[contents + offset : contents + offset + size]
        if is_group:  # shorter than what it is in, so that it ends
            yield from _c4group_entries(part, f"{folder}{name}/")
        else:
            yield folder + name, part


def _read_c4group(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Ogg and WAV files in a packed group of OpenClonk, less its own voices and bells.

    It is gzip with two other bytes at the start.
    """
    data = path.read_bytes()
    if data[:2] == b"\x1e\x8c":
        data = gzip.decompress(b"\x1f\x8b" + data[2:])
    for name, content in _c4group_entries(data):
        if name.lower().endswith((".ogg", ".wav")):
            with contextlib.suppress(AudioError):  # one of many
                yield f"#{name}", decode(io.BytesIO(content), name)


def _rnc(data: bytes, start: int) -> bytes:
    """Unpack what method 1 of Rob Northen's packer left at ``start``.

    Literals lie among the 16-bit words of bits: numbers of literals, distances and
    lengths of copies, each with a Huffman code of its own, told anew for each block.
    """
    (size,) = struct.unpack_from(">I", data, start + 4)
    out, bits = bytearray(), _Bits(data, start + 18)
    bits.read(2)
    while len(out) < size:
        if bits.at >= len(data):
            raise AudioError(f"packed file at byte {start}: no more data")
        literals, distances, lengths = bits.code(), bits.code(), bits.code()
        for left in reversed(range(bits.read(16))):
            out += bits.literals(bits.number(literals))
            if left:
                distance = bits.number(distances) + 1
                length = bits.number(lengths) + 2
                if distance > len(out) or len(out) + length > size:
                    raise AudioError(f"packed file at byte {start}: no such copy")
                found = out[-distance:]
                out += (found * (length // distance + 1))[:length]
    return bytes(out)


class _Bits:
    """Bits in little-endian words, the least one first, and bytes between them."""

    def __init__(self, data: bytes, at: int):
        self.data, self.at = data, at
        self.held, self.count = int.from_bytes(data[at : at + 2], "little"), 16

    def read(self, bits: int) -> int:
        value = self.held & ((1 << bits) - 1)
        self.held >>= bits
        self.count -= bits
        if self.count < 16:
            self.at += 2
            word = int.from_bytes(self.data[self.at : self.at + 2], "little")
            self.held |= word << self.count
            self.count += 16
        return value

    def literals(self, count: int) -> bytes:
        """Bytes from where the next word would be; the word is behind them."""
        if not count:
            return b""
        found = self.data[self.at : self.at + count]
        self.at += count
        below = self.count - 16
        word = int.from_bytes(self.data[self.at : self.at + 2], "little")
        self.held = self.held & ((1 << below) - 1) | word << below
        return found

    def code(self) -> list[tuple[int, int]]:
        """A canonical Huffman code: (bits, symbol) by the bits that follow."""
        sizes = [self.read(4) for _ in range(self.read(5))]
        longest = max(sizes, default=0)
        found, code = [(0, 0)] * (1 << longest), 0
        for size in range(1, longest + 1):
            for symbol in (k for k, bits in enumerate(sizes) if bits == size):
                first = int(f"{code:0{size}b}"[::-1], 2)
                found[first :: 1 << size] = [(size, symbol)] * (1 << longest - size)
                code += 1
            code <<= 1
        return found

    def number(self, code: list[tuple[int, int]]) -> int:
        """A number: its symbol is how many bits it has, but for 0 and 1."""
        size, symbol = code[self.held & (len(code) - 1)]
        self.read(size)
        return symbol if symbol < 2 else 1 << symbol - 1 | self.read(symbol - 1)


def _read_sky(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Speech of Beneath a Steel Sky: unsigned 8-bit samples at 11025 Hz, packed.

    The file is an index: number, place and size in 8 bytes, of files in its sister
    with the suffix ``.dsk``.  Those from 50000 on are speech, by scene; who speaks is
    not told.  Their first three digits stand for the scene.
    """
    index, data = path.read_bytes(), path.with_suffix(".dsk").read_bytes()
    for at in range(4, len(index) - 7, 8):
        number = int.from_bytes(index[at : at + 2], "little")
        place = int.from_bytes(index[at + 2 : at + 5], "little")
        # The highest bit: the place is told in units of 16 bytes.
        place = (place & 0x7FFFFF) << (4 if place >> 23 else 0)
        start = place + 22  # behind a header that speech does not need
        if 50000 <= number < 60000 and data[start : start + 4] == b"RNC\1":
            x = np.frombuffer(_rnc(data, start), np.uint8)
            yield f"#{number // 100}/{number}", _eight_bits(x)


READERS: dict[str, Callable[[Path], Iterator[tuple[str, np.ndarray]]]] = {
    "file": _read_file,
    "raw": _read_raw,
    "riff": _read_riff,
    "ogg": _read_ogg,
    "queen": _read_queen,
    "als": _read_als,
    "c4group": _read_c4group,
    "sky": _read_sky,
}
"""Name of a reader to a function from a path to (suffix of the name, samples)."""

# What a damaged container leads to: ends too early, numbers that cannot be.
_DAMAGED = (struct.error, zlib.error, EOFError, IndexError, OSError, ValueError)


def recordings(reader: str, path: Path) -> list[tuple[str, np.ndarray]]:
    """All that is in a file.

    Parameters
    ----------
    reader : str
        Name in :data:`READERS`.
    path : pathlib.Path

    Returns
    -------
    list of (str, ndarray)
        Suffix of the name, float32 (samples,) at 16 kHz.

    Raises
    ------
    AudioError
        If it is damaged, or is no such file.
    """
    try:
        return list(READERS[reader](path))
    except AudioError:
        raise
    except _DAMAGED as error:
        raise AudioError(f"{path.name}: damaged ({error})") from error
