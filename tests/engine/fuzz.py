# SPDX-License-Identifier: BSD-3-Clause
"""Damaged network files: a clear error, or a network that runs as the reference does.

    python tests/engine/fuzz.py [--cases N | --seconds S] [--seed N] [--keep DIR]
    FUZZ=S tests/engine/sanitize.sh   # for S seconds with the sanitizers

Cases run in processes of their own, so that a crash, a hang (a minute per case) and a
want of memory (4 GB) are seen; a case that does any of it, or raises something other
than `SpecError`, is written to the folder of ``--keep`` and makes the exit status 1.
"""

from __future__ import annotations

import argparse
import collections
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

CASES_PER_PROCESS = 50
SECONDS = 60  # for one case
MEMORY = 4 << 30
ABSURD = [0, -1, 1, 2, 7, 31, 33, 255, 65536, 2**31 - 1, 2**31, 2**40, 2**62, -(2**62)]
TEXTS = ["", "floor", "wrap", "none", "split", "[]", "{", "\x00", "9" * 400]


def flip_bytes(rng: np.random.Generator, path: Path) -> None:
    """Change some bytes, anywhere."""
    data = bytearray(path.read_bytes())
    for at in rng.integers(0, len(data), rng.integers(1, 9)):
        data[at] = rng.choice([0, 255, data[at] ^ (1 << rng.integers(8)), at & 255])
    path.write_bytes(data)


def cut(rng: np.random.Generator, path: Path) -> None:
    """Lose the end, or a piece in the middle, or grow one."""
    data = path.read_bytes()
    a, b = sorted(int(i) for i in rng.integers(0, len(data), 2))
    kinds = [data[:a], data[:a] + data[b:], data[:b] + data[a:]]
    path.write_bytes(kinds[rng.integers(3)])


def edit(rng: np.random.Generator, path: Path) -> None:
    """Change arrays, numbers and members by HDF5's own means."""
    with h5py.File(path, "r+", libver="latest") as file:
        for _ in range(rng.integers(1, 3)):
            groups, datasets = members(file)
            kind = EDITS[rng.integers(len(EDITS))]
            kind(rng, groups, datasets)


def members(file: h5py.File) -> tuple[list, list]:
    """Groups and datasets of a file."""
    groups, datasets = [file], []

    def sort_in(_, item):
        (groups if isinstance(item, h5py.Group) else datasets).append(item)

    file.visititems(sort_in)
    return groups, datasets


def one_of(rng: np.random.Generator, items):
    return items[int(rng.integers(len(items)))]


def put(item: h5py.Dataset, values, **options) -> None:
    """Other values in the place of a dataset."""
    parent, name = item.parent, item.name
    del parent[name]
    parent.create_dataset(name, data=values, **options)


def edit_values(rng, groups, datasets) -> None:
    item = one_of(rng, datasets)
    values = item[()]
    if values.dtype.kind == "S" or values.size == 0:
        return
    values = values.astype(np.int64).ravel()
    for at in rng.integers(0, values.size, rng.integers(1, 4)):
        near = int(values[at]) + int(rng.integers(-3, 4))
        values[at] = one_of(rng, [*ABSURD, *[near] * 20])
    put(item, values.reshape(item.shape))


def edit_shape(rng, groups, datasets) -> None:
    item = one_of(rng, datasets)
    values = item[()]
    n = int(rng.integers(0, 2 * values.size + 2))
    put(item, one_of(rng, [np.resize(values, n), values[None], values[..., None]]))


def edit_type(rng, groups, datasets) -> None:
    item = one_of(rng, datasets)
    shape = item.shape
    choices = [
        np.full(shape, np.nan),
        np.full(shape, 1e300),
        np.full(shape, 2.5),
        np.full(shape, b"text"),
        np.full(shape, True),
        np.full(shape, 1j),
        np.full(shape, 2**63, dtype=np.uint64),
        np.zeros(shape, dtype=[("a", "i4"), ("b", "f8")]),
        np.float32(3),
    ]
    put(item, one_of(rng, choices))


def edit_huge(rng, groups, datasets) -> None:
    """A shape of which next to nothing is stored."""
    item = one_of(rng, datasets)
    parent, name = item.parent, item.name
    size = int(one_of(rng, [2**20, 2**28, 2**33, 2**40, 2**60]))
    del parent[name]
    options = one_of(rng, [{}, {"compression": 9}, {"maxshape": (None,)}])
    parent.create_dataset(name, (size,), "i1", chunks=(2**16,), **options)


def edit_bomb(rng, groups, datasets) -> None:
    """A long array that is stored in few bytes."""
    item = one_of(rng, datasets)
    value = int(one_of(rng, [0, 1, -1, 127]))
    put(item, np.full(2**23, value, np.int8), compression=9)


def edit_attribute(rng, groups, datasets) -> None:
    group = one_of(rng, [g for g in groups if len(g.attrs)])
    name = one_of(rng, list(group.attrs))
    values = [*ABSURD, *TEXTS, np.nan, 1e300, 2.5, True, [1, 2, 3], [2**40, 2**40]]
    values += [np.array([], dtype=int), np.array([[1]]), h5py.Empty("i4"), b"bytes"]
    value = one_of(rng, values)
    try:
        group.attrs[name] = value
    except ValueError:  # HDF5 does not take it either
        del group.attrs[name]


def edit_members(rng, groups, datasets) -> None:
    """Lose a member, name it otherwise, or link it to another place."""
    item = one_of(rng, [*groups[1:], *datasets])
    parent, name = item.parent, item.name
    other = one_of(rng, [*groups, *datasets])
    way = int(rng.integers(5))
    if way == 0:
        del parent[name]
    elif way == 1:
        parent.move(name, one_of(rng, ["x", "0", "1", "-1", "7", "type"]) + "_"[:way])
    elif way == 2:
        del parent[name]
        parent[name] = other  # a hard link, perhaps to what holds it
    elif way == 3:
        del parent[name]
        parent[name] = h5py.SoftLink(one_of(rng, [name, "/", "/nowhere"]))
    else:
        del parent[name]
        parent[name] = h5py.ExternalLink("nowhere.net", "/")


EDITS: tuple[Callable, ...] = (
    *(edit_values,) * 4,
    *(edit_attribute,) * 3,
    *(edit_members,) * 2,
    edit_shape,
    edit_type,
    edit_huge,
    edit_bomb,
)
MUTATIONS = (flip_bytes, cut, edit, edit)


def seed_network(rng: np.random.Generator, path: Path) -> None:
    """A file to begin with."""
    from lava_sparse_rnn import spec

    recipe = spec.Recipe(
        one_of(rng, ["floor", "nearest"]),
        one_of(rng, ["saturate", "wrap"]),
        one_of(rng, ["real_gate", "split", "none"]),
    )
    sizes = [int(n) for n in rng.integers(1, 40, 4)]
    network = spec.random_network(rng, *sizes, n_blocks=1, recipe=recipe)
    network.save(path)


def make_case(seed: int, path: Path) -> str:
    """Write the damaged file of a seed; returns the kind of damage."""
    rng = np.random.default_rng(seed)
    seed_network(rng, path)
    mutation = one_of(rng, MUTATIONS)
    try:
        mutation(rng, path)
    except (KeyError, ValueError, OSError, RuntimeError, TypeError):
        return "none"  # HDF5 would not do it: what it left is a case too
    return mutation.__name__


def outcome(path: Path) -> str:
    """What becomes of a file: ``refused`` or ``equal``; anything else is raised."""
    from lava_sparse_rnn import engine, spec

    try:
        network = spec.load(path)
    except spec.SpecError as error:
        if path.name not in str(error):
            raise AssertionError(f"the error does not name the file: {error}") from None
        return "refused"
    fmt = network.layers[0].inp.format
    x = np.random.default_rng(0).integers(
        fmt.lowest, fmt.highest + 1, (5, network.d_in)
    )
    y = spec.reference.run(network, x)
    for kernel in engine.available():
        if not np.array_equal(engine.Engine(network, kernel).run(x), y):
            raise AssertionError(f"{kernel} differs from the reference")
    return "equal"


def work(first: int, count: int, folder: Path) -> None:
    """Run cases, in a process of its own; each is announced before it is tried."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "libasan" not in Path("/proc/self/maps").read_text():  # reserves terabytes
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for seed in range(first, first + count):
        path = folder / f"case_{seed}.net"
        kind = make_case(seed, path)
        print(f"{seed} {kind}", end=" ", flush=True)
        print(outcome(path), flush=True)
        path.unlink()


def run_batch(
    first: int, count: int, keep: Path, tree: str | None = None
) -> tuple[collections.Counter, list[str]]:
    """Outcomes of cases ``first`` and following, and what went wrong."""
    totals: collections.Counter = collections.Counter()
    failures = []
    end = first + count
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while first < end:
            command = [sys.executable, "-X", "faulthandler", str(Path(__file__))]
            command += ["--work", str(first), str(end - first), str(folder)]
            command += ["--tree", tree] if tree else []
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, timeout=SECONDS * count
                )
                output, why = done.stdout, done.stderr
                status = f"exit status {done.returncode}"
            except subprocess.TimeoutExpired as stuck:
                output, why = (stuck.stdout or b"").decode(), ""
                status = "no end"
            lines = [line.split() for line in output.splitlines()]
            totals.update(" ".join(w[1:]) for w in lines if len(w) == 3)
            ended = [w for w in lines if len(w) == 3]
            first += len(ended)
            if first < end:
                failures.append(f"case {first}: {status}\n{why[-2000:]}")
                keep.mkdir(parents=True, exist_ok=True)
                make_case(first, keep / f"case_{first}.net")
                first += 1
    return totals, failures


def take_from(tree: str) -> None:
    """Import the package from a folder, whatever is installed."""
    sys.meta_path = [f for f in sys.meta_path if "ScikitBuild" not in type(f).__name__]
    sys.path.insert(0, tree)
    from lava_sparse_rnn.engine import EXTENSION

    built = getattr(EXTENSION, "__file__", None) or ""
    assert built.startswith(tree), f"the engine comes from {built!r}"


def main() -> int:
    """Run many cases, say what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz_failures"))
    parser.add_argument("--tree", help="folder to import the package from")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tree:
        take_from(options.tree)
    if options.work:
        first, count, folder = options.work
        work(int(first), int(count), Path(folder))
        return 0
    begin, done = time.monotonic(), 0
    totals: collections.Counter = collections.Counter()
    failures: list[str] = []
    while (
        done < options.cases
        if options.seconds is None
        else time.monotonic() - begin < options.seconds
    ):
        own, wrong = run_batch(
            options.seed + done, CASES_PER_PROCESS, options.keep, options.tree
        )
        totals += own
        failures += wrong
        done += CASES_PER_PROCESS
        for text in wrong:
            print(text, flush=True)
    for name, count in sorted(totals.items()):
        print(f"{count:8,} {name}")
    print(f"{done:,} cases, {len(failures)} failures")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
