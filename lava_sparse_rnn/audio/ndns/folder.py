# SPDX-License-Identifier: BSD-3-Clause
"""The folder layout of the Microsoft DNS and Intel N-DNS challenges.

``noisy/``, ``clean/`` and ``noise/`` hold WAV files that belong together by the
number after ``fileid`` in their names; the noisy ones also carry ``snr`` (dB) and
``tl`` (level of the mix, dB below full scale), in any order:
``noisy_fileid_12_snr5_tl-25.wav``, ``clean_fileid_12.wav``, ``noise_fileid_12.wav``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.mixing.config import check_limits
from lava_sparse_rnn.audio.mixing.mixer import Mixer
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.files import as_path, named
from lava_sparse_rnn.fixed_point import Brief, brief

_FILE_ID = re.compile(r"(?:^|_)fileid_?(\d+)")
_SNR = re.compile(r"(?:^|_)snr(-?\d+(?:\.\d+)?)")
_LEVEL = re.compile(r"(?:^|_)tl(-?\d+(?:\.\d+)?)")


KINDS = ("clean", "noise", "noisy")
"""Folders of a set; the last is what makes it one, see :class:`NdnsFolder`."""

ABOUT = "mixes.json"
"""File of a set that was mixed here: of each example its voice and its noise."""


@dataclass(frozen=True)
class NdnsItem:
    """One example of a set.

    Attributes
    ----------
    noisy, clean : numpy.ndarray
        float32 (samples,).
    noise : numpy.ndarray or None
        float32 (samples,), when the set has a ``noise`` folder.
    file_id : int
    snr_db, level_db : float or None
        As the name says.
    sample_rate : int
        Of the files, Hz; the samples are at 16 kHz.
    voice, noise_name : str or None
        Speaker and kind of noise, where the set tells.
    """

    noisy: np.ndarray = field(repr=False)
    clean: np.ndarray = field(repr=False)
    noise: np.ndarray | None = field(repr=False)
    file_id: int
    snr_db: float | None
    level_db: float | None
    sample_rate: int = SAMPLE_RATE
    voice: str | None = None
    noise_name: str | None = None


def write_set(
    mixer: Mixer,
    folder: str | Path,
    count: int,
    snr_db: Sequence[int] = (0, 5, 10, 15, 20),
    on_file: Callable[[int], None] | None = None,
) -> Path:
    """Synthesise a set from the corpus.

    Example ``i`` is ``mixer.mix(i)`` at the SNR ``snr_db[i % len(snr_db)]``. The set
    is mixed in ``<folder>.part`` and renamed, so there is all of it or nothing.

    Parameters
    ----------
    mixer : Mixer
        Gives the split and the seconds.
    folder : str or pathlib.Path
        Made when missing; must not hold a set already.
    count : int
        Examples.
    snr_db : sequence of int
        Ratios, taken in turn, whole dB as in the names of the challenge.
    on_file : callable, optional
        Called with the number of examples written, for a progress bar.

    Returns
    -------
    pathlib.Path
        ``folder``.

    Raises
    ------
    AudioError
        When a set is there already, also a half of one in ``<folder>.part``, or a
        number is out of range.
    """
    folder = as_path(folder, error=AudioError)
    if count < 1:
        raise AudioError(f"count {count}: must be at least 1")
    for snr in snr_db:
        check_limits("snr_db", snr)
    if not snr_db or any(snr != int(snr) for snr in snr_db):
        raise AudioError(f"snr_db {list(snr_db)}: whole numbers are needed")
    with _whole_set(folder) as part:
        about: dict[int, dict[str, str]] = {}
        for i in range(count):
            mix = mixer.mix(i, snr_db=int(snr_db[i % len(snr_db)]))
            label = f"_snr{int(mix.snr_db)}_tl{round(mix.level_db)}"
            for kind in KINDS:
                name = f"{kind}_fileid_{i}{label if kind == 'noisy' else ''}.wav"
                wav.write(part / kind / name, getattr(mix, kind))
            about[i] = {"voice": mix.voice, "noise": mix.noise_name}
            if on_file is not None:
                on_file(i + 1)
        _write_attribution(mixer, part)
        (part / ABOUT).write_text(json.dumps(about, indent=0), encoding="utf-8")
    return folder


@contextmanager
def _whole_set(folder: Path) -> Iterator[Path]:
    """A folder ``<folder>.part`` to fill, whose content is ``folder``'s at the end."""
    for kind in KINDS:
        if _names(folder / kind):
            raise AudioError(f"{folder / kind}: holds WAV files already")
        if (folder / kind).is_dir() and next((folder / kind).iterdir(), None):
            raise AudioError(f"{folder / kind}: is not empty")
    target = folder.resolve()  # "." has no name
    part = target.with_name(target.name + ".part")
    try:
        with named(folder):
            part.mkdir(parents=True)
    except FileExistsError:
        raise AudioError(
            f"{part}: is there already; another command is mixing this set, or one was "
            "stopped: then remove the folder"
        ) from None
    try:
        for kind in KINDS:
            (part / kind).mkdir()
        yield part
        if not target.exists():
            part.rename(target)
            return
        for name in ("ATTRIBUTION.txt", ABOUT, *KINDS):
            (part / name).replace(target / name)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_attribution(mixer: Mixer, folder: Path) -> None:
    """Say where the recordings are from: their licences ask for it."""
    clips = [*mixer.speech.clips, *mixer.noise.clips]
    rows = sorted({(clip.package, clip.licence) for clip in clips})
    lines = [
        f"Mixed from recordings of the {mixer.config.split} split, out of these Debian",
        "packages (authors are named in the copyright file of each) and own folders.",
        "",
        *(f"{package}: {licence}" for package, licence in rows),
    ]
    text = "\n".join(lines) + "\n"
    (folder / "ATTRIBUTION.txt").write_text(text, encoding="utf-8")


def _number(pattern: re.Pattern, name: str) -> float | None:
    found = pattern.search(name)
    return float(found.group(1)) if found else None


def _names(folder: Path) -> list[str]:
    """WAV files of one folder, in any case; hidden ones are not recordings."""
    if not folder.is_dir():
        return []
    # Strings, not paths: a set of the challenge has 60,000 files in each folder.
    with os.scandir(folder) as entries:
        names = (e.name for e in entries)
        return sorted(n for n in names if n.lower().endswith(".wav") and n[0] != ".")


def _index(folder: Path, refuse: Callable[[str], None]) -> dict[int, str]:
    """Map the file numbers of one folder to names, without opening any file."""
    found: dict[int, str] = {}
    for name in _names(folder):
        match = _FILE_ID.search(name)
        if match is None:
            refuse(f"{folder / name}: no fileid_<number> in the name")
            continue
        key = int(match.group(1))
        if key in found:
            refuse(f"{folder / name}: fileid {key} is also in {found[key]}")
            continue
        found[key] = name
    return found


class NdnsFolder(Brief, Sequence):
    """A set in the layout of the challenges, read when asked for.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds ``noisy`` and ``clean``, and ``noise`` if wanted.
    lenient : bool
        Leave out files without a number or a partner, instead of refusing the set.

    Attributes
    ----------
    file_ids : list of int
        In ascending order; example ``i`` has ``file_ids[i]``.
    left_out : list of str
        A line for each file that was left out, beginning with its path.

    Raises
    ------
    AudioError
        When a folder is missing or empty, and, unless `lenient`, when a name has no
        number, a number occurs twice, or a file has no partner.
    """

    def __init__(self, folder: str | Path, lenient: bool = False):
        self.folder = as_path(folder, error=AudioError)
        self.left_out: list[str] = []
        for kind in ("noisy", "clean"):
            if not os.path.isdir(self.folder / kind):
                raise AudioError(f"{self.folder}: no folder {kind!r} in it")
        refuse = self.left_out.append if lenient else _refuse
        self._files = {kind: _index(self.folder / kind, refuse) for kind in KINDS}
        if not self._files["noisy"]:
            folder = self.folder / "noisy"
            why = [text for text in self.left_out if text.startswith(str(folder))]
            raise AudioError("; ".join([f"{folder}: no WAV files to read", *why[:1]]))
        if not self._files["noise"]:
            del self._files["noise"]
        shared = set.intersection(*map(set, self._files.values()))
        lonely = [
            f"{self.path(kind, key)}: has no partner in {' and '.join(self._lack(key))}"
            for kind, names in self._files.items()
            for key in sorted(names.keys() - shared)
        ]
        if lenient:
            self.left_out += lonely
        elif lonely:
            more = f"; {len(lonely) - 1} more have none" if len(lonely) > 1 else ""
            raise AudioError(lonely[0] + more)
        self.file_ids = sorted(shared)
        self._facts = self._read_about()

    def _about(self) -> str:
        out = f", {len(self.left_out)} files left out" if self.left_out else ""
        return f"{brief(str(self.folder))}, {len(self)} examples{out}"

    def _read_about(self) -> dict[str, dict[str, str]]:
        path = self.folder / ABOUT
        try:
            facts = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        except ValueError:
            raise AudioError(f"{path}: not a JSON file") from None
        if not _are_facts(facts):
            raise AudioError(
                f"{path}: must hold, by the number of a file, its voice and its noise: "
                '{"1": {"voice": "a", "noise": "b"}}'
            )
        return facts

    def _lack(self, key: int) -> list[str]:
        """Folders without an example of that number."""
        return [
            str(self.folder / k) for k, names in self._files.items() if key not in names
        ]

    def __len__(self) -> int:
        return len(self.file_ids)

    def path(self, kind: str, file_id: int) -> Path:
        """File of an example in one of the folders :data:`KINDS`."""
        return self.folder / kind / self._files[kind][file_id]

    def __getitem__(self, i: int) -> NdnsItem:
        """Read example ``i``.

        Raises
        ------
        AudioError
            For a bad file, or lengths that differ.
        """
        key = self.file_ids[i]
        path = self.path("noisy", key)
        noisy, about = wav.read(path)
        partners: dict[str, np.ndarray] = {}
        for kind in self._files.keys() - {"noisy"}:
            partners[kind], other = wav.read(self.path(kind, key))
            if other.sample_rate != about.sample_rate:
                raise AudioError(
                    f"{other.path}: {other.sample_rate} Hz, its partner {path} has "
                    f"{about.sample_rate} Hz"
                )
            if len(partners[kind]) != len(noisy):
                raise AudioError(
                    f"{path}: {len(noisy)} samples at {SAMPLE_RATE} Hz, "
                    f"its partner {other.path} has {len(partners[kind])}"
                )
        return NdnsItem(
            noisy,
            partners["clean"],
            partners.get("noise"),
            file_id=key,
            snr_db=_number(_SNR, path.name),
            level_db=_number(_LEVEL, path.name),
            sample_rate=about.sample_rate,
            voice=self._facts.get(str(key), {}).get("voice"),
            noise_name=self._facts.get(str(key), {}).get("noise"),
        )


def _are_facts(value: Any) -> bool:
    """Whether a file holds texts by name for every number."""
    return isinstance(value, dict) and all(
        isinstance(one, dict) and all(isinstance(v, str | None) for v in one.values())
        for one in value.values()
    )


def _refuse(reason: str) -> None:
    raise AudioError(reason)
