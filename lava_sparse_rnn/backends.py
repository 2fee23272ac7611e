# SPDX-License-Identifier: BSD-3-Clause
"""The ways to run a network by name: each is a `spec.Stream`.

Users name a backend; every one of them gives the same integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pkgutil import resolve_name
from typing import Any

from numpy.typing import ArrayLike

from lava_sparse_rnn import engine
from lava_sparse_rnn.fixed_point import choose
from lava_sparse_rnn.spec import Network, Sequences, Stream, check_network
from lava_sparse_rnn.spec.sequences import SequencesLike, answers_to, head_of
from lava_sparse_rnn.spec.stream import Progress

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


def answer(
    network: Network,
    x: SequencesLike,
    lengths: ArrayLike | None = None,
    backend: str | None = None,
    progress: Progress | None = None,
) -> Any:
    """What a network says of sequences, by its head, as real values.

    A network that was trained to answer a sequence once (``head="mean"``, ``"last"``)
    does so here, on every backend.

    Parameters
    ----------
    network : Network
    x : array, shape (T, d_in) or (N, T, d_in), or a list of arrays (T_i, d_in)
        Real inputs in the units of the training; each sequence starts anew.
    lengths : array of int, shape (N,), optional
        Valid tokens of each sequence of an array (N, T, d_in).
    backend : str, optional
        A name of `BACKENDS`; the fastest one here if not given.
    progress : callable, optional

    Returns
    -------
    array of float64, or a list of such
        (N, d_out) of the heads ``mean`` and ``last``, or (d_out,) for one sequence;
        of the head ``sequence`` an answer a token, laid out as ``x``.

    Raises
    ------
    SpecError
        Where ``x``, ``lengths``, the backend's name or the file's head do not fit.
    """
    check_network(network, "answer", x)
    head_of(network)
    if backend is not None:
        choose("backend", backend, BACKENDS)
    real = Sequences.of(network, x, lengths, real=True)
    sequences = replace(real, tokens=network.to_wire(real.tokens))
    with create(backend or default(), network) as stream:
        answers = sequences.run(stream.run, stream.reset, progress)
    return answers_to(network, sequences, answers)
