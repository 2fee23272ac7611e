# SPDX-License-Identifier: BSD-3-Clause
"""Rules of the house: which room may import which, and documents that stay true."""

import ast
import collections
import functools
import graphlib
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lava_sparse_rnn"

# The rooms, ground floor first, and what each may import of this library.
ALLOWED = {
    "signals": set(),
    "handover": set(),
    "openmp": set(),
    "files": {"signals"},
    "messages": {"files"},
    "markup": set(),
    "progress": set(),
    "pictures": {"files"},
    "fixed_point": {"markup"},
    "spec": {"fixed_point", "files", "markup", "pictures", "signals"},
    "engine": {"fixed_point", "spec"},
    "microcode": {"fixed_point", "spec"},
    "nn": {"messages", "markup", "fixed_point", "signals", "spec"},
    "lava_finder": set(),
    "lava_patches": {"lava_finder", "messages"},
    "inline": {"fixed_point", "lava_patches"},
    "proc": {
        *("handover", "fixed_point", "spec", "engine", "microcode"),
        *("lava_patches", "inline"),
    },
    "netx": {"messages", "fixed_point", "signals", "spec", "lava_patches", "proc"},
    "loihi2": {
        *("messages", "markup", "pictures", "fixed_point", "files", "spec"),
        *("microcode", "lava_patches", "proc"),
    },
    "backends": {"fixed_point", "spec", "engine", "microcode", "proc"},
    "audio": {
        *("messages", "progress", "pictures", "loihi2", "fixed_point", "files"),
        *("signals", "handover", "spec", "backends"),
    },
    "c_export": {"fixed_point", "files", "spec", "audio"},
    "train": {
        *("signals", "handover", "openmp", "messages", "progress", "fixed_point"),
        *("files", "spec", "nn"),
    },
    "tasks": {"messages", "fixed_point", "nn", "audio", "train"},
    "study": {
        *("openmp", "messages", "files", "markup", "pictures", "fixed_point", "spec"),
        *("loihi2", "nn", "train"),
    },
    "interchange": {
        *("messages", "fixed_point", "files", "spec", "c_export", "nn"),
        *("lava_patches", "signals"),
    },
    "report": {"files", "markup", "pictures", "signals", "spec", "loihi2", "audio"},
}
WITHOUT_LAVA = (
    *("fixed_point", "spec", "engine", "c_export", "microcode", "nn", "audio"),
    "loihi2",
)
LAVA_BY_NAME = (PACKAGE / "loihi2" / "nc.py",)  # imported by nothing in its room


@functools.cache
def imports(file):
    """Every import of a file, wherever in it: module, name (or None), alias."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(a.name, None, a.asname) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(parts[: -node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            found += [(module, a.name, a.asname or a.name) for a in node.names]
    return found


def imported(file):
    """Full names of the modules that a file imports, wherever in it."""
    for module, name, _ in imports(file):
        yield module
        if name is not None:
            yield f"{module}.{name}"


def file_of(module):
    """The file of a module or package of this library, or None."""
    path = ROOT.joinpath(*module.split("."))
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file() and file.is_relative_to(PACKAGE):
            return file
    return None


def defining_file(module, name):
    """The file that an import needs, or None if it is not of this library.

    A submodule is its own file. A name that a package's `__init__` imports from
    elsewhere is what stands there: `__init__` is a list of names, and who asks for
    one of them does not depend on the others.
    """
    if name is not None and (file := file_of(f"{module}.{name}")):
        return file
    file = file_of(module)
    if file is not None and file.name == "__init__.py":
        for source, original, alias in imports(file):
            if name is not None and alias == name:
                return defining_file(source, original)
    return file


def test_no_files_import_each_other():
    """Imports inside functions and for annotations count too."""
    graph = {}
    for path in PACKAGE.rglob("*.py"):
        found = {defining_file(module, name) for module, name, _ in imports(path)}
        name = path.relative_to(PACKAGE).as_posix()
        graph[name] = {p.relative_to(PACKAGE).as_posix() for p in found if p}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_no_folders_import_each_other():
    """On every floor: the files and folders of a folder can be put in an order."""
    floors = collections.defaultdict(lambda: collections.defaultdict(set))
    for path in SOURCES:
        if path.name == "__main__.py":  # what `python -m` runs stands above all rooms
            continue
        for module, name, _ in imports(path):
            if file := defining_file(module, name):
                above, below = (p.relative_to(PACKAGE).parts for p in (path, file))
                floor = len(os.path.commonprefix((above, below)))
                if above != below:
                    floors[above[:floor]][above[floor]].add(below[floor])
    for folder, graph in floors.items():
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            circle = " imports ".join(reversed(error.args[1]))
            pytest.fail("/".join((PACKAGE.name, *folder)) + f": {circle}")


def layer_tables():
    """Every dict of the package that is keyed by types of layers: place, keys."""
    from lava_sparse_rnn.spec import LAYER_TYPES

    spelled = {name: name for name in LAYER_TYPES}
    spelled |= {cls.__name__: name for name, cls in LAYER_TYPES.items()}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Dict) or None in node.keys:
                continue
            words = [ast.unparse(key).strip("'\"") for key in node.keys]
            plain = [w.removesuffix(".type").rpartition(".")[2] for w in words]
            keys = [spelled.get(word, word) for word in plain]
            # Neuron groups have an `affine` too, tables of them other keys beside it.
            if "s5" in keys or set(keys) == {"affine"} != set(words):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", sorted(keys)


def test_tables_by_layer_type_are_complete():
    from lava_sparse_rnn.spec import LAYER_TYPES

    tables = dict(layer_tables())
    assert len(tables) > 5  # they are found at all
    expected = sorted(LAYER_TYPES)
    assert {p: keys for p, keys in tables.items() if keys != expected} == {}


def room_of(path):
    if path.name == "__main__.py":  # what `python -m` runs stands above all rooms
        return path.stem
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


SOURCES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_rooms_import_what_the_table_says(room):
    """No more than is allowed, and nothing is allowed that nobody needs."""
    found = {
        name.split(".")[1]
        for path in SOURCES
        if room_of(path) == room
        for name in (*imported(path), *resolved(path))
        if name.startswith("lava_sparse_rnn.")
    }
    rooms = {p.stem if p.is_file() else p.name for p in PACKAGE.iterdir()}
    assert (found & rooms) - {room} == ALLOWED[room]


def resolved(file):
    """What a file imports by a name in a text, as in ``"package.module:name"``."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        text = node.value if isinstance(node, ast.Constant) else None
        if re.fullmatch(rf"{PACKAGE.name}\.[\w.]+:\w+", str(text)):
            yield str(text).partition(":")[0]


def test_private_names_stay_in_their_folder():
    """A file or folder that begins with ``_`` is for what lies beside it or below."""
    found = []
    for path in SOURCES:
        here = path.relative_to(ROOT).parent.parts
        for module, name, _ in imports(path):
            parts = [*module.split("."), *([name] if name else [])]
            private = [i for i, part in enumerate(parts) if re.match("_[^_]", part)]
            if parts[0] == PACKAGE.name and any(
                here[:i] != tuple(parts[:i]) for i in private
            ):
                found.append(f"{path.relative_to(PACKAGE)}: {'.'.join(parts)}")
    assert found == []


def test_every_room_has_its_rule():
    rooms = {room_of(p) for p in SOURCES}
    assert rooms - {"cli", "__main__"} <= ALLOWED.keys()


def test_rooms_stand_above_those_they_import():
    rooms = list(ALLOWED)
    for floor, room in enumerate(rooms):
        assert set(rooms[:floor]) >= ALLOWED[room], room


def test_the_page_of_rooms_agrees_with_the_table():
    text = (ROOT / "docs" / "rooms.md").read_text("utf-8")
    pages = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert list(pages) == [*ALLOWED, "cli"]
    for room, page in pages.items():
        assert page.strip().count("\n") < 10, room
        first = re.search(r"^- First file: `(.*)`$", page, re.M)[1]
        assert (ROOT / first).is_file(), first
        assert first.startswith(f"{PACKAGE.name}/{room}")
        imports = re.search(r"^- May import: (.*)$", page, re.M)[1]
        may = ", ".join(sorted(ALLOWED.get(room, {"every room"}))) or "nothing"
        assert imports == may, room


def test_the_picture_in_the_readme_shows_every_room():
    text = (ROOT / "README.md").read_text("utf-8")
    section = text[text.index("## How it is built") :]
    picture = re.search(r"\n\n((?:    .*\n|\n)+)", section)[1]
    for room in [*ALLOWED, "cli"]:
        assert re.search(rf"(?<!\w){room}(?!\w)", picture), room


@pytest.mark.parametrize("room", WITHOUT_LAVA)
def test_lava_stays_out(room):
    files = [p for p in SOURCES if room_of(p) == room and p not in LAVA_BY_NAME]
    names = {n for p in files for n in imported(p)}
    lava = ("lava", "lava_sparse_rnn.proc")
    assert not {n for n in names if n in lava or n.startswith(f"{lava[0]}.")}


@pytest.mark.slow
def test_rooms_are_there_when_they_are_first_used():
    code = (
        "import lava_sparse_rnn as package, sys;"
        "print(package.spec.load.__name__, package.netx.hdf5.Network.__name__);"
        "print('torch' in sys.modules, *dir(package))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    (used, listed) = out.stdout.splitlines()
    assert used == "load Network"
    inner = {"signals", "handover", "openmp", "messages", "markup"}
    inner |= {"lava_finder", "lava_patches"}
    assert {*ALLOWED} - inner <= {*listed.split()}
    assert listed.startswith("False")
    with pytest.raises(AttributeError, match="'spek'"):
        importlib.import_module("lava_sparse_rnn").spek  # noqa: B018


def test_the_package_itself_is_cheap_to_import():
    code = (
        "import sys, lava_sparse_rnn;"
        "print([m for m in ('numpy', 'torch', 'lava') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout.strip() == "[]"


def test_files_name_their_licence_and_stay_short():
    for path in SOURCES:
        text = path.read_text("utf-8")
        assert text.startswith("# SPDX-License-Identifier: BSD-3-Clause\n"), path
        assert text.count("\n") <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert length(node, room_of(path) == "cli") <= 50, (path, node.name)


def length(function, is_command):
    """Lines of a function.

    Without its docstring, which grows with its arguments, and without the signature
    of a command, which is the help text of its options.
    """
    first, *rest = function.body
    start = first.lineno if is_command else function.lineno
    if ast.get_docstring(function) is None:
        return function.end_lineno - start + 1
    documented = first.end_lineno - first.lineno + 1
    return function.end_lineno - start + 1 - documented if rest else 0


DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "data").rglob("*.md"),
]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_readme_names_every_command():
    from lava_sparse_rnn.cli import app

    text = (ROOT / "README.md").read_text("utf-8")
    commands = [c.name for c in app.registered_commands]
    groups = [g.name for g in app.registered_groups]
    for name in [*commands, *groups]:
        assert re.search(rf"^\| `{name}\b", text, re.MULTILINE), name


SHIPPED = sorted((ROOT / "data").glob("*.net"))
LARGEST = {  # bytes
    "denoiser_small": 80_000,
    **dict.fromkeys(("digits", "fashion", "watch"), 100_000),
}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_shipped_network_keeps_its_promises(path):
    import numpy as np

    from lava_sparse_rnn import spec
    from lava_sparse_rnn.spec import statistics

    assert path.stat().st_size <= LARGEST.get(path.stem, 400_000)
    network = spec.load(path)
    assert statistics.sparsity(network) >= 0.9
    for layer in network.layers:
        assert {w.bits for w in layer.matrices.values()} == {8}
        assert layer.out.bits == 16
        if layer.type == "s5":
            # A gate without weights holds its bias all the time: it has to fit.
            empty = layer.W.row_magnitude == 0
            g = layer.bias_g.value / 2.0 ** (layer.W.frac + layer.z.ref - layer.g.frac)
            assert (np.abs(g[empty]) < layer.g.magnitude).all()


def test_names_that_are_listed_twice_are_the_same():
    from typing import get_args

    from lava_sparse_rnn import fixed_point, spec
    from lava_sparse_rnn.nn import _scan
    from lava_sparse_rnn.train.sections import ModelConfig, QuantizeConfig

    # The engine numbers them in this order.
    assert tuple(spec.groups.STATE_GATES) == spec.NONLINEARITIES
    assert tuple(_scan.NONLINEARITIES) == spec.NONLINEARITIES
    listed = {
        "state_nonlinearity": (ModelConfig, spec.NONLINEARITIES),
        "rounding": (QuantizeConfig, fixed_point.ROUNDINGS),
        "overflow": (QuantizeConfig, fixed_point.OVERFLOWS),
    }
    for field, (section, names) in listed.items():
        assert get_args(section.model_fields[field].annotation) == tuple(names)


def test_every_table_of_heads_knows_the_same_names():
    from typing import get_args

    from lava_sparse_rnn import nn, spec
    from lava_sparse_rnn.interchange.onnx import _export
    from lava_sparse_rnn.proc.head import models, process
    from lava_sparse_rnn.tasks.arrays import ArraysConfig

    assert set(nn.heads.HEADS) == set(spec.HEADS)
    chosen = ArraysConfig.model_fields["head"].annotation
    assert set(get_args(chosen)) == set(spec.HEADS)
    # "sequence" answers every token: there is nothing to keep between them.
    once = set(spec.HEADS) - {"sequence"}
    for table in (process.HEADS, models.KEEP, _export.HEADS):
        assert set(table) == once
