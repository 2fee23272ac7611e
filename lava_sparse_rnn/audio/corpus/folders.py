# SPDX-License-Identifier: BSD-3-Clause
"""A user's own recordings: folders, decoded once into flat files beside the corpus.

Every folder is parted by itself into training, validation and test.  What is held out
is whole groups (speakers, places, kinds of noise), chosen by the hash of their names:
the same ones on every machine, whatever else is in the folder or beside it, and a
group that more recordings push out of what is held out goes to the training, never the
other way round.  A folder whose sub-folders have the names of the parts is parted by
them.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lava_sparse_rnn.audio.corpus.decode import decode, require_av, to_store
from lava_sparse_rnn.audio.corpus.flat import Clip, FlatFile, write_flat
from lava_sparse_rnn.audio.corpus.packages import SPLITS
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.files import replacing_folder

_REVISION = 1
"""Raised when decoding or parting changes: folders are decoded anew."""

_LONGEST = 3600.0  # seconds of one recording
_MANY = 100  # groups from which on the same number is held out
_HELD_OUT = 20
_FEW = 5  # groups below which nothing is held out
_SHOWN = 3  # of the recordings that were left out, so many in the message

NONE_HELD_OUT = (
    f"; own folders of fewer than {_FEW} groups hold none out unless they are told how "
    "many, or have sub-folders " + ", ".join(SPLITS)
)
"""Why a part of own folders may be empty, for messages."""

SUFFIXES = frozenset(
    ".wav .flac .ogg .oga .opus .spx .mp3 .m4a .mp4 .aac .aif .aiff .aifc .au .snd .caf"
    " .wma .webm .mka .mkv .g722 .w64 .wv .ape .amr .gsm .3gp .tta .mpc .voc".split()
)
"""Endings of the files that are taken for recordings."""


@dataclass(frozen=True)
class Grouping:
    """How the recordings of a folder belong together.

    Attributes
    ----------
    group : str
        Regular expression that is searched in the path below the folder; what it
        finds (its first parenthesis, if it has one) is the group: the speaker, or the
        place or original recording of a noise, which is never split over the parts.
        Empty, or where it finds nothing: the first sub-folder, or else the file.
    family : str
        The same for the kind of a noise; without it, the first sub-folder.
    held_out : tuple of int or None
        Groups of each folder for validation and for the test. None means 20 and 20 of
        100 groups or more, a tenth and a tenth of fewer, none of fewer than 5.
    """

    group: str = ""
    family: str = ""
    held_out: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("group", "family"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                raise AudioError(
                    f"{name} {getattr(self, name)!r}: no regular expression ({error})"
                ) from None
        if self.held_out is not None and min(self.held_out) < 0:
            raise AudioError(f"held_out {self.held_out}: must not be below 0")


def open_folders(
    folders: Sequence[str | Path],
    kind: str,
    split: str,
    grouping: Grouping,
    cache: str | Path,
) -> list[FlatFile]:
    """Open the recordings of one part of each folder, decoded where they are new.

    Parameters
    ----------
    folders : sequence of path
    kind : str
        ``"speech"`` or ``"noise"``.
    split : str
        ``"train"``, ``"validation"`` or ``"test"``.
    grouping : Grouping
    cache : path
        Folder of what was decoded; made when missing.

    Returns
    -------
    list of FlatFile
        Of the folders that have anything in that part.

    Raises
    ------
    AudioError
        For what is no folder or is given twice, a folder without a recording that can
        be used, or one with too few groups for what is to be held out.
    MissingDependencyError
        When PyAV is missing.

    Warns
    -----
    UserWarning
        When some recordings of a folder are left out, the first time.
    """
    roots = [Path(folder).resolve() for folder in folders]
    for root in roots:
        if roots.count(root) > 1:
            raise AudioError(f"{root}: this folder of {kind} is given twice")
    opened = [Folder(root, kind, grouping).open(split, Path(cache)) for root in roots]
    return [flat for flat in opened if len(flat)]


def open_responses(
    folders: Sequence[str | Path], cache: str | Path
) -> list[np.ndarray]:
    """Responses measured in rooms, from their direct sound on.

    Parameters
    ----------
    folders : sequence of path
        One response a file; several channels are averaged.
    cache : path
        Folder of what was decoded.

    Returns
    -------
    list of ndarray
        float32 (samples,).

    Raises
    ------
    AudioError
        See `open_folders`.
    """
    flats = open_folders(folders, "rooms", "train", Grouping(held_out=(0, 0)), cache)
    return [flat.samples(i) for flat in flats for i in range(len(flat))]


class Folder:
    """The recordings of one folder, parted; nothing is decoded yet.

    Parameters
    ----------
    root : pathlib.Path
    kind : str
        ``"speech"``, ``"noise"`` or ``"rooms"``.
    grouping : Grouping

    Attributes
    ----------
    parts : dict of str to str
        Path of each recording below the folder, sorted, to its split.

    Raises
    ------
    AudioError
        When there is no such folder, nothing in it has an ending of `SUFFIXES`, or
        no group would be left for the training.
    """

    def __init__(self, root: Path, kind: str, grouping: Grouping):
        self.root, self.kind, self.grouping = root, kind, grouping
        if not root.is_dir():
            what = "is a file" if root.exists() else "no such folder"
            raise AudioError(f"{root}: {what}; a folder of {kind} is needed")
        names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
        names = sorted(name for name in names if self._is_recording(name))
        if not names:
            raise AudioError(
                f"{root}: no recording of {kind} in it; known endings are "
                + " ".join(sorted(SUFFIXES))
            )
        self._by_hand = {name.partition("/")[0] for name in names} <= set(SPLITS)
        self.parts = self._parted(names)

    def _is_recording(self, name: str) -> bool:
        hidden = any(part.startswith(".") for part in name.split("/"))
        path = self.root / name
        return path.suffix.lower() in SUFFIXES and path.is_file() and not hidden

    def _parted(self, names: list[str]) -> dict[str, str]:
        if self._by_hand:
            return {name: name.partition("/")[0] for name in names}
        groups = {name: self.group(name) for name in names}
        ordered = sorted(
            set(groups.values()), key=lambda g: hashlib.sha256(g.encode()).digest()
        )
        validation, test = self._held_out(len(ordered))
        held = validation + test
        if held and held >= len(ordered):
            raise AudioError(
                f"{self.root}: {len(ordered)} groups, of which {validation} and {test} "
                "are to be held out: at least one has to be left for the training"
            )
        split = dict.fromkeys(ordered, "train")
        split |= dict.fromkeys(ordered[:test], "test")
        split |= dict.fromkeys(ordered[test:held], "validation")
        return {name: split[group] for name, group in groups.items()}

    def _held_out(self, groups: int) -> tuple[int, int]:
        if self.grouping.held_out is not None:
            return self.grouping.held_out
        if groups >= _MANY:
            return _HELD_OUT, _HELD_OUT
        each = max(1, round(groups / 10)) if groups >= _FEW else 0
        return each, each

    def _found(self, pattern: str, name: str) -> tuple[str, str, str]:
        """What a pattern finds in a path, else its sub-folder and the file's name."""
        if self._by_hand:
            name = name.partition("/")[2]
        found = re.search(pattern, name) if pattern else None
        text = found and (found.group(1) if found.re.groups else found.group(0))
        top, inside, _ = name.partition("/")
        return text or "", top if inside else "", Path(top).stem

    def group(self, name: str) -> str:
        """Group of a recording, without the name of the folder."""
        found, top, stem = self._found(self.grouping.group, name)
        return found or top or stem

    def family(self, name: str) -> str:
        """Kind of a noise, without the name of the folder; empty: the group is."""
        if self.kind == "speech":
            return ""
        found, top, _ = self._found(self.grouping.family, name)
        return found or top

    def open(self, split: str, cache: Path) -> FlatFile:
        """The recordings of one part; see `open_folders`."""
        status = [(self.root / name).stat() for name in self.parts]
        files = [
            (name, part, s.st_size, s.st_mtime_ns)
            for (name, part), s in zip(self.parts.items(), status, strict=True)
        ]
        text = repr([_REVISION, str(self.root), self.kind, self.grouping, files])
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        place = cache / f"{self.root.name}-{key}"
        if not place.is_dir():
            self._decode(place)
        return FlatFile(place / split)

    def _decode(self, place: Path) -> None:
        """Write one flat file for each part."""
        require_av()
        refused: list[str] = []
        seen: set[bytes] = set()
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing_folder(place) as folder:
            for split in SPLITS:
                rows = list(self._clips(split, refused, seen))
                write_flat(folder / split, (c for c, _ in rows), (x for _, x in rows))
            if len(refused) == len(self.parts):
                raise AudioError(f"{self.root}: no usable recording; {_some(refused)}")
        if refused:
            count = f"{len(refused)} of {len(self.parts)} recordings"
            text = f"{self.root}: {count} are left out; {_some(refused)}"
            warnings.warn(text, stacklevel=2)

    def _clips(
        self, split: str, refused: list[str], seen: set[bytes]
    ) -> Iterator[tuple[Clip, np.ndarray]]:
        """Decode the recordings of one part, each content once."""
        for name in [name for name, part in self.parts.items() if part == split]:
            path = self.root / name
            try:
                digest = hashlib.sha256(path.read_bytes()).digest()
                if digest in seen:
                    refused.append(f"{name}: the same as another one")
                    continue
                x = decode(str(path), name)
            except (AudioError, OSError) as error:
                refused.append(str(error))
                continue
            seen.add(digest)
            kept = to_store(x, _LONGEST, self.kind, split)
            if kept is None:
                refused.append(f"{name}: silent, or shorter than 0.3 s")
                continue
            yield self._clip(name, len(kept[0]), kept[1]), kept[0]

    def _clip(self, name: str, length: int, floor_db: float) -> Clip:
        family = self.family(name)
        return Clip(
            offset=0,
            length=length,
            file=name,
            group=f"{self.root.name}/{self.group(name)}",
            package=self.root.name,
            licence="that of the folder's owner",
            floor_db=floor_db,
            family=f"{self.root.name}/{family}" if family else "",
        )


def _some(lines: Sequence[str]) -> str:
    more = f"; {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more
