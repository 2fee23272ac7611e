# SPDX-License-Identifier: BSD-3-Clause
"""What a chip and a board hold, as data with a source beside each figure."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from lava_sparse_rnn.files import as_path
from lava_sparse_rnn.fixed_point import check_whole, shown
from lava_sparse_rnn.loihi2._tables import read_table
from lava_sparse_rnn.loihi2.errors import Loihi2Error

BRIEF = {"source": "Intel's Loihi 2 technology brief, second-hand"}
KIB = 1024  # the brief's KB, read as 1,024 bytes: our reading


@dataclass(frozen=True)
class Chip:
    """Capacity of one chip; Loihi 2 by default.

    Any field may be another number: `dataclasses.replace(chip, cores=120)`. Each
    default's source is in `sources`.

    Parameters
    ----------
    name : str
    cores : int
        Neurocores. Some papers say that 120 of the 128 are usable.
    neurons_per_core : int
    core_bytes : int
        Memory of a core, for everything.
    synapse_bytes : int
        The part of it that may hold synapses.
    state_bytes_per_neuron : int
    payload_bits : int
        Of a graded spike.
    weight_bits : int
        Of a stored weight.
    synapses : int
        On the whole chip.
    routers_x, routers_y, cores_per_router : int
        Network on chip: a mesh with XY routing.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    name: str = "loihi2"
    cores: int = field(default=128, metadata=BRIEF)
    neurons_per_core: int = field(default=8192, metadata=BRIEF)
    core_bytes: int = field(default=192 * KIB, metadata=BRIEF)
    synapse_bytes: int = field(default=128 * KIB, metadata=BRIEF)
    state_bytes_per_neuron: int = field(default=4096, metadata=BRIEF)
    payload_bits: int = field(default=32, metadata=BRIEF)
    weight_bits: int = field(default=8, metadata=BRIEF)
    synapses: int = field(default=120_000_000, metadata=BRIEF)
    routers_x: int = field(default=8, metadata=BRIEF)
    routers_y: int = field(default=4, metadata=BRIEF)
    cores_per_router: int = field(default=4, metadata=BRIEF)

    def __post_init__(self) -> None:
        _check_fields(self)
        places = self.routers_x * self.routers_y * self.cores_per_router
        if self.cores > places:
            raise Loihi2Error(
                f"chip {self.name!r}: {self.cores} cores, its "
                f"{self.routers_x} x {self.routers_y} routers of "
                f"{self.cores_per_router} have places for {places}"
            )
        if self.synapse_bytes > self.core_bytes:
            raise Loihi2Error(
                f"chip {self.name!r}: synapse_bytes is {self.synapse_bytes:,}, a core "
                f"has {self.core_bytes:,}"
            )

    @property
    def sources(self) -> dict[str, str]:
        """Where each figure comes from; "given" where it is not the default."""
        return _sources(self)


@dataclass(frozen=True)
class Board:
    """Some equal chips.

    Parameters
    ----------
    name : str
    chips : int
    chip : Chip
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    name: str = "oheo_gulch"
    chips: int = field(default=1, metadata=BRIEF)
    chip: Chip = field(default_factory=Chip)

    def __post_init__(self) -> None:
        _check_fields(self)
        if not isinstance(self.chip, Chip):
            kind = type(self.chip).__name__
            raise Loihi2Error(
                f"board {self.name!r}: chip is of type {kind}, must be a loihi2.Chip"
            )

    @property
    def cores(self) -> int:
        """Neurocores of all chips."""
        return self.chips * self.chip.cores


def _check_fields(thing: Chip | Board) -> None:
    """Refuse a name that is no text, and a figure that is no whole number from 1."""
    what = type(thing).__name__.lower()
    if not isinstance(thing.name, str):
        raise Loihi2Error(f"{what}: name is {shown(thing.name)}, must be a word")
    for f in fields(thing):
        if f.metadata:  # every figure has a source
            named, value = f"{what} {thing.name!r}: {f.name}", getattr(thing, f.name)
            # As an int: numpy's cannot be written to a file.
            whole = check_whole(named, value, 1, error=Loihi2Error)
            object.__setattr__(thing, f.name, whole)


def _sources(thing: Chip | Board) -> dict[str, str]:
    return {
        f.name: f.metadata["source"] if getattr(thing, f.name) == f.default else "given"
        for f in fields(thing)
        if f.metadata
    }


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board("oheo_gulch", 1),
        Board("kapoho_point", 8),
        Board("hala_point", 1152),
    )
}
"""Boards by name; their chips as Intel's technology brief has them."""


def as_board(target: Board | Chip | str | Path) -> Board:
    """A board from a board, one chip, a preset's name, or a JSON or TOML file.

    A file has the fields of `Board`, those of `Chip` in a table ``chip``; what it
    leaves out has its default.

    Raises
    ------
    Loihi2Error
    """
    if isinstance(target, Board):
        return target
    if isinstance(target, Chip):
        return Board(target.name, 1, target)
    if str(target) in BOARDS:
        return BOARDS[str(target)]
    if as_path(target, "board", Loihi2Error).suffix:
        return read_table(target, Board)
    known = ", ".join(BOARDS)
    raise Loihi2Error(f"board {str(target)!r}, must be one of: {known}; or a file")
