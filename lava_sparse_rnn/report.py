# SPDX-License-Identifier: BSD-3-Clause
"""A network on one page of HTML: what it holds, does, takes of a chip, sounds like."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dict
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn import loihi2, markup, pictures, spec
from lava_sparse_rnn.audio.frontend import about
from lava_sparse_rnn.audio.sound.plots import spectrograms
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.loihi2 import plots as chip_plots
from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.spec import plots, statistics
from lava_sparse_rnn.spec.sequences import SequencesLike
from lava_sparse_rnn.spec.statistics import TensorError

Section = tuple[str, str]
ROUNDING = "the same weights in real numbers, compared with the integers"
QUANTISED = "compared with the real network that the integers were made from"


def page(
    network: spec.Network,
    x: SequencesLike | None = None,
    *,
    name: str = "network",
    mapping: loihi2.Mapping | None = None,
    estimate: loihi2.Estimate | None = None,
    errors: Sequence[TensorError] | None = None,
    sounds: Dict[str, NDArray] | None = None,
) -> str:
    """All that can be shown of a network, on a page that asks for no other file.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in) or (N, T, d_in), or a list of arrays, optional
        Input, for what it does; without it only what it is.
    name : str
        For the title.
    mapping : Mapping, optional
        Its place on a chip; the one with fewest cores if there is none.
    estimate : Estimate, optional
        Of the run on ``x``; made with the preset loihi1 if there is none.
    errors : sequence of TensorError, optional
        What quantisation cost, as training or `nn.quantize.error_report` found it.
    sounds : mapping of str to array of float, shape (samples,), optional
        Recordings at 16 kHz to see and hear, by their titles.

    Returns
    -------
    str
        HTML.
    """
    spec.check_network(network, "report", x)
    if estimate is not None:
        mapping = estimate.counts.mapping
    mapping = mapping or loihi2.map_network(network)
    if estimate is None and x is not None:
        estimate = loihi2.estimate(network, x, mapping)
    sections = [
        *_sounds(sounds or {}),
        _holds(network),
        *([] if x is None else _does(network, x)),
        *([] if errors is None else [_quantised(errors)]),
        _takes(mapping, estimate),
    ]
    return markup.page(f"{name}: a sparse linear recurrent network", sections)


def write(path: str | Path, text: str) -> None:
    """Write a page; the file appears when it is whole."""
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def read_errors(path: str | Path) -> list[TensorError]:
    """What quantisation cost, from the JSON that training leaves beside a network.

    Raises
    ------
    ValueError
        When the file is no such report.
    """
    path = Path(path)
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["tensors"]
        return [
            TensorError(
                **{**row, "snr_db": np.inf if (r := row["snr_db"]) is None else r}
            )
            for row in rows
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: no report of quantisation, as NET-quantisation.json is ({error})"
        ) from None


def _holds(network: spec.Network) -> Section:
    tables = (spec.tables.layer_table(network), spec.tables.matrix_table(network))
    shown = pictures.html(plots.sparsity(network), "where the weights are")
    facts = (f"{name}: {words}" for name, words in about(network).items())
    lines = (spec.tables.total(network), spec.tables.arithmetic(network), *facts)
    says = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return "What it holds", markup.titled(network, *tables) + says + shown


def _does(network: spec.Network, x: SequencesLike) -> Iterator[Section]:
    yield "What it does", pictures.html(plots.activity(network, x), "activity by layer")
    found = statistics.rounding_errors(network, x)
    figure = plots.errors(found, ROUNDING)
    yield "What rounding costs", pictures.html(figure, "signal over error by layer")


def _quantised(errors: Sequence[TensorError]) -> Section:
    shown = pictures.html(plots.errors(errors, QUANTISED), "signal over error by layer")
    return "What quantisation costs", shown


def _takes(mapping: loihi2.Mapping, estimate: loihi2.Estimate | None) -> Section:
    shown = pictures.html(chip_plots.cores(mapping, estimate), "cores on the chip")
    text = shown + markup.titled(mapping, loihi2.tables.mapping_table(mapping))
    if estimate is not None:
        tables = (
            *loihi2.tables.estimate_tables(estimate),
            loihi2.tables.counts_table(estimate.counts),
        )
        text += markup.titled(estimate, *tables)
        left_out = "".join(f"<li>{escape(line)}</li>" for line in estimate.missing)
        if left_out:
            text += f"<p>Left out, no coefficient has a value:</p><ul>{left_out}</ul>"
    return "What it would take of Loihi 2 (no hardware was run)", text


def _sounds(sounds: Dict[str, NDArray]) -> Iterator[Section]:
    if not sounds:
        return
    played = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<audio controls src="{_flac(samples)}"></audio></figure>'
        for title, samples in sounds.items()
    )
    yield "How it sounds", played + pictures.html(spectrograms(sounds), "spectrograms")


def _flac(samples: NDArray) -> str:
    import soundfile

    memory = io.BytesIO()
    with uninterrupted():
        soundfile.write(memory, np.clip(samples, -1, 1), SAMPLE_RATE, format="FLAC")
    return f"data:audio/flac;base64,{base64.b64encode(memory.getvalue()).decode()}"
