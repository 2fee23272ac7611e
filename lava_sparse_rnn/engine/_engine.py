# SPDX-License-Identifier: BSD-3-Clause
"""Sequences, and batches of them."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.engine._prepare import prepare
from lava_sparse_rnn.fixed_point import Brief, OverflowCounters, as_array, check_whole
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.sequences import Sequences, SequencesLike, are_listed
from lava_sparse_rnn.spec.stream import check_tokens
from lava_sparse_rnn.spec.threads import OwnLock


class Engine(Brief):
    """A network that answers sequences, each from a zero state.

    The integers are those of `spec.reference.run`, whatever the kernel.

    Parameters
    ----------
    network : Network
    kernel : str, optional
        One of `engine.available`; the fastest one by default.
    threads : int
        How many sequences of a batch run at the same time.
    layout : {"sparse", "dense"}, optional
        How vector kernels keep the matrices; by default each as it is faster.

    Attributes
    ----------
    counters : OverflowCounters
        What did not fit, over all runs, under the reference's names.

    Raises
    ------
    SpecError
        When the extension is not built, this machine has no such kernel, or
        ``network`` is no valid network.
    """

    def __init__(
        self,
        network: Network,
        kernel: str | None = None,
        threads: int = 1,
        layout: str | None = None,
    ) -> None:
        self.network = network
        self.threads = check_whole("engine: threads", threads, 1)
        self._prepared = prepare(network, kernel, layout)
        self.counters, self._lock = OverflowCounters(), OwnLock()

    def _about(self) -> str:
        sizes = f"{self.network.d_in} -> {self.network.d_out}"
        return f"{sizes}, kernel {self.kernel}, threads {self.threads}"

    @property
    def kernel(self) -> str:
        """The kernel that runs."""
        return self._prepared.kernel

    @property
    def notes(self) -> tuple[str, ...]:
        """Why the kernel is not the one that was asked for; empty if it is."""
        return self._prepared.notes

    @property
    def layouts(self) -> tuple[str, ...]:
        """How each matrix is kept: B, C and W of a block, in the layers' order."""
        return tuple(self._prepared.executor.layouts)

    def run(
        self, x: SequencesLike, trace: MutableMapping[str, Any] | None = None
    ) -> Any:
        """Answer one sequence or several, each from a zero state.

        Parameters
        ----------
        x : array of int, shape (T, d_in) or (N, T, d_in), or a list of (T_i, d_in)
            Payloads of the input wire.
        trace : dict, optional
            Filled as by `spec.reference.run`: every wire, state and gate argument,
            each of shape (T, n); of several sequences as the answers are.

        Returns
        -------
        array of int64, shape (T, d_out) or (N, T, d_out), or a list of (T_i, d_out)

        Raises
        ------
        SpecError
            When ``x`` has another width or values that do not fit the input wire.
        """
        if are_listed(x, 2):
            return self._run_listed(Sequences.of(self.network, x), trace)
        x = as_array("input", x)
        if x.dtype.kind not in "iuf" or x.ndim not in (2, 3):
            check_tokens(self.network, x, batch=True)  # tells what is wrong with it
        batch = np.ascontiguousarray(x if x.ndim == 3 else x[None])
        y = np.empty((*batch.shape[:-1], self.network.d_out), dtype=np.int64)
        tensors = self._prepared.tensors if trace is not None else ()
        arrays = [np.empty((*y.shape[:-1], n), dtype=np.int64) for _, n in tensors]
        run, threads = (
            self._prepared.executor.run,
            min(self.threads, max(len(batch), 1)),
        )
        counts = run(batch, y, arrays, threads)
        if counts is None:  # not integers of the wire: converted, or told why not
            tokens = check_tokens(self.network, x, batch=True).reshape(batch.shape)
            counts = run(
                np.require(tokens, requirements=["C", "A"]), y, arrays, threads
            )
        with self._lock:  # threads may run at the same time, but not add
            for (name, _), count in zip(self._prepared.tensors, counts, strict=True):
                self.counters[name] += count
        lead = slice(None) if x.ndim == 3 else 0
        if trace is not None:
            for (name, _), array in zip(tensors, arrays, strict=True):
                trace[name] = array[lead]
        return y[lead]

    def _run_listed(
        self, sequences: Sequences, trace: MutableMapping[str, Any] | None
    ) -> list[NDArray[np.int64]]:
        """Sequences of one length together, so that they may run on all threads."""
        lengths = np.array(sequences.lengths)
        parts = list(sequences)
        answers: list[Any] = [None] * len(parts)
        traces: list[dict[str, NDArray]] = [{} for _ in parts]
        for length in dict.fromkeys(sequences.lengths):
            rows = np.flatnonzero(lengths == length).tolist()
            wires: dict[str, NDArray] | None = None if trace is None else {}
            found = self.run(np.stack([parts[i] for i in rows]), wires)
            for at, i in enumerate(rows):
                answers[i] = found[at]
                traces[i] = {name: v[at] for name, v in (wires or {}).items()}
        if trace is not None:
            trace.update({name: [t[name] for t in traces] for name in traces[0]})
        return answers
