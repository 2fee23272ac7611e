# SPDX-License-Identifier: BSD-3-Clause
"""Random networks, for tests and benchmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lava_sparse_rnn.fixed_point import QFormat
from lava_sparse_rnn.spec._network import Network
from lava_sparse_rnn.spec._tensors import Bias, Diagonal, Weights, Wire
from lava_sparse_rnn.spec.layers import Affine, Recipe, S5Block


def random_network(
    rng: np.random.Generator,
    d_in: int = 5,
    d_model: int = 8,
    d_state: int = 6,
    d_out: int = 4,
    n_blocks: int = 1,
    density: float = 0.4,
    recipe: Recipe | None = None,
) -> Network:
    """A network of random integers whose signals stay alive from end to end.

    Shifts are chosen so that wires use their range and now and then leave it:
    what is rare in a trained network, overflow, happens here.

    Parameters
    ----------
    rng : numpy.random.Generator
    d_in, d_model, d_state, d_out : int
    n_blocks : int
    density : float
        Share of weights that are not zero.
    recipe : Recipe, optional

    Returns
    -------
    Network
        encoder, ``n_blocks`` blocks, decoder.
    """
    recipe = recipe or Recipe()
    make = _Maker(rng, density, recipe)
    inp = make.wire(d_in)
    encoder = make.affine(inp, d_model, relu=True)
    layers: list[Affine | S5Block] = [encoder]
    for _ in range(n_blocks):
        layers.append(make.block(layers[-1].out, d_state))
    layers.append(make.affine(layers[-1].out, d_out, relu=False))
    return Network(tuple(layers), recipe, {"task": "random"})


class _Maker:
    def __init__(
        self, rng: np.random.Generator, density: float, recipe: Recipe
    ) -> None:
        self.rng, self.density, self.recipe = rng, density, recipe

    def ints(self, low: int, high: int, n: int) -> NDArray[np.int64]:
        return self.rng.integers(low, high + 1, n)

    def wire(self, n: int) -> Wire:
        ref = int(self.rng.integers(4, 12))
        return Wire(self.recipe.wire_bits, ref + self.ints(-2, 3, n), ref)

    def matrix(self, n_out: int, n_in: int) -> sparse.csr_array:
        high = (1 << (self.recipe.weight_bits - 1)) - 1
        dense = self.rng.integers(-high - 1, high + 1, (n_out, n_in))
        dense *= self.rng.random((n_out, n_in)) < self.density
        return sparse.csr_array(dense)

    def bias(self, n: int, size: NDArray) -> Bias:
        """A bias of up to a quarter of ``size``, some of it as exponent."""
        exp = self.ints(0, 3, n)
        limit = np.minimum(size / 4, 2.0 ** (self.recipe.bias_bits - 2))
        mant = np.rint(self.rng.uniform(-1, 1, n) * limit).astype(np.int64) >> exp
        return Bias(mant, exp, self.recipe.bias_bits)

    def typical(self, wire: Wire, *matrices: sparse.csr_array) -> NDArray[np.float64]:
        """Typical size of an accumulator: a random walk of half-scale payloads."""
        squares = sum((m.power(2).sum(axis=1) for m in matrices), np.zeros(1))
        return np.sqrt(np.maximum(squares, 1.0)) * wire.magnitude / 4

    def shift_to(self, size: NDArray, target: float, low: int = 0) -> NDArray:
        """Shifts that bring ``size`` near ``target``, give or take a factor of 2."""
        k = np.rint(np.log2(size / target)).astype(np.int64)
        return np.maximum(k + self.ints(-1, 1, len(k)), low)

    def affine(self, inp: Wire, n: int, relu: bool) -> Affine:
        bits, matrix = self.recipe.weight_bits, self.matrix(n, inp.size)
        size = self.typical(inp, matrix)
        out = self.wire(n)
        k = self.shift_to(size, 1 << (self.recipe.wire_bits - 2))
        weights = Weights(matrix, out.frac + k - inp.ref, bits)
        return Affine(inp, weights, self.bias(n, size), out, relu)

    def wire_of(self, frac: NDArray) -> Wire:
        ref = max(int(np.median(frac)), int(frac.max()) - 10)
        return Wire(self.recipe.wire_bits, frac, ref)

    def block(self, inp: Wire, n: int) -> S5Block:
        r, d = self.recipe, inp.size
        B_re, B_im = self.matrix(n, d), self.matrix(n, d)
        C_re, C_imn = self.matrix(d, n), self.matrix(d, n)
        W = self.matrix(d, d)
        radius, angle = self.rng.uniform(0.5, 0.999, n), self.rng.uniform(0, 3.1, n)
        a_format = QFormat(r.a_bits, r.a_bits - 1)  # type: ignore[arg-type]

        half_wire = 1 << (r.wire_bits - 2)
        state = QFormat(r.state_bits, self.ints(14, 18, n))
        size_B = self.typical(inp, B_re, B_im)
        k_B = self.shift_to(size_B / (1 - radius) ** 0.5, 1 << (r.state_bits - 2), -4)
        B_frac = state.frac + k_B - inp.ref
        k_x = max(r.state_bits - r.wire_bits, 0) + self.ints(-1, 1, n)
        s = self.wire_of(state.frac - k_x)
        z = self.wire_of(inp.frac + self.ints(-1, 1, d))
        k_C = self.shift_to(self.typical(s, C_re, C_imn), half_wire)
        C_frac = z.frac + 1 + k_C - s.ref
        high = (1 << (r.weight_bits - 1)) - 1
        D_frac = z.frac - inp.frac + r.weight_bits - self.ints(0, 2, d)
        size_W = self.typical(z, W)
        g = QFormat(r.gate_bits, r.gate_bits - self.ints(3, 5, d))
        k_g = self.shift_to(size_W, 1 << (r.gate_bits - 2))
        return S5Block(
            inp=inp,
            B_re=Weights(B_re, B_frac, r.weight_bits),
            B_im=Weights(B_im, B_frac, r.weight_bits),
            bias_x_re=self.bias(n, size_B),
            bias_x_im=self.bias(n, size_B),
            a_re=a_format.quantize(radius * np.cos(angle)),
            a_im=a_format.quantize(radius * np.sin(angle)),
            a_format=a_format,
            state=state,
            s=s,
            C_re=Weights(C_re, C_frac, r.weight_bits),
            C_imn=Weights(C_imn, C_frac, r.weight_bits),
            D=Diagonal(self.ints(-high - 1, high, d), D_frac, r.weight_bits),
            bias_z=self.bias(d, np.full(d, half_wire)),
            z=z,
            W=Weights(W, g.frac + k_g - z.ref, r.weight_bits),
            bias_g=self.bias(d, size_W),
            g=g,
            out=self.wire_of(np.minimum(z.frac, inp.frac) - self.ints(0, 1, d)),
        )
