# SPDX-License-Identifier: BSD-3-Clause
"""Damaged files never crash: a short run of `fuzz.py`, and what it found once."""

import importlib.util
from pathlib import Path

import h5py
import numpy as np
import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import SpecError


def load_script():
    path = Path(__file__).with_name("fuzz.py")
    description = importlib.util.spec_from_file_location("fuzz", path)
    module = importlib.util.module_from_spec(description)
    description.loader.exec_module(module)
    return module


fuzz = load_script()


@pytest.mark.slow
def test_damaged_files(tmp_path):
    totals, failures = fuzz.run_batch(100, 50, tmp_path / "keep")
    assert not failures, failures[0]
    assert sum(totals.values()) == 50
    outcomes = {name.split()[1] for name in totals}
    assert outcomes == {"refused", "equal"}


@pytest.mark.slow
def test_a_crash_is_noticed(tmp_path, monkeypatch):
    script = tmp_path / "fuzz.py"
    text = Path(fuzz.__file__).read_text("utf-8")
    line = "        print(outcome(path), flush=True)\n"
    assert line in text
    crash = '        if seed == 2: __import__("os").abort()\n'
    script.write_text(text.replace(line, crash + line), "utf-8")
    monkeypatch.setattr(fuzz, "__file__", str(script))
    totals, failures = fuzz.run_batch(0, 4, tmp_path / "keep")
    assert sum(totals.values()) == 3
    assert len(failures) == 1
    assert failures[0].startswith("case 2: exit status -6")
    assert (tmp_path / "keep" / "case_2.net").is_file()


def put(name, **options):
    """A change: a dataset made anew."""

    def change(file):
        del file[name]
        file.create_dataset(name, **options)

    return change


def column(name):
    """A change: a dataset with one more axis."""
    return lambda file: put(name, data=file[name][()][:, None])(file)


def leave(name):
    """A change: a link to another file."""

    def change(file):
        del file[name]
        file[name] = h5py.ExternalLink("other.net", "/")

    return change


def attribute(name, key, value):
    """A change: another attribute."""
    return lambda file: file[name].attrs.__setitem__(key, value)


# Rather than memory for what is not there, truncated numbers, or other files.
BOMB = np.zeros(2**24 + 1, np.int8)
CHANGES = [
    (
        put("layer/0/bias/mant", shape=(2**40,), dtype="i1", chunks=(2**16,)),
        r"layer/0: bias: mant has 1,099,511,627,776 values, at most",
    ),
    (
        put("layer/0/out/frac", shape=(2**20,), dtype="i1", chunks=(2**16,)),
        r"frac has 1,048,576 values, but only 0 bytes of them are in the file",
    ),
    (
        put("layer/1/a_re", data=BOMB, compression=9),
        r"a_re has 16,777,217 values, at most",
    ),
    (put("layer/1/W/matrix/data", data=np.full(3, np.nan)), "data: values must be"),
    (put("layer/1/W/matrix/data", data=np.full(3, 2.5)), "data: values must be"),
    (put("layer/1/a_re", data=np.full((8, 1), b"x")), "a_re: values must be whole"),
    (put("layer/1/a_re", data=h5py.Empty("i4")), "'a_re' is no array"),
    (leave("layer/1/W"), "layer/1: field 'W' leads to another file"),
    (
        attribute("layer/1/state", "bits", 16.5),
        "state: bits is .*16.5.*, must be a who",
    ),
    (attribute("layer/0", "relu", [1, 0]), "relu is .*, must be true or false"),
    (attribute("recipe", "rounding", 3), "rounding is .*3.*, must be text"),
    (attribute("layer/1/W/matrix", "shape", [8, -8]), r"shape is \[8, -8\], must be"),
    (attribute("layer/1/W/matrix", "shape", 8), "shape is 8, must be two sizes"),
    # What numpy would stretch over a matrix of numbers.
    (column("layer/0/out/frac"), r"out.frac: size \(8, 1\), must be \(8,\)"),
    (column("layer/1/a_re"), r"a_re: size \(6, 1\), must be \(6,\)"),
    (lambda file: file.move("layer/2", "layer/x"), "layers are called 0, 1, x, must"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_what_is_not_there_is_not_read(tmp_path, change, message):
    path = tmp_path / "a.net"
    spec.random_network(np.random.default_rng(0)).save(path)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(SpecError, match=message) as caught:
        spec.load(path)
    assert str(path) in str(caught.value)
