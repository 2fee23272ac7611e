# SPDX-License-Identifier: BSD-3-Clause
"""What quantisation costs a network, as files beside it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lava_sparse_rnn import spec
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.nn.quantize import FoldedNetwork, Report, error_report
from lava_sparse_rnn.train.tasks import Task


def quantisation_report(
    folded: FoldedNetwork, network: spec.Network, task: Task
) -> Report:
    """Errors of every tensor, and the task's score with each part alone.

    Parameters
    ----------
    folded : FoldedNetwork
        The real network that the integers were made from.
    network : spec.Network
    task : Task
        Its probes are what is computed.

    Returns
    -------
    Report
    """
    probes = task.probes()

    def metric(outputs: Tensor, i: int) -> float:
        return task.score(outputs, probes[i])

    features = [task.probe_features(batch) for batch in probes]
    lengths = [task.lengths(batch) for batch in probes]
    with torch.no_grad():
        return error_report(folded, network, features, metric, lengths=lengths)


def write_report(report: Report, net: Path, metric: str) -> Path:
    """Write a report beside the network file `net`, as Markdown and as JSON.

    Parameters
    ----------
    report : Report
    net : Path
    metric : str
        What the task's score is, see `Task.metric`.

    Returns
    -------
    Path
        ``<net without suffix>-quantisation.md``; the JSON has the same stem.
    """
    path = net.with_name(f"{net.stem}-quantisation.md")
    text = (
        f"# What quantisation costs `{net.name}`\n\n"
        "Compared with the real network that it was made from (for a fine-tuned one: "
        "before the\nfine-tune, whose changes of the weights count as errors, too). "
        "The metric is with only\none part in integers: "
        f"{metric}.\n\n"
    )
    for target, content in (
        (path, text + report.table()),
        (path.with_suffix(".json"), report.json() + "\n"),
    ):
        with replacing(target) as temporary:
            temporary.write_text(content, "utf-8")
    return path
