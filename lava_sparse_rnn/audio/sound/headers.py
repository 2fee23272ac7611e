# SPDX-License-Identifier: BSD-3-Clause
"""Where a header says that the samples are, and whether it tells of too few.

A recorder that stops without an end, or a program that writes into a pipe, leaves a
length of 0, or the one that was written last. What follows the samples that the header
tells of are samples then, unless it is what may stand there: further chunks, a tag, one
byte again and again, as what fills up a block of a disk, or so little that it may be
anything.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_ORDERS = {b"RIFF": "<", b"RIFX": ">", b"RF64": "<", b"riff": "<", b"FORM": ">"}
"""How a file of chunks begins, and the order of bytes in its numbers."""
_AU = {b".snd": ">", b"dns.": "<"}
"""The same of AU, which has no chunks: nothing follows its samples."""
_CHUNKS = (
    *(b"LIST", b"id3 ", b"ID3 ", b"bext", b"cue ", b"iXML", b"axml", b"_PMX", b"JUNK"),
    *(b"junk", b"PAD ", b"FLLR", b"fact", b"PEAK", b"smpl", b"inst", b"DISP", b"acid"),
    *(b"MARK", b"INST", b"COMT", b"ANNO", b"NAME", b"AUTH", b"(c) ", b"APPL", b"COMM"),
)
"""What often follows the samples, also where it is cut off itself."""
_TAGS = (b"TAG", b"ID3", b"APETAGEX")  # follow without being chunks
_BLOCK = 1 << 16  # bytes that are looked at together
_LEAST = 1 << 10  # bytes that samples are of, behind those that a header tells of
_MOST = 1000  # chunks that are passed over: a file may be made of them


@dataclass(frozen=True)
class Samples:
    """The place of the samples in a file.

    Attributes
    ----------
    start : int
        Their first byte.
    told, there : int
        Bytes of them by the header, and from there to the end of the file.
    fix : tuple of (int, bytes)
        What has to stand at which places, so that libsndfile takes all of them.
    """

    start: int
    told: int
    there: int
    fix: tuple[tuple[int, bytes], ...] = ()


def find(file: BinaryIO, near: int = 1 << 62) -> Samples | None:
    """Where the samples of a WAV, RF64, W64, AIFF or AU file are; None of another.

    It is not read beyond the byte `near`.
    """
    size, head = file.seek(0, os.SEEK_END), _read(file, 0, 40)
    magic = head[:4]
    if len(head) < 40:
        return None
    if magic in _AU:
        start, told = struct.unpack(_AU[magic] + "II", head[4:12])
        return Samples(start, told, size - start, ((8, b"\xff" * 4),))
    for name, at, told in _chunks(file, near, magic):
        if name == b"SSND":  # begins with two numbers that belong to its length
            start = at + 8
            field = struct.pack(">I", min(size - at, 2**32 - 1))
            return Samples(start, max(told - 8, 0), size - start, ((at - 4, field),))
        if name == b"data" and magic == b"RF64" and told == 2**32 - 1:
            told = struct.unpack("<Q", head[28:36])[0]
            fix = ((28, struct.pack("<Q", size - at)),)
            return Samples(at, told, size - at, fix)
        if name == b"data" and magic != b"riff":
            # Of these two libsndfile knows that the file was not closed properly.
            fix = ((4, struct.pack(_ORDERS[magic] + "I", 8)), (at - 4, bytes(4)))
            return Samples(at, told, size - at, fix)
        if name == b"data":  # it takes all that is there in any case
            return Samples(at, told, size - at)
    return None


def untold(file: BinaryIO) -> Samples | None:
    """The samples of a file whose header tells of too few; None of another."""
    found = find(file)
    if found is None or not found.fix or not 0 <= found.told <= found.there - 8:
        return None
    end, magic = found.start + found.told, _read(file, 0, 4)
    rest = found.there - found.told
    if found.told > 0 and (rest < _LEAST or _is_filled(file, end)):
        return None
    if magic in _ORDERS and _follow(file, end, end + rest, _ORDERS[magic]):
        return None
    return found


def _is_filled(file: BinaryIO, at: int) -> bool:
    """Whether one byte stands again and again to the end of a file, or nothing."""
    one = _read(file, at, 1)
    while data := file.read(_BLOCK):
        if data.strip(one):
            return False
    return True


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _chunks(
    file: BinaryIO, near: int, magic: bytes
) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of what is in each chunk, by its head."""
    if magic not in _ORDERS:
        return
    # W64 has names of 16 bytes, and counts its heads.
    at, head, even, number = (
        (40, 24, 8, "<Q") if magic == b"riff" else (12, 8, 2, _ORDERS[magic] + "I")
    )
    for _ in range(_MOST):
        data = _read(file, at, head) if at + head <= near else b""
        if len(data) < head:
            return
        length = struct.unpack(number, data[head - struct.calcsize(number) :])[0]
        length -= head if magic == b"riff" else 0
        yield data[:4], at + head, length
        at += head + max(length, 0)
        at += -at % even


def _follow(file: BinaryIO, end: int, size: int, order: str) -> bool:
    """Whether a tag or chunks stand at the end of the samples, up to the file's."""
    for start in {end, end + end % 2}:  # some leave out the byte that makes it even
        first = _read(file, start, 8)
        if first.startswith(_TAGS) or first[:4] in _CHUNKS:
            return True
        at = start
        for _ in range(_MOST):
            head = _read(file, at, 8) if at < size else b""
            if len(head) < 8 or not all(32 <= byte < 127 for byte in head[:4]):
                break
            length = struct.unpack(order + "I", head[4:])[0]
            at += 8 + length + length % 2
        if start < at and (size - 8 < at <= size + 1 or _ends(file, at, size)):
            return True
    return False


def _ends(file: BinaryIO, at: int, size: int) -> bool:
    """Whether nothing but filling stands behind the last chunk."""
    return at < size and _is_filled(file, at)
