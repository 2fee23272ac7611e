# SPDX-License-Identifier: BSD-3-Clause
"""The interface of what runs bundles, and how it is found.

A package offers a backend under the entry-point group ``lava_sparse_rnn.deployment``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.loihi2.deployment.bundle import Bundle
from lava_sparse_rnn.loihi2.deployment.errors import DeploymentError

ENTRY_POINTS = "lava_sparse_rnn.deployment"
"""Group of the entry points by which packages offer backends for bundles."""
FORMER_ENTRY_POINTS = "lava_sparse_rnn.backends"  # still read in this release
METHODS = ("load", "run", "counters", "close")


class DeploymentBackend(Protocol):
    """What runs a bundle; an entry point names a class without arguments.

    The methods are called in the order load, run (any number of times), counters,
    close; after `close`, `load` may come again. Any exception ends the work: `close`
    is called then too, and has to be safe after a `load` that failed.
    """

    def load(self, bundle: Bundle, mode: str) -> None:
        """Put a bundle on the board.

        Parameters
        ----------
        bundle : Bundle
            See `board_image` for what each core gets.
        mode : {"pipelined", "fall_through"}
        """
        ...

    def run(self, x: NDArray[np.int64]) -> NDArray[np.int64]:
        """Answers to a sequence from a zero state, shape (T, d_in) -> (T, d_out).

        Row ``t`` answers token ``t``: the backend drops the steps in between.
        """
        ...

    def counters(self) -> Mapping[str, NDArray[np.int64]]:
        """Totals per core since `load`, shape (cores,) each, in the bundle's order.

        Where groups share cores, an entry of the bundle is a part of a core.

        Names are those of `lava_sparse_rnn.loihi2.counts.PER_CORE` where they mean
        the same; what cannot be counted is left out.
        """
        ...

    def close(self) -> None:
        """Let go of the board."""
        ...


def available() -> dict[str, metadata.EntryPoint]:
    """Installed backends by name."""
    found = {
        point.name: point
        for group in (FORMER_ENTRY_POINTS, ENTRY_POINTS)
        for point in metadata.entry_points(group=group)
    }
    return dict(sorted(found.items()))


def create(name: str) -> DeploymentBackend:
    """An installed backend.

    Raises
    ------
    DeploymentError
        When there is none of this name, it cannot be loaded, or lacks a method.
    """
    points = available()
    _check_single(name)
    if name not in points:
        known = ", ".join(points) or "none; install this package again"
        raise DeploymentError(
            f"no deployment backend {name!r} is installed, there are: {known}. One for "
            f"hardware is a package with an entry point in the group {ENTRY_POINTS}, "
            "see docs/deploy.md"
        )
    point = points[name]
    try:
        backend = point.load()()
    except Exception as error:
        raise DeploymentError(
            f"deployment backend {name!r} ({point.value}) cannot be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error
    missing = [n for n in METHODS if not callable(getattr(backend, n, None))]
    if missing:
        raise DeploymentError(
            f"deployment backend {name!r} ({point.value}) lacks: {', '.join(missing)}"
        )
    return backend


def _check_single(name: str) -> None:
    """Refuse a name under which packages offer different things."""
    offers = {
        f"{point.dist.name if point.dist else 'a package'} ({point.value})"
        for group in (FORMER_ENTRY_POINTS, ENTRY_POINTS)
        for point in metadata.entry_points(group=group, name=name)
    }
    if len(offers) > 1:
        listed = " and by ".join(sorted(offers))
        raise DeploymentError(
            f"deployment backend {name!r} is offered by {listed}; uninstall all but one"
        )


@contextmanager
def opened(
    backend: str | DeploymentBackend, bundle: Bundle, mode: str = "pipelined"
) -> Iterator[DeploymentBackend]:
    """A backend with a bundle in it, closed at the end.

    Parameters
    ----------
    backend : str or DeploymentBackend
        Or the name of one.
    bundle : Bundle
    mode : {"pipelined", "fall_through"}
    """
    if isinstance(backend, str):
        backend = create(backend)
    try:
        backend.load(bundle, mode)
        yield backend
    finally:
        backend.close()


@dataclass(frozen=True, eq=False)
class CheckResult(Brief):
    """How a backend's answers compare with a bundle's golden output.

    Parameters
    ----------
    equal : bool
    tokens : int
    message : str
        In words; where answers differ, the first place where they do.
    answers : array of int, shape (T, d_out)
    counters : dict of str to array of int, shape (cores,)
    """

    equal: bool
    tokens: int
    message: str
    answers: NDArray[np.int64]
    counters: dict[str, NDArray[np.int64]]


def check(
    bundle: Bundle, backend: str | DeploymentBackend = "cpu", mode: str = "pipelined"
) -> CheckResult:
    """Run the golden sequences on a backend and compare every integer.

    Parameters
    ----------
    bundle : Bundle
    backend : str or DeploymentBackend
        Or the name of one.
    mode : {"pipelined", "fall_through"}

    Raises
    ------
    DeploymentError
        When the backend is not there, or answers in another shape.
    """
    with opened(backend, bundle, mode) as runner:
        parts = bundle.split(bundle.golden_input)
        found = [np.asarray(runner.run(part.copy())) for part in parts]
        counters = {k: np.asarray(v) for k, v in runner.counters().items()}
    answers = np.concatenate(found)
    expected = bundle.golden_output
    if answers.shape != expected.shape or answers.dtype.kind not in "iu":
        raise DeploymentError(
            f"answers: {answers.dtype} of shape {answers.shape}, must be integers "
            f"{expected.shape}"
        )
    different = np.argwhere(answers != expected)
    n = len(expected)
    several = f" to {len(parts)} sequences" if len(parts) > 1 else ""
    message = (
        f"{n} answers{several} of {expected.shape[1]} values equal the golden output"
    )
    if len(different):
        t, j = (int(i) for i in different[0])
        message = (
            f"{len(different):,} of {expected.size:,} values differ from the golden "
            f"output; the first is value {j} of answer {t}: {answers[t, j]}, must be "
            f"{expected[t, j]}"
        )
    return CheckResult(not len(different), n, message, answers, counters)
