# SPDX-License-Identifier: BSD-3-Clause
"""The networks that ``evaluate`` scores beside each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from lava_sparse_rnn.cli._backend import open_denoiser

if TYPE_CHECKING:
    from lava_sparse_rnn.audio.denoiser import Denoiser


@dataclass(frozen=True)
class Scored:
    """A network of this library that is scored.

    Parameters
    ----------
    name : str
        Of the file, or of the run of a float checkpoint.
    path : Path
    denoise : callable
    strength : float, optional
        Limit of attenuation, dB; infinite or None where there is none.
    denoiser : Denoiser, optional
        Integers; a float checkpoint has none.
    """

    name: str
    path: Path
    denoise: Callable
    strength: float | None
    denoiser: Denoiser | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        backend: str,
        strength: float | None,
        stack: ExitStack,
        floats: bool,
    ) -> Scored:
        """Integers from a .net file; floats, where they may be, from a checkpoint."""
        if floats and path.suffix == ".safetensors":
            from lava_sparse_rnn.tasks.denoise.float_denoiser import FloatDenoiser

            name = f"{path.parent.name} (float)"
            floating = FloatDenoiser(path, strength)
            return cls(name, path, floating.denoise, floating.front_end.strength)
        hint = "--beside takes denoisers" if floats else "--task names another task"
        opened = open_denoiser(path, backend, strength, hint=hint)
        denoiser = stack.enter_context(opened)
        return cls(path.stem, path, denoiser.denoise, denoiser.strength, denoiser)

    @property
    def limit(self) -> float | None:
        """`strength` as JSON can say it: None where there is no limit."""
        return None if self.strength == inf else self.strength


def scored(
    paths: list[Path], backend: str, strength: float | None, stack: ExitStack
) -> list[Scored]:
    """The network that is evaluated, first, and those beside it.

    Raises
    ------
    ValueError
        When two have the same name.
    """
    found: dict[str, Scored] = {}
    for path in paths:
        one = Scored.open(path, backend, strength, stack, floats=bool(found))
        if one.name in found:
            raise ValueError(f"beside: {path}: a second network named {one.name!r}")
        found[one.name] = one
    return list(found.values())
