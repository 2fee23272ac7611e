# SPDX-License-Identifier: BSD-3-Clause
"""Execute the tutorials and store what they show: ``python execute.py [NAME ...]``.

Each notebook runs from a clean kernel in this folder. What is written has no
execution times, no user's settings and ids that stay, so that a difference between
two versions is a difference of text, code or results. Of no name: all notebooks.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import os
import signal
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parent
TIMEOUT = 300  # seconds for one cell; it takes a few on an idle machine
COLOURS = 256  # of a stored picture: a third of the bytes, and no difference to see
QUIET = ["--IPKernelApp.log_level=ERROR"]
METADATA = {
    "SPDX-License-Identifier": "BSD-3-Clause",
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of a fresh run; the file stays as it is.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        What a cell raised, with its traceback.
    """
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    options = {"timeout": TIMEOUT, "resources": where, "extra_arguments": QUIET}
    client = NotebookClient(notebook, **options)
    group = None
    try:
        with client.setup_kernel():
            group = getattr(client.km.provisioner, "pgid", None)
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
    finally:
        if group:  # what a failed cell has left of Lava
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
    return clean(notebook)


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what differs from one machine or run to another."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    count = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = joined(cell.outputs)
            for output in cell.outputs:
                if "execution_count" in output:
                    output["execution_count"] = count
                output.get("metadata", {}).clear()
                if picture := output.get("data", {}).get("image/png"):
                    output.data["image/png"] = smaller(picture)
    return notebook


def joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Outputs with neighbouring pieces of one stream as one, however they came."""
    made: list[nbformat.NotebookNode] = []
    for output in outputs:
        if made and output.get("name", 0) == made[-1].get("name", 1):
            made[-1].text += output.text
        else:
            made.append(output)
    return made


def smaller(picture: str) -> str:
    """A PNG in base64 with fewer colours; one that has few stays as it is."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "P":
        return picture
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    file = io.BytesIO()
    few = white.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=0)
    few.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def main() -> None:
    """Execute, report times, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="files; all notebooks by default")
    names = parser.parse_args().names
    paths = [Path(name) for name in names] or sorted(FOLDER.glob("*.ipynb"))
    for path in paths:
        start = time.perf_counter()
        notebook = execute(path)
        temporary = path.with_suffix(".part")
        nbformat.write(notebook, temporary)
        temporary.replace(path)
        seconds, size = time.perf_counter() - start, path.stat().st_size
        print(f"{path.name}: {seconds:.1f} s, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
