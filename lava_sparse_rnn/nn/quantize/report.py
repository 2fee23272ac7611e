# SPDX-License-Identifier: BSD-3-Clause
"""What quantisation costs: the error of every tensor, and of every part alone."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.markup import Table, as_html, titled
from lava_sparse_rnn.nn._inputs import Lengths, inputs_of, real_tokens, with_lengths
from lava_sparse_rnn.nn.folded import FoldedNetwork, check_folded
from lava_sparse_rnn.nn.quantize._simulate import PARTS, Simulation, of_tokens
from lava_sparse_rnn.spec.statistics import TensorError, decibels

Metric = Callable[[Tensor, int], float]
"""Figure of the outputs (batch, time, d_out) of the batch with this index."""

# Under which names a tensor's overflows are counted.
_NAMES = {"s": ("s_re", "s_im")}


@dataclass(frozen=True)
class Report(Brief):
    """Result of `error_report`.

    Parameters
    ----------
    tensors : tuple of TensorError
        With everything in integers.
    ablation : dict
        SNR of the network's output in dB with only one part in integers, by the
        names of `PARTS`, and with ``'all'`` of them.
    metric : dict
        The metric, if one was given, for the same and for ``'none'``.
    """

    tensors: tuple[TensorError, ...]
    ablation: dict[str, float]
    metric: dict[str, float]

    def as_dict(self) -> dict:
        """Everything in plain types; infinite ratios are None."""
        found = asdict(self)
        found["tensors"] = [_finite(row) for row in found["tensors"]]
        return {**found, "ablation": _finite(self.ablation)}

    def json(self) -> str:
        """`as_dict` as JSON."""
        return json.dumps(self.as_dict(), indent=2)

    def tables(self) -> tuple[Table, Table]:
        """Errors by tensor, and what each part alone costs."""
        tensors = [
            (
                *(str(t.layer), t.tensor, f"{t.snr_db:.1f}", str(t.overflows)),
                f"{t.overflow_share:.1e}",
            )
            for t in self.tensors
        ]
        columns = ("layer", "tensor", "SNR (dB)", "overflows", "share")
        parts = []
        for name in dict.fromkeys([*self.metric, *self.ablation]):
            figures = [f"{self.ablation.get(name, math.inf):.1f}"]
            figures += [f"{self.metric[name]:.3f}"] if self.metric else []
            parts.append((name, *figures))
        heads = ("in integers", "SNR of the output (dB)")
        heads += ("metric",) if self.metric else ()
        return (
            Table("errors by tensor", columns, tensors, text=("tensor",)),
            Table("only one part in integers", heads, parts),
        )

    def table(self) -> str:
        """Two tables in Markdown."""
        return "\n".join(table.markdown() for table in self.tables())


@as_html.register
def _(report: Report) -> str:
    return titled(report, *report.tables())


def error_report(
    folded: FoldedNetwork,
    network: spec.Network,
    batches: Tensor | Iterable[Tensor | Sequence[Tensor]],
    metric: Metric | None = None,
    *,
    lengths: Lengths = None,
) -> Report:
    """Compare a description with the real network that it was made from.

    Parameters
    ----------
    folded : FoldedNetwork
    network : spec.Network
        Of `quantize`, or fine-tuned from there.
    batches : Tensor, or iterable of Tensor, each of shape (batch, time, d_in)
        Of pairs, as a DataLoader gives them, the first is taken.
    metric : callable, optional
        ``metric(outputs, i)``: a figure of the outputs to batch ``i``, for example
        the SI-SNR of what they make of its noisy speech; averaged over the batches.
        The outputs have the padding's, too.
    lengths : Tensor of int, or iterable of them or None, each (batch,), optional
        As of `calibrate`: padding counts neither as signal and error nor as overflow.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If there is no batch, or the lengths do not fit the batches.
    """
    spec.check_network(network, "error_report", batches)
    check_folded(folded)
    sums = _Sums(folded, network, metric)
    for batch, ends in with_lengths(inputs_of(batches, folded.d_in), lengths):
        sums.add(batch, real_tokens(batch, ends))
    if not sums.batches:
        raise ValueError("the report needs at least one batch, got none")
    return sums.report()


class _Sums:
    """Energies over all batches."""

    def __init__(
        self, folded: FoldedNetwork, network: spec.Network, metric: Metric | None
    ) -> None:
        variants = {"none": (), **{p: (p,) for p in PARTS}, "all": PARTS}
        self.runs = {n: Simulation(folded, network, p) for n, p in variants.items()}
        self.metric, self.batches = metric, 0
        self.errors: dict[tuple[int, str], _Energies] = defaultdict(_Energies)
        self.output = dict.fromkeys(variants, 0.0)
        self.scores = dict.fromkeys(variants, 0.0) if metric else {}
        self.last = len(network.layers) - 1

    def add(self, batch: Tensor, real_ones: Tensor | None) -> None:
        """Run one batch (batch, time, d_in) in every variant; see `real_tokens`."""
        x = batch.transpose(0, 1)
        real = self.runs["none"].run(x, real_ones)
        for name, simulation in self.runs.items():
            found = real if name == "none" else simulation.run(x, real_ones)
            out = found[-1]["out"]
            error = of_tokens(out - real[-1]["out"], real_ones)
            self.output[name] += _energy(error)
            if self.metric is not None:
                self.scores[name] += self.metric(out.transpose(0, 1), self.batches)
            if name == "all":
                for i, layer in enumerate(real):
                    for tensor, values in layer.items():
                        pair = (values, found[i][tensor])
                        pair = (of_tokens(each, real_ones) for each in pair)
                        self.errors[i, tensor].add(*pair)
        self.batches += 1

    def report(self) -> Report:
        """What has been found."""
        overflows = self.runs["all"].overflows
        rows = []
        for (i, tensor), energies in self.errors.items():
            names = _NAMES.get(tensor, (tensor,))
            lost = sum(overflows[f"layer{i}_{name}"] for name in names)
            share = lost / energies.size
            rows.append(TensorError(i, tensor, energies.decibels, lost, share))
        total = self.errors[self.last, "out"].signal
        ablation = {n: decibels(total, e) for n, e in self.output.items()}
        del ablation["none"]
        metric = {n: score / self.batches for n, score in self.scores.items()}
        return Report(tuple(rows), ablation, metric)


@dataclass
class _Energies:
    signal: float = 0.0
    error: float = 0.0
    size: int = 0

    def add(self, real: Tensor, found: Tensor) -> None:
        self.signal += _energy(real)
        self.error += _energy(real - found)
        self.size += real.numel()

    @property
    def decibels(self) -> float:
        return decibels(self.signal, self.error)


def _energy(x: Tensor) -> float:
    return float(torch.sum(x.double().square()))


def _finite(row: dict) -> dict:
    return {
        k: None if isinstance(v, float) and not math.isfinite(v) else v
        for k, v in row.items()
    }
