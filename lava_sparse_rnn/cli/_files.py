# SPDX-License-Identifier: BSD-3-Clause
"""Files that the user names: what is read, and where results will go."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from lava_sparse_rnn.cli._streams import leave_output_to_result
from lava_sparse_rnn.files import descriptor_of, kind_of, read_pipe, target_of

if TYPE_CHECKING:
    import numpy as np

STANDARD_OUTPUT = 1  # its descriptor
NUMBERS = "biuf"  # kinds of numpy's types that are real numbers
NO_ARRAY = (
    "not a .npy file of numbers; it is of another kind, damaged, or of Python objects"
)


def read_tokens(path: Path, d_in: int) -> np.ndarray | list[np.ndarray]:
    """Read the tokens of one sequence or of several.

    Parameters
    ----------
    path : path
        A ``.npy`` of shape (T, d_in) or (N, T, d_in), or a ``.npz`` with such an
        array ``x`` and, where sequences end earlier, ``lengths`` (N,).
    d_in : int

    Returns
    -------
    array, or a list of arrays where there are lengths

    Raises
    ------
    ValueError
        When the file is neither, or not of real numbers of that shape.
    """
    from lava_sparse_rnn.spec.sequences import shortened

    found = _arrays(path)
    x, lengths = found["x"], found.get("lengths")
    if x.dtype.kind not in NUMBERS:
        raise ValueError(
            f"{path}: not a .npy file of numbers (its type is {x.dtype}, "
            "integers or real numbers are needed)"
        )
    if x.ndim not in (2, 3) or x.shape[-1] != d_in:
        hint = "; is it transposed?" if x.ndim == 2 and x.shape[0] == d_in else ""
        raise ValueError(
            f"{path}: tokens of shape {x.shape}, must be (T, {d_in}) or "
            f"(N, T, {d_in}){hint}"
        )
    if lengths is None:
        return x
    try:
        return shortened(x, lengths)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """What a .npz holds, or the array of a .npy by the name x."""
    import numpy as np

    try:
        # Opened here, so that it is closed also when it is an archive.
        pipe = path.exists() and kind_of(path) in ("a pipe", "a socket")
        with io.BytesIO(read_pipe(path)) if pipe else path.open("rb") as file:
            x = np.load(file, allow_pickle=False)
            found = {"x": x} if isinstance(x, np.ndarray) else dict(x.items())
    except (ValueError, EOFError, BadZipFile, MemoryError) as error:
        # numpy's own words are of pickles, which nobody should allow.
        raise ValueError(f"{path}: {NO_ARRAY}") from error
    if "x" not in found:
        raise ValueError(
            f"{path}: is an archive of arrays (.npz) without x, it holds "
            + (", ".join(found) or "nothing")
        )
    return found


def check_outputs(*paths: Path | None, reads: Iterable[Path | None] = ()) -> None:
    """Refuse a file that could not be written, before any work is done for it.

    Also one that is read by the same command, ``reads``, or written twice by it: it
    would be lost. Links of either kind are what they lead to. Where it is standard
    output, whatever else is said goes to standard error.
    """
    read = [path for path in reads if path is not None]
    _check_distinct([path for path in paths if path is not None])
    for path in paths:
        if path is None:
            continue
        if path.is_file() and any(_is_same(path, other) for other in read):
            raise ValueError(f"{path}: is also what is read, and would be overwritten")
        if path.is_dir():
            raise ValueError(f"{path}: is a folder, the name of a file is needed")
        target = target_of(path)
        folder = path.parent if target is None else target.parent
        if not folder.is_dir():
            raise ValueError(f"{path}: cannot be written, there is no folder {folder}")
        if target is not None and not os.access(folder, os.W_OK | os.X_OK):
            raise ValueError(
                f"{path}: cannot be written, folder {folder} is write-protected"
            )
        if path.exists() and not os.access(path, os.W_OK):
            raise ValueError(f"{path}: cannot be written, it is write-protected")
        if descriptor_of(path) == STANDARD_OUTPUT:
            leave_output_to_result()


def check_folder(folder: Path, reads: Iterable[Path | str | None]) -> None:
    """Refuse a folder of results that holds what is read: it may be replaced."""
    place = folder.resolve()
    for path in reads:
        if path and place in Path(path).resolve().parents and Path(path).exists():
            raise ValueError(
                f"{folder}: holds {path}, which is also read, and would be overwritten"
            )


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # what is not there; its reader says so
        return False


def _check_distinct(paths: list[Path]) -> None:
    """Refuse two results of one name; a device or a pipe may have both."""
    known: set[str] = set()
    for path in paths:
        if path.is_dir() or target_of(path) is None:
            continue
        place = os.path.realpath(path)
        if place in known:
            raise ValueError(f"{path}: is named for two results, it can hold only one")
        known.add(place)


def check_sound(path: Path, reads: Iterable[Path | None] = ()) -> None:
    """Refuse sound that could not be written, or of a kind that is not."""
    from lava_sparse_rnn.audio.sound.writer import format_of

    check_outputs(path, reads=reads)
    format_of(path)


def check_picture(path: Path | None, reads: Iterable[Path | None] = ()) -> None:
    """Refuse a picture that could not be written, or of a kind that is not known."""
    if path is None:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix[1:].lower() not in known:
        raise ValueError(
            f"{path}: suffix {path.suffix!r} is no kind of picture, must be one of: "
            f".{', .'.join(known)}"
        )
    check_outputs(path, reads=reads)
