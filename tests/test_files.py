# SPDX-License-Identifier: BSD-3-Clause
"""Files and folders that appear whole or not at all, whatever has their name."""

import errno
import io
import json
import os
import signal
import stat
import subprocess
import sys
import threading

import h5py
import numpy as np
import pytest

from lava_sparse_rnn import files
from lava_sparse_rnn.files import kind_of, read_pipe, replacing, replacing_folder
from lava_sparse_rnn.signals import SIGNALS

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do that")
USER = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def put(path, text="new"):
    with replacing(path) as temporary:
        temporary.write_text(text)


@pytest.mark.parametrize("chain", [1, 3])
def test_a_link_stays_and_its_file_is_replaced(tmp_path, chain):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "t.txt"
    target.write_text("old")
    last = "real/t.txt"
    for i in range(chain):
        (tmp_path / f"link{i}").symlink_to(last)
        last = f"link{i}"
    before = target.stat().st_ino
    put(tmp_path / last)
    assert target.read_text() == "new"
    assert target.stat().st_ino != before  # whole or not at all, there too
    assert os.readlink(tmp_path / "link0") == "real/t.txt"
    assert names(tmp_path / "real") == ["t.txt"]


def test_a_link_to_nothing_makes_its_file(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/t.txt")
    put(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "t.txt").read_text() == "new"
    (tmp_path / "lost").symlink_to("absent/t.txt")
    with pytest.raises(OSError, match="lost: no such file or folder"):
        put(tmp_path / "lost")


def test_links_in_a_circle_and_folders_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "to_folder").symlink_to(".")
    for name, number in (
        ("a", errno.ELOOP),
        ("to_folder", errno.EISDIR),
        ("", errno.EISDIR),
        ("x" * 300, errno.ENAMETOOLONG),
    ):
        with pytest.raises(OSError, match=f"^{tmp_path / name}: ") as caught:
            put(tmp_path / name)
        assert caught.value.errno == number
        assert caught.value.filename == str(tmp_path / name)
    assert names(tmp_path) == ["a", "b", "to_folder"]


def reader(path, got):
    thread = threading.Thread(target=lambda: got.append(path.read_bytes()))
    thread.start()
    return thread


def test_a_pipe_gets_the_bytes_and_stays(tmp_path):
    path, got = tmp_path / "pipe.net", []
    os.mkfifo(path)
    thread = reader(path, got)
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file["x"] = np.arange(1000)  # a format that seeks
    thread.join(10)
    assert stat.S_ISFIFO(path.stat().st_mode)
    (tmp_path / "got").write_bytes(got[0])
    with h5py.File(tmp_path / "got", "r") as file:
        assert file["x"][999] == 999
    assert names(tmp_path) == ["got", "pipe.net"]


@pytest.mark.parametrize("end", ["reader", "writer"])
def test_a_pipe_without_another_end_is_told_of(tmp_path, end, monkeypatch):
    path, got = tmp_path / "pipe", []
    os.mkfifo(path)
    told = threading.Event()

    def other_end():
        told.wait(10)
        got.append(path.read_text() if end == "reader" else path.write_text("new"))

    class Told(io.StringIO):
        def flush(self):
            told.set()

    monkeypatch.setattr(files, "PATIENCE", 0.01)
    monkeypatch.setattr(sys, "stderr", Told())
    thread = threading.Thread(target=other_end)
    thread.start()
    if end == "reader":
        put(path)
    else:
        got.append(read_pipe(path).decode())
    thread.join()
    assert "new" in got
    says = f"{path}: waits for a {end} of this pipe\n"
    assert sys.stderr.getvalue() == says


@ROOT
def test_a_device_is_written_to_and_stays(tmp_path):
    # Of its own, as the machine's must not be risked: 1 3 is null, 1 7 is full.
    for minor, name in ((3, "null"), (7, "full")):
        try:
            os.mknod(tmp_path / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
            (tmp_path / name).open("wb").close()
        except OSError:
            pytest.skip("no devices here")
    put(tmp_path / "null")
    with pytest.raises(OSError, match="full: cannot be written, no space"):
        put(tmp_path / "full")
    for name in ("null", "full"):
        assert stat.S_ISCHR((tmp_path / name).stat().st_mode)
    assert names(tmp_path) == ["full", "null"]


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="Linux")
def test_a_descriptor_is_written_to_where_it_is(tmp_path):
    path = tmp_path / "log"
    path.write_text("before\n")
    with path.open("a") as log:
        put(f"/dev/fd/{log.fileno()}")
    assert path.read_text() == "before\nnew"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o751])
def test_a_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(mode)
    with replacing(path) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) & 0o077 == 0
        temporary.write_text("new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@ROOT
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    os.chown(path, 1234, 2345)
    path.chmod(0o4755)
    put(path)
    status = path.stat()
    assert (status.st_uid, status.st_gid) == (1234, 2345)
    assert stat.S_IMODE(status.st_mode) == 0o4755


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_follows_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        put(tmp_path / "a.txt")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize(
    "name", ["n" * 255, "n" * 251 + ".net", "n." + "s" * 253, "ä" * 127]
)
def test_names_as_long_as_they_may_be(tmp_path, name):
    put(tmp_path / name)
    assert names(tmp_path) == [name]
    with replacing_folder(tmp_path / f"f{name[1:]}") as folder:
        (folder / "a").touch()


def test_threads_may_write_one_name(tmp_path):
    path, errors = tmp_path / "a.txt", []
    meet = threading.Barrier(8)

    def write(i):
        try:
            with replacing(path) as temporary:
                meet.wait(10)
                temporary.write_text(str(i) * 10_000)
                meet.wait(10)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(set(path.read_text())) == 1
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_what_fails_leaves_nothing(tmp_path, error):
    def fail(made, name):
        with made(tmp_path / name) as temporary:
            (temporary / "half" if temporary.is_dir() else temporary).touch()
            raise error

    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "b").mkdir()
    for made, name in ((replacing, "a.txt"), (replacing_folder, "b")):
        with pytest.raises(error):
            fail(made, name)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt", "b"]
    assert names(tmp_path / "b") == []


ENDING = (*SIGNALS, signal.SIGINT)


@pytest.mark.parametrize("number", ENDING, ids=lambda s: s.name)
def test_a_signal_leaves_nothing(tmp_path, number):
    code = (
        "import os, sys\n"
        "from lava_sparse_rnn.files import replacing, replacing_folder\n"
        "with replacing_folder('set') as f, replacing('a.txt') as t:\n"
        "    t.write_text('half'); (f / 'b').touch()\n"
        "    os.kill(os.getpid(), int(sys.argv[1]))\n"
        "    import time; time.sleep(10)\n"
    )
    command = [sys.executable, "-c", code, str(int(number))]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    assert ended.returncode == -number
    assert names(tmp_path) == []


def test_signals_are_as_before_afterwards(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    put(tmp_path / "a.txt")
    assert signal.getsignal(signal.SIGTERM) is before


@USER
def test_what_is_write_protected_stays(tmp_path):
    put(tmp_path / "a.txt", "old")
    (tmp_path / "a.txt").chmod(0o444)
    with pytest.raises(PermissionError, match=r"a\.txt"):
        put(tmp_path / "a.txt")
    (tmp_path / "a.txt").chmod(0o644)
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError, match=r"b\.txt"):
        put(tmp_path / "b.txt")
    tmp_path.chmod(0o755)
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_takes_the_place_of_another(tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "real" / "old").touch()
    (tmp_path / "link").symlink_to("real")
    with replacing_folder(tmp_path / "link") as folder:
        (folder / "new").touch()
    assert names(tmp_path) == ["link", "real"]
    assert names(tmp_path / "real") == ["new"]
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with (
        pytest.raises(NotADirectoryError, match="file: is a file, a folder is"),
        replacing_folder(tmp_path / "file"),
    ):
        pass


# Ends at every line of `files` in turn, from the end of the block on, and tells what
# is there then: {signal: [[names and what is in them] of each step]}.
STEPS = """
import json, os, resource, signal, sys
from pathlib import Path
from lava_sparse_rnn import files
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if len(sys.argv) > 1:
    files._exchange = lambda *names: False

def look():
    return {p.name: [q.name for q in p.iterdir()] for p in Path().iterdir()}

def replace(number, step):
    def trace(frame, event, _):
        nonlocal step
        if frame.f_code.co_filename != files.__file__:
            return None
        step -= event == "line"
        if step == 0:
            os.kill(os.getpid(), number)
        return trace
    with files.replacing_folder("set") as folder:
        (folder / "new").touch()
        sys.settrace(trace)
        sys._getframe().f_trace = trace

def ended(number, step):
    for path in Path().iterdir():
        for name in path.iterdir():
            name.unlink()
        path.rmdir()
    Path("set").mkdir()
    Path("set/old").touch()
    if not (pid := os.fork()):
        replace(number, step)
        os._exit(0)
    return os.waitpid(pid, 0)[1]

found = {}
for number in (signal.SIGTERM, signal.SIGKILL):
    step, found[number.name] = 1, []
    while ended(number, step) == number:
        found[number.name].append(look())
        step += 1
    assert look() == {"set": ["new"]}
print(json.dumps(found))
"""


@pytest.mark.parametrize("way", ["in one step", "in turns"])
def test_a_folder_is_the_old_or_the_new_one_wherever_it_ends(tmp_path, way):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    if way == "in one step" and not files._exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system exchanges no names")
    command = [sys.executable, "-c", STEPS, *(["turns"] * (way == "in turns"))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    killed = found.pop("SIGKILL")
    told = found.pop("SIGTERM")
    assert all(there in ({"set": ["old"]}, {"set": ["new"]}) for there in told)
    assert told[0] != told[-1]
    # Nobody can put away anything then, but what was there is there.
    for there in killed:
        whole = [names for names in there.values() if names in (["old"], ["new"])]
        assert ["old"] in whole or ["new"] in whole
        if way == "in one step":
            assert there["set"] in (["old"], ["new"])


def test_what_a_path_leads_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    assert kind_of(tmp_path / "file") == "a file"
    assert kind_of(tmp_path / "pipe") == "a pipe"
    assert kind_of(tmp_path) == "a folder"
    with pytest.raises(NotADirectoryError):
        kind_of(tmp_path / "file" / "x")


FULL = """
import resource, signal, sys
import numpy as np
from lava_sparse_rnn import spec
from lava_sparse_rnn.audio.corpus.flat import Clip, write_flat
from lava_sparse_rnn.files import replacing
from pathlib import Path
network = spec.random_network(np.random.default_rng(0), d_in=300)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
def tokens():
    with replacing("a.npy") as part, part.open("wb") as file:
        np.save(file, np.ones(100_000))
clip = Clip(0, 100_000, "f", "g", "p", "l", 0.0)
for write in (
    lambda: network.save("a.net"),
    tokens,
    lambda: write_flat(Path("a"), [clip], [np.ones(100_000, np.int16)]),
):
    try:
        write()
    except OSError as error:
        print(error)
"""


@pytest.mark.slow
def test_what_has_no_room_leaves_nothing(tmp_path):
    # A limit of a file's size stands for a disk that is full.
    (tmp_path / "a.net").write_text("old")
    command = [sys.executable, "-c", FULL]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    network, tokens, flat = ended.stdout.splitlines()
    assert network == "a.net: file too large"
    assert tokens.startswith("a.npy: cannot be written (100000 requested and ")
    assert flat == "a.npy: file too large"
    assert (tmp_path / "a.net").read_text() == "old"
    assert names(tmp_path) == ["a.net"]
