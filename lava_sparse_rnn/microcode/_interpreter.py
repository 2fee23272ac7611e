# SPDX-License-Identifier: BSD-3-Clause
"""The interpreter: one program, executed by many neurons at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import Brief, OverflowCounters, choose
from lava_sparse_rnn.microcode._checker import check
from lava_sparse_rnn.microcode._compile import FLAG, Block, compile_blocks
from lava_sparse_rnn.microcode._errors import MicrocodeError
from lava_sparse_rnn.microcode._isa import Kind
from lava_sparse_rnn.microcode._kernels import FITS, WIDE_SHIFTS, Amount, Lanes, Mask
from lava_sparse_rnn.microcode._program import Declaration, Operand, Program

IntArray = NDArray[np.int64]
ZERO = np.zeros(1, dtype=np.int32)
ZERO.setflags(write=False)
_COMPILED = ("_blocks", "_single", "_amounts")  # functions, bound to their machine


class StepTracer(Protocol):
    """What `Interpreter.step` tells while it executes."""

    def executed(self, interpreter: Interpreter, index: int, mask: Mask | None) -> None:
        """Instruction ``index`` has just been executed by the neurons in ``mask``."""
        ...


class Interpreter(Brief):
    """Neurons that all execute one program.

    Parameters
    ----------
    program : Program
    constants : mapping from str to int or array of int, shape (n,)
        A value for every constant that the program declares; one number for all
        neurons is allowed for a per-neuron constant too.
    n_neurons : int
    rounding : {"floor", "nearest"}
        Of every MUL_SHR that does not say its own.
    overflow : {"saturate", "wrap"}
        Of every value that does not fit the width of what it is written to.
    counters : OverflowCounters, optional
        Where values that did not fit are counted, under the names of states, outputs
        and counted registers.

    Attributes
    ----------
    counters : OverflowCounters
        May be exchanged between steps, to count some of them elsewhere.
    probes : dict of str to array of int32, shape (n,) or (1,)
        What PROBE showed in the last step; one element where neurons agree.
    steps : int
    messages : Counter
        Spikes sent per output; a payload of 0 is none.

    Raises
    ------
    AssemblyError
        When `check` finds an error in the program.
    MicrocodeError
        When a constant is missing, unknown, of the wrong shape or too wide.
    """

    def _about(self) -> str:
        return f"{self.program.name!r}, {self.n_neurons} neurons, {self.steps} steps"

    def __init__(
        self,
        program: Program,
        constants: Mapping[str, ArrayLike] | None = None,
        n_neurons: int = 1,
        *,
        rounding: str = "floor",
        overflow: str = "saturate",
        counters: OverflowCounters | None = None,
    ) -> None:
        choose("rounding", rounding, WIDE_SHIFTS)
        choose("overflow", overflow, FITS)
        if int(n_neurons) < 1:
            raise MicrocodeError(f"n_neurons is {n_neurons}, must be 1 or more")
        self.report = check(program)
        self.report.raise_errors(program)
        self.program, self.n_neurons = program, int(n_neurons)
        self.rounding, self.overflow = rounding, overflow
        self.counters = OverflowCounters() if counters is None else counters
        self.probes: dict[str, Lanes] = {}
        self.slots: list = [np.zeros(1, dtype=bool)]
        self._slot: dict[Operand, int] = {}
        self._constant: list[int] = []  # slots of constants and numbers
        self._allocate(constants or {})
        self._compile()
        self._inputs = self._slots_of(Kind.ACCUMULATOR)
        self._outputs = self._slots_of(Kind.OUTPUT)
        self.reset_counts()

    def _compile(self) -> None:
        self._amounts: dict[tuple[int, int], Amount] = {}
        for slot in self._constant:  # as a shift, ready once
            value = self.slots[slot]
            self._amounts |= {
                (id(value), sign): Amount.of(value.astype(np.int64) * sign)
                for sign in (1, -1)
            }
        self._blocks = compile_blocks(self)
        self._single = compile_blocks(self, single=True)

    def __getstate__(self) -> dict[str, Any]:
        blocks = [(b.full, b.partial) for b in (*self._blocks, *self._single)]
        kept = {k: v for k, v in self.__dict__.items() if k not in _COMPILED}
        return kept | {"blocks": blocks}

    def __setstate__(self, state: dict[str, Any]) -> None:
        blocks = state["blocks"]
        self.__dict__.update((k, v) for k, v in state.items() if k != "blocks")
        # A copy has lists of its own, which what is compiled writes to.
        self.slots, self.probes = list(self.slots), dict(self.probes)
        self._apart = self._apart.copy()
        self._compile()
        for block, counts in zip((*self._blocks, *self._single), blocks, strict=True):
            block.full, block.partial = counts

    def _slots_of(self, kind: Kind) -> dict[str, int]:
        return {d.name: self._slot[d.name] for d in self.program.of_kind(kind)}

    def _allocate(self, constants: Mapping[str, ArrayLike]) -> None:
        """Give every name and number a slot."""
        declared = self.program.of_kind(Kind.GROUP, Kind.PER_NEURON)
        if extra := sorted(set(constants) - {d.name for d in declared}):
            known = ", ".join(d.name for d in declared) or "none"
            text = f"program {self.program.name!r} has no constant {extra[0]!r}"
            raise MicrocodeError(f"{text}; it has: {known}")
        for d in self.program.declarations:
            value = ZERO
            if d in declared:
                if d.name not in constants:
                    text = f"program {self.program.name!r} needs constant {d.name!r}"
                    raise MicrocodeError(text)
                value = self._lanes(d, constants[d.name])
            self._slot[d.name] = len(self.slots)
            if d in declared:
                self._constant.append(len(self.slots))
            self.slots.append(value)
        for instruction in self.program.instructions:
            for operand in instruction.operands:
                if isinstance(operand, int) and operand not in self._slot:
                    self._slot[operand] = len(self.slots)
                    self._constant.append(len(self.slots))
                    self.slots.append(np.array([operand], dtype=np.int32))

    def _lanes(self, d: Declaration, values: ArrayLike) -> Lanes:
        """Values for a name, checked: one per neuron, or one for all."""
        what = f"{d.kind.value} {d.name!r}"
        array = np.asarray(values)
        if not np.issubdtype(array.dtype, np.integer):
            raise MicrocodeError(f"{what}: values are {array.dtype}, must be integers")
        shapes = [()] if d.kind is Kind.GROUP else [(), (self.n_neurons,)]
        if array.shape not in shapes:
            text = f"{what}: shape {array.shape}, must be one of: "
            raise MicrocodeError(text + ", ".join(map(str, shapes)))
        high = (1 << (d.bits - 1)) - 1
        flat = np.atleast_1d(array).astype(np.int64)
        if (bad := np.flatnonzero((flat > high) | (flat < -high - 1))).size:
            value = flat[bad[0]]
            text = f"{what}: {value} of neuron {bad[0]} does not fit {d.bits} bits"
            raise MicrocodeError(f"{text} ({-high - 1}..{high})")
        return flat.astype(np.int32)

    # What compiled instructions use.

    def slot_of(self, operand: Operand) -> int:
        """The slot of a name or a number."""
        return self._slot[operand]

    def amount_of(self, slot: int, sign: int) -> Amount:
        """The shift amount in a slot, times ``sign``."""
        value = self.slots[slot]
        ready = self._amounts.get((id(value), sign))
        return ready or Amount.of(value.astype(np.int64) * sign)

    def count(self, name: str, changed: Mask, mask: Mask | None) -> None:
        """Count values that did not fit."""
        if mask is not None:
            changed = changed & mask
        each = self.n_neurons // changed.size
        if hits := each * np.count_nonzero(changed):
            self.counters[name] += int(hits)

    # What a user calls.

    def step(
        self,
        accumulators: Mapping[str, ArrayLike] | None = None,
        tracer: StepTracer | None = None,
    ) -> dict[str, Lanes]:
        """Execute the program once, on every neuron.

        Parameters
        ----------
        accumulators : mapping from str to array of int, shape (n,)
            What arrives at each; it is added to what the program has left there.
            32 bits of it are kept. Nothing arrives where a name is left out.
        tracer : optional
            See `Tracer`.

        Returns
        -------
        dict of str to array of int32, shape (n,)
            The payloads of every output; 0 where nothing was sent.

        Raises
        ------
        MicrocodeError
            When an accumulator is unknown or of the wrong shape.
        """
        for name, values in (accumulators or {}).items():
            self._receive(name, np.asarray(values))
        for slot in self._outputs.values():
            self.slots[slot] = ZERO
        self.probes.clear()
        self._execute(self._blocks if tracer is None else self._single, tracer)
        self.steps += 1
        return {name: self._sent(name, slot) for name, slot in self._outputs.items()}

    def _receive(self, name: str, values: NDArray) -> None:
        slot = self._inputs.get(name)
        if slot is None:
            known = ", ".join(self._inputs) or "none"
            raise MicrocodeError(f"there is no accumulator {name!r}; there are {known}")
        if values.shape != (self.n_neurons,) or values.dtype.kind not in "iu":
            text = f"accumulator {name!r}: {values.dtype} of shape {values.shape}"
            raise MicrocodeError(f"{text}, must be integers ({self.n_neurons},)")
        arrived = values.astype(np.int32)
        left = self.slots[slot]
        cleared = left.size == 1 and not left[0]
        self.slots[slot] = arrived if cleared else left + arrived

    def _sent(self, name: str, slot: int) -> Lanes:
        payload = self.slots[slot]
        if payload.size != self.n_neurons:
            payload = np.broadcast_to(payload, (self.n_neurons,))
        self.messages[name] += int(np.count_nonzero(payload))
        return payload.copy()

    def _execute(self, blocks: list[Block], tracer: StepTracer | None) -> None:
        """Go through the blocks; neurons that jump wait where they jumped to."""
        slots, n, end = self.slots, self.n_neurons, len(blocks)
        waiting: dict[int, Mask] = {}
        mask: Mask | None = None  # who executes: all, if nobody waits
        common, apart = 0, None
        i = 0
        while i < end:
            block = blocks[i]
            for run in block.runs:
                run(mask)
            size = len(block.opcodes)
            if mask is None:
                block.full += 1
                common += size
            else:
                block.partial += int(np.count_nonzero(mask))
                apart = mask * size if apart is None else apart + mask * size
            if tracer is not None:
                tracer.executed(self, block.first, mask)
            if block.target is not None:
                flag = slots[FLAG]
                taken = flag if mask is None else flag & mask
                jumping = np.count_nonzero(taken) * (n // taken.size)
                if jumping == (n if mask is None else np.count_nonzero(mask)):
                    _wait(waiting, block.target, taken)
                    i, mask = _arrive(waiting, min(waiting))
                    continue
                if jumping:
                    _wait(waiting, block.target, taken)
                    mask = ~taken if mask is None else mask & ~taken
            i += 1
            if i in waiting and i < end:
                here = mask
                i, mask = _arrive(waiting, i)
                if mask is not None and here is not None:
                    mask = mask | here
        self._count_executed(common, apart)

    def _count_executed(self, common: int, apart: IntArray | None) -> None:
        self._common += common
        if apart is not None:
            self._apart += apart
            common += int(apart.max())
        self.longest_executed = max(self.longest_executed, common)

    def read(self, name: str) -> IntArray:
        """Values of a state, register, accumulator or constant, shape (n,).

        A register has the value that its last instruction gave it.
        """
        if name not in self.program.names:
            known = ", ".join(self.program.names)
            raise MicrocodeError(f"there is no {name!r}; there are: {known}")
        values = self.slots[self._slot[name]].astype(np.int64)
        return np.broadcast_to(values, (self.n_neurons,)).copy()

    def write(self, name: str, values: ArrayLike) -> None:
        """Set a state.

        Parameters
        ----------
        name : str
        values : int or array of int, shape (n,)

        Raises
        ------
        MicrocodeError
            When there is no such state, or a value does not fit its width.
        """
        states = {d.name: d for d in self.program.of_kind(Kind.STATE)}
        if name not in states:
            known = ", ".join(states) or "none"
            raise MicrocodeError(f"there is no state {name!r}; there are: {known}")
        self.slots[self._slot[name]] = self._lanes(states[name], values)

    @property
    def state(self) -> dict[str, IntArray]:
        """Every state by name, shape (n,) each; a copy."""
        return {d.name: self.read(d.name) for d in self.program.of_kind(Kind.STATE)}

    def reset(self) -> None:
        """Set states and accumulators to zero; counts stay."""
        for d in self.program.of_kind(Kind.STATE, Kind.ACCUMULATOR):
            self.slots[self._slot[d.name]] = ZERO

    def reset_counts(self) -> None:
        """Forget executed instructions, steps and messages; overflow counts stay."""
        self.steps, self.longest_executed = 0, 0
        self._common = 0
        self._apart = np.zeros(self.n_neurons, dtype=np.int64)
        self.messages: Counter[str] = Counter()
        for block in (*self._blocks, *self._single):
            block.full = block.partial = 0

    @property
    def executed(self) -> IntArray:
        """Instructions executed by each neuron, shape (n,)."""
        return self._apart + self._common

    @property
    def executed_total(self) -> int:
        """Instructions executed by all neurons together."""
        return int(self.executed.sum())

    @property
    def executed_by_opcode(self) -> Counter[str]:
        """The same, by instruction."""
        total: Counter[str] = Counter()
        for block in (*self._blocks, *self._single):
            times = block.full * self.n_neurons + block.partial
            for opcode in block.opcodes if times else ():
                total[opcode] += times
        return total


def _wait(waiting: dict[int, Mask], block: int, lanes: Mask) -> None:
    waiting[block] = waiting[block] | lanes if block in waiting else lanes


def _arrive(waiting: dict[int, Mask], block: int) -> tuple[int, Mask | None]:
    """Take up the neurons that wait at a block; all execute if nobody else waits."""
    lanes = waiting.pop(block)
    return block, lanes if waiting else None
