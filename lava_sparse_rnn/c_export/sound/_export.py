# SPDX-License-Identifier: BSD-3-Clause
"""From a denoiser to C files: the network's, and those of its front end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.c_export._c import Tables
from lava_sparse_rnn.c_export._export import Export, export
from lava_sparse_rnn.c_export.sound import _templates, _transform
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec import Network, Wire, check_network

FLOAT_BITS = 24  # integers of more do not fit a float of 32 bits
FLOAT_BYTES = 4


def export_denoiser(network: Network, prefix: str = "network") -> Export:
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

    Returns
    -------
    Export

    Raises
    ------
    AudioError
        When the network does not say that it is a denoiser, or does not have one
        input and one output per frequency bin.
    SpecError
        When the prefix is no identifier, ``network`` is no valid network, or its front
        end is none that this C can compute.
    """
    check_network(network, "export_denoiser")
    front = FrontEnd.of(network)
    _check(network, front)
    made = export(network, prefix)
    tables = _Tables()
    radices = _transform.factors(front.n_fft // 2)
    words = words_of(network, prefix) | _transform.texts(radices)
    words["tables"] = _constants(tables, network, front, radices)
    files = dict(made.files)
    for end in ("_sound.h", "_sound.c", "_main.c"):
        name = "sound_main.c" if end == "_main.c" else end[1:]
        files[prefix + end] = _templates.template(name).substitute(words)
    return replace(
        made,
        files=files,
        constant_bytes=made.constant_bytes + tables.bytes,
        state_bytes=made.state_bytes + _state_bytes(network, front),
        state=f"{prefix}_sound",
    )


def _ends(network: Network) -> tuple[Wire, Wire]:
    return network.layers[0].inp, network.layers[-1].out


def _check(network: Network, front: FrontEnd) -> None:
    if front.n_fft % 4:
        raise SpecError(
            f"network: n_fft is {front.n_fft}, the front end in C needs a multiple of 4"
        )
    for side, wire in zip(("input", "output"), _ends(network), strict=True):
        if wire.bits > FLOAT_BITS:
            raise SpecError(
                f"network: {side} wire of {wire.bits} bits, the front end in C counts "
                f"in floats, which hold {FLOAT_BITS}"
            )


class _Tables(Tables):
    """Constant arrays of floats."""

    def floats(self, name: str, values: np.ndarray) -> None:
        """Define one."""
        words = [_literal(v) for v in values]
        self.bytes += FLOAT_BYTES * len(words)
        self._define(f"static const float {name}[{len(words)}]", words)


def _literal(value: float) -> str:
    """A number as C has it: the nearest float of 32 bits, and no other."""
    text = str(np.float32(value))
    return f"{text}f" if set(text) & set(".e") else f"{text}.0f"


def words_of(network: Network, prefix: str) -> dict[str, object]:
    """Names and numbers of a denoiser, as templates have them."""
    inp, out = _ends(network)
    front = FrontEnd.of(network)
    return {
        "prefix": prefix,
        "PREFIX": prefix.upper(),
        "rate": front.sample_rate,
        "hop": front.hop_length,
        "window": front.n_fft,
        "lookahead": front.lookahead,
        "latency_ms": f"{1000 * front.delay / front.sample_rate:g}",
        "magnitude_scale": _literal(front.magnitude_scale),
        "feature_mean": _literal(front.feature_mean),
        "feature_scale": _literal(front.feature_scale),
        "in_low": inp.format.lowest,
        "in_high": inp.format.highest,
        "in_lowest": int(np.min(inp.frac)),
        "out_lowest": int(np.min(out.frac)),
    }


def _constants(
    tables: _Tables, network: Network, front: FrontEnd, radices: list[int]
) -> str:
    """The window, the circle, and what a step of every wire is."""
    inp, out = _ends(network)
    n = front.n_fft
    tables.floats("window", front.stft().window[: n // 2 + 1])
    tables.floats("cosine", np.cos(2 * np.pi * np.arange(n) / n))
    low, high = int(np.min(inp.frac)), int(np.max(inp.frac))
    tables.floats("token_scale", 2.0 ** np.arange(low, high + 1))
    low, high = int(np.min(out.frac)), int(np.max(out.frac))
    tables.floats("answer_unit", 2.0 ** -np.arange(low, high + 1.0))
    tables.add("radix", "int16_t", radices)
    synthesis = 4.0 * front.hop_length / n / n  # of the overlap, and of the transform
    numbers = (
        f"enum {{ STAGES = {len(radices)} }};\n"
        f"#define SYNTHESIS {_literal(synthesis)} /* 2 HOP / N, divided by HALF */"
    )
    return "\n\n".join([numbers, *tables.texts])


def _state_bytes(network: Network, front: FrontEnd) -> int:
    """What the structure adds to the network's state, counters apart."""
    n, hop = front.n_fft, front.hop_length
    floats = 1 + (n - hop) + n + (n + 2) + n + front.lookahead * (n + 2)
    inp, out = _ends(network)
    wires = sum(w.size * (2 if w.bits <= 16 else 4) for w in (inp, out))
    total = (8 if front.lookahead else 4) + FLOAT_BYTES * floats + wires
    return -(-total // 4) * 4
