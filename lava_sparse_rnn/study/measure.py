# SPDX-License-Identifier: BSD-3-Clause
"""What a trained network costs: sizes, counted operations, estimates of a chip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.spec import reference, statistics
from lava_sparse_rnn.study import estimates
from lava_sparse_rnn.train import Result, Task

TOKENS = 2000
"""Of the task's probes, after which counting ends; a sequence is never cut."""


def integer_costs(result: Result, coefficients: str) -> dict[str, Any]:
    """Columns of `Row` that follow from the integers of a trained network.

    Parameters
    ----------
    result : Result
    coefficients : str
        Of `loihi2.estimate`.
    """
    network, task = result.network, result.task
    sizes = statistics.matrix_sizes(network)
    found: dict[str, Any] = {
        "weights": sum(size.total for size in sizes),
        "kept": sum(size.nnz for size in sizes),
        "parameters": statistics.parameters(network),
        "weight_bytes": sum(size.weight_bytes for size in sizes),
        "file_bytes": Path(result.path).stat().st_size,
    }
    sequences = [network.to_wire(x.numpy()) for x in probes(task)]
    trace: dict[str, Any] = {}
    reference.run(network, sequences, trace)
    found["silent"] = silent(network, trace)
    estimate = _estimate(network, sequences, coefficients)
    return found | counted(estimate, task.token_s) | estimated(estimate)


def estimates_anew(
    network: spec.Network, task: Task, coefficients: str
) -> dict[str, Any]:
    """Those columns of `integer_costs` that follow from coefficients.

    Parameters
    ----------
    network : Network
    task : Task
        As the network sees it.
    coefficients : str
        Of `loihi2.estimate`.
    """
    sequences = [network.to_wire(x.numpy()) for x in probes(task)]
    return estimated(_estimate(network, sequences, coefficients))


def _estimate(
    network: spec.Network, sequences: list[np.ndarray], coefficients: str
) -> loihi2.Estimate:
    mapping = loihi2.map_network(network)
    return loihi2.estimate(network, sequences, mapping, coefficients)


def probes(task: Task) -> Iterator[Tensor]:
    """Sequences (T, d_in) of the task's probes, as many as are counted."""
    seen = 0
    for batch in task.probes():
        for x in task.sequences(batch):
            if seen >= TOKENS:
                return
            seen += len(x)
            yield x


def silent(network: spec.Network, trace: dict[str, Any]) -> float:
    """Share of messages between neurons that are zero; the answers do not count."""
    last = f"layer{len(network.layers) - 1}_"
    sent = [
        np.concatenate([np.ravel(part) for part in _parts(wire)])
        for name, wire in trace.items()
        if not name.startswith(last)
    ]
    zeros = sum(int((wire == 0).sum()) for wire in sent)
    return zeros / sum(wire.size for wire in sent)


def _parts(wire: Any) -> list[np.ndarray]:
    return list(wire) if isinstance(wire, list | tuple) else [wire]


def counted(estimate: loihi2.Estimate, token_s: float | None) -> dict[str, Any]:
    """Operations of a token, of an answer, and of a second where there is one."""
    counts = estimate.counts
    macs = float(counts.synops.mean())
    updates = counts.real.per_token("neuron_updates")
    found = {
        "macs": macs,
        "neuron_updates": updates,
        "tokens": counts.per_sequence,
        "macs_per_answer": macs * counts.per_sequence,
    }
    if token_s is not None:
        found["synops_per_s"] = macs / token_s
        found["neuron_updates_per_s"] = updates / token_s
    return found


def estimated(estimate: loihi2.Estimate) -> dict[str, Any]:
    """Time, energy and memory of a chip that nothing was run on."""
    mapping, mode = estimate.counts.mapping, estimate.pipelined
    return {
        "coefficients": estimate.preset.name,
        "coefficients_digest": estimates.digest(estimate.preset),
        "chip_bytes": int(mapping.total_bytes.sum()),
        "cores": len(mapping),
        "estimated_step_us": _micro(mode.step_s),
        "estimated_latency_us": _micro(estimate.fall_through.latency_s),
        "estimated_energy_uj": _micro(mode.energy_per_token_j),
        "estimated_answer_us": _micro(estimate.sequence_s(mode)),
        "estimated_answer_uj": _micro(estimate.sequence_j(mode)),
    }


def float_costs(model: SparseRNN, weight_bits: int) -> dict[str, Any]:
    """The same of a network that has no integers, as far as they can be known.

    Behind a GELU no message is zero: every kept weight works for every token.
    """
    masks = [getattr(owner, f"{name}_mask") for _, owner, name in model.prunable()]
    kept = sum(int(mask.sum()) for mask in masks)
    diagonals = len(model.blocks) * model.d_model
    return {
        "weights": sum(mask.numel() for mask in masks),
        "kept": kept,
        "macs": float(kept + diagonals),
        "silent": 0.0,
        "weight_bytes": -(-kept * weight_bits // 8),
    }


def integer_model(network: spec.Network):
    """The integers as the model that a task validates: (T, batch, d) in real units."""

    def model(x: Tensor) -> Tensor:
        wire = network.to_wire(x.transpose(0, 1).double().numpy())
        y = network.from_wire(reference.run(network, wire))
        return torch.from_numpy(np.ascontiguousarray(y)).transpose(0, 1)

    return model


def _micro(value: float | None) -> float | None:
    return None if value is None else value * 1e6
