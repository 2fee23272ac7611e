# SPDX-License-Identifier: BSD-3-Clause
"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import functools
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

from lava_sparse_rnn.signals import SIGNALS

LONGEST_SUFFIX = 32  # bytes; a longer one is no suffix that says what a file holds
KINDS = {  # what a path may lead to that is no file, in words
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
WORDS = {  # what the system says by its numbers, after a file's name
    errno.ENOENT: "no such file or folder",
    errno.EISDIR: "is a folder, a file is needed",
    errno.ENOTDIR: "a part of this path is no folder",
    errno.EEXIST: "is there already",
    errno.EACCES: "may not be read or written (permission denied)",
    errno.EROFS: "cannot be written, the file system is read-only",
    errno.ENOSPC: "cannot be written, no space is left on the device",
    errno.ENAMETOOLONG: "the name is too long for the file system",
    errno.ELOOP: "is a circle of links",
}
PATIENCE = 1.0  # seconds after which a pipe without another end is told

_unfinished: set[Path] = set()  # what a signal that ends the process has to remove
_aside: dict[Path, Path] = {}  # what it has to put back first: a folder, where it was
# A child has made none of it.
os.register_at_fork(after_in_child=_unfinished.clear)
os.register_at_fork(after_in_child=_aside.clear)
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def as_path(
    path: object, name: str = "path", error: type[ValueError] = ValueError
) -> Path:
    """A path that a user gives, or an error that says why it is none.

    Parameters
    ----------
    path : str or os.PathLike
    name : str
        Who needs it or what it is called, for the message.
    error : type
        What is raised: for bytes and everything else that is no text, and for names
        that no file can have, such as an empty one.
    """
    if not isinstance(path, str | os.PathLike):
        kind = type(path).__name__
        raise error(f"{name}: is {kind}, must be a path, which is str or Path")
    text = os.fspath(path)
    if isinstance(text, bytes):
        raise error(f"{name}: is of bytes, must be of str")
    try:
        why = "" if os.fsencode(text) else "is empty"
    except UnicodeEncodeError as cause:
        why = f"is not for the file system's {cause.encoding}"
    why = "holds a NUL character" if "\0" in text else why
    if why:
        raise error(f"{name}: {text!r} {why}, no file has such a name")
    return Path(path)


def in_words(path: object, number: int | None, text: str | None = "") -> str:
    """What went wrong with a path by the system's number of it, as a line."""
    return f"{path}: {WORDS.get(number or 0) or (text or 'cannot be used').lower()}"


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
    ValueError
        For what is no path, see `as_path`.
    """
    path = as_path(path)
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
    target = Path(os.path.realpath(as_path(path)))
    if os.path.exists(target) and not target.is_dir():
        raise _about(path, errno.ENOTDIR)
    temporary = target.with_name(_unused(""))
    with _removed(temporary):
        with named(path):
            with suppress(FileNotFoundError):
                target.lstat()  # a name that is too long is told before the work
            temporary.mkdir()
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
    with named(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        raise _about(path, errno.EISDIR)
    if not stat.S_ISREG(mode) or descriptor_of(path) is not None:
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


def descriptor_of(path: Path) -> int | None:
    """The number, where a path is a name of an open descriptor of this process."""
    own = f"/proc/{os.getpid()}/fd"
    for _ in range(40):  # links, as many as Linux follows
        if os.path.realpath(path.parent) == own and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


def read_pipe(path: str | Path) -> bytes:
    """All that comes out of a pipe or socket, for formats that must be sought in."""
    with os.fdopen(open_pipe(path), "rb") as file:
        return file.read()


def open_pipe(path: str | Path) -> int:
    """A new descriptor to read a pipe, device or descriptor such as ``/dev/stdin``."""
    own = descriptor_of(Path(path))
    return _open(Path(path), os.O_RDONLY) if own is None else os.dup(own)


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
        with named(path):
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
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
    own = descriptor_of(path)
    with named(path):
        # The descriptor itself: its place, or its end, is where one has to go on.
        fd = os.dup(own) if own is not None else _open(path, os.O_WRONLY)
        with temporary.open("rb") as source, os.fdopen(fd, "wb") as sink:
            shutil.copyfileobj(source, sink)


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


def _unused(suffix: str) -> str:
    """A hidden name that no other thread or process has, short however long a name."""
    return f".{secrets.token_hex(8)}{_short_suffix(suffix)}"


def _short_suffix(suffix: str) -> str:
    return suffix if len(os.fsencode(suffix)) <= LONGEST_SUFFIX else ""


class _SentenceError(OSError):
    """An error of the system whose text is a line that begins with the file."""

    def __str__(self) -> str:
        file = Path(self.filename)
        if self.errno == errno.ENOENT and not os.path.exists(file.parent):
            return f"{file}: cannot be written, there is no folder {file.parent}"
        if self.errno in (errno.ENOTDIR, errno.EEXIST) and os.path.isfile(file):
            return f"{file}: is a file, a folder is needed"
        return in_words(self.filename, self.errno, self.strerror)

    def __reduce__(self) -> tuple:
        return _about, (self.filename, self.errno)


@functools.cache
def _kind_in_words(kind: type[OSError]) -> type[OSError]:
    return type(kind.__name__, (_SentenceError, kind), {"__module__": __name__})


@contextmanager
def named(path: str | Path) -> Iterator[None]:
    """Let errors of the system speak of the path that a user has given."""
    try:
        yield
    except OSError as error:
        raise _about(path, error.errno) from error


def _about(path: str | Path, number: int | None, text: str = "") -> OSError:
    if number is None:  # numpy tells only how much it could not write
        return OSError(f"{path}: cannot be written ({text})")
    kind = type(OSError(number, ""))  # such as FileNotFoundError
    return _kind_in_words(kind)(number, os.strerror(number), str(path))


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
