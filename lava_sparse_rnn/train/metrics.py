# SPDX-License-Identifier: BSD-3-Clause
"""Where the figures of a run go: CSV, TensorBoard and the terminal."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from rich.console import Console

from lava_sparse_rnn.progress import bar


class MetricLog:
    """Appends rows to a CSV file, TensorBoard scalars, and progress.

    Parameters
    ----------
    path : Path
        The CSV.
    directory : Path
        Folder of the run.
    steps : int
        Length of the progress bar.
    columns : tuple of str
        Figures besides `FIELDS`, in the order of the CSV's columns.
    resume_step : int
        Rows of later steps, left by a run that died after its last checkpoint, are
        dropped.
    """

    FIELDS = ("step", "loss", "lr", "grad_norm", "seconds_per_step")

    def __init__(
        self,
        path: Path,
        directory: Path,
        steps: int,
        columns: tuple[str, ...],
        resume_step: int = 0,
    ) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._fields = (*self.FIELDS, *columns)
        self._path = path
        rows = self._earlier_rows(resume_step)
        self._file = self._path.open("w", newline="", encoding="utf-8")
        self._csv = csv.DictWriter(self._file, self._fields, extrasaction="ignore")
        self._csv.writeheader()
        self._csv.writerows(rows)
        self._file.flush()
        # What a run that died has logged after its last checkpoint is dropped, too.
        self._board = SummaryWriter(
            str(directory / "tensorboard" / path.stem),
            purge_step=resume_step + 1 if resume_step else None,
        )
        self._console = Console()
        # Rows are printed anyway: lines would be too many.
        self._bar = bar("training", self._console, lines=False)
        self._shown, self._steps = self._bar.__enter__(), steps
        self.advance(resume_step)

    def _earlier_rows(self, resume_step: int) -> list[dict[str, str]]:
        if resume_step == 0 or not self._path.exists():
            return []
        with self._path.open(newline="", encoding="utf-8") as file:
            return [r for r in csv.DictReader(file) if int(r["step"]) <= resume_step]

    def advance(self, step: int) -> None:
        """Move the progress bar."""
        self._shown(step, self._steps)

    def row(self, step: int, values: dict[str, Any]) -> None:
        """Record figures of a step; names that are no column are ignored."""
        self._csv.writerow({"step": step, **values})
        self._file.flush()
        for name, value in values.items():
            self._board.add_scalar(name, value, step)
        text = "  ".join(f"{k} {v:.4g}" for k, v in values.items())
        # A pipe or a file gets a step a line, however long.
        self._console.print(
            f"step {step}  {text}",
            highlight=False,
            soft_wrap=not self._console.is_terminal,
        )

    def __enter__(self) -> MetricLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Flush and close everything."""
        self._bar.__exit__(None, None, None)
        self._board.close()
        self._file.close()
