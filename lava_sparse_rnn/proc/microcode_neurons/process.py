# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that execute a program of your own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var
from numpy.typing import ArrayLike

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.microcode import Program, assemble
from lava_sparse_rnn.proc.microcode_neurons.program_model import VAR_TYPE, ProgramModel
from lava_sparse_rnn.proc.neurons.counts import OVERFLOW
from lava_sparse_rnn.proc.neurons.process import TimedProcess, check_type


class MicrocodeNeurons(TimedProcess):
    """Neurons of a program, which all of them execute once in every time step.

    Ports and Vars are named after what the program declares.

    Parameters
    ----------
    program : Program or str
        A program, or its text.
    shape : tuple of int
        Of the neurons.
    constants : mapping from str to int or array of int
        A value for every constant of the program; per-neuron ones may have ``shape``.
    state : mapping from str to int or array of int, optional
        What states hold at the start, 0 where left out.
    rounding : {"floor", "nearest"}
    overflow : {"saturate", "wrap"}
    depth, period, num_tokens
        See `TimedProcess`: overflow and instructions are counted in steps that have
        a token, by default in all. The program is executed in every step.
    reset_interval, reset_offset
        See `TimedProcess`: states and accumulators become zero, whatever the program.
    **kwargs
        ``name`` and ``log_config``, see `AbstractProcess`.

    Attributes
    ----------
    a_in : InPort
        What arrives at the accumulator; ``a_<accumulator>_in`` where there are more.
    s_out : OutPort
        Payloads of the output; ``s_<output>_out`` where there are more.
    <state> : Var
    probe_<name> : Var
        What ``PROBE name`` showed in the last step; zeros where it was not executed.
    overflow_<name> : Var, shape (1,)
        How often a value did not fit a state, an output or a counted register.
    instructions : Var, shape (1,)
        How many instructions all neurons together have executed.

    Raises
    ------
    AssemblyError
        When the program is wrong; it says where.
    MicrocodeError
        When a constant or state is missing, unknown, of another shape or too wide.
    SpecError
        When a state has a name that Lava uses for something else.

    Examples
    --------
    >>> neurons = proc.MicrocodeNeurons(  # doctest: +SKIP
    ...     text, (192,), {"limit": 10, "leak": -2}
    ... )
    >>> dense.a_out.connect(neurons.a_in)  # doctest: +SKIP
    >>> neurons.run(RunSteps(100), proc.MicrocodeSimCfg())  # doctest: +SKIP
    >>> neurons.v.get()  # doctest: +SKIP
    """

    def __init__(
        self,
        program: Program | str,
        shape: tuple[int, ...],
        constants: Mapping[str, ArrayLike] | None = None,
        *,
        state: Mapping[str, ArrayLike] | None = None,
        rounding: str = "floor",
        overflow: str = "saturate",
        **kwargs: Any,
    ) -> None:
        if isinstance(program, str):
            program = assemble(program)
        check_type(program, Program, f"{type(self).__name__}: program")
        machine = {
            "program": program,
            "constants": _flat(constants or {}, shape),
            "n_neurons": int(np.prod(shape)),
            "rounding": rounding,
            "overflow": overflow,
        }
        super().__init__(machine=machine, shape=shape, **kwargs)
        # Made here once, so that whatever is wrong is an error here.
        model = ProgramModel(self.proc_params)
        self.program, self.state_names = program, (tuple(model.states),)
        for port in model.inputs:
            setattr(self, port, InPort(shape=shape))
        for port in model.outputs:
            setattr(self, port, OutPort(shape=shape))
        for name in model.states:
            if self._uses(model, name):
                text = f"program {program.name!r}: no state can be called {name!r}"
                raise SpecError(f"{text}, which Lava or this Process use themselves")
        for name, var in _variables(model, _flat(state or {}, shape)).items():
            setattr(self, name, var)

    def _uses(self, model: ProgramModel, name: str) -> bool:
        """Whether a name is one of Lava's, of this Process's or of its other Vars'."""
        if hasattr(self, name) or hasattr(model, name) or name in _shown(model):
            return True
        # A model's class has a type for every name of a Var; private ones are none.
        return getattr(ProgramModel, name, None) is not VAR_TYPE


def _variables(model: ProgramModel, state: Mapping[str, ArrayLike]) -> dict[str, Var]:
    shape, interpreter = model.shape, model.interpreter
    for name, values in state.items():
        interpreter.write(name, values)
    variables = {
        name: Var(shape=shape, init=values.reshape(shape))
        for name, values in interpreter.state.items()
    }
    for name, size in _shown(model).items():
        variables[name] = Var(shape=size, init=0)
    return variables


def _shown(model: ProgramModel) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the Vars that are no states."""
    shapes = {f"probe_{name}": model.shape for name in model.probed}
    counts = (*(OVERFLOW + name for name in model.counted), "instructions")
    return shapes | dict.fromkeys(counts, (1,))


def _flat(values: Mapping[str, ArrayLike], shape: tuple[int, ...]) -> dict[str, Any]:
    arrays = {name: np.asarray(value) for name, value in values.items()}
    return {n: a.ravel() if a.shape == shape else a for n, a in arrays.items()}
