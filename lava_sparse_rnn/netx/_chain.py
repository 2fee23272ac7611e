# SPDX-License-Identifier: BSD-3-Clause
"""Layers of a file, built and joined one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.netx._file import runs
from lava_sparse_rnn.netx._layer import Layer, Place, Shape, View, as_it_is, build
from lava_sparse_rnn.netx._own import build_run
from lava_sparse_rnn.netx._table import Row, description_rows, entry_row
from lava_sparse_rnn.netx.token_gate import TokenGate
from lava_sparse_rnn.proc import SparseRNN
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.entries import Entry, describe


class Chain:
    """Connected layers, each told how many time steps lie before it.

    Parameters
    ----------
    entries : list of Entry
        Of an open file.
    skip : int
        How many of them to leave out at the beginning.
    first : Place
        Of the first layer.

    Attributes
    ----------
    layers : list of Layer
    rows : list of Row
    latency : int
        Time steps from what arrives to its answer.
    message_bits : int
        Width of the payloads that arrive, for layers of lava-dl.

    Raises
    ------
    SpecError
        When a layer cannot be built or does not fit what arrives, or none is left.
    """

    def __init__(self, entries: list[Entry], skip: int, first: Place) -> None:
        self.layers: list[Layer] = []
        self.rows: list[Row] = []
        self.latency = 0
        self._file, self._place = first.name, first
        self._view: Callable[[Any], Any] = as_it_is
        for entry in entries[:skip]:
            self._pass_over(entry)
        self.message_bits = self._place.message_bits
        for run in runs(entries[skip:]):
            self._append(run)
        if not self.layers:
            text = f"no layer is left of {len(entries)}, {skip} of them skipped"
            raise SpecError(f"{self._file}: {text}")

    def _pass_over(self, entry: Entry) -> None:
        """Learn what a layer that is left out would send."""
        if entry.is_own:
            wire = describe([entry]).layers[0].out
            self._arrives((wire.size,), wire.bits)
            return
        layer = build(entry.type, entry.group, self._named(entry))
        sender = self._place if isinstance(layer, View) else layer
        self._arrives(layer.shape, sender.message_bits)

    def _append(self, run: list[Entry]) -> None:
        place, entry = self._named(run[0]), run[0]
        if entry.is_own:
            layer: Layer | View = build_run(run, place)
        else:
            layer = build(entry.type, entry.group, place)
        if isinstance(layer, View):
            before, then = self._view, layer.of
            self._view = lambda port: then(before(port))
            self._arrives(layer.shape, place.message_bits)
            self.rows.append(entry_row(entry, place.shape, layer.shape, self.latency))
            return
        self._join(layer, place)
        if entry.is_own:
            network: Network = layer.process.proc_params["network"]
            self.rows += description_rows(network, entry.index, self.latency)
        self.latency += layer.latency
        if not entry.is_own:
            self.rows.append(
                entry_row(entry, layer.inp.shape, layer.shape, self.latency)
            )
        self.layers.append(replace(layer, types=tuple(part.type for part in run)))
        self._view = as_it_is
        timing = place.timing.later(layer.latency)
        self._place = replace(self._place, is_first=False, timing=timing)
        self._arrives(layer.shape, layer.message_bits)

    def _join(self, layer: Layer, place: Place) -> None:
        takes = tuple(layer.inp.shape)
        if place.shape is not None and tuple(place.shape) != takes:
            text = f"takes shape {takes}, but {tuple(place.shape)} arrives"
            raise SpecError(f"{place.name}: {text}")
        if self.layers:  # to the first one the network's own port will be connected
            self._view(self._last_port(place)).connect(layer.inp)

    def _last_port(self, place: Place) -> Any:
        """What the last layer sends, with a `TokenGate` behind layers of ours."""
        last = self.layers[-1]
        if not isinstance(last.process, SparseRNN):
            return last.out
        options = {"clock": place.clock, **place.timing.arguments()}
        gate = TokenGate(shape=last.out.shape, **options)
        last.out.connect(gate.a_in)
        self.layers[-1] = replace(last, parts={**last.parts, "gate": gate})
        return gate.s_out

    def _named(self, entry: Entry) -> Place:
        return replace(self._place, name=entry.name)

    def _arrives(self, shape: Shape, message_bits: int) -> None:
        self._place = replace(self._place, shape=shape, message_bits=message_bits)
