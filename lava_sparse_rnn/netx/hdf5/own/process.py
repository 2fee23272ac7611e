# SPDX-License-Identifier: BSD-3-Clause
"""The Process of a file of this library's layers."""

from __future__ import annotations

from os import PathLike
from typing import Any

from lava.magma.core.process.variable import Var

from lava_sparse_rnn.netx._file import chosen, is_own, own_network
from lava_sparse_rnn.netx._table import Row, description_rows
from lava_sparse_rnn.netx.hdf5.own.numbers import renumbered
from lava_sparse_rnn.netx.hdf5.process import Network
from lava_sparse_rnn.proc.sparse_rnn.process import SparseRNN
from lava_sparse_rnn.spec import Layer
from lava_sparse_rnn.spec import Network as Description
from lava_sparse_rnn.spec.entries import Entry


class OwnNetwork(SparseRNN, Network):
    """A ``.net`` file of this library's layers as a Lava Process.

    Parameters
    ----------
    net_config : str or path
    entries : list of Entry
        The open file, which nobody has to give: see `OfFile`.
    num_layers, skip_layers
        See `Network`.
    mode, depth, period, reset_interval, reset_offset, num_tokens
        See `SparseRNN`.

    Attributes
    ----------
    inp, out : InPort, OutPort, shape (d_in,) and (d_out,)
    network : spec.Network
        The description; its `to_wire` and `from_wire` convert real values.

    Raises
    ------
    SpecError
        When the file is missing, damaged, or has other layers.
    """

    given = ("entries", "network")

    def __init__(
        self,
        net_config: str | PathLike[str],
        *,
        entries: list[Entry],
        num_layers: int | None = None,
        skip_layers: int = 0,
        **kwargs: Any,
    ) -> None:
        begin, end = chosen(entries, num_layers, skip_layers)
        network = own_network(entries)
        if (begin, end) != (0, len(entries)):
            layers = network.layers[begin:end]
            network = Description(layers, network.recipe, network.meta)
        super().__init__(
            network, net_config=str(net_config), first_layer=begin, **kwargs
        )
        self.first_layer = begin
        self._rename()

    def _rename(self) -> None:
        """Call Vars by the numbers of layers in the file, as its models do.

        A description counts its own layers from 0, and so does `SparseRNN`.
        """
        new = {
            name: renumbered(name, self.first_layer)
            for name, held in self.__dict__.items()
            if isinstance(held, Var)
        }
        # All are taken before any is given back: old and new names overlap.
        held = [(name, self.__dict__.pop(old)) for old, name in new.items()]
        self.__dict__.update(held)
        self.state_names = tuple(
            tuple(new[name] for name in names) for names in self.state_names
        )

    @classmethod
    def reads(cls, entries: list[Entry]) -> bool:
        """Whether the whole file is one description."""
        return is_own(entries)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers' descriptions, from input to output."""
        return self.network.layers

    @property
    def input_message_bits(self) -> int:
        """Width of the payloads that ``inp`` takes."""
        return self.layers[0].inp.bits

    @property
    def output_message_bits(self) -> int:
        """Width of the payloads that ``out`` sends."""
        return self.layers[-1].out.bits

    def rows(self) -> list[Row]:
        """Cells of the table, a row per layer."""
        return description_rows(self.network, self.first_layer)
