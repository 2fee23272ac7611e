# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn study``: many trainings, their table, fronts and ratios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lava_sparse_rnn import messages
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs
from lava_sparse_rnn.cli._options import at_least, path_argument, path_option
from lava_sparse_rnn.files import replacing

if TYPE_CHECKING:
    from lava_sparse_rnn.study import Row, Study

SHOWN = 5  # of the trials that failed, so many by their names

app = typer.Typer(no_args_is_help=True)

StudyFile = Annotated[
    Path, path_argument(help="The study, YAML; or the study.json in its folder.")
]
Settings = Annotated[
    list[str] | None,
    typer.Argument(help="Settings that override it: steps=100, budget.hours=1, ..."),
]
Table = Annotated[
    Path | None,
    path_option(help="A table of rows, CSV.", show_default="the one in its folder"),
]


@app.command(context_settings={"allow_interspersed_args": True})
def run(
    study: StudyFile,
    settings: Settings = None,
    address: Annotated[
        str | None, typer.Option(help="Of a ray cluster; else this machine alone.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            callback=at_least(1), help="Trials at once.", show_default="one a core"
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Name all trials and run none.")
    ] = False,
) -> None:
    """Run all trials of a study; the same command goes on where it was stopped.

    If trials have failed the exit status is 1, after all others are done.
    """
    messages.require("study", "study", "torch")
    from lava_sparse_rnn.study import read_study, trials
    from lava_sparse_rnn.study import workers as ray
    from lava_sparse_rnn.study.table import TABLE

    chosen = read_study(study, settings or [])
    screen = console()
    if show:
        for trial in trials(chosen):
            screen.print(trial.name)
        return
    rows = ray.run(chosen, address, workers, screen.print)
    failed = sum(row.status == "failed" for row in rows)
    screen.print(
        f"{len(rows) - failed} trials done, {failed} failed: {chosen.directory / TABLE}"
    )
    _tell_wrong(rows, chosen.directory)


@app.command(context_settings={"allow_interspersed_args": True})
def show(
    study: StudyFile,
    settings: Settings = None,
    table: Table = None,
    output: Annotated[
        Path | None, path_option("-o", "--output", help="Write it here, Markdown.")
    ] = None,
) -> None:
    """Show sizes, scores and costs, and the ratios at equal score with intervals."""
    check_outputs(output, reads=[study, table])
    text = _read(study, settings, table).report()
    if output is None:
        console().print(text)
        return
    with replacing(output) as temporary:
        temporary.write_text(text, "utf-8")
    console().print(f"report: {output}")


@app.command(context_settings={"allow_interspersed_args": True})
def plot(
    study: StudyFile,
    folder: Annotated[Path, path_argument(help="Where pictures go, PNG and SVG.")],
    settings: Settings = None,
    table: Table = None,
) -> None:
    """Draw the fronts, and what changes with sparsity, bits and activity."""
    opened = _read(study, settings, table)
    from lava_sparse_rnn.study.plots import draw

    for path in draw(opened.config, opened.rows, folder):
        console().print(f"picture: {path}")


def _tell_wrong(rows: list[Row], folder: Path) -> None:
    """The study has failed in part: its exit status says so too."""
    wrong = [row for row in rows if row.error is not None]
    if not wrong:
        return
    failed = sum(row.status == "failed" for row in wrong)
    counts = ((failed, "failed"), (len(wrong) - failed, "could not be estimated anew"))
    what = " and ".join(f"{n} {verb}" for n, verb in counts if n)
    names = ", ".join(row.trial for row in wrong[:SHOWN])
    if len(wrong) > SHOWN:
        names += f" and {len(wrong) - SHOWN} more"
    raise ValueError(
        f"of {len(rows)} trials {what}: {names}; their errors are in the table, where "
        f"they came from in {folder / 'trials'}/NAME/error.txt"
    )


def _read(path: Path, settings: list[str] | None, table: Path | None) -> Study:
    """A study and its rows."""
    messages.require("study", "study", "torch")
    from lava_sparse_rnn.study import Study

    return Study.open(path, table, settings or [])
