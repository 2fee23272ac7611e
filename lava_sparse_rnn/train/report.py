# SPDX-License-Identifier: BSD-3-Clause
"""What quantisation costs a denoiser, as files beside its network."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.nn.quantize import FoldedNetwork, Report, error_report
from lava_sparse_rnn.tasks.denoise import task
from lava_sparse_rnn.tasks.denoise.data import Batch
from lava_sparse_rnn.tasks.denoise.frontend import analyse_features
from lava_sparse_rnn.tasks.denoise.losses import si_snr

# A report runs six variants in float64; a few mixtures show what costs what.
_MIXES = 8


def quantisation_report(
    folded: FoldedNetwork, network: spec.Network, front: FrontEnd, mixes: list[Batch]
) -> Report:
    """Errors of every tensor, and the improvement of SI-SNR with each part alone.

    Parameters
    ----------
    folded : FoldedNetwork
        The real network that the integers were made from.
    network : spec.Network
    front : FrontEnd
    mixes : list of (noisy, clean), each of shape (batch, samples)
        The first few of every entry are used.

    Returns
    -------
    Report
        Its metric is the mean improvement of SI-SNR in dB.
    """
    pairs = [tuple(torch.from_numpy(x[:_MIXES]) for x in mix) for mix in mixes]

    def improvement(outputs: Tensor, i: int) -> float:
        noisy, clean = pairs[i]
        wave = task.denoise(lambda _: outputs.transpose(0, 1), front, noisy)
        noisy, clean = (x[:, : wave.shape[1]] for x in (noisy, clean))
        return float((si_snr(wave, clean) - si_snr(noisy, clean)).mean())

    features = [analyse_features(front, noisy)[1].transpose(0, 1) for noisy, _ in pairs]
    with torch.no_grad():
        return error_report(folded, network, features, improvement)


def write_report(report: Report, net: Path) -> Path:
    """Write a report beside the network file `net`, as Markdown and as JSON.

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
        "The metric is the mean\nimprovement of SI-SNR in dB on a few validation "
        "mixtures, with only one part in integers.\n\n"
    )
    for target, content in (
        (path, text + report.table()),
        (path.with_suffix(".json"), report.json() + "\n"),
    ):
        with replacing(target) as temporary:
            temporary.write_text(content, "utf-8")
    return path
