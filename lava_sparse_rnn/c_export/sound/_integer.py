# SPDX-License-Identifier: BSD-3-Clause
"""The front end that counts in integers."""

from __future__ import annotations

from string import Template

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.c_export._c import Tables, bits_for, int_type
from lava_sparse_rnn.c_export.sound import (
    _bands,
    _fixed_point,
    _followed,
    _templates,
    _transform,
)
from lava_sparse_rnn.c_export.sound._fixed_followed import ATTACK, SILENCE
from lava_sparse_rnn.c_export.sound._fixed_point import Constants
from lava_sparse_rnn.spec import Network

NUMBERS = """\
Numbers are
 * integers of up to 64 bits, there is no floating point."""
CALLS, SOURCE = "fixed_calls.h", "fixed.c"  # its templates
BANDS = "fixed_bands.c"
ARITHMETIC = "fixed"  # what the names of other parts begin with
LOGARITHM = "fixed_arithmetic.c"
TYPES = {"number": "int32_t", "sample": "int16_t", "decibels": "int32_t"}
TRANSFORM = _transform.Form("fixed_butterfly", "*sizes = {}(x, y, m, stride, down);")


def words(network: Network, tables: Tables) -> dict[str, object]:
    """What its templates have to be told, and its tables."""
    constants = Constants.of(network)
    feature, feature_shift = constants.feature
    linear, square, cubic = _fixed_point.CUBIC
    lookahead, bands = constants.front.lookahead, constants.bands
    logarithm = Template(_templates.part(LOGARITHM)).substitute(
        linear=linear, square=square, cubic=cubic
    )
    return {
        **TYPES,
        **_transform.texts(constants.radices, TRANSFORM),
        "arithmetic": NUMBERS,
        "usage": "",
        "or_f32": "",
        "fixed_point": 1,
        "q": "\n    int32_t q; /* the spectrum is in multiples of 2^-q */",
        "ahead_q": f"\n    int32_t ahead_q[{lookahead}];" if lookahead else "",
        "room": _fixed_point.ROOM,
        "integers": logarithm,
        "scale": f"{constants.magnitude_scale[0]}u",
        "scale_shift": f"({constants.scale_shift})",
        "mean": f"({constants.mean})",
        "feature": feature,
        "feature_shift": feature_shift,
        "band_down": 2 * bands.down if bands else 0,
        "tables": _constants(tables, constants),
        **_followed_words(constants),
    }


def _followed_words(constants: Constants) -> dict[str, object]:
    front, loudness = constants.front, constants.loudness
    words: dict[str, object] = {
        **{"brought": "scale", "brought_n": "n"},
        **{"loud": "uint32_t", "heard": "log", "silence": SILENCE},
        "mean_square": f"{loudness.mean_square}u",
        "power_down": loudness.down,
        "power_shift": f"({loudness.shift})",
        "hops": front.n_fft // front.hop_length,
    }
    if constants.level is not None:
        words |= {
            "brought": "(uint32_t)((uint64_t)scale * sound->factor >> 32)",
            "brought_n": "n + 1 - sound->factor_up",
            "factor": "uint32_t factor; /* 1 / level is factor / 2^(33 - factor_up) */"
            "\n    int32_t factor_up;",
            "level_frames": constants.level.frames,
            "level_least": f"{constants.level.least}u",
            "level_attack": f"{ATTACK}u",
        }
    if constants.contrast is not None:
        words |= {"part": constants.contrast.part, "rise": constants.contrast.rise}
    return words


def state_bytes(front: FrontEnd) -> int:
    """What the structure holds beside the network, tokens and answers."""
    n, hop, ahead = front.n_fft, front.hop_length, front.lookahead
    heard = -(-2 * (n - hop) // 4) * 4
    numbers = 2 + n + (n + 2) + n + 1 + ahead * (n + 3) + bool(ahead)
    return heard + 4 * numbers + _followed.bytes_kept(front, 8)


def _constants(tables: Tables, constants: Constants) -> str:
    radices, (scale, _) = constants.radices, constants.synthesis
    tables.add("window", "int32_t", constants.window)
    tables.add("cosine", "int32_t", constants.cosine)
    tables.add("reciprocal", "uint32_t", _fixed_point.RECIPROCAL)
    tables.add("logarithm", "int32_t", _fixed_point.LOGARITHM)
    tables.add("inverse_root", "uint8_t", _fixed_point.INVERSE_ROOT)
    tables.add("share", "uint16_t", _fixed_point.KEPT)
    tables.add("radix", "int16_t", radices)
    tables.add("room", "int8_t", constants.rooms)
    tables.add("halvings", "int8_t", constants.halvings)
    bands = constants.bands
    if bands is not None:
        tables.add("band_share", "uint32_t", bands.share)
        tables.add("band_scale", "uint32_t", bands.scale)
        tables.add("band_shift", int_type(bits_for(bands.shift)), bands.shift)
    numbers = (
        f"enum {{ STAGES = {len(radices)} }};\n"
        f"{_bands.sizes(tables, constants.front)}\n"
        f"enum {{ GAIN_BITS = {constants.gain_bits} }}; /* gains are smaller than 2 to "
        "that */\n"
        f"enum {{ SUM_SHIFT = {constants.sum_shift} }};\n"
        f"#define SYNTHESIS {scale} /* with a shift, 2 HOP / N, divided by HALF */"
    )
    return "\n\n".join([numbers, *tables.texts])
