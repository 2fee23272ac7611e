# SPDX-License-Identifier: BSD-3-Clause
"""HiPPO-LegS initialisation of S5 layers.

Source: Smith, Warrington, Linderman, "Simplified State Space Layers for Sequence
Modeling" (arXiv 2208.04933), appendix B: the normal part of the HiPPO-LegS matrix,
repeated in blocks on the diagonal, of which conjugate symmetry keeps one half.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.nn.options import pair_size, state_fits


def legs_normal_eigen(
    order: int, conj_sym: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of the normal part of HiPPO-LegS.

    ``A_nk = -sqrt(n + 1/2) sqrt(k + 1/2)`` for n > k, its negative transpose above
    the diagonal, -1/2 on the diagonal.

    Parameters
    ----------
    order : int
        Size of the matrix; even if `conj_sym`.
    conj_sym : bool
        Whether of each conjugate pair only one is wanted.

    Returns
    -------
    eigenvalues : complex ndarray, shape (order / 2,) or (order,)
        In ascending order of the imaginary part, with `conj_sym` only those where it
        is positive.
    vectors : complex ndarray, shape (order, order / 2) or (order, order)
        Orthonormal columns.
    """
    p = np.sqrt(np.arange(order) + 0.5)
    skew = np.tril(np.outer(p, p), -1)
    skew = skew.T - skew
    # A skew-symmetric matrix times -i is Hermitian: real eigenvalues, exact.
    imag, vectors = np.linalg.eigh(-1j * skew)
    keep = imag > 0 if conj_sym else slice(None)
    return -0.5 + 1j * imag[keep], vectors[:, keep]


MOST_BLOCKS = 16  # where the state is large enough for it


def initial_state_space(
    d_model: int,
    d_state: int,
    blocks: int | None,
    rng: np.random.Generator,
    conj_sym: bool = True,
) -> dict[str, NDArray[np.complex128]]:
    """Initial Lambda, B and C of one layer.

    Parameters
    ----------
    d_model, d_state : int
        Features, and real state size.
    blocks : int or None
        HiPPO blocks, see `state_fits`. None: as many as fit, `MOST_BLOCKS` at most.
    rng : numpy.random.Generator
    conj_sym : bool
        Whether only one state of each conjugate pair is stored: N is ``d_state / 2``
        then, else ``d_state``.

    Returns
    -------
    dict
        'lambda' complex (N,), 'B' complex (N, d_model), 'C' complex (d_model, N).

    Raises
    ------
    ValueError
        If the state cannot be cut into such blocks.
    """
    if blocks is None:
        numbers = range(MOST_BLOCKS, 0, -1)
        blocks = next((n for n in numbers if state_fits(d_state, n, conj_sym)), 1)
    if not state_fits(d_state, blocks, conj_sym):
        pair = pair_size(conj_sym)
        raise ValueError(
            f"d_state is {d_state}; it must be a multiple of {pair} * hippo_blocks = "
            f"{pair * blocks}"
        )
    order = d_state // blocks
    eigenvalues, vectors = legs_normal_eigen(order, conj_sym)
    # LeCun normal in the original coordinates, then into the eigenbasis.
    B = rng.standard_normal((blocks, order, d_model)) / np.sqrt(d_model)
    C = rng.standard_normal((d_model, blocks, order)) / np.sqrt(d_state)
    return {
        "lambda": np.tile(eigenvalues, blocks),
        "B": np.einsum("ko,boh->bkh", vectors.conj().T, B).reshape(-1, d_model),
        "C": np.einsum("hbo,ok->hbk", C, vectors).reshape(d_model, -1),
    }
