# SPDX-License-Identifier: BSD-3-Clause
"""One state-space block."""

from __future__ import annotations

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from lava_sparse_rnn.proc._layer_vars import layer_vars
from lava_sparse_rnn.proc._process import Process, check_depth, check_type
from lava_sparse_rnn.spec import Network, Recipe
from lava_sparse_rnn.spec import S5Block as BlockSpec


class S5Block(Process):
    """Recurrence, readout and gate with residual::

        x'  = a x + B u + bias_x
        z   = relu(2 Re(C s) + D u + bias_z)
        out = relu(z sigmoid(W z + bias_g) + u)

    Its models are one operating-system process (`fixed_pt`, `floating_pt`) or a
    network of neuron groups and Lava's connections
    (``select_sub_proc_model=True``), with the same values at the ports in each step.

    Parameters
    ----------
    block : spec.S5Block
    recipe : Recipe, optional
    depth : int
        Time step (0 is the first) in which the first token arrives at ``inp``; the
        recurrence stays at zero until it has come through.
    num_tokens : int, optional
        How many tokens are real; those after them count no overflow.

    Attributes
    ----------
    inp, out : InPort, OutPort, shape (d_model,)
    x_re, x_im : Var, shape (d_state,)
    overflow_<tensor> : Var, shape (1,)
        For x_re, x_im, s_re, s_im, z, g, out: how often a value did not fit.

    Raises
    ------
    SpecError
        When the block breaks a rule of descriptions.
    """

    def __init__(
        self,
        block: BlockSpec,
        recipe: Recipe | None = None,
        *,
        depth: int = 0,
        num_tokens: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_type(block, BlockSpec, "S5Block: block")
        recipe = recipe or Recipe()
        super().__init__(
            block=block,
            recipe=recipe,
            network=Network((block,), recipe),
            depth=check_depth(depth),
            num_tokens=num_tokens,
            **kwargs,
        )
        self.block = block
        self.inp = InPort(shape=(block.d_model,))
        self.out = OutPort(shape=(block.d_model,))
        for name, shape in layer_vars(block).items():
            setattr(self, name, Var(shape=shape, init=0))

    @property
    def latency(self) -> int:
        """Time steps from a token's arrival to its answer."""
        return self.block.latency
