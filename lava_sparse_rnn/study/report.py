# SPDX-License-Identifier: BSD-3-Clause
"""A study as Markdown: sizes, ratios at equal score, what failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lava_sparse_rnn.markup import Table
from lava_sparse_rnn.study import estimates
from lava_sparse_rnn.study.compare import COSTS, Saving, Size, savings, sizes
from lava_sparse_rnn.study.config import StudyConfig
from lava_sparse_rnn.study.table import Row

# Heads, columns of the table, and how a mean of them is written.
SHOWN = (
    ("float", "float_score", "{:.2f}"),
    ("before the fine-tune", "ptq_score", "{:.2f}"),
    ("integers", "integer_score", "{:.2f}"),
    ("kept weights", "kept", "{:,.0f}"),
    ("MACs a token", "macs", "{:,.0f}"),
    ("silent", "silent", "{:.0%}"),
    ("chip bytes, estimated", "chip_bytes", "{:,.0f}"),
    ("us an answer, estimated", "estimated_answer_us", "{:,.1f}"),
    ("uJ an answer, estimated", "estimated_answer_uj", "{:,.3f}"),
)


RATIO = "What dense networks need, divided by what sparse ones need; above 1 sparse win"


def report(study: StudyConfig, rows: Sequence[Row]) -> str:
    """Everything that `study show` shows, as Markdown."""
    scored = {row.figures for row in rows if row.figures}
    parts = [
        f"# Study {study.name}\n\nTask {study.task}, {study.steps:,} steps each; a "
        f"score is {' / '.join(sorted(scored)) or 'not known yet'}. Means over seeds; "
        f"{estimates.told(study, rows)}, no chip has run anything.",
        "## Sizes\n\n" + size_table(rows).markdown(),
    ]
    if study.compare:
        found = savings(study, rows)
        parts.append(
            f"## Cost at equal score\n\n{RATIO}.\n\n" + saving_table(found).markdown()
        )
        parts += [at_scores(saving) for saving in found if saving.cost == "macs"]
    if wrong := [row for row in rows if row.error is not None]:
        lines = [f"- {row.trial}: {row.error}" for row in wrong]
        parts.append("## Failed\n\n" + "\n".join(lines))
    return "\n\n".join(part for part in parts if part) + "\n"


def size_table(rows: Iterable[Row]) -> Table:
    """One line for every size, means over its seeds."""
    heads = ("family", "d_model", "d_state", "sparsity", "bits", "seeds")
    lines = [
        (*_named(size), *(_mean(size, column, form) for _, column, form in SHOWN))
        for size in sizes(rows)
    ]
    columns = (*heads, *(head for head, _, _ in SHOWN))
    return Table("means over the seeds of each size", columns, lines, text=("bits",))


def _named(size: Size) -> tuple[str, ...]:
    row = size.first
    bits = row.bits if size.mean("integer_score") is not None else ""
    seeds = str(len(size.rows))
    share = f"{row.sparsity:.0%}"
    return (row.family, str(row.d_model), str(row.d_state), share, bits, seeds)


def _mean(size: Size, column: str, form: str) -> str:
    value = size.mean(column)
    if value is None:
        return ""
    values = size.values(column)
    spread = ""
    if column.endswith("score") and len(values) > 1:
        spread = f" ({values.min():.1f} to {values.max():.1f})"
    return form.format(value) + spread


def saving_table(found: Sequence[Saving]) -> Table:
    """Ratios of every comparison, with their intervals where they were looked for."""
    words = ("sparse", "dense", "scores of", "cost", "at scores")
    sampled = any(saving.interval is not None for saving in found)
    heads = ("dense / sparse", "95 % of resamples")[: 1 + sampled]
    lines = []
    for saving in found:
        cost = COSTS.get(saving.cost, "")
        named = (saving.sparse, saving.dense, saving.score, cost)
        if saving.ratio is None:
            lines.append((*named, "", *(saving.why, "")[: len(heads)]))
            continue
        where = f"{saving.ratio.low:.2f} to {saving.ratio.high:.2f}"
        ratio = (f"{saving.ratio.mean:.2f}", _spread(saving))[: len(heads)]
        lines.append((*named, where, *ratio))
    return Table(RATIO, (*words, *heads), lines, text=words)


def _spread(saving: Saving) -> str:
    spread = saving.interval
    if spread is None or spread.mean is None:
        return "not known: a family has no size with two seeds"
    text = "{:.2f} to {:.2f}".format(*spread.mean)
    if spread.apart > 0:
        text += f"; {spread.apart:.0%} do not overlap"
    return text


def at_scores(saving: Saving) -> str:
    """The ratio along a front, score by score."""
    if saving.ratio is None or saving.interval is None:
        return ""
    lines = [
        (
            f"{score:.2f}",
            f"{value:.2f}",
            "" if spread is None else "{:.2f} to {:.2f}".format(*spread),
        )
        for score, value, spread in zip(
            saving.ratio.scores, saving.ratio.ratios, saving.interval.at, strict=True
        )
    ]
    return (
        f"{COSTS[saving.cost]}: {saving.dense} / {saving.sparse}, scores of "
        f"{saving.score}\n\n"
        + Table("", ("score", "dense / sparse", "95 % of resamples"), lines).markdown()
    )
