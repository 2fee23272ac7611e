# SPDX-License-Identifier: BSD-3-Clause
"""The reference backend: a bundle on a CPU, core by core, from the bundle alone.

Each core is an interpreter with its part of the neurons, slots for what arrives
later, and a queue of messages. A time step has two halves with a barrier between:
all cores update their neurons and send, then all cores add what was sent to their
slots. Nothing here has the speed or the timing of a chip; the integers and the counts
are what it is for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import Brief, OverflowCounters, QFormat, SpecError
from lava_sparse_rnn.loihi2.counts import PER_CORE
from lava_sparse_rnn.loihi2.deployment.bundle import Bundle
from lava_sparse_rnn.loihi2.deployment.errors import DeploymentError
from lava_sparse_rnn.loihi2.deployment.images import (
    BoardImage,
    CoreImage,
    Route,
    board_image,
)
from lava_sparse_rnn.microcode import Interpreter
from lava_sparse_rnn.spec.stream import fitting

IntArray = NDArray[np.int64]


class CpuCore:
    """One core: neurons, slots of their accumulators, a queue of messages.

    Parameters
    ----------
    image : CoreImage
    word_bits : int
        What one read of the synaptic memory fetches.
    """

    def __init__(self, image: CoreImage, word_bits: int) -> None:
        self.image = image
        part = image.part
        self.neurons = Interpreter(
            part.program,
            part.constants,
            part.neurons,
            rounding=part.rounding,
            overflow=part.overflow,
        )
        self.queue: list[tuple[IntArray, IntArray, bool]] = []
        self.costs = _costs(image, word_bits)
        delays = [s.delay for s in image.synapses]
        self.depth = max(delays, default=1) + 1
        self.reset()

    def reset(self) -> None:
        """Forget states, what waits in slots, and messages."""
        self.neurons.reset()
        self.queue.clear()
        names = dict.fromkeys(s.accumulator for s in self.image.synapses)
        shape = (self.depth, self.image.part.neurons)
        self.slots = {name: np.zeros(shape, np.int32) for name in names}

    def update(self, step: int) -> dict[str, NDArray[np.int32]]:
        """Run the program on what has arrived for this step."""
        slot = step % self.depth
        sent = self.neurons.step({name: v[slot] for name, v in self.slots.items()})
        for waiting in self.slots.values():
            waiting[slot] = 0
        return sent

    def receive(self, step: int, counts: dict[bool, Counter]) -> None:
        """Add what was sent in this step to the slots of the steps of its arrival.

        Parameters
        ----------
        step : int
        counts : dict of bool to Counter
            Grow by what that takes; with True for messages that are about a token.
        """
        if not self.queue:
            return
        payloads = np.zeros(self.image.axons, np.int32)
        for token, tally in counts.items():
            batches = [(a, v) for a, v, about in self.queue if about is token]
            if not batches:
                continue
            axons = np.concatenate([a for a, _ in batches])
            payloads[axons] = np.concatenate([v for _, v in batches])
            tally["messages_in"] += len(axons)
            for name, per_axon in self.costs.items():
                tally[name] += int(per_axon[axons].sum())
        self.queue.clear()
        for synapses in self.image.synapses:
            slot = (step + synapses.delay) % self.depth
            self.slots[synapses.accumulator][slot] += synapses.matrix @ payloads


def _costs(image: CoreImage, word_bits: int) -> dict[str, IntArray]:
    """What a message on each axon makes a core do, shape (axons,) by count."""
    none = np.zeros(image.axons, np.int64)
    costs = {f"{s.format}_synops": none.copy() for s in image.synapses}
    costs["memory_reads"] = none.copy()
    for s in image.synapses:
        costs[f"{s.format}_synops"] += s.entries
        costs["memory_reads"] += -(-s.entries * s.entry_bits // word_bits)
    return costs


class CpuBackend(Brief):
    """Runs a bundle with the microcode interpreter.

    It reads nothing but the bundle. Entry point ``cpu``.

    Attributes
    ----------
    overflows : OverflowCounters
        What did not fit in the tokens so far, by tensor; as the reference counts.
    image : BoardImage or None
    """

    def __init__(self) -> None:
        self.image: BoardImage | None = None
        self._cores: list[CpuCore] = []
        self._input_bits = 0
        self.overflows = OverflowCounters()
        self._counts: list[dict[bool, Counter]] = []

    def load(self, bundle: Bundle, mode: str = "pipelined") -> None:
        """Make the cores of a bundle.

        Parameters
        ----------
        bundle : Bundle
        mode : {"pipelined", "fall_through"}
        """
        self.close()
        self.image = board_image(bundle, mode)
        self._input_bits = bundle.manifest.input.bits
        word_bits = 8 * bundle.manifest.memory_model.word_bytes
        self._cores = [CpuCore(image, word_bits) for image in self.image.cores]
        self._counts = [{True: Counter(), False: Counter()} for _ in self._cores]
        self.overflows = OverflowCounters()

    def run(
        self, x: ArrayLike, after_step: Callable[[int], object] | None = None
    ) -> IntArray:
        """Answers to a sequence, from a zero state.

        Parameters
        ----------
        x : array of int, shape (T, d_in)
        after_step : callable, optional
            Called after every time step with its number, from 0; `counters` may be
            read then.

        Returns
        -------
        array of int64, shape (T, d_out)

        Raises
        ------
        DeploymentError
            When no bundle is loaded, or ``x`` does not fit it.
        """
        image = self._loaded()
        try:
            wire = QFormat(self._input_bits, np.array(0))
            tokens = fitting(x, image.d_in, wire)
        except SpecError as error:
            raise DeploymentError(f"cpu: {error}") from None
        for core in self._cores:
            core.reset()
        answers = np.zeros((len(tokens), image.d_out), np.int64)
        for step in range(image.steps(len(tokens))):
            self._step(image, step, tokens, answers)
            if after_step is not None:
                after_step(step)
        return answers

    def counters(self, idle: bool | None = None) -> dict[str, IntArray]:
        """What each core has done since the bundle was loaded.

        Parameters
        ----------
        idle : bool, optional
            Only what was done without a token (True), or with one (False).

        Returns
        -------
        dict of str to array of int64, shape (cores,)
            A total for each name in `loihi2.counts.PER_CORE`.
        """
        self._loaded()
        kinds = (True, False) if idle is None else (not idle,)
        return {
            name: np.array([sum(c[k][name] for k in kinds) for c in self._counts])
            for name in PER_CORE
        }

    def close(self) -> None:
        """Forget the bundle."""
        self.image, self._cores, self._counts = None, [], []

    def _loaded(self) -> BoardImage:
        if self.image is None:
            raise DeploymentError("cpu: no bundle is loaded")
        return self.image

    def _step(
        self, image: BoardImage, step: int, tokens: NDArray, answers: IntArray
    ) -> None:
        if image.tokens_in(0, step, len(tokens)):
            u = tokens[step // image.period].astype(np.int32)
            for route in image.inputs:
                self._send(route, u, True)
        for core in self._cores:
            token = image.tokens_in(core.image.depth, step, len(tokens))
            sent = self._update(core, step, token)
            for output, wire in core.image.outputs.items():
                if token and wire == image.output:
                    t = (step - core.image.depth) // image.period
                    first = core.image.first
                    answers[t, first : first + core.neurons.n_neurons] = sent[output]
        for core, counts in zip(self._cores, self._counts, strict=True):  # the barrier
            core.receive(step, counts)

    def _update(
        self, core: CpuCore, step: int, token: bool
    ) -> Mapping[str, NDArray[np.int32]]:
        """Update a core's neurons and send what they say."""
        k, neurons = core.image.index, core.neurons
        tally = self._counts[k][token]
        before = neurons.executed_total
        neurons.counters = OverflowCounters()
        sent = core.update(step)
        tally["neuron_updates"] += neurons.n_neurons
        tally["instructions"] += neurons.executed_total - before
        tally["spikes"] += sum(int(np.count_nonzero(p)) for p in sent.values())
        for output in core.image.unheard:  # an answer is one message to the outside
            tally["messages_out"] += int(np.count_nonzero(sent[output]))
        if token:
            for name, tensor in core.image.counted.items():
                if hits := neurons.counters[name]:
                    self.overflows[tensor] += hits
        for route in core.image.routes:
            messages = self._send(route, sent[route.output], token)
            self._travel(tally, core.image, self._cores[route.target].image, messages)
        return sent

    def _send(self, route: Route, payloads: NDArray, token: bool) -> int:
        """Queue messages; a payload of 0 is none. Returns how many there are."""
        values = payloads[route.neurons]
        (spoken,) = np.nonzero(values)
        if spoken.size:
            message = (route.axons[spoken], values[spoken], token)
            self._cores[route.target].queue.append(message)
        return spoken.size

    @staticmethod
    def _travel(tally: Counter, a: CoreImage, b: CoreImage, messages: int) -> None:
        tally["messages_out"] += messages
        if a.chip != b.chip:  # how chips are joined is not public
            tally["chip_crossings"] += messages
            return
        tally["hops_east_west"] += messages * abs(a.router[0] - b.router[0])
        tally["hops_north_south"] += messages * abs(a.router[1] - b.router[1])
