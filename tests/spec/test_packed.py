# SPDX-License-Identifier: BSD-3-Clause
"""Packed layers: what comes back, what is refused, and that packing is worth it."""

import contextlib
import json
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from lava_sparse_rnn import spec
from lava_sparse_rnn.spec import SpecError, _write
from lava_sparse_rnn.spec._packed import pack, scratch, unpack

NETWORK = spec.random_network(np.random.default_rng(5), n_blocks=2)


def contents(group):
    found = {}

    def visit(path, item):
        found.update({f"{path}@{k}": np.asarray(v) for k, v in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            found[path] = item[()]

    visit("", group)
    group.visititems(visit)
    return found


@given(
    st.integers(0, 2**32), st.integers(0, 9), st.integers(0, 300), st.floats(0.0, 1.0)
)
def test_a_group_comes_back(seed, rows, columns, density):
    rng = np.random.default_rng(seed)
    matrix = sparse.random_array((rows, columns), density=density, rng=rng).tocsr()
    matrix.sort_indices()
    with scratch() as file:
        file.attrs["count"], file.attrs["word"], file.attrs["yes"] = 3, "floor", True
        group = file.create_group("W/matrix")
        group.attrs["shape"] = matrix.shape
        group["data"] = rng.integers(-128, 128, matrix.nnz).astype(np.int8)
        group["indices"] = matrix.indices.astype(np.uint16)
        group["indptr"] = matrix.indptr
        file["W/frac"] = np.uint8(7)
        file["mant"] = rng.integers(-(2**31), 2**31, (2, 3))
        before, data = contents(file), pack(file)
    with scratch() as file:
        unpack(data, file, "layer")
        after = contents(file)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert np.array_equal(value, after[name]), name


def test_columns_out_of_order_come_back():
    columns = np.array([5, 0, 3, 1])
    with scratch() as file:
        file["m/indices"], file["m/indptr"] = columns, np.array([0, 3, 4])
        data = pack(file)
    with scratch() as file:
        unpack(data, file, "layer")
        assert np.array_equal(file["m/indices"], columns)


def packed_bytes(attributes, table, values=b""):
    text = json.dumps([attributes, table]).encode()
    return np.frombuffer(len(text).to_bytes(4, "little") + text + values, np.uint8)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed_bytes({}, [["a", "<f8", [1]]], bytes(8)), "a: values of type '<f8'"),
        (packed_bytes({}, [["a", "|u1", [-1]]]), r"a: shape \[-1\]"),
        (packed_bytes({}, [["a", "|u1", [1 << 40]]]), r"a: shape \[1099511627776\]"),
        (
            packed_bytes({}, [["a", "<i4", [3]]], bytes(11)),
            "11 bytes of val.*must be 12",
        ),
        (packed_bytes({}, [["a", "|u1", [3]]], bytes(5)), "2 bytes too many"),
        (packed_bytes({}, [["a", "|u1", "x"]]), "a: shape x, must have"),
        (
            packed_bytes(
                {}, [["m/indices", "|u1", [1]], ["m/indptr", "|u1", [1]]], b"\1\2"
            ),
            "2 weights, but 1 columns",
        ),
        (
            packed_bytes(
                {}, [["m/indices", "|u1", [2]], ["m/indptr", "|u1", []]], b"\1\2\2"
            ),
            "must have one dimension",
        ),
        (packed_bytes({}, [["a", "|u1", [1]]] * 2, b"\1\2"), "a: is there twice"),
        (packed_bytes({"/": 3}, []), "not a packed layer"),
        (packed_bytes([], []), "not a packed layer"),
        (np.zeros((2, 2), np.uint8), "not bytes"),
        (
            np.frombuffer((10**5).to_bytes(4, "little") + b"[" * 10**5, np.uint8),
            "not a packed layer",
        ),
        (np.zeros(0, np.uint8), "not a packed layer"),
        (np.full(9, 255, np.uint8), "not a packed layer"),
    ],
)
def test_other_bytes_are_refused(data, message):
    with scratch() as file, pytest.raises(SpecError, match=message) as caught:
        unpack(data, file, "layer/1: packed")
    assert str(caught.value).startswith("layer/1: packed: ")


@pytest.mark.slow
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_damage_is_refused_or_makes_another_network(seed, tmp_path_factory):
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("net") / "a.net"
    NETWORK.save(path, packed=True)
    with h5py.File(path, "r+") as file:
        group = file["layer/1"]
        data = group["packed"][()]
        data[rng.integers(len(data), size=3)] = rng.integers(256, size=3)
        del group["packed"]
        group["packed"] = data
    # Any other error is a failure; bytes that still make sense give a network.
    with contextlib.suppress(SpecError):
        assert isinstance(spec.load(path), spec.Network)


def test_packed_files_keep_what_netx_asks_for_and_are_smaller(tmp_path):
    sizes = SimpleNamespace()
    for name in ("plain", "packed"):
        NETWORK.save(tmp_path / name, packed=name == "packed")
        setattr(sizes, name, (tmp_path / name).stat().st_size)
    assert sizes.packed < sizes.plain / 3
    with h5py.File(tmp_path / "packed") as file:
        assert bytes(file["layer/1/type"][0]) == b"s5"
        assert set(file["layer/1"]) == {"type", "shape", "packed"}


def test_a_packed_layer_that_no_one_could_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(_write, "MAX_PACKED", 100)
    with pytest.raises(SpecError, match=r"layer/0: packed, it has .* at most 100"):
        NETWORK.save(tmp_path / "a.net", packed=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_files_are_loaded_and_saved_by_many_threads_at_once(tmp_path, at_once):
    path = tmp_path / "packed.net"
    small = spec.random_network(np.random.default_rng(5), n_blocks=1)
    small.save(path, packed=True)

    def work(i):
        copy = tmp_path / f"{i}.net"
        for _ in range(2):
            spec.load(path).save(copy, packed=True)
            assert spec.load(copy) == small
        return copy.read_bytes()

    assert at_once(work) == [path.read_bytes()] * 4


def test_an_empty_file_in_memory_inside_another():
    with scratch() as outer:
        outer["a"] = [1]
        with scratch() as inner:
            assert list(inner) == []
            inner["a"] = [2]
        assert outer["a"][()] == [1]
