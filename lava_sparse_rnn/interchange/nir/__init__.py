# SPDX-License-Identifier: BSD-3-Clause
"""NIR: networks of ours as graphs, and graphs of NIR's own nodes as Lava Processes.

`export` makes a graph, `write` writes it, `load` reads it back to the same integers.
`nir.network.Network` is a graph of standard nodes as a Lava Process. docs/nir.md has
the nodes that NIR lacks, which importing this registers.
"""

from lava_sparse_rnn import messages

messages.require("interchange.nir", "nir", "nir")

from lava_sparse_rnn.interchange.nir._graph import export, load, write
from lava_sparse_rnn.interchange.nir._nodes import (
    LinearRecurrence,
    ReLU,
    SigmoidGate,
)

__all__ = [
    "LinearRecurrence",
    "ReLU",
    "SigmoidGate",
    "export",
    "load",
    "write",
]
