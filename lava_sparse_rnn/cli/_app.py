# SPDX-License-Identifier: BSD-3-Clause
"""The application object, and what happens to errors."""

from __future__ import annotations

import logging
import sys
from typing import Annotated, NoReturn

import typer
from rich.text import Text

import lava_sparse_rnn
from lava_sparse_rnn import messages
from lava_sparse_rnn.cli import (
    _data,
    _demo,
    _denoise,
    _deploy,
    _estimate,
    _evaluate,
    _export_c,
    _export_nir,
    _export_onnx,
    _info,
    _live,
    _report,
    _run,
    _study,
    _train,
)
from lava_sparse_rnn.cli._console import console, flush, replace_unknown
from lava_sparse_rnn.cli._signals import stopping
from lava_sparse_rnn.cli._streams import occupy
from lava_sparse_rnn.cli._usage import UsageProblem, explain

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        console().print(f"lava-sparse-rnn {lava_sparse_rnn.__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show it and end."
        ),
    ] = False,
) -> None:
    """Sparse, fixed-point linear recurrent networks for Lava and Loihi 2."""


app.command("denoise")(_denoise.denoise)
app.command("live")(_live.live)
app.command("info")(_info.info)
app.command("run")(_run.run)
app.command("evaluate")(_evaluate.evaluate)
app.command("estimate")(_estimate.estimate)
app.command("report")(_report.report)
app.command("deploy")(_deploy.deploy)
app.command("export-c")(_export_c.export_c)
app.command("demo")(_demo.demo)
app.command("export-onnx")(_export_onnx.export_onnx)
app.command("export-nir")(_export_nir.export_nir)
app.command("import-nir")(_export_nir.import_nir)
app.command("train", context_settings={"allow_interspersed_args": True})(_train.train)
app.add_typer(_data.app, name="data", help="Fetch and mix recordings.")
app.add_typer(_study.app, name="study", help="Many trainings: fronts and ratios.")


def run() -> None:
    """Run the command; user errors become one line, not a traceback."""
    # It tells of a home without room for its cache, by the system's numbers.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    replace_unknown()
    try:
        _guarded()
    finally:
        flush()


def _guarded() -> None:
    # Errors of this library, of option values and of files are ValueErrors and
    # OSErrors whose text is meant for the user; anything else is a defect.
    occupy()
    try:
        with stopping():
            sys.exit(app(standalone_mode=False) or 0)
    except UsageProblem as error:
        _fail(explain(error), 2)
    except BrokenPipeError:  # whoever read what is written here has heard enough
        sys.exit(1)
    except (ValueError, OSError, ImportError) as error:
        _fail(messages.sentence(error), 1)
    except MemoryError as error:  # whoever gave the sizes can give smaller ones
        why = str(error)
        _fail(f"there is not enough memory{f': {why}' if why else ''}", 1)


def _fail(text: str, status: int) -> NoReturn:
    if text:
        told = messages.on_one_line(text)
        line = Text.assemble(("error:", "red bold"), f" {told}")
        console(stderr=True).print(line)
    sys.exit(status)
