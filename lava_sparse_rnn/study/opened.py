# SPDX-License-Identifier: BSD-3-Clause
"""A study and its rows as one object, which notebooks show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lava_sparse_rnn import pictures
from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.markup import Table, as_html, titled
from lava_sparse_rnn.study.compare import savings, sizes
from lava_sparse_rnn.study.config import StudyConfig, read_study
from lava_sparse_rnn.study.plots import PANELS, draw_fronts, draw_slices
from lava_sparse_rnn.study.report import report, saving_table, size_table
from lava_sparse_rnn.study.table import TABLE, Row, read_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class Study(Brief):
    """A study, and what its trials have shown.

    Parameters
    ----------
    config : StudyConfig
    rows : tuple of Row
        One a trial.

    Examples
    --------
    ::

        Study.open("docs/study_digits.yaml", "docs/study_digits.csv")
    """

    config: StudyConfig
    rows: tuple[Row, ...]

    @classmethod
    def open(
        cls,
        path: str | Path,
        table: str | Path | None = None,
        settings: Sequence[str] = (),
    ) -> Study:
        """Read a study and its table.

        Parameters
        ----------
        path : str or Path
            YAML, or the study.json in its folder.
        table : str or Path, optional
            CSV; the one in its folder if there is none.
        settings : sequence of str
            ``section.key=value``, over what the file says.

        Raises
        ------
        ValueError
            When either is not what it should be.
        OSError
        """
        config = read_study(Path(path), settings)
        own = config.directory / TABLE
        if table is None and not own.exists():
            beside = Path(path).with_suffix(".csv")
            hint = f"--table {beside}" if beside.exists() else "--table another one"
            raise FileNotFoundError(
                f"{own}: no such table; `study run {path}` makes it, {hint} is read "
                "instead"
            )
        return cls(config, tuple(read_table(Path(table or own))))

    def report(self) -> str:
        """Sizes, ratios with their intervals, what failed: Markdown."""
        return report(self.config, self.rows)

    def fronts(self, panels: Sequence[tuple[str, str]] = PANELS) -> Figure:
        """Scores of the compared families against their costs.

        Parameters
        ----------
        panels : sequence of (str, str)
            Of what the score is (``"float"``, ``"integers"``), and the cost:
            ``"macs"``, ``"weight_bytes"``, ``"chip_bytes"`` or ``"file_bytes"``.
        """
        return draw_fronts(self.config, self.rows, panels)

    def slices(self) -> Figure:
        """What changes with sparsity and bits, and how many messages are silent."""
        return draw_slices(self.config, self.rows)

    def tables(self) -> tuple[Table, ...]:
        """Sizes, and ratios at equal score without their intervals."""
        found = savings(self.config, self.rows, intervals=False)
        made = [size_table(self.rows)]
        return (*made, saving_table(found)) if found else (*made,)

    def _about(self) -> str:
        config, n = self.config, len(self.rows)
        failed = sum(row.status == "failed" for row in self.rows)
        return (
            f"{config.name}: task {config.task}, {len(config.families)} families, "
            f"{config.steps:,} steps, {n - failed} trials done, {failed} failed"
        )


@as_html.register
def _(study: Study) -> str:
    shown = titled(study, *study.tables())
    if sizes(study.rows):
        shown += pictures.html(study.fronts(), "scores against costs")
    return shown
