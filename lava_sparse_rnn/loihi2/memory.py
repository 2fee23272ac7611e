# SPDX-License-Identifier: BSD-3-Clause
"""How many bytes a core needs: our model, since the chip's formats are not public."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Brief, check_whole
from lava_sparse_rnn.loihi2.chip import Chip
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.groups import ChipGroup, Connection

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
MOST = 1 << 20  # of any size: more than a core has, and sums stay far below 64 bits


@dataclass(frozen=True)
class MemoryModel:
    """Sizes of table entries. All of them are assumptions.

    Parameters
    ----------
    index_bits : int, optional
        Of the receiving neuron's number in a sparse synapse; by default as many as
        number the neurons that a core may have (13 for 8,192).
    axon_bytes : int
        On the receiving core, for each connection and sending neuron that has
        synapses there: where its list of synapses starts and how long it is.
    destination_bytes : int
        On the sending core, for each message's neuron and each core that it goes to.
    accumulator_bytes : int
        Of one slot of a dendritic accumulator; 32 bits.
    constant_bytes : int
        Of a constant that all neurons of a core share; 32 bits.
    word_bytes : int
        What one read of the synaptic memory fetches.
    """

    index_bits: int | None = None
    axon_bytes: int = 4
    destination_bytes: int = 4
    accumulator_bytes: int = 4
    constant_bytes: int = 4
    word_bytes: int = 8

    def __post_init__(self) -> None:
        for f in fields(self):
            name, value = f"memory model: {f.name}", getattr(self, f.name)
            if value is None and f.default is None:
                continue
            least = 1 if f.name == "word_bytes" else 0  # a word of none is never read
            whole = check_whole(name, value, least, MOST, error=Loihi2Error)
            object.__setattr__(self, f.name, whole)

    def index(self, chip: Chip) -> int:
        """Bits of a neuron's number."""
        if self.index_bits is not None:
            return self.index_bits
        return max(1, (chip.neurons_per_core - 1).bit_length())

    def neuron_bytes(self, group: ChipGroup) -> int:
        """State, constants and accumulators of one neuron, as its program has them."""
        report = group.report
        slots = group.accumulator_slots * self.accumulator_bytes
        return report.state_bytes + report.constant_bytes + slots

    def shared_bytes(self, group: ChipGroup) -> int:
        """Constants that every core of the group has once."""
        return group.group_constants * self.constant_bytes


@dataclass(frozen=True)
class SynapseFormat:
    """A way to store the synapses of a connection.

    Parameters
    ----------
    name : str
    entry_bits : function of (weight bits, index bits)
    row_entries, column_entries : function of Connection
        Entries per receiving neuron, shape (n_out,); per sending neuron, (n_in,).
    core_entries : function of (Connection, neurons per core)
        Entries of each sending neuron on each core, shape (cores, n_in).
    row_synops : function of (Connection, messages of each sender)
        Entries per receiving neuron that a message meets, shape (n_out,).
    """

    name: str
    entry_bits: Callable[[int, int], int]
    row_entries: Callable[[Connection], IntArray]
    column_entries: Callable[[Connection], IntArray]
    core_entries: Callable[[Connection, IntArray], IntArray]
    row_synops: Callable[[Connection, FloatArray], FloatArray]


def _sparse_entries(connection: Connection, sizes: IntArray) -> IntArray:
    cores, n_in = len(sizes), connection.shape[1]
    core = np.repeat(np.arange(cores), sizes)
    of_entry = np.repeat(core, connection.row_nnz) * n_in + connection.matrix.indices
    return np.bincount(of_entry, minlength=cores * n_in).reshape(cores, n_in)


def _dense_entries(connection: Connection, sizes: IntArray) -> IntArray:
    return np.repeat(sizes[:, None], connection.shape[1], axis=1)


def _sparse_synops(connection: Connection, messages: FloatArray) -> FloatArray:
    met = np.append(0.0, np.cumsum(messages[connection.matrix.indices]))
    return np.diff(met[connection.matrix.indptr])


def _dense_synops(connection: Connection, messages: FloatArray) -> FloatArray:
    return np.full(connection.shape[0], messages.sum())


def _sum(weight: int, index: int) -> int:
    return weight + index


def _weight(weight: int, index: int) -> int:
    return weight


def _row_nnz(connection: Connection) -> IntArray:
    return connection.row_nnz


def _column_nnz(connection: Connection) -> IntArray:
    return connection.column_nnz


def _all_columns(connection: Connection) -> IntArray:
    n_out, n_in = connection.shape
    return np.full(n_out, n_in, dtype=np.int64)


def _all_rows(connection: Connection) -> IntArray:
    n_out, n_in = connection.shape
    return np.full(n_in, n_out, dtype=np.int64)


# Functions with names, so that what holds a format can be pickled.
FORMATS: dict[str, SynapseFormat] = {
    f.name: f
    for f in (
        SynapseFormat(
            *("sparse", _sum, _row_nnz, _column_nnz, _sparse_entries, _sparse_synops)
        ),
        SynapseFormat(
            *("dense", _weight, _all_columns, _all_rows, _dense_entries, _dense_synops)
        ),
    )
}


@dataclass(frozen=True, eq=False)
class StoredConnection(Brief):
    """A connection in the format in which it is smallest.

    Parameters
    ----------
    connection : Connection
    format : SynapseFormat
    entry_bits : int
        Of one stored synapse.
    """

    connection: Connection
    format: SynapseFormat
    entry_bits: int

    @property
    def row_entries(self) -> IntArray:
        """Stored synapses per receiving neuron, shape (n_out,)."""
        return self.format.row_entries(self.connection)

    @property
    def column_entries(self) -> IntArray:
        """Stored synapses per sending neuron, shape (n_in,)."""
        return self.format.column_entries(self.connection)

    def core_entries(self, sizes: IntArray) -> IntArray:
        """Stored synapses of each sender on each core, shape (cores, n_in).

        Parameters
        ----------
        sizes : array of int, shape (cores,)
            Receiving neurons of each core, one run of them after another.
        """
        return self.format.core_entries(self.connection, sizes)

    def row_synops(self, messages: FloatArray) -> FloatArray:
        """Stored synapses that messages meet, per receiving neuron, shape (n_out,).

        Parameters
        ----------
        messages : array, shape (n_in,)
            Of each sender.
        """
        return self.format.row_synops(self.connection, messages)

    @property
    def senders(self) -> int:
        """Sending neurons that have a stored synapse at all."""
        return int(np.count_nonzero(self.column_entries))


def store(connection: Connection, chip: Chip, model: MemoryModel) -> StoredConnection:
    """The smallest format of a connection; sparse where formats are equal."""
    index = model.index(chip)

    def bits(f: SynapseFormat) -> int:
        return int(f.row_entries(connection).sum()) * f.entry_bits(
            connection.bits, index
        )

    best = min(FORMATS.values(), key=bits)
    return StoredConnection(connection, best, best.entry_bits(connection.bits, index))
