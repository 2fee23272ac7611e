# SPDX-License-Identifier: BSD-3-Clause
"""From a denoiser to C files: the network's, and those of its front end."""

from __future__ import annotations

from dataclasses import replace
from string import Template

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.c_export._c import Tables
from lava_sparse_rnn.c_export._export import Export, export
from lava_sparse_rnn.c_export.sound import (
    _bands,
    _float,
    _followed,
    _integer,
    _templates,
    _wide,
)
from lava_sparse_rnn.fixed_point import SpecError, check_flag
from lava_sparse_rnn.spec import Network, Wire, check_network

CODE = ("_wide.c", "_sound.c", ".c")  # what is compiled, by the ends of names
WIRE_BITS = 24  # integers of more do not fit a float of 32 bits


def export_denoiser(
    network: Network,
    prefix: str = "network",
    fixed_point: bool = False,
    sample_rate: int = SAMPLE_RATE,
) -> Export:
    """Write a denoiser as self-contained C99, sound in and sound out.

    Beside the files of `export` there are ``<prefix>_sound.h`` and
    ``<prefix>_sound.c``: what `lava_sparse_rnn.audio.Denoiser` does around the
    network, a hop of samples a call.

    Parameters
    ----------
    network : Network
        With the constants of its front end in ``meta``.
    prefix : str
        An identifier of C that every exported name begins with.
    fixed_point : bool
        Whether the front end counts in integers, as `FixedPointDenoiser` tells, of
        samples of 16 bits. Otherwise it counts in floats.
    sample_rate : {16000, 48000}
        Hz. With 48000 there are ``<prefix>_wide.h`` and ``<prefix>_wide.c``, too, which
        do what `lava_sparse_rnn.audio.rates` tells; the example has that rate.

    Returns
    -------
    Export

    Raises
    ------
    AudioError
        When the network does not say that it is a denoiser, or does not have one
        input and one output per number of its front end's tokens.
    SpecError
        When the prefix is no identifier, ``network`` is no valid network, or its front
        end is none that this C can compute.
    """
    check_network(network, "export_denoiser")
    check_flag("fixed_point", fixed_point)
    front = FrontEnd.of(network)
    wide = _is_wide(sample_rate, front, fixed_point)
    _check(network, front)
    made = export(network, prefix)
    kind = _integer if fixed_point else _float
    tables = Tables()
    words = words_of(network, prefix) | kind.words(network, tables)
    words["calls"] = Template(_templates.part(kind.CALLS)).substitute(words)
    words |= _bands.words(front, kind.BANDS, words)
    words |= _followed.words(front, kind.ARITHMETIC, words)
    sources = {
        "_sound.h": "sound.h",
        "_sound.c": kind.SOURCE,
        "_main.c": "sound_main.c",
    }
    words |= {"stream": "sound", "STREAM": ""}
    state = made.state_bytes + kind.state_bytes(front) + _wire_bytes(network)
    if wide:
        words |= _wide.words(front, tables) | {"stream": "wide", "STREAM": "WIDE_"}
        sources |= _wide.FILES
        state += _wide.state_bytes(front)
    words["example_rate"] = sample_rate
    words["example_sources"] = " ".join(
        f"{prefix}{end}" for end in (*sources, ".c") if end in CODE
    )
    files = dict(made.files)
    for end, name in sources.items():
        files[prefix + end] = _templates.template(name).substitute(words)
    return replace(
        made,
        files=files,
        constant_bytes=made.constant_bytes + tables.bytes,
        state_bytes=-(-state // 4) * 4,
        state=f"{prefix}_{words['stream']}",
    )


def _is_wide(sample_rate: int, front: FrontEnd, fixed_point: bool) -> bool:
    rates = front.sample_rate, _wide.rate(front)
    if sample_rate not in rates:
        known = ", ".join(str(rate) for rate in rates)
        raise SpecError(f"sample_rate is {sample_rate!r} Hz, must be one of: {known}")
    if sample_rate == rates[1] and fixed_point:
        raise SpecError(f"sample_rate is {rates[1]} Hz, the C for it counts in floats")
    return sample_rate == rates[1]


def _ends(network: Network) -> tuple[Wire, Wire]:
    return network.layers[0].inp, network.layers[-1].out


def _check(network: Network, front: FrontEnd) -> None:
    if front.n_fft % 4:
        raise SpecError(
            f"network: n_fft is {front.n_fft}, the front end in C needs a multiple of 4"
        )
    for side, wire in zip(("input", "output"), _ends(network), strict=True):
        if wire.bits > WIRE_BITS:
            raise SpecError(
                f"network: {side} wire of {wire.bits} bits, the front end in C has "
                f"room for {WIRE_BITS}"
            )


def words_of(network: Network, prefix: str) -> dict[str, object]:
    """Names and numbers of a denoiser, as templates have them."""
    inp, front = network.layers[0].inp, FrontEnd.of(network)
    return {
        "prefix": prefix,
        "PREFIX": prefix.upper(),
        "rate": front.sample_rate,
        "hop": front.hop_length,
        "window": front.n_fft,
        "lookahead": front.lookahead,
        "strength": -1 if front.strength is None else front.strength,
        "latency_ms": f"{1000 * front.delay / front.sample_rate:g}",
        "in_low": inp.format.lowest,
        "in_high": inp.format.highest,
    }


def _wire_bytes(network: Network) -> int:
    """Of a token and an answer."""
    return sum(w.size * (2 if w.bits <= 16 else 4) for w in _ends(network))
