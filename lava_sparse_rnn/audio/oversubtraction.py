# SPDX-License-Identifier: BSD-3-Clause
"""A denoiser that takes more away than it was trained to."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.spec import (
    Affine,
    Bias,
    Network,
    SpecError,
    Weights,
    Wire,
    check_network,
)

MOST = 4.0
"""The largest factor: beyond it hardly any gain is left between 0 and 1."""


def oversubtract(network: Network, factor: float) -> Network:
    """The same denoiser, what it takes away of every magnitude multiplied by a factor.

    A gain is ``1 + answer``, so that minus the answer is the share of a magnitude that
    the network takes for noise. More than all of that is taken away in spectral
    subtraction, down to a floor, which is the front end's `strength` here (Berouti et
    al., "Enhancement of speech corrupted by acoustic noise", 1979). With a factor of
    1.15 gains up to 0.13 become 0 and one of 0.5 is 0.425; 1 stays 1.

    The decoder's integers are made anew, of as many bits, and nothing else is: all
    layers before it compute what they did. A training ends so, too, from floats and
    with the level set after it, by the setting ``data.oversubtraction``.

    Parameters
    ----------
    network : Network
        A denoiser.
    factor : float
        From 1, which changes nothing, to 4.

    Returns
    -------
    Network

    Raises
    ------
    SpecError
        If it is given something else than a network.
    AudioError
        If the network is no denoiser, the factor is out of range, or with it the
        decoder's accumulators might overflow.
    """
    FrontEnd.of(check_network(network, "oversubtract"))
    number = isinstance(factor, Real) and not isinstance(factor, bool)
    if not number or not 1 <= factor <= MOST:
        raise AudioError(f"factor is {factor!r}, must be from 1 to {MOST:g}")
    *layers, decoder = network.layers
    if not isinstance(decoder, Affine) or decoder.relu:
        raise AudioError("network: its last layer is no decoder without ReLU")
    if factor == 1:
        return network
    wraps = network.recipe.overflow == "wrap"
    try:
        return replace(network, layers=(*layers, _scaled(decoder, factor, wraps)))
    except SpecError as error:
        raise AudioError(f"factor is {factor!r}, too large here: {error}") from None


def _scaled(decoder: Affine, factor: float, wraps: bool) -> Affine:
    """The decoder with answers that are `factor` times as large."""
    # Columns are at the wire's reference already, see `Wire`.
    inp, old, bias = decoder.inp, decoder.weights, decoder.bias
    aligned = Wire(inp.bits, np.full(inp.size, inp.ref), inp.ref)
    real = factor * np.ldexp(old.matrix.toarray().astype(float), -old.frac[:, None])
    fits = np.minimum(Weights.largest_frac(real, aligned, old.bits), old.frac)
    frac = np.where(real.any(axis=1), fits, old.frac)  # rows of zeros stay
    value = factor * np.ldexp(bias.value.astype(float), -decoder.acc_frac)
    out = decoder.out
    if wraps:
        more = int(np.ceil(np.log2(factor)))  # bits by which answers are larger
        out = Wire(out.bits, out.frac - more, out.ref - more)
    return replace(
        decoder,
        weights=Weights.quantize(real, aligned, frac, old.bits),
        bias=Bias.quantize(value, frac + inp.ref, bias.bits),
        out=out,
    )
