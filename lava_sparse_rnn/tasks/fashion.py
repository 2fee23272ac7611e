# SPDX-License-Identifier: BSD-3-Clause
"""Fashion-MNIST pixel by pixel, as a task: 784 tokens of one number, ten answers.

The images are those of Xiao, Rasul and Vollgraf (arXiv 1708.07747), which the Debian
package dataset-fashion-mnist carries; MNIST and others in its format are read alike.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lava_sparse_rnn.tasks._sequences import Parts, Sequences
from lava_sparse_rnn.tasks.arrays import Arrays, SequenceConfig
from lava_sparse_rnn.train.sections import FREE, FilePath

PACKAGE = "dataset-fashion-mnist"
"""The Debian package that has the images."""

_BYTES = 0x08  # the format's code of unsigned 8-bit numbers


class FashionConfig(SequenceConfig):
    """Images, and how they become sequences."""

    path: FilePath | None = Field(
        default=None,
        description="folder with train-images-idx3-ubyte.gz and its three sisters",
        json_schema_extra=FREE,
    )
    head: Literal["mean", "last"] = "mean"
    batch: int = Field(default=50, ge=1, description="sequences of a step")
    columns: int = Field(
        default=1,
        ge=1,
        le=28,
        description="pixels of a token; 1 is pixel by pixel, 28 line by line",
    )
    watched: int = Field(
        default=1000,
        ge=1,
        le=30000,
        description="last images of the training set that a training watches",
    )


class Fashion(Arrays):
    """What an image shows; one answer an image."""

    Settings = FashionConfig
    settings: FashionConfig
    classes = (
        *("T-shirt", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    )

    @classmethod
    def read(cls, settings: FashionConfig) -> Parts:
        """See `Arrays`."""
        folder = Path(settings.path or "")
        x, y = images(folder, "train")
        if len(x) <= settings.watched:
            raise ValueError(
                f"data.watched is {settings.watched}, of {len(x)} images for training"
            )
        kept = len(x) - settings.watched
        parts = ((x[:kept], y[:kept]), (x[kept:], y[kept:]), images(folder, "t10k"))
        return Parts(*(_sequences(*part, settings) for part in parts))


def _sequences(
    x: NDArray[np.uint8], y: NDArray[np.uint8], settings: FashionConfig
) -> Sequences:
    pixels = x[0].size
    if pixels % settings.columns:
        raise ValueError(
            f"data.columns is {settings.columns}, which does not divide the {pixels} "
            "pixels of an image"
        )
    tokens = x.reshape(len(x), -1, settings.columns).astype(np.float32) / 255
    return Sequences.of(
        tokens, y.astype(np.int64), None, settings.head, "cross_entropy"
    )


def images(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, rows, columns) and labels (N,) of a part, ``train`` or ``t10k``.

    Raises
    ------
    ValueError
        If a file is missing, is something else, or they do not fit each other.
    """
    x = read_idx(folder / f"{part}-images-idx3-ubyte.gz", 3)
    y = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 1)
    if len(x) != len(y):
        raise ValueError(
            f"data.path: {folder} has {len(x)} images and {len(y)} labels for {part}"
        )
    return x, y


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """The array in a file of the MNIST format, gzipped.

    Two zero bytes, the type of the numbers, how many axes, and their lengths as
    32-bit numbers, the largest byte first.

    Raises
    ------
    ValueError
        If the file is missing or is something else.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise ValueError(
            f"data.path: {path} does not exist; the Debian package {PACKAGE} has it"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"data.path: {path} is not gzipped ({error})") from None
    head = 4 + 4 * ndim
    if content[:4] != bytes((0, 0, _BYTES, ndim)) or len(content) < head:
        raise ValueError(
            f"data.path: {path} is no MNIST file of {ndim} axes: it begins with "
            f"{content[:4].hex()}"
        )
    shape = tuple(np.frombuffer(content, ">u4", ndim, offset=4).astype(int).tolist())
    values = np.frombuffer(content, np.uint8, offset=head)
    if len(values) != np.prod(shape):
        raise ValueError(
            f"data.path: {path} holds {len(values)} numbers, its head says {shape}"
        )
    return values.reshape(shape)
