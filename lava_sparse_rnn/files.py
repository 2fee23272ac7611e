# SPDX-License-Identifier: BSD-3-Clause
"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST_SUFFIX = 32  # bytes; a longer one is no suffix that says what a file holds
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
"""What a path may lead to that is no file, in words."""

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What ends a process from outside, and lets it put away what is half done."""
PATIENCE = 1.0  # seconds after which a pipe without another end is told

_unfinished: set[Path] = set()  # what a signal that ends the process has to remove
_aside: dict[Path, Path] = {}  # what it has to put back first: a folder, where it was
# A child has made none of it.
os.register_at_fork(after_in_child=_unfinished.clear)
os.register_at_fork(after_in_child=_aside.clear)
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary name that becomes ``path`` when the block succeeds.

    A link stays and what it leads to is replaced or made. A file that was there keeps
    its mode and, as far as the user may, its owner. Into what is no file (a pipe, a
    device, a descriptor such as ``/dev/stdout``) the bytes are written at the end.

    Parameters
    ----------
    path : str or pathlib.Path
        What is there already stays until the block has succeeded.

    Yields
    ------
    pathlib.Path
        An empty file with the suffix of ``path``, in the same folder as the file that
        it becomes; gone when the block fails or the process is told to end.

    Raises
    ------
    OSError
        When the folder is missing, a folder is in the way, or the file cannot be
        written or renamed; it names ``path``, not the temporary name.
    """
    path = Path(path)
    target = target_of(path)
    made = _elsewhere(path) if target is None else _beside(path, target)
    with made as temporary:
        try:
            yield temporary
            if target is None:
                _pour(temporary, path)
            else:
                _take_place(temporary, target)
        except OSError as error:
            if error.filename not in (None, str(temporary)):
                raise
            raise _about(path, error.errno, str(error)) from error


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """A new folder that takes the place of ``path`` when the block succeeds.

    Parameters
    ----------
    path : str or pathlib.Path
        A folder that is there already stays until the block has succeeded, and keeps
        its mode; a link to it stays too.

    Yields
    ------
    pathlib.Path
        An empty folder beside it; gone when the block fails or the process is told to
        end.

    Raises
    ------
    OSError
        When the folder above is missing or write-protected, or a file has the name.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_dir():
        raise _about(Path(path), errno.ENOTDIR)
    temporary = target.with_name(_unused(""))
    with _removed(temporary):
        try:
            temporary.mkdir()
        except OSError as error:
            raise _about(Path(path), error.errno) from error
        yield temporary
        if not target.exists():
            temporary.rename(target)
            return
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        if not _exchange(temporary, target):
            _take_turns(temporary, target)


def target_of(path: Path) -> Path | None:
    """The file that `replacing` makes or replaces: ``path``, or where its links lead.

    None for a device, a pipe, or a descriptor of this process: those are written into.

    Raises
    ------
    OSError
        For a folder, a circle of links, or a name that is not possible.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        raise _about(path, errno.EISDIR)
    if not stat.S_ISREG(mode) or _descriptor(path) is not None:
        return None
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def kind_of(path: str | Path) -> str:
    """What a path leads to, in words: "a file", or one of `KINDS`.

    Raises
    ------
    OSError
        When there is nothing.
    """
    return KINDS.get(stat.S_IFMT(os.stat(path).st_mode), "a file")


def read_pipe(path: str | Path) -> bytes:
    """All that comes out of a pipe or socket, for formats that must be sought in."""
    own = _descriptor(Path(path))
    fd = _open(Path(path), os.O_RDONLY) if own is None else os.dup(own)
    with os.fdopen(fd, "rb") as file:
        return file.read()


@contextmanager
def _beside(path: Path, target: Path) -> Iterator[Path]:
    """A new file in the folder of ``target``, which errors call ``path``."""
    status = target.stat() if target.exists() else None
    if status is not None and not os.access(target, os.W_OK):
        raise _about(path, errno.EACCES)
    # Nobody else may read what replaces a file that nobody else may read.
    mode = 0o666 if status is None else 0o600
    temporary = target.with_name(_unused(target.suffix))
    with _removed(temporary):
        try:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        except OSError as error:
            raise _about(path, error.errno) from error
        yield temporary


@contextmanager
def _elsewhere(path: Path) -> Iterator[Path]:
    """A new file in a temporary folder: formats seek back, pipes cannot."""
    folder = Path(tempfile.mkdtemp())
    with _removed(folder):
        temporary = folder / f"whole{_short_suffix(path.suffix)}"
        temporary.touch()
        yield temporary


def _take_place(temporary: Path, target: Path) -> None:
    with suppress(FileNotFoundError):
        status = target.stat()
        with suppress(PermissionError):
            os.chown(temporary, status.st_uid, status.st_gid)
        temporary.chmod(stat.S_IMODE(status.st_mode))
    os.replace(temporary, target)


def _pour(temporary: Path, path: Path) -> None:
    """Write a whole file into what is no file."""
    own = _descriptor(path)
    try:
        # The descriptor itself: its place, or its end, is where one has to go on.
        fd = os.dup(own) if own is not None else _open(path, os.O_WRONLY)
        with temporary.open("rb") as source, os.fdopen(fd, "wb") as sink:
            shutil.copyfileobj(source, sink)
    except OSError as error:
        raise _about(path, error.errno) from error


def _open(path: Path, flags: int) -> int:
    """Open what may be a pipe without another end, and say so when that takes long."""
    other = "reader" if flags == os.O_WRONLY else "writer"

    def tell() -> None:
        print(f"{path}: waits for a {other} of this pipe", file=sys.stderr, flush=True)

    notice = threading.Timer(PATIENCE, tell)
    notice.daemon = True
    notice.start()
    try:
        return os.open(path, flags)
    finally:
        notice.cancel()


def _exchange(new: Path, old: Path) -> bool:
    """Give each of two folders the other's name, in one step; False if that cannot be.

    Linux can, on nearly all its file systems: renameat2(2).
    """
    at_cwd, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    names = (os.fsencode(new), os.fsencode(old))
    try:
        return not _libc.renameat2(at_cwd, names[0], at_cwd, names[1], exchange)
    except AttributeError:  # another system, or a C library from before 2018
        return False


def _take_turns(new: Path, old: Path) -> None:
    """Two renames, as a folder cannot replace one that is not empty.

    What was there is put back if the second fails or a signal comes in between.
    """
    aside = old.with_name(_unused(""))
    _aside[aside] = old
    try:
        old.rename(aside)
        new.rename(old)
    finally:
        _put_back(aside, old)
        _aside.pop(aside)


def _put_back(aside: Path, place: Path) -> None:
    """Let a folder be in its place again, or go where another has taken it."""
    if aside.exists() and not place.exists():
        aside.rename(place)
    shutil.rmtree(aside, ignore_errors=True)


def _descriptor(path: Path) -> int | None:
    """The number, where a path is a name of an open descriptor of this process."""
    own = f"/proc/{os.getpid()}/fd"
    for _ in range(40):  # links, as many as Linux follows
        if os.path.realpath(path.parent) == own and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


def _unused(suffix: str) -> str:
    """A hidden name that no other thread or process has, short however long a name."""
    return f".{secrets.token_hex(8)}{_short_suffix(suffix)}"


def _short_suffix(suffix: str) -> str:
    return suffix if len(os.fsencode(suffix)) <= LONGEST_SUFFIX else ""


def _about(path: Path, number: int | None, text: str = "") -> OSError:
    if number is None:  # numpy tells only how much it could not write
        return OSError(f"{path}: cannot be written ({text})")
    return OSError(number, os.strerror(number), str(path))


@contextmanager
def _removed(path: Path) -> Iterator[None]:
    """Let a file or folder not stay, also where a signal ends the process."""
    before = {}
    _unfinished.add(path)
    try:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    before[number] = signal.signal(number, _end)
        yield
    finally:
        _remove(path)
        _unfinished.discard(path)
        for number, handler in before.items():
            signal.signal(number, handler)


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _end(number: int, frame: object) -> None:
    """End as the signal asks, without what is not finished."""
    for aside, place in list(_aside.items()):
        _put_back(aside, place)
    for path in list(_unfinished):
        _remove(path)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
