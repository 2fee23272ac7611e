# SPDX-License-Identifier: BSD-3-Clause
"""The Process that a network file becomes."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from lava_sparse_rnn import spec
from lava_sparse_rnn.proc.sparse_rnn.process import SparseRNN
from lava_sparse_rnn.spec.statistics import matrix_sizes


class Network(SparseRNN):
    """A ``.net`` file as a Lava Process.

    Parameters
    ----------
    net_config : str or path
        A file that `spec.Network.save` or an export has written.
    mode : {"pipelined", "fall_through"}
        A new token in every time step, or every ``latency`` steps.
    reset_interval : int, optional
        Time steps from one reset of the states to the next, as in lava-dl: each
        layer resets itself as many steps later as its depth. None for no resets.
    reset_offset : int
        Time steps by which all resets are later.
    depth, period, num_tokens
        See `SparseRNN`.

    Attributes
    ----------
    inp, out : InPort, OutPort, shape (d_in,) and (d_out,)
    latency : int
        Time steps from a token to its answer.
    network : spec.Network
        The description; its `to_wire` and `from_wire` convert real values.

    Raises
    ------
    SpecError
        When the file is missing, damaged, or no network description.

    Examples
    --------
    >>> net = hdf5.Network(net_config="network.net")  # doctest: +SKIP
    >>> source.s_out.connect(net.inp)  # doctest: +SKIP
    >>> net.out.connect(sink.a_in)  # doctest: +SKIP
    """

    def __init__(self, net_config: str | PathLike[str], **kwargs: Any) -> None:
        network = spec.load(Path(net_config))
        super().__init__(network, net_config=str(net_config), **kwargs)

    @property
    def layers(self) -> tuple[spec.Layer, ...]:
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

    def __str__(self) -> str:
        """A table: a row per layer."""
        rows = [("layer", "type", "in", "out", "weights", "zero", "step")]
        sizes, depth = matrix_sizes(self.network), 0
        for i, layer in enumerate(self.layers):
            depth += layer.latency
            own = [m for m in sizes if m.layer == i]
            total, nnz = sum(m.total for m in own), sum(m.nnz for m in own)
            rows.append(
                (
                    *(str(i), layer.type, str(layer.inp.size), str(layer.out.size)),
                    *(f"{nnz:,}", f"{1 - nnz / max(total, 1):.1%}", str(depth)),
                )
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            " | ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True))
            for row in rows
        )
