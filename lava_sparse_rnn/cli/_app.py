# SPDX-License-Identifier: BSD-3-Clause
"""The application object, and what happens to errors."""

from __future__ import annotations

import sys

import typer
from rich.text import Text

from lava_sparse_rnn.cli import (
    _data,
    _denoise,
    _deploy,
    _estimate,
    _evaluate,
    _export_c,
    _info,
    _live,
    _run,
    _train,
)
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._signals import stopping
from lava_sparse_rnn.cli._streams import occupy

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Sparse, fixed-point linear recurrent networks for Lava and Loihi 2.",
)
app.command("denoise")(_denoise.denoise)
app.command("live")(_live.live)
app.command("info")(_info.info)
app.command("run")(_run.run)
app.command("evaluate")(_evaluate.evaluate)
app.command("estimate")(_estimate.estimate)
app.command("deploy")(_deploy.deploy)
app.command("export-c")(_export_c.export_c)
app.command("train", context_settings={"allow_interspersed_args": True})(_train.train)
app.add_typer(_data.app, name="data", help="Fetch and mix recordings.")


def main() -> None:
    """Run the command; user errors become one line, not a traceback."""
    # Errors of this library, of option values and of files are ValueErrors and
    # OSErrors whose text is meant for the user; anything else is a defect.
    occupy()
    try:
        with stopping():
            app()
    except (ValueError, OSError, ImportError) as error:
        text = str(error) or type(error).__name__
        console(stderr=True).print(Text.assemble(("error:", "red bold"), f" {text}"))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
