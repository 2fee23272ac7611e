# SPDX-License-Identifier: BSD-3-Clause
"""The front end that counts in integers."""

from __future__ import annotations

from string import Template

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.c_export._c import Tables, bits_for, int_type
from lava_sparse_rnn.c_export.sound import (
    _bands,
    _contrast,
    _fixed_level,
    _fixed_point,
    _level,
    _templates,
    _transform,
)
from lava_sparse_rnn.c_export.sound._fixed_contrast import IntegerContrast
from lava_sparse_rnn.c_export.sound._fixed_level import IntegerLevel
from lava_sparse_rnn.c_export.sound._fixed_point import Constants
from lava_sparse_rnn.spec import Network

ARITHMETIC = """\
Numbers are
 * integers of up to 64 bits, there is no floating point."""
CALLS, SOURCE = "fixed_calls.h", "fixed.c"  # its templates
BANDS, LEVEL = "fixed_bands.c", "fixed_level.c"
CONTRAST = "fixed_contrast.c"
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
        "arithmetic": ARITHMETIC,
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
        **_level_words(constants.level),
        **_contrast_words(constants.contrast),
    }


def _level_words(level: IntegerLevel | None) -> dict[str, object]:
    if level is None:
        return {"brought": "scale", "brought_n": "n"}
    return {
        "brought": "(uint32_t)((uint64_t)scale * sound->factor >> 32)",
        "brought_n": "n + 1 - sound->factor_up",
        "factor": "uint32_t factor; /* 1 / level is factor / 2^(33 - factor_up) */\n"
        "    int32_t factor_up;",
        "mean_square": f"{level.mean_square}u",
        "level_down": level.down,
        "level_shift": f"({level.shift})",
        "level_frames": level.frames,
        "level_least": f"{level.least}u",
        "level_attack": f"{_fixed_level.ATTACK}u",
        "level_floor": _fixed_level.LEAST,
    }


def _contrast_words(contrast: IntegerContrast | None) -> dict[str, object]:
    if contrast is None:
        return {}
    return {
        "heard": "log",
        "part": contrast.part,
        "rise": contrast.rise,
        "silence": 0,
    }


def state_bytes(front: FrontEnd) -> int:
    """What the structure holds beside the network, tokens and answers."""
    n, hop, ahead = front.n_fft, front.hop_length, front.lookahead
    heard = -(-2 * (n - hop) // 4) * 4
    followed = 0 if front.level_s is None else _level.NUMBERS + 2
    followed += _contrast.numbers(front)
    numbers = followed + 2 + n + (n + 2) + n + 1 + ahead * (n + 3) + bool(ahead)
    return heard + 4 * numbers


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
