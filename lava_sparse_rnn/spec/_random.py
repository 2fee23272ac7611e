# SPDX-License-Identifier: BSD-3-Clause
"""Random networks, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lava_sparse_rnn.fixed_point import QFormat, check_number, check_whole, choose
from lava_sparse_rnn.spec._network import Network
from lava_sparse_rnn.spec._tensors import Bias, Diagonal, Weights, Wire
from lava_sparse_rnn.spec.layers import S4D, Affine, Layer, S5Block
from lava_sparse_rnn.spec.recipe import INPUT, Recipe


def random_network(
    rng: np.random.Generator,
    d_in: int = 5,
    d_model: int = 8,
    d_state: int = 6,
    d_out: int = 4,
    n_blocks: int = 1,
    density: float = 0.4,
    recipe: Recipe | None = None,
    kinds: Sequence[str] | None = None,
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
    kinds : sequence of {"affine", "s5", "s4d"}, optional
        Types of the layers in between, in place of ``n_blocks`` blocks. The channels
        of an S4D have at least ``d_state`` states together; half of all such layers
        give complex answers.

    Returns
    -------
    Network
        encoder, ``n_blocks`` blocks or layers of ``kinds``, decoder.
    """
    recipe = recipe or Recipe()
    sizes = {"d_in": d_in, "d_model": d_model, "d_state": d_state, "d_out": d_out}
    for name, size in sizes.items():
        check_whole(f"random_network: {name}", size, 1)
    check_whole("random_network: n_blocks", n_blocks)
    check_number("random_network: density", density, least=0, most=1)
    make = _Maker(rng, density, recipe.at(INPUT))
    inp = make.wire(d_in)
    make.recipe = recipe.at("layer0")
    layers: list[Layer] = [make.affine(inp, d_model, relu=True)]
    makers = {
        Affine.type: lambda inp: make.affine(inp, d_model, relu=True),
        S5Block.type: lambda inp: make.block(inp, d_state),
        S4D.type: lambda inp: make.channels(inp, d_state),
    }
    for kind in (S5Block.type,) * n_blocks if kinds is None else kinds:
        make.recipe = recipe.at(f"layer{len(layers)}")
        layers.append(choose("random_network: kind", kind, makers)(layers[-1].out))
    make.recipe = recipe.at(f"layer{len(layers)}")
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
        dense = self.weights(n_out, n_in)
        return sparse.csr_array(dense * (self.rng.random(dense.shape) < self.density))

    def weights(self, *shape: int) -> NDArray[np.int64]:
        high = (1 << (self.recipe.weight_bits - 1)) - 1
        return self.rng.integers(-high - 1, high + 1, shape)

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

    def states(self, inp: Wire, B_re: Any, B_im: Any) -> dict[str, Any]:
        """B, A, the states of a recurrence and their wire."""
        r, n = self.recipe, B_re.shape[0]
        radius, angle = self.rng.uniform(0.5, 0.999, n), self.rng.uniform(0, 3.1, n)
        a_format = QFormat(r.a_bits, r.a_bits - 1)  # type: ignore[arg-type]
        state = QFormat(r.state_bits, self.ints(14, 18, n))
        size = self.typical(inp, B_re, B_im) / (1 - radius) ** 0.5
        k_B = self.shift_to(size, 1 << (r.state_bits - 2), -4)
        frac = state.frac + k_B - inp.ref
        k_x = max(r.state_bits - r.wire_bits, 0) + self.ints(-1, 1, n)
        return {
            "B_re": Weights(B_re, frac, r.weight_bits),
            "B_im": Weights(B_im, frac, r.weight_bits),
            "a_re": a_format.quantize(radius * np.cos(angle)),
            "a_im": a_format.quantize(radius * np.sin(angle)),
            "a_format": a_format,
            "state": state,
            "s": self.wire_of(state.frac - k_x),
        }

    def channels(self, inp: Wire, d_state: int) -> S4D:
        """Channels with all of their weights."""
        r, h = self.recipe, inp.size
        channel = np.repeat(np.eye(h, dtype=np.int64), -(-d_state // h), axis=0)
        readers = np.tile(channel.T, (int(self.rng.integers(1, 3)), 1))
        B_re, B_im, C_re, C_imn = (
            sparse.csr_array(self.weights(*where.shape) * where)
            for where in (channel, channel, readers, readers)
        )
        states = self.states(inp, B_re, B_im)
        s, out = states["s"], self.wire(len(readers))
        k = self.shift_to(self.typical(s, C_re, C_imn), 1 << (r.wire_bits - 2))
        frac = out.frac + 1 + k - s.ref
        return S4D(
            inp=inp,
            **states,
            C_re=Weights(C_re, frac, r.weight_bits),
            C_imn=Weights(C_imn, frac, r.weight_bits),
            out=out,
        )

    def block(self, inp: Wire, n: int) -> S5Block:
        r, d = self.recipe, inp.size
        B_re, B_im = self.matrix(n, d), self.matrix(n, d)
        C_re, C_imn = self.matrix(d, n), self.matrix(d, n)
        W = self.matrix(d, d)
        states = self.states(inp, B_re, B_im)
        size_B, s = self.typical(inp, B_re, B_im), states["s"]
        half_wire = 1 << (r.wire_bits - 2)
        # What comes in may have another width: the same share of the range.
        u_frac = inp.frac + r.wire_bits - inp.bits
        z = self.wire_of(u_frac + self.ints(-1, 1, d))
        k_C = self.shift_to(self.typical(s, C_re, C_imn), half_wire)
        C_frac = z.frac + 1 + k_C - s.ref
        high = (1 << (r.weight_bits - 1)) - 1
        D_frac = z.frac - inp.frac + r.weight_bits - self.ints(0, 2, d)
        size_W = self.typical(z, W)
        g = QFormat(r.gate_bits, r.gate_bits - self.ints(3, 5, d))
        k_g = self.shift_to(size_W, 1 << (r.gate_bits - 2))
        return S5Block(
            inp=inp,
            **states,
            bias_x_re=self.bias(n, size_B),
            bias_x_im=self.bias(n, size_B),
            C_re=Weights(C_re, C_frac, r.weight_bits),
            C_imn=Weights(C_imn, C_frac, r.weight_bits),
            D=Diagonal(self.ints(-high - 1, high, d), D_frac, r.weight_bits),
            bias_z=self.bias(d, np.full(d, half_wire)),
            z=z,
            W=Weights(W, g.frac + k_g - z.ref, r.weight_bits),
            bias_g=self.bias(d, size_W),
            g=g,
            out=self.wire_of(np.minimum(z.frac, u_frac) - self.ints(0, 1, d)),
        )
