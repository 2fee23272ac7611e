# SPDX-License-Identifier: BSD-3-Clause
"""Every export says in one line what it wrote, its size, and how to run it."""

import re
import shutil

import pytest

# Export, options, what it writes, what the line says how to do.
EXPORTS = {
    "export-c": ((), "out", "compile"),
    "export-c --main": (("--main",), "out", "compile"),
    "export-c --ladspa": (("--ladspa",), "out", "try"),
    "deploy": ((), "out", "run"),
    "deploy --check": (("--check",), "out", "run"),
    "export-onnx": ((), "out.onnx", "run"),
    "export-onnx sequence": (
        ("--graph", "sequence", "--numbers", "float32"),
        "out.onnx",
        "run",
    ),
    "export-nir": ((), "out.nir", "read"),
    "demo": ((), "out", "run"),
}
NEEDS = {"export-onnx": "onnx", "export-nir": "nir"}
SLOW = ("export-c --ladspa", "demo", "deploy --check")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in EXPORTS],
)
def test_one_line_says_it(name, command, net, tmp_path, monkeypatch):
    options, target, verb = EXPORTS[name]
    made = name.split()[0]
    if made in NEEDS:
        pytest.importorskip(NEEDS[made])
    if name == "export-c --ladspa" and not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    if made == "demo" and not shutil.which("clang"):
        pytest.skip("there is no clang")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    code, text, error = command(made, net, "-o", target, *options)
    assert code == 0, error
    path = tmp_path / target
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    sizes = [f.stat().st_size for f in files if f.is_file()]
    several = f"{len(sizes)} files, " if len(sizes) > 1 else ""
    first = text.splitlines()[0]
    start = f"{target}: {several}{sum(sizes):,} bytes, "
    assert first.startswith(start), first
    assert re.search(rf"; {verb} it: \S", first), first
    assert text.count(" it: ") == 1


@pytest.mark.parametrize("name", ["export-c", "deploy", "export-onnx", "export-nir"])
@pytest.mark.parametrize("where", ["no/x", "file"])
def test_a_wrong_target_is_one_error(name, where, command, tmp_path, monkeypatch):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "kept").write_text("kept")
    if name == "export-c":  # writes into a folder that is there
        shutil.rmtree("file")
        (tmp_path / "file").write_text("kept")
    code, text, error = command(name, "denoiser_small", "-o", where)
    assert code == 1
    assert not text
    assert where.split("/")[0] in error
    assert len(error.strip().splitlines()) <= 2, error
    assert "Traceback" not in error
    assert not (tmp_path / "no").exists()
