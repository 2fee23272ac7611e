# SPDX-License-Identifier: BSD-3-Clause
"""The nodes that NIR lacks, known to its reader and writer once this is imported."""

from __future__ import annotations

from dataclasses import dataclass

import nir  # type: ignore[import-not-found]
import numpy as np


@dataclass(eq=False)
class LinearRecurrence(nir.NIRNode):
    """Diagonal complex linear recurrence, one step per token.

    With ``u`` the input and ``x`` the state, complex vectors whose real parts come
    before their imaginary parts on a wire of 2 n numbers::

        x[t] = a x[t-1] + u[t]
        y[t] = f(x[t])

    ``f`` passes everything ('none'), the positive parts ('split'), or a number whole
    where it is lexicographically above 0 ('real_gate').

    Parameters
    ----------
    a_re, a_im : array, shape (n,)
    nonlinearity : str
    """

    a_re: np.ndarray
    a_im: np.ndarray
    nonlinearity: str = "none"

    def __post_init__(self) -> None:
        n = np.array([2 * len(self.a_re)])
        self.input_type, self.output_type = {"input": n}, {"output": n}


@dataclass(eq=False)
class ReLU(nir.NIRNode):
    """``y = max(x, 0)``, what comes in added up.

    Parameters
    ----------
    shape : array of int
        Of input and output.
    """

    shape: np.ndarray

    def __post_init__(self) -> None:
        shape = np.array(self.shape)
        self.input_type, self.output_type = {"input": shape}, {"output": shape}


@dataclass(eq=False)
class SigmoidGate(nir.NIRNode):
    """``y = x sigmoid(W x + b)``.

    Parameters
    ----------
    weight : array, shape (n, n)
    bias : array, shape (n,)
    """

    weight: np.ndarray
    bias: np.ndarray

    def __post_init__(self) -> None:
        n = np.array([len(self.bias)])
        self.input_type, self.output_type = {"input": n}, {"output": n}


NODES = (LinearRecurrence, ReLU, SigmoidGate)


def _register() -> None:
    """Let ``nir.read`` find them: it looks for types by name among its own."""
    known = vars(nir.ir)["__all_ir"]
    for node in NODES:
        if node.__name__ not in known:
            known.append(node.__name__)
        setattr(nir.ir, node.__name__, node)


_register()
