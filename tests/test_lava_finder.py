# SPDX-License-Identifier: BSD-3-Clause
"""Lava on Pythons that are newer than it."""

import functools
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from lava_sparse_rnn import lava_finder

later = pytest.mark.skipif(sys.version_info < (3, 11), reason="Lava's own Python")


def python(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True).stdout.split("\n")


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="what Lava does not know")
def test_on_the_python_of_lava_nothing_is_done():
    assert lava_finder.LavaFinder not in sys.meta_path
    assert lava_finder.missed() == []


# A user imports Lava first; then what he would see without the finder.
LAVA_FIRST = """
import sys
from lava.proc.lif.process import LIF
import lava_sparse_rnn.proc
print(LIF(shape=(2,)).v.shape)
"""
WITHOUT = """
import sys
kept = sys.meta_path[:]
sys.meta_path[:] = [f for f in kept if "LavaFinder" not in repr(f)]
print(len(kept) - len(sys.meta_path), "lava_sparse_rnn" in sys.modules)
try:
    from lava.proc.lif.process import LIF
except ValueError as error:
    print(error)
import lava.magma.core.process.ports.ports
sys.meta_path[:] = kept
try:
    import lava_sparse_rnn.proc
except ImportError as error:
    print(error)
"""


@pytest.mark.slow
@later
def test_programs_may_import_lava_first():
    assert python(LAVA_FIRST)[0] == "(2,)"


@later
def test_without_the_finder_lava_fails_and_the_library_says_what_to_do():
    here, fails, says, *_ = python(WITHOUT)
    assert here == "1 False"  # it is there when Python starts
    assert "ByteEncoder'> for field x is not allowed" in fails
    assert "ports.ports was imported before lava_sparse_rnn" in says
    assert "write `import lava_sparse_rnn` above the first import of lava" in says


def lava_folders():
    return pytest.importorskip("lava").__path__


@pytest.mark.parametrize("name", lava_finder.REPAIRS)
def test_every_repair_finds_its_line(name):
    files = [Path(folder, *name.split(".")[1:]) for folder in lava_folders()]
    sources = [f.with_suffix(".py") for f in files if f.with_suffix(".py").exists()]
    if not sources:
        pytest.skip(f"{name} is not installed")
    source = sources[0].read_text()
    assert source.count(lava_finder.REPAIRS[name].old) > 0


def test_ports_are_reshaped():
    pytest.importorskip("lava.magma")
    from lava.magma.core.process.ports.ports import ReshapePort

    port, data = ReshapePort((2, 3), (6,)), np.arange(6)
    there = port.get_transform_func_fwd()(data)
    assert there.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert port.get_transform_func_bwd()(there).tolist() == data.tolist()
    if np.lib.NumpyVersion(np.__version__) >= "2.1.0":  # as Lava has it
        with pytest.raises((TypeError, DeprecationWarning), match="newshape"):
            functools.partial(np.reshape, newshape=(2, 3))(data)


@later
def test_bytecode_of_a_repaired_module_is_not_kept(tmp_path, monkeypatch):
    name = "lava.magma.compiler.var_model"
    old = lava_finder.REPAIRS[name].old
    (tmp_path / "var_model.py").write_text(
        f"from dataclasses import dataclass\n{old}\n    x: int = 0\n"
    )
    spec = lava_finder.LavaFinder.find_spec(name, [str(tmp_path)])
    module = type(sys)(name)
    spec.loader.exec_module(module)
    assert hash(module.ByteEncoder()) == hash(module.ByteEncoder())
    assert [p.name for p in tmp_path.iterdir()] == ["var_model.py"]


def test_processes_can_be_mocked():
    """`inspect` asks collections of ports for names of its own."""
    pytest.importorskip("lava.magma")
    from lava.proc.lif.process import LIF

    from lava_sparse_rnn import lava_patches  # noqa: F401  (before all of Lava)

    assert Mock(spec_set=LIF(shape=(2,))).in_ports is not None
