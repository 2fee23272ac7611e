# SPDX-License-Identifier: BSD-3-Clause
"""The tutorials: what is stored is clean, small and what the code gives."""

import base64
import importlib.util
import io
import re
from pathlib import Path

import nbformat
import pytest
from PIL import Image

TUTORIALS = Path(__file__).parents[1] / "tutorials"
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))
LARGEST = 300_000  # bytes
VARIES = "varies"  # tag of cells whose text is of the machine, such as speeds
MACHINE = re.compile(
    r"/(home|root|tmp|usr|opt|mnt|work|Users|var)/|site-packages|ipykernel_"
    r"|[A-Z]:\\|0x[0-9a-f]{6,}|localhost|https?://(?!arxiv|github|localhost)\S*:\d+"
)


@pytest.fixture(scope="session")
def tool():
    """The script that makes what is stored."""
    spec = importlib.util.spec_from_file_location("execute", TUTORIALS / "execute.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def texts(notebook):
    """What each cell shows as text, by the cell's id."""
    shown = {}
    for cell in code_cells(notebook):
        if VARIES not in cell.metadata.get("tags", []):
            parts = [o.get("text") or o.get("data", {}) for o in cell.outputs]
            shown[cell.id] = [
                p if isinstance(p, str) else p.get("text/plain")
                for p in parts
                if isinstance(p, str) or "image/png" not in p
            ]
    return shown


def noise(notebook):
    """Errors, and whatever was written to stderr: warnings, progress, logs."""
    return [
        (cell.id, output)
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def pictures(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if data := output.get("data", {}).get("image/png"):
                yield cell.id, Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_tutorials_are_there():
    numbers = [path.name[:2] for path in NOTEBOOKS]
    assert numbers[:5] == ["01", "02", "03", "04", "05"]
    readme = (TUTORIALS / "README.md").read_text("utf-8")
    for path in NOTEBOOKS:
        assert f"({path.name})" in readme


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_stored_notebook_is_small_and_clean(path, tool):
    assert path.stat().st_size < LARGEST
    text, notebook = path.read_text("utf-8"), read(path)
    nbformat.validate(notebook)
    assert notebook.metadata == tool.METADATA
    assert notebook.metadata["SPDX-License-Identifier"] == "BSD-3-Clause"
    assert nbformat.writes(tool.clean(notebook)) + "\n" == text
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z0-9-]{2,40}", cell.id), cell.id
    shown = [line for lines in texts(notebook).values() for line in lines]
    sources = [cell.source for cell in notebook.cells]
    for line in (*shown, *sources):
        assert not MACHINE.search(line), MACHINE.search(line)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_stored_notebook_shows_its_outputs(path):
    notebook = read(path)
    cells = code_cells(notebook)
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert noise(notebook) == []
    for cell in cells:
        if "plt.show()" in cell.source or re.search(r"^print\(", cell.source, re.M):
            assert cell.outputs, cell.id
    found = list(pictures(notebook))
    assert found
    for name, image in found:
        assert 300 <= image.width <= 1000, name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_links_lead_somewhere(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#]+)\)", cell.source):
                assert "://" in target or (path.parent / target).exists(), target


def test_links_of_the_readme_lead_somewhere():
    text = (TUTORIALS / "README.md").read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert "://" in target or (TUTORIALS / target).exists(), target


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
# What the messaging of Jupyter warns of is not ours to repair.
@pytest.mark.filterwarnings("default")
def test_a_fresh_run_shows_what_is_stored(path, tool, tmp_path, monkeypatch):
    import matplotlib.font_manager  # noqa: F401  (else its first use writes to stderr)

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))  # nobody's settings
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    before = path.read_bytes()
    fresh = tool.execute(path)
    assert noise(fresh) == []
    assert texts(fresh) == texts(read(path))
    stored = [name for name, _ in pictures(read(path))]
    assert [name for name, _ in pictures(fresh)] == stored
    assert path.read_bytes() == before
