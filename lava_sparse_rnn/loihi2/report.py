# SPDX-License-Identifier: BSD-3-Clause
"""Mappings and estimates as rows of numbers: for tables, and for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lava_sparse_rnn.loihi2.bounds import NEURON_OPS, Estimate, Mode
from lava_sparse_rnn.loihi2.counts import PER_CORE, Counts
from lava_sparse_rnn.loihi2.mapping import Mapping


@dataclass(frozen=True)
class GroupUse:
    """What one group takes of the chip.

    Parameters
    ----------
    name : str
    cores, neurons, synapses : int
        Cores with a part of it; synapses as stored, copies included.
    formats : tuple of str
        Of its connections.
    memory, synaptic_memory : float
        Fullest core: share of a core's memory, of its synaptic memory.
    imbalance : dict of str to float
        For synapses and instructions: most loaded core over the least possible
        largest load, ``max(largest neuron, total / cores)``; 1 is perfect. Nothing
        where groups share cores: a part is no core's load then.
    state_bytes, constant_bytes : int
        Per neuron.
    """

    name: str
    cores: int
    neurons: int
    synapses: int
    formats: tuple[str, ...]
    memory: float
    synaptic_memory: float
    imbalance: dict[str, float]
    state_bytes: int
    constant_bytes: int


def group_use(mapping: Mapping) -> list[GroupUse]:
    """One row per group of neurons."""
    chip, core_of, rows = mapping.board.chip, mapping.core_of, []
    total = mapping.on_cores(mapping.total_bytes)[core_of]
    synaptic = mapping.on_cores(mapping.memory["synapses"])[core_of]
    loads = {"synapses": mapping.synapses, "instructions": mapping.instructions}
    for i, group in enumerate(mapping.groups):
        cores = mapping.cores_of(i)
        stored = mapping.stored[group.name]
        n = cores.stop - cores.start
        entries = sum((s.row_entries for s in stored), np.zeros(group.size, np.int64))
        least = {
            "synapses": max(entries.max(), entries.sum() / n, 1),
            "instructions": group.report.longest * max(1, group.size / n),
        }
        rows.append(
            GroupUse(
                name=group.name,
                cores=n,
                neurons=group.size,
                synapses=int(mapping.synapses[cores].sum()),
                formats=tuple(dict.fromkeys(s.format.name for s in stored)),
                memory=float(total[cores].max() / chip.core_bytes),
                synaptic_memory=float(synaptic[cores].max() / chip.synapse_bytes),
                imbalance={
                    name: float(load[cores].max() / least[name])
                    for name, load in loads.items()
                    if mapping.parts == len(mapping)
                },
                state_bytes=group.report.state_bytes,
                constant_bytes=group.report.constant_bytes,
            )
        )
    return rows


def core_table(mapping: Mapping) -> list[dict[str, Any]]:
    """One row per part: on which core it is, what it has, and bytes by purpose.

    ``slot`` numbers the parts of one core; it is 0 unless groups share cores.
    """
    memory, total = mapping.memory, mapping.total_bytes
    x, y = mapping.mesh.position(mapping.router_of)
    return [
        {
            "group": mapping.groups[mapping.group_of[k]].name,
            "first_neuron": int(mapping.start[k]),
            "neurons": int(mapping.neurons[k]),
            "chip": int(mapping.chip_of[k]),
            "core": int(mapping.place[k] % mapping.board.chip.cores),
            "slot": int(mapping.slot_of[k]),
            "router": [int(x[k]), int(y[k])],
            "synapses": int(mapping.synapses[k]),
            "instructions": int(mapping.instructions[k]),
            "bytes": {name: int(v[k]) for name, v in memory.items()},
            "memory": float(total[k] / mapping.board.chip.core_bytes),
        }
        for k in range(mapping.parts)
    ]


def count_table(counts: Counts) -> dict[str, dict[str, float]]:
    """Counts per token of each group, and of ``all``; means over the run."""
    mapping, table = counts.mapping, {}
    groups = [(g.name, mapping.cores_of(i)) for i, g in enumerate(mapping.groups)]
    for name, cores in (*groups, ("all", slice(None))):
        table[name] = {
            q: float(counts.real.per_part[q][:, cores].sum(axis=1).mean())
            for q in PER_CORE
        }
    return table


def busiest(counts: Counts) -> dict[str, float]:
    """Per count: that of the core where it is largest, mean over tokens."""
    return {q: float(v.mean(axis=0).max()) for q, v in counts.real.per_core.items()}


def mapping_dict(mapping: Mapping) -> dict[str, Any]:
    """A mapping as values that JSON can hold."""
    return {
        "board": asdict(mapping.board),
        "memory_model": asdict(mapping.model),
        "cores_used": len(mapping),
        "groups_per_core": mapping.share,
        "chips_used": mapping.chips,
        "copies_per_chip": mapping.copies_per_chip,
        "copies": mapping.copies,
        "groups": [asdict(row) for row in group_use(mapping)],
        "cores": core_table(mapping),
    }


def _mode(mode: Mode) -> dict[str, Any]:
    return {**asdict(mode), "energy_per_token_j": mode.energy_per_token_j}


def estimate_dict(e: Estimate, ndns: bool = True, paced: bool = True) -> dict[str, Any]:
    """An estimate as values that JSON can hold, with its label.

    The proxies of the N-DNS challenge are left out, if asked for: they mean nothing
    where tokens are no frames of sound. So is what depends on the time from one token
    to the next, which means nothing where tokens do not come in time.
    """
    counts = e.counts
    values = {
        "label": e.label,
        "preset": e.preset.model_dump(),
        "missing": list(e.missing),
        "tokens": counts.real.tokens,
        "counts_per_token": count_table(counts),
        "counts_per_idle_step": {q: counts.idle.per_token(q) for q in PER_CORE},
        "busiest_core": busiest(counts),
        "synops_per_token": float(counts.synops.mean()),
        "ops_per_token": e.ops_per_token,
        "time_terms": [asdict(t) for t in e.terms],
        "modes": [_mode(e.pipelined), _mode(e.fall_through)],
        "mapping": mapping_dict(counts.mapping),
    }
    if len(counts.lengths) > 1:
        values["sequences"] = {
            "count": len(counts.lengths),
            "tokens_each": counts.per_sequence,
            "synops_each": float(counts.synops.mean()) * counts.per_sequence,
            "modes": [
                {"name": m.name, "time_s": e.sequence_s(m), "energy_j": e.sequence_j(m)}
                for m in (e.pipelined, e.fall_through)
            ],
        }
    if paced:
        values["real_time"] = {
            "token_s": e.token_s,
            "synops_per_s": e.synops_per_s,
            "modes": [
                {"name": m.name, "times": e.real_time(m), "power_w": e.paced_w(m)}
                for m in (e.pipelined, e.fall_through)
            ],
        }
    if ndns:
        values["ndns"] = {
            "formula": f"(synops + {NEURON_OPS} * neuron updates) / {e.token_s:g} s",
            "power_proxy_ops_per_s": e.power_proxy,
            "pdp_proxy_ops": e.pdp_proxy,
            "buffer_s": e.buffer_s,
        }
    return values
