# SPDX-License-Identifier: BSD-3-Clause
"""What the exported network keeps in RAM: states of layers and work space."""

from __future__ import annotations

from dataclasses import dataclass

from lava_sparse_rnn.c_export._c import size_of
from lava_sparse_rnn.c_export._types import Types
from lava_sparse_rnn.spec import S4D, Network, S5Block


@dataclass(frozen=True)
class Member:
    """An array of the state structure."""

    name: str
    c_type: str
    size: int

    @property
    def declaration(self) -> str:
        """In the structure."""
        return f"    {self.c_type} {self.name}[{self.size}];"

    @property
    def zeros(self) -> str:
        """The loop that sets it to zero."""
        loop = f"    for (i = 0; i < {self.size}; ++i)"
        return f"{loop}\n        state->{self.name}[i] = 0;"


@dataclass(frozen=True)
class Memory:
    """Members of the state structure.

    Parameters
    ----------
    states : tuple of Member
        Real and imaginary part of every layer that has some, in turn.
    work : tuple of Member
        Payloads ``u`` between layers, ``inner`` ones (``s``, then a block's ``z``),
        and accumulators.
    """

    states: tuple[Member, ...]
    work: tuple[Member, ...]

    @classmethod
    def of(cls, network: Network, types: Types) -> Memory:
        """What a network needs."""
        recurrent = {
            i: layer
            for i, layer in enumerate(network.layers)
            if isinstance(layer, S5Block | S4D)
        }
        states = [
            Member(f"layer{i}_x_{part}", types.x_t, layer.d_state)
            for i, layer in recurrent.items()
            for part in ("re", "im")
        ]
        widest = max(max(la.inp.size, la.out.size) for la in network.layers)
        inner = [2 * layer.d_state for layer in recurrent.values()]
        inner += [la.z.size for la in network.layers if isinstance(la, S5Block)]
        rows = [layer.out.size for layer in network.layers]
        work = [
            Member("u", types.wire_t, widest),
            Member("inner", types.wire_t, max(inner, default=1)),
            Member("acc", "int32_t", max([*rows, *inner])),
        ]
        return cls(tuple(states), tuple(work))

    @property
    def bytes(self) -> int:
        """The structure's size as every common machine lays it out, counters apart."""
        end = 0
        for member in (*self.states, *self.work):
            size = size_of(member.c_type)
            end = -(-end // size) * size + size * member.size
        return -(-end // 4) * 4  # the accumulators are aligned to 4 bytes

    def texts(self) -> dict[str, str]:
        """What the templates say about it."""
        index = "    int32_t i;\n"
        reset = [index, *(m.zeros for m in self.states)]
        if not self.states:
            reset = ["    (void)state; /* nothing is kept from token to token */"]
        return {
            "states": "\n".join(m.declaration for m in self.states),
            "work": "\n".join(m.declaration for m in self.work),
            "reset": "\n".join(reset),
            "init": "\n".join([index, *(m.zeros for m in self.work)]),
        }
