# SPDX-License-Identifier: BSD-3-Clause
"""Fetch a corpus of real voices and noises out of Debian packages.

The Microsoft DNS set is tens of gigabytes; this is the small real corpus that any
Debian system can get with ``apt-get download``.  Nothing is installed: a package is
unpacked into a temporary folder, decoded, and forgotten.  Each package becomes a
shard in ``<cache>/shards``, so an interrupted fetch goes on where it was; at the end
the shards of a split and kind are joined into one flat file,
``<cache>/<split>_<kind>.npy`` with its index ``.json``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np

from lava_sparse_rnn import progress
from lava_sparse_rnn.audio.corpus.decode import require_av, to_store
from lava_sparse_rnn.audio.corpus.flat import Clip, FlatFile, write_flat, write_json
from lava_sparse_rnn.audio.corpus.packages import (
    FAMILIES,
    KINDS,
    SOURCES,
    SPLITS,
    UNLIKE,
    Source,
)
from lava_sparse_rnn.audio.corpus.readers import recordings
from lava_sparse_rnn.audio.errors import AudioError, MissingDependencyError
from lava_sparse_rnn.files import as_path, named

DEFAULT_CACHE = Path("corpus")
"""Folder below the current one that holds the corpus."""

_REVISION = 4
"""Raised when decoding or trimming changes: shards of another revision are redone."""


def open_split(cache: str | Path, split: str, kind: str) -> FlatFile:
    """Open the clips of one split and kind.

    Parameters
    ----------
    cache : str or pathlib.Path
        Folder that :func:`fetch` filled.
    split : str
        ``"train"``, ``"validation"`` or ``"test"``.
    kind : str
        ``"speech"`` or ``"noise"``.

    Returns
    -------
    FlatFile

    Raises
    ------
    AudioError
        For an unknown split or kind, or a corpus that is not there.
    """
    for name, value, known in (("split", split, SPLITS), ("kind", kind, KINDS)):
        if value not in known:
            raise AudioError(f"{name} {value!r}: known are {', '.join(known)}")
    return FlatFile(Path(cache) / f"{split}_{kind}")


def open_family(
    cache: str | Path, family: str, split: str, kind: str
) -> list[tuple[FlatFile, Callable[[Clip], bool]]]:
    """Open the clips of one split and kind, whole packages being held out.

    Parameters
    ----------
    cache, split, kind
        As in `open_split`.
    family : str
        ``"usual"``, what `open_split` gives, or ``"unlike"``: training does without
        the packages :data:`~.packages.UNLIKE`, and their clips are in the other splits.

    Returns
    -------
    list of (FlatFile, callable)
        Files, and which of their clips belong to it.

    Raises
    ------
    AudioError
        See `open_split`; for an unknown family.
    """
    if family not in FAMILIES:
        raise AudioError(f"family {family!r}: known are {', '.join(FAMILIES)}")
    flat = open_split(cache, split, kind)
    if family == "usual":
        return [(flat, lambda clip: True)]
    if split == "train":
        held = {package for packages in UNLIKE.values() for package in packages}
        return [(flat, lambda clip: clip.package not in held)]
    more = set(UNLIKE[split])
    learnt = open_split(cache, "train", kind)
    return [(flat, lambda clip: True), (learnt, lambda clip: clip.package in more)]


def _require_tools() -> None:
    missing = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
    if missing:
        raise MissingDependencyError(
            f"fetching the corpus needs {' and '.join(missing)}, not found on PATH: "
            "the recordings come out of Debian packages, so use a Debian system or a "
            "container of one"
        )


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace"
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        last = lines[-1] if lines else f"exit code {done.returncode}"
        raise AudioError(f"{' '.join(command[:3])}: {last}")


def _unpack(package: str, folder: Path) -> Path:
    """Download one package and unpack it, archives inside it too."""
    _run(["apt-get", "download", package], folder)
    (archive,) = folder.glob("*.deb")
    root = folder / "root"
    _run(["dpkg", "-x", archive.name, "root"], folder)
    archive.unlink()
    for suffix in ("*.pk3", "*.wz", "*.zip"):
        for path in root.rglob(suffix):
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as inner:
                    inner.extractall(path.with_name(path.name + ".d"))
    return root


def _skipped(source: Source, name: str) -> bool:
    return bool(source.exclude and re.search(source.exclude, name))


def _files(source: Source, root: Path) -> list[Path]:
    found = sorted(p for p in root.glob(source.pattern) if p.is_file())
    names = [p.relative_to(root).as_posix() for p in found]
    found = [
        p for p, name in zip(found, names, strict=True) if not _skipped(source, name)
    ]
    first, step = source.part
    return found[first::step]


def _group(source: Source, path: Path, suffix: str) -> str:
    inner = suffix.lstrip("#").partition("/")[0]
    return source.group.format(p=path.parts, parent=path.parent.name, inner=inner)


def _clips(source: Source, root: Path) -> Iterator[tuple[Clip, np.ndarray]]:
    """Decode the files of one source, each content once."""
    seen: set[bytes] = set()
    for path in _files(source, root):
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest in seen:  # some packages carry one recording under many names
            continue
        seen.add(digest)
        name = path.relative_to(root)
        try:
            pieces = recordings(source.reader, path)
        except AudioError:
            continue  # a file that no library reads is no reason to stop
        for suffix, x in pieces:
            if _skipped(source, name.as_posix() + suffix):
                continue
            kept = to_store(x, source.longest, source.kind, source.split)
            if kept is None:
                continue
            samples, floor_db = kept
            clip = Clip(
                offset=0,
                length=len(samples),
                file=name.as_posix() + suffix,
                group=_group(source, name, suffix),
                package=source.package,
                licence=source.licence,
                floor_db=floor_db,
                edge_hz=source.edge_hz,
            )
            yield clip, samples


def _fingerprint(sources: Iterable[Source]) -> str:
    rows = [astuple(source) for source in sources]
    # Without the band's edge where there is none, as before there was any.
    rows = [row if row[-1] else row[:-1] for row in rows]
    text = repr([_REVISION, *rows])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shard(cache: Path, package: str, split: str, kind: str) -> Path:
    return cache / "shards" / f"{package}_{split}_{kind}"


def _build(cache: Path, package: str, sources: list[Source]) -> None:
    """Download one package and write its shards, one for each split and kind."""
    by_part: dict[tuple[str, str], list[tuple[Clip, np.ndarray]]] = {}
    with tempfile.TemporaryDirectory(dir=cache, prefix=".unpack-") as name:
        root = _unpack(package, Path(name))
        for source in sources:
            found = list(_clips(source, root))
            if not found:
                raise AudioError(f"{package}: nothing usable in {source.pattern}")
            by_part.setdefault((source.split, source.kind), []).extend(found)
        copyright_file = root / "usr/share/doc" / package / "copyright"
        if copyright_file.is_file():
            shutil.copyfile(copyright_file, cache / "licences" / f"{package}.txt")
    for (split, kind), found in by_part.items():
        stem = _shard(cache, package, split, kind)
        write_flat(stem, (c for c, _ in found), (x for _, x in found))
    done = cache / "shards" / f"{package}.done.json"
    parts = [list(part) for part in by_part]
    write_json(done, {"fingerprint": _fingerprint(sources), "parts": parts})


def _parts(cache: Path, package: str, sources: list[Source]) -> list[tuple[str, str]]:
    """Return the (split, kind) of each finished shard, none for another table."""
    done = cache / "shards" / f"{package}.done.json"
    try:
        value = json.loads(done.read_text())
        if value["fingerprint"] != _fingerprint(sources):
            return []
        return [(split, kind) for split, kind in value["parts"]]
    except (OSError, ValueError, KeyError):
        return []


def _join(cache: Path, by_package: dict[str, list[Source]]) -> None:
    """Join the shards of each split and kind into one flat file.

    Only shards that the table asks for are used: a leftover of an older table could
    put one recording into two splits.
    """
    parts = {name: _parts(cache, name, rows) for name, rows in by_package.items()}
    for split in SPLITS:
        for kind in KINDS:
            shards = [
                FlatFile(_shard(cache, package, split, kind))
                for package, done in parts.items()
                if (split, kind) in done
            ]
            stem = cache / f"{split}_{kind}"
            if not shards:
                for suffix in (".json", ".npy"):
                    stem.with_name(stem.name + suffix).unlink(missing_ok=True)
                continue
            write_flat(
                stem,
                (clip for shard in shards for clip in shard),
                (s.raw(i) for s in shards for i in range(len(s))),
                split=split,
                kind=kind,
            )


def _by_package(sources: Iterable[Source]) -> dict[str, list[Source]]:
    table: dict[str, list[Source]] = {}
    for source in sources:
        table.setdefault(source.package, []).append(source)
    return table


def fetch(
    cache: str | Path = DEFAULT_CACHE,
    console=None,
    sources: Iterable[Source] = SOURCES,
) -> list[str]:
    """Fetch, decode and store the corpus; packages already there are kept.

    Parameters
    ----------
    cache : str or pathlib.Path
        Folder to fill; made when missing.
    console : rich.console.Console, optional
        Where progress is shown; standard error if there is none.
    sources : iterable of Source
        Rows of the table to fetch.

    Returns
    -------
    list of str
        One line for each optional package that could not be had.

    Raises
    ------
    MissingDependencyError
        When apt-get, dpkg or PyAV is missing.
    AudioError
        When a package of the core list cannot be downloaded or holds nothing usable.
    """
    _require_tools()
    require_av()
    cache = as_path(cache, "cache", error=AudioError)
    with named(cache):
        for folder in ("shards", "licences"):
            (cache / folder).mkdir(parents=True, exist_ok=True)
    by_package = _by_package(sources)
    failed: list[str] = []
    total = len(by_package)
    with progress.bar("packages", console) as report:
        for done, (package, rows) in enumerate(by_package.items()):
            report(done, total, package)
            if not _parts(cache, package, rows):
                try:
                    _build(cache, package, rows)
                except AudioError as error:
                    if any(row.core for row in rows):
                        raise
                    failed.append(str(error))
        report(total, total, "joining them")
        _join(cache, by_package)
    return failed
