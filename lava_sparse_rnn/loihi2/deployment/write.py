# SPDX-License-Identifier: BSD-3-Clause
"""From a mapped network to a bundle."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.files import as_path, replacing_folder
from lava_sparse_rnn.fixed_point import check_flag, check_whole
from lava_sparse_rnn.loihi2.counts import check_same
from lava_sparse_rnn.loihi2.deployment import manifest as m
from lava_sparse_rnn.loihi2.deployment._folder import check_target
from lava_sparse_rnn.loihi2.deployment.bundle import Bundle
from lava_sparse_rnn.loihi2.deployment.errors import BundleError
from lava_sparse_rnn.loihi2.deployment.program import GroupProgram, group_program
from lava_sparse_rnn.loihi2.deployment.read import load_bundle
from lava_sparse_rnn.loihi2.groups import INPUT, ChipGroup, Connection
from lava_sparse_rnn.loihi2.mapping import Mapping, check_mapping
from lava_sparse_rnn.loihi2.memory import StoredConnection
from lava_sparse_rnn.loihi2.place import map_network
from lava_sparse_rnn.loihi2.report import core_table
from lava_sparse_rnn.microcode import Timing
from lava_sparse_rnn.spec import (
    Network,
    Sequences,
    Wire,
    check_network,
    head_of,
    reference,
)
from lava_sparse_rnn.spec.sequences import SequencesLike

GOLDEN_TOKENS, GOLDEN_SEQUENCES = 32, 4


def write_bundle(
    network: Network,
    path: str | Path,
    mapping: Mapping | None = None,
    golden: SequencesLike | None = None,
    *,
    seed: int = 0,
    overwrite: bool = False,
) -> Bundle:
    """Write a folder that has all a board needs, and an answer to check it by.

    Parameters
    ----------
    network : Network
    path : str or Path
        Of the folder. It appears whole or not at all.
    mapping : Mapping, optional
        Of this network; by default `map_network` with as few cores as possible.
    golden : array of int, shape (T, d_in) or (N, T, d_in), or a list of (T_i, d_in)
        Tokens whose answers are kept with the bundle, each sequence from a zero
        state; by default 32 random tokens, of a network that answers sequences four
        times eight.
    seed : int
        Of the random tokens.
    overwrite : bool
        Replace a bundle that is there.

    Returns
    -------
    Bundle
        As read back from the folder.

    Raises
    ------
    BundleError
        When the folder cannot be written, or there are no golden tokens.
    Loihi2Error
        When the network does not fit, or the mapping is of another one.
    SpecError
        When golden tokens do not fit the network.
    """
    check_network(network, "write_bundle", path, mapping)
    if mapping is not None:
        check_mapping(mapping, "write_bundle")
    seed = check_whole("write_bundle: seed", seed, error=BundleError)
    path = as_path(path, "bundle", BundleError)
    check_flag("write_bundle: overwrite", overwrite, BundleError)
    check_target(path, overwrite)
    mapping = map_network(network) if mapping is None else mapping
    check_same(network, mapping)
    sequences, source = _golden_sequences(network, golden, seed)
    with replacing_folder(path) as folder:
        writer = _Writer(folder)
        manifest = m.Manifest(
            **_described(network, mapping),
            **_written(writer, network, mapping),
            golden=writer.golden(network, sequences, source),
            files=writer.files,
        )
        (folder / m.FILE).write_text(m.as_json(manifest), "utf-8")
        bundle = load_bundle(folder)  # what cannot be read is not left behind
    return replace(bundle, path=path)


def _described(network: Network, mapping: Mapping) -> dict[str, Any]:
    """Fields of the manifest that are said in it alone."""
    return {
        "format": m.FORMAT,
        "schema_version": m.SCHEMA_VERSION,
        "made_by": f"lava-sparse-rnn {metadata.version('lava-sparse-rnn')}",
        "network": m.NetworkInfo(
            d_in=network.d_in,
            d_out=network.d_out,
            latency=network.latency,
            rounding=network.recipe.rounding,  # type: ignore[arg-type]
            overflow=network.recipe.overflow,  # type: ignore[arg-type]
            meta=dict(network.meta),
            head=head_of(network),  # type: ignore[arg-type]  # it has looked
        ),
        "input": _wire(INPUT, network.layers[0].inp),
        "output": _wire(mapping.groups[-1].wires[0], network.layers[-1].out),
        "board": mapping.board,
        "memory_model": mapping.model,
        "cores": _cores(mapping),
    }


def _written(writer: _Writer, network: Network, mapping: Mapping) -> dict[str, Any]:
    """Fields of the manifest whose arrays and programs are files beside it."""
    stored = [(g.name, s) for g in mapping.groups for s in mapping.stored[g.name]]
    return {
        "groups": [writer.group(group, network) for group in mapping.groups],
        "connections": [writer.connection(name, s) for name, s in stored],
    }


def _golden_sequences(
    network: Network, golden: SequencesLike | None, seed: int
) -> tuple[Sequences, str]:
    if golden is None:
        fmt = network.layers[0].inp.format
        rng = np.random.default_rng(seed)
        count = 1 if head_of(network) == "sequence" else GOLDEN_SEQUENCES
        shape = (count, GOLDEN_TOKENS // count, network.d_in)
        x = rng.integers(fmt.lowest, fmt.highest + 1, shape)
        return Sequences.of(network, x if count > 1 else x[0]), f"seed {seed}"
    found = Sequences.of(network, golden)
    if not found.lengths or not all(found.lengths):
        raise BundleError(
            "no golden tokens: a bundle is checked with one at least, and every "
            "sequence has one"
        )
    return found, "given"


def _wire(name: str, wire: Wire) -> m.WireFormat:
    return m.WireFormat(wire=name, bits=wire.bits, frac=wire.frac.tolist())


def _cores(mapping: Mapping) -> list[m.Core]:
    return [
        m.Core(
            group=row["group"],
            first=row["first_neuron"],
            **{
                k: row[k]
                for k in (
                    "neurons",
                    "chip",
                    "core",
                    "slot",
                    "router",
                    "synapses",
                    "bytes",
                )
            },
        )
        for row in core_table(mapping)
    ]


class _Writer:
    """Writes the files of a bundle and remembers what they hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, m.FileEntry] = {}
        self._programs: dict[str, str] = {}  # text to file

    def group(self, group: ChipGroup, network: Network) -> m.Group:
        """Write a group's program and constants."""
        modes = {"pipelined": 1, "fall_through": network.latency}
        parts = {
            mode: _part(group, network, Timing(group.depth, period))
            for mode, period in modes.items()
        }
        part = parts["pipelined"]
        timed = {
            name
            for name, value in part.constants.items()
            if any(not np.array_equal(value, p.constants[name]) for p in parts.values())
        }
        kept = {k: v for k, v in part.constants.items() if k not in timed}
        return m.Group(
            name=group.name,
            kind=group.kind,
            depth=group.depth,
            neurons=group.size,
            program=self.program(part),
            constants=self.arrays(f"constants/{group.name}.npz", _small(kept)),
            timing={
                mode: {name: int(p.constants[name]) for name in sorted(timed)}
                for mode, p in parts.items()
            },  # type: ignore[arg-type]
            wires=[
                m.OutputWire(
                    wire=wire,
                    output=output,
                    bits=part.program.names[output].bits,
                )
                for wire, output in zip(
                    group.wires, group.constants.outputs, strict=True
                )
            ],
            counted={name: group.prefix + name for name in group.constants.tensors},
        )

    def program(self, part: GroupProgram) -> str:
        """Write a program once, whatever the number of groups that have it."""
        if part.text not in self._programs:
            stem, used = part.program.name, set(self._programs.values())
            names = (f"programs/{stem}{i or ''}.asm" for i in range(len(used) + 1))
            name = next(n for n in names if n not in used)
            self._programs[part.text] = self.content(name, part.text.encode("utf-8"))
        return self._programs[part.text]

    def connection(self, group: str, stored: StoredConnection) -> m.Connection:
        """Write the weights of a connection."""
        c: Connection = stored.connection
        kept = {n: getattr(c.matrix, n) for n in ("data", "indices", "indptr")}
        return m.Connection(
            name=c.name,
            source=c.source,
            group=group,
            accumulator=c.accumulator,
            delay=c.delay,
            weights=self.arrays(f"synapses/{c.name}.npz", _small(kept)),
            shape=list(c.shape),
            bits=c.bits,
            format=stored.format.name,  # type: ignore[arg-type]
            entry_bits=stored.entry_bits,
            copies=c.copies,
        )

    def golden(self, network: Network, x: Sequences, source: str) -> m.Golden:
        """Write the tokens that a bundle is checked by, and their answers."""
        answers = np.concatenate([reference.run(network, part) for part in x])
        several = list(x.lengths) if len(x) > 1 else None
        return m.Golden(
            input=self.array("golden/input.npy", np.asarray(x.tokens, np.int64)),
            output=self.array("golden/output.npy", answers),
            tokens=len(x.tokens),
            lengths=several,
            source=source,
        )

    def array(self, name: str, value: NDArray) -> str:
        """Write an array."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        small = np.ascontiguousarray(_narrow(value))
        np.save(self.folder / name, small, allow_pickle=False)
        return self._remember(name)

    def arrays(self, name: str, values: dict[str, Any]) -> str:
        """Write named arrays."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        np.savez_compressed(self.folder / name, **values)
        return self._remember(name)

    def content(self, name: str, content: bytes) -> str:
        """Write bytes."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_bytes(content)
        return self._remember(name)

    def _remember(self, name: str) -> str:
        content = (self.folder / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self.files[name] = m.FileEntry(sha256=digest, bytes=len(content))
        return name


def _part(group: ChipGroup, network: Network, timing: Timing) -> GroupProgram:
    return group_program(group.name, group.constants, network.recipe, timing)


def _small(arrays: dict[str, Any]) -> dict[str, NDArray]:
    return {name: _narrow(value) for name, value in arrays.items()}


def _narrow(value: Any) -> NDArray:
    """Integers in the narrowest signed type that holds them."""
    array = np.asarray(value)
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    return array.astype(np.min_scalar_type(min(low, -1 - high)))
