# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks of sound compare: networks and peers, by their names.

A system is a peer, ``noisy`` for the sound as it is, or a network's file, with ``@``
and another limit of attenuation in dB (``inf`` for none).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import Denoiser
from lava_sparse_rnn.audio.peers import PEERS

Denoise = Callable[[np.ndarray], np.ndarray]


def parser(doc: str, output: str) -> argparse.ArgumentParser:
    """For a set, systems, a count and the file of a table."""
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    made.add_argument("set", type=Path, help="a folder that `data mix` made")
    made.add_argument("systems", nargs="+", help="NETWORK.net[@DB], noisy, or a peer")
    made.add_argument("--count", type=int, help="of the set, so many clips")
    made.add_argument("-o", "--output", type=Path, default=Path(output))
    return made


def system(name: str) -> Denoise:
    """What a name stands for: sound at 16 kHz to sound."""
    if name in PEERS:
        return PEERS[name].make()
    if name == "noisy":
        return lambda x: x
    path, _, limit = name.partition("@")
    strength = float(limit) if limit else None
    return Denoiser(spec.load(path), "engine", strength).denoise


def title(name: str) -> str:
    """In a table."""
    return name.replace(".net", "").rpartition("/")[2]
