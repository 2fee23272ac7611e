# SPDX-License-Identifier: BSD-3-Clause
"""A bundle, read from its folder and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.loihi2.deployment import manifest as m
from lava_sparse_rnn.loihi2.deployment.errors import BundleError
from lava_sparse_rnn.loihi2.deployment.program import GroupProgram
from lava_sparse_rnn.microcode import Program

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Bundle(Brief):
    """What a bundle's folder holds, all of it read and checked.

    Parameters
    ----------
    path : Path
    manifest : Manifest
    programs : dict of str to Program
        Of each group.
    constants : dict of str to dict of str to array of int
        Of each group, without those that depend on the mode.
    weights : dict of str to csr_array of int32, shape (n_out, n_in)
        Of each connection.
    golden_input, golden_output : array of int64, shapes (T, d_in), (T, d_out)
        Of all golden sequences, one after another.
    """

    path: Path
    manifest: m.Manifest
    programs: dict[str, Program]
    constants: dict[str, dict[str, IntArray]]
    weights: dict[str, sparse.csr_array]
    golden_input: IntArray
    golden_output: IntArray

    def _about(self) -> str:
        m, held = self.manifest, sum(f.bytes for f in self.manifest.files.values())
        sizes = f"{m.network.d_in} -> {m.network.d_out}, latency {m.network.latency}"
        parts = f"{len(m.groups)} groups, {len(m.connections)} connections"
        checked = f"{len(self.golden_input)} golden tokens, {held:,} bytes"
        return f"'{self.path}', {sizes}, {parts}, {self.cores} cores, {checked}"

    @property
    def cores(self) -> int:
        """Cores that are used, however many groups share one."""
        return len({(core.chip, core.core) for core in self.manifest.cores})

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each golden sequence."""
        golden = self.manifest.golden
        return tuple(golden.lengths or (golden.tokens,))

    def split(self, values: IntArray) -> list[IntArray]:
        """Values of all golden tokens, sequence by sequence."""
        return np.split(values, np.cumsum(self.lengths)[:-1])

    def answers(self, values: IntArray) -> NDArray[np.float64]:
        """What the network's head makes of answers to the golden tokens.

        Parameters
        ----------
        values : array of int, shape (T, d_out)

        Returns
        -------
        array of float64
            Real values, shape (T, d_out) where every token is answered, else a row a
            sequence: the sum of its integers, divided by its tokens, or its last one.
        """
        kind = self.manifest.network.head
        scale = np.ldexp(1.0, -np.asarray(self.manifest.output.frac))
        if kind == "sequence":
            return np.asarray(values * scale, np.float64)
        parts = self.split(values)
        if kind == "last":
            return np.array([part[-1] * scale for part in parts])
        return np.array([part.sum(axis=0) * scale / len(part) for part in parts])

    def group_program(self, name: str, mode: str = "pipelined") -> GroupProgram:
        """A group's program with its constants for one mode.

        Parameters
        ----------
        name : str
        mode : {"pipelined", "fall_through"}

        Raises
        ------
        BundleError
        """
        group = next((g for g in self.manifest.groups if g.name == name), None)
        if group is None:
            known = ", ".join(self.programs)
            raise BundleError(f"{self.path}: no group {name!r}, there are: {known}")
        self.period(mode)
        timed = {k: np.asarray(v) for k, v in dict(group.timing).get(mode, {}).items()}  # type: ignore[call-overload]
        return GroupProgram(
            name=name,
            program=self.programs[name],
            constants={**self.constants[name], **timed},
            neurons=group.neurons,
            rounding=self.manifest.network.rounding,
            overflow=self.manifest.network.overflow,
        )

    def period(self, mode: str) -> int:
        """Time steps from one token to the next.

        Raises
        ------
        BundleError
        """
        periods = self.manifest.periods
        if mode not in periods:
            known = ", ".join(periods)
            raise BundleError(f"mode is {mode!r}, must be one of: {known}")
        return periods[mode]
