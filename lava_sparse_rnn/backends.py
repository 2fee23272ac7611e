# SPDX-License-Identifier: BSD-3-Clause
"""The ways to run a network by name: each is a `spec.Stream`.

Users name a backend; every one of them gives the same integers.
"""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name

from lava_sparse_rnn import engine
from lava_sparse_rnn.fixed_point import choose
from lava_sparse_rnn.spec import Network, Stream, check_network

# Where each is found: only the one that is asked for is imported, Lava above all.
BACKENDS = {
    "engine": "lava_sparse_rnn.engine:Stream",
    "lava": "lava_sparse_rnn.proc:Session",
    "microcode": "lava_sparse_rnn.microcode:Stream",
    "reference": "lava_sparse_rnn.spec.reference:Reference",
}


def default() -> str:
    """The fastest backend here: ``engine`` where it is built, else ``reference``."""
    return "reference" if engine.EXTENSION is None else "engine"


def create(name: str, network: Network) -> Stream:
    """The backend ``name`` with ``network`` in it.

    `close` it at the end, or use it as a context manager: ``lava`` holds a
    Lava network.

    Raises
    ------
    SpecError
        When there is no such backend; the message lists them.
    """
    check_network(network, "backend", name)
    made: Callable[[Network], Stream] = resolve_name(choose("backend", name, BACKENDS))
    return made(network)
