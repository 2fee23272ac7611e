# SPDX-License-Identifier: BSD-3-Clause
"""The Process of a file that mixes layers of several libraries."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import SpecError, check_flag
from lava_sparse_rnn.netx._chain import Chain
from lava_sparse_rnn.netx._file import chosen, is_own
from lava_sparse_rnn.netx._layer import Layer, Options, Place, Shape
from lava_sparse_rnn.netx._table import Row
from lava_sparse_rnn.netx.hdf5.process import Network
from lava_sparse_rnn.proc import Clock, Snapshot, SparseRNN, Timing
from lava_sparse_rnn.spec.entries import Entry


class MixedNetwork(Network):
    """A ``.net`` file with layers of several libraries as a Lava Process.

    Parameters
    ----------
    net_config : str or path
    entries : list of Entry
        The open file, which nobody has to give: see `OfFile`.
    mode : {"pipelined"}
        Neurons of other libraries advance in every time step; a token every few
        steps would not be the same network.
    num_layers, skip_layers, depth, reset_interval, reset_offset, num_tokens
        See `Network`.
    input_message_bits : int
        Width of the payloads that arrive, for networks that begin with a layer of
        lava-dl; 0 for binary spikes.
    input_shape : tuple of int, optional
        Of what arrives, as (x, y, channels): for networks that begin with ``conv``.
    spike_exp : int
        Fractional bits of graded spikes of sigma-delta neurons.
    sparse_fc_layer : bool
        Whether fully connected layers of lava-dl become Lava's `Sparse`.

    Attributes
    ----------
    inp, out : InPort, OutPort
    layers : tuple of Layer
        What was built: ``layers[i].process`` is lava-dl's block (its ``neuron``,
        ``synapse``), a `SparseRNN`, or what a builder of yours has made.

    Raises
    ------
    SpecError, ImportError
        See `Network`.
    """

    given = ("entries", "period", "clock")

    def __init__(
        self,
        net_config: str | PathLike[str],
        *,
        entries: list[Entry],
        mode: str = "pipelined",
        num_layers: int | None = None,
        skip_layers: int = 0,
        input_message_bits: int = 0,
        input_shape: Shape | None = None,
        spike_exp: int = 6,
        sparse_fc_layer: bool = False,
        depth: int = 0,
        reset_interval: int | None = None,
        reset_offset: int = 0,
        num_tokens: int | None = None,
        **kwargs: Any,
    ) -> None:
        if mode != "pipelined":
            text = "neurons of other libraries advance in every time step"
            raise SpecError(f"mode is {mode!r}, but {text}: must be 'pipelined'")
        begin, end = chosen(entries, num_layers, skip_layers)
        check_flag("sparse_fc_layer", sparse_fc_layer)
        clock = Clock(num_tokens)
        first = Place(
            name=str(net_config),
            shape=input_shape,
            message_bits=input_message_bits,
            is_first=True,
            timing=Timing(depth, 1, reset_interval, reset_offset),
            clock=clock,
            options=Options(spike_exp, sparse_fc_layer),
        )
        chain = Chain(entries[:end], begin, first)
        super().__init__(
            net_config=str(net_config),
            depth=depth,
            reset_interval=reset_interval,
            reset_offset=reset_offset,
            clock=clock,
            **kwargs,
        )
        self._hold(chain)

    def _hold(self, chain: Chain) -> None:
        """Layers that were built, their ports and Vars."""
        self.layers: tuple[Layer, ...] = tuple(chain.layers)
        self._latency, self._rows = chain.latency, chain.rows
        self._input_message_bits = chain.message_bits
        self.inp = InPort(shape=self.layers[0].inp.shape)
        self.out = OutPort(shape=self.layers[-1].out.shape)
        # Both ends are connected when the model is made: a part that is within reach
        # from outside would be compiled twice, once as a part and once by itself.
        # Lava makes the parts of a hierarchical Process anew whenever it is compiled.
        # These exist before, so that users can reach them and ports get their shapes.
        self.snapshot = Snapshot(part for x in self.layers for part in x.processes)
        for layer in self.layers:
            for name, var in layer.variables.items():
                setattr(self, name, Var(shape=var.shape, init=0))
        self.state_names = [n for layer in self.layers for n in _states(layer)]

    @classmethod
    def reads(cls, entries: list[Entry]) -> bool:
        """Whether the file is more than one description."""
        return not is_own(entries)

    @property
    def latency(self) -> int:
        """Time steps from a token's arrival to its answer."""
        return self._latency

    def __len__(self) -> int:
        """Number of layers in use."""
        return len(self._rows)

    @property
    def input_message_bits(self) -> int:
        """Width of the payloads that ``inp`` takes; 0 for binary spikes."""
        first = self.layers[0].process
        if isinstance(first, SparseRNN):
            return first.network.layers[0].inp.bits
        return self._input_message_bits

    @property
    def output_message_bits(self) -> int:
        """Width of the payloads that ``out`` sends; 0 for binary spikes."""
        return self.layers[-1].message_bits

    def rows(self) -> list[Row]:
        """Cells of the table, a row per layer."""
        return self._rows

    def to_wire(self, x: ArrayLike) -> NDArray:
        """Real inputs as integers of ``inp``.

        Raises
        ------
        SpecError
            When the first layer has no format: it takes spikes.
        """
        return _convert(self.layers[0].to_wire, "first", x)

    def from_wire(self, y: ArrayLike) -> NDArray:
        """Integers of ``out`` as real values.

        Raises
        ------
        SpecError
            When the last layer has no format.
        """
        return _convert(self.layers[-1].from_wire, "last", y)


def _convert(convert: Any, which: str, values: ArrayLike) -> NDArray:
    if convert is None:
        raise SpecError(f"the {which} layer does not say what its integers stand for")
    return convert(values)


def _states(layer: Layer) -> Iterator[tuple[str, ...]]:
    """Names of the states of a layer's groups, where the network shows them."""
    shown = {id(var): name for name, var in layer.variables.items()}
    for names in getattr(layer.process, "state_names", ()):
        own = [id(getattr(layer.process, name)) for name in names]
        if all(var in shown for var in own):
            yield tuple(shown[var] for var in own)
