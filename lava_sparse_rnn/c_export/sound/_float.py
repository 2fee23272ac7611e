# SPDX-License-Identifier: BSD-3-Clause
"""The front end that counts in floats of 32 bits."""

from __future__ import annotations

import numpy as np

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound import level, silence
from lava_sparse_rnn.c_export._c import Tables
from lava_sparse_rnn.c_export.sound import _bands, _followed, _transform
from lava_sparse_rnn.spec import Network

FLOAT_BYTES = 4
NUMBERS = """\
Numbers are
 * floats of 32 bits as IEEE 754 has them; compile without -ffast-math."""
CALLS, SOURCE = "float_calls.h", "sound.c"  # its templates
BANDS = "float_bands.c"
ARITHMETIC = "float"  # what the names of other parts begin with
TYPES = {"number": "float", "sample": "float", "decibels": "float"}
TRANSFORM = _transform.Form("butterfly", "{}(x, y, m, stride);")


def words(network: Network, tables: Tables) -> dict[str, object]:
    """What its templates have to be told, and its tables."""
    front = FrontEnd.of(network)
    inp, out = network.layers[0].inp, network.layers[-1].out
    radices = _transform.factors(front.n_fft // 2)
    constants = {
        name: literal(getattr(front, name))
        for name in ("magnitude_scale", "feature_mean", "feature_scale")
    }
    return {
        **TYPES,
        **constants,
        **_transform.texts(radices, TRANSFORM),
        "arithmetic": NUMBERS,
        "usage": " [f32]",
        "or_f32": ", or float with the word f32",
        "fixed_point": 0,
        "q": "",
        "ahead_q": "",
        "in_lowest": int(np.min(inp.frac)),
        "out_lowest": int(np.min(out.frac)),
        "tables": _constants(tables, network, front, radices),
        **_followed_words(front),
    }


def _followed_words(front: FrontEnd) -> dict[str, object]:
    running, contrast = front.level(), front.contrast()
    words: dict[str, object] = {
        "brought": "",
        "loud": "float",
        "heard": "feature",
        "silence": literal(silence.SILENCE),
        "mean_square": literal(2 / (front.n_fft * front.bins)),
        "hops": front.n_fft // front.hop_length,
    }
    if running is not None:
        words |= {
            "brought": " * sound->factor",
            "factor": "float factor; /* brings a frame to the level of a training */",
            "level_frames": running.counted,
            "level_least": literal(running.least),
            "level_attack": literal(level.ATTACK),
            "level_reference": literal(level.REFERENCE),
        }
    if contrast is not None:
        words |= {"part": literal(contrast.part), "rise": literal(contrast.rise)}
    return words


def state_bytes(front: FrontEnd) -> int:
    """What the structure holds beside the network, tokens and answers."""
    n, hop = front.n_fft, front.hop_length
    floats = 1 + (n - hop) + n + (n + 2) + n + front.lookahead * (n + 2)
    followed = _followed.bytes_kept(front, FLOAT_BYTES)
    return (8 if front.lookahead else 4) + FLOAT_BYTES * floats + followed


def literal(value: float) -> str:
    """A number as C has it: the nearest float of 32 bits, and no other."""
    text = str(np.float32(value))
    return f"{text}f" if set(text) & set(".e") else f"{text}.0f"


def floats(tables: Tables, name: str, values: np.ndarray) -> None:
    """Define a constant array of floats."""
    tables.define(name, "float", [literal(v) for v in values], FLOAT_BYTES)


def _constants(
    tables: Tables, network: Network, front: FrontEnd, radices: list[int]
) -> str:
    """The window, the circle, and what a step of every wire is."""
    inp, out = network.layers[0].inp, network.layers[-1].out
    n = front.n_fft
    floats(tables, "window", front.stft().window[: n // 2 + 1])
    floats(tables, "cosine", np.cos(2 * np.pi * np.arange(n) / n))
    low, high = int(np.min(inp.frac)), int(np.max(inp.frac))
    floats(tables, "token_scale", 2.0 ** np.arange(low, high + 1))
    low, high = int(np.min(out.frac)), int(np.max(out.frac))
    floats(tables, "answer_unit", 2.0 ** -np.arange(low, high + 1.0))
    tables.add("radix", "int16_t", radices)
    if front.bands is not None:
        floats(tables, "band_share", front.bands.share)
        scale = front.magnitude_scale / np.sqrt(_bands.sums(front.bands))
        floats(tables, "band_scale", scale)
    synthesis = 4.0 * front.hop_length / n / n  # of the overlap, and of the transform
    numbers = (
        f"enum {{ STAGES = {len(radices)} }};\n"
        f"{_bands.sizes(tables, front)}\n"
        f"#define SYNTHESIS {literal(synthesis)} /* 2 HOP / N, divided by HALF */"
    )
    return "\n\n".join([numbers, *tables.texts])
