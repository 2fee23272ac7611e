# SPDX-License-Identifier: BSD-3-Clause
"""One row of the table of packages, and the usual values of its two kinds."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("speech", "noise")
"""What a recording can be."""

SPLITS = ("train", "validation", "test")
"""What it can be for."""


@dataclass(frozen=True)
class Source:
    """Files of one Debian package that enter one split.

    Attributes
    ----------
    package : str
        Name of the Debian package.
    pattern : str
        Glob below the root of the unpacked package; ``**`` crosses folders.
    kind : str
        ``"speech"`` or ``"noise"``.
    split : str
        ``"train"``, ``"validation"`` or ``"test"``.
    group : str
        Speaker of a voice, family of a noise; ``{p[3]}`` stands for the fourth part
        of the path below the root, ``{parent}`` for the folder, ``{inner}`` for what
        the reader calls a part of a file, up to a slash.
    licence : str
        Licence of the recordings, from the package's copyright file.
    exclude : str
        Regular expression on the path, and on the path with what the reader calls a
        part of the file; what matches is left out.
    part : tuple of int
        ``(i, n)``: every n-th file of the sorted list, starting at the i-th.
    longest : float
        Seconds kept from the start of one file, so that music does not drown the
        rest.
    reader : str
        Name in :data:`lava_sparse_rnn.audio.corpus.readers.READERS`.
    core : bool
        Whether a fetch fails when the package is not available.
    edge_hz : float
        Where the recordings' band ends, if that is below what 16 kHz can hold; 0 if
        it is not.
    """

    package: str
    pattern: str
    kind: str
    split: str
    group: str
    licence: str
    exclude: str = ""
    part: tuple[int, int] = (0, 1)
    longest: float = 60.0
    reader: str = "file"
    core: bool = False
    edge_hz: float = 0.0


def voice(package: str, pattern: str, group: str, licence: str, **more) -> Source:
    """A row of speech to be learnt, unless ``more`` says otherwise."""
    more = {"kind": "speech", "split": "train", **more}
    return Source(package, pattern, group=group, licence=licence, **more)


def noise(package: str, pattern: str, licence: str, **more) -> Source:
    """A row of noise, the package being its family unless ``more`` names one."""
    more = {"kind": "noise", "split": "train", "group": package, **more}
    return Source(package, pattern, licence=licence, **more)


CC = "CC-BY-SA-3.0"
GPL = "GPL-2+"
NOT_AUDIO = r"\.(?!ogg$|wav$|flac$)[^./]*$"
GAMES = "usr/share/games"
