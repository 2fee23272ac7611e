# SPDX-License-Identifier: BSD-3-Clause
"""The Process that a network file becomes."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from os import PathLike
from typing import Any, ClassVar

from lava_sparse_rnn.fixed_point import choose
from lava_sparse_rnn.netx._file import opened
from lava_sparse_rnn.netx._table import Row, table
from lava_sparse_rnn.proc.neurons import TimedProcess
from lava_sparse_rnn.spec import locate
from lava_sparse_rnn.spec.entries import Entry


class OfFile(type(TimedProcess)):
    """Metaclass of Processes made of a file, which is opened once.

    The same open file shows which kind of `Network` it is for, and is what the
    constructor gets as ``entries``.
    """

    def __call__(
        cls, net_config: str | PathLike[str], *args: Any, **kwargs: Any
    ) -> Any:
        known = Network.__signature__.parameters
        for name in kwargs.keys() - known.keys() - {"entries"}:
            choose("Network: argument", name, known)
        with opened(locate(net_config)) as entries:
            kind: Any = cls
            if cls is Network:
                kind = next(k for k in Network.kinds if k.reads(entries))
            lava: Any = super(OfFile, kind)
            return lava.__call__(net_config, *args, entries=entries, **kwargs)


class Network(TimedProcess, metaclass=OfFile):
    """A ``.net`` file as a Lava Process.

    A file of this library's layers becomes an `OwnNetwork`, one model by default. Any
    other file becomes a `MixedNetwork`, in which layers of lava-dl and those of
    `register` stand between.

    Parameters
    ----------
    net_config : str or path
        The name of a shipped network (``"denoiser"``), or a file that
        `spec.Network.save`, an export of `nn`, lava-dl, or a mix of these has
        written.
    mode : {"pipelined", "fall_through"}
        A new token in every time step, or every ``latency`` steps. Neurons of other
        libraries advance in every step, so that mixed files can only be pipelined.
    num_layers : int, optional
        How many layers of the file to use; all by default.
    skip_layers : int
        How many layers to leave out at the beginning.
    reset_interval : int, optional
        Time steps from one reset of the states to the next, as in lava-dl: each
        layer resets itself as many steps later as its depth. None for no resets.
    reset_offset : int
        Time steps by which all resets are later.
    depth, num_tokens
        See `proc.SparseRNN`.
    input_message_bits, input_shape, spike_exp, sparse_fc_layer
        Of files with other layers, see `MixedNetwork`.

    Attributes
    ----------
    inp, out : InPort, OutPort
    latency : int
        Time steps from a token to its answer.
    layer<i>_x_re, layer<i>_x_im : Var, shape (d_state,)
        State of each S5 block; ``i`` is the layer's number in the file.
    layer<i>_overflow_<tensor> : Var, shape (1,)
        How often a value of the tensor did not fit its format.

    Raises
    ------
    SpecError
        When the file is missing, damaged, has a layer of an unknown type, or layers
        that do not fit together.
    ImportError
        When it has layers of lava-dl, which is not installed.

    Examples
    --------
    >>> net = hdf5.Network(net_config="network.net")  # doctest: +SKIP
    >>> source.s_out.connect(net.inp)  # doctest: +SKIP
    >>> net.out.connect(sink.a_in)  # doctest: +SKIP
    """

    kinds: ClassVar[list[type[Network]]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Network in cls.__bases__:
            Network.kinds.append(cls)
            Network.__signature__ = _any_of(k.__signature__ for k in Network.kinds)

    @classmethod
    def reads(cls, entries: list[Entry]) -> bool:
        """Whether this is the kind for an open file."""
        raise NotImplementedError

    @property
    def latency(self) -> int:
        """Time steps from a token's arrival to its answer."""
        raise NotImplementedError

    @property
    def input_message_bits(self) -> int:
        """Width of the payloads that ``inp`` takes; 0 for binary spikes."""
        raise NotImplementedError

    @property
    def output_message_bits(self) -> int:
        """Width of the payloads that ``out`` sends; 0 for binary spikes."""
        raise NotImplementedError

    def rows(self) -> list[Row]:
        """Cells of the table, a row per layer."""
        raise NotImplementedError

    def __str__(self) -> str:
        """A table: a row per layer."""
        return table(self.rows())


def _any_of(signatures: Iterable[inspect.Signature]) -> inspect.Signature:
    """Every parameter that one of several signatures has, in their order."""
    named: dict[str, inspect.Parameter] = {}
    for signature in signatures:
        named |= {n: p for n, p in signature.parameters.items() if n not in named}
    return inspect.Signature(sorted(named.values(), key=lambda p: p.kind))
