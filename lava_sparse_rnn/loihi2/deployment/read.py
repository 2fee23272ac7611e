# SPDX-License-Identifier: BSD-3-Clause
"""From a folder to a bundle: every file is read, and all of it is checked."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import sparse

from lava_sparse_rnn import messages, microcode
from lava_sparse_rnn.files import as_path
from lava_sparse_rnn.loihi2.deployment import manifest as m
from lava_sparse_rnn.loihi2.deployment._consistency import PROBLEMS
from lava_sparse_rnn.loihi2.deployment.bundle import Bundle
from lava_sparse_rnn.loihi2.deployment.errors import BundleError
from lava_sparse_rnn.microcode import MicrocodeError, Program

IntArray = NDArray[np.int64]
MATRIX = ("data", "indices", "indptr")
SHOWN = 5  # problems in one message


def load_bundle(path: str | Path) -> Bundle:
    """Read a bundle and check all of it.

    Parameters
    ----------
    path : str or Path
        The folder.

    Raises
    ------
    BundleError
        When the manifest or a file is missing, has another checksum or does not hold
        what it should; the message names the file.
    """
    path = as_path(path, "bundle", BundleError)
    manifest = _manifest(path)
    files = _Files(path, manifest)
    programs, constants, weights = {}, {}, {}
    for group in manifest.groups:
        programs[group.name] = files.program(group.program)
        constants[group.name] = files.arrays(group.constants)
    for c in manifest.connections:
        weights[c.name] = files.matrix(c)
    golden = manifest.golden
    bundle = Bundle(
        path=path,
        manifest=manifest,
        programs=programs,
        constants=constants,
        weights=weights,
        golden_input=files.array(golden.input, (golden.tokens, manifest.network.d_in)),
        golden_output=files.array(
            golden.output, (golden.tokens, manifest.network.d_out)
        ),
    )
    if problems := [p for find in PROBLEMS for p in find(bundle)]:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise BundleError(f"{path}: {'; '.join(problems[:SHOWN])}{more}")
    return bundle


def _manifest(path: Path) -> m.Manifest:
    file = path / m.FILE
    if not os.path.isfile(file):
        raise BundleError(f"{path}: no bundle, there is no {m.FILE} in it")
    try:
        text = file.read_text("utf-8")
        raw = json.loads(text)
    except ValueError as error:
        raise BundleError(f"{file}: is no JSON ({error})") from None
    except RecursionError:
        raise BundleError(
            f"{file}: cannot be read, it is nested more deeply than any manifest"
        ) from None
    name = raw.get("format") if isinstance(raw, dict) else None
    if name != m.FORMAT:
        raise BundleError(f"{file}: format is {name!r}, must be {m.FORMAT!r}")
    # Before anything else: another version may have other fields.
    version = raw.get("schema_version")
    if version != m.SCHEMA_VERSION or isinstance(version, bool):
        raise BundleError(
            f"{file}: schema version is {version!r}, this library reads "
            f"{m.SCHEMA_VERSION}"
        )
    try:
        return m.Manifest.model_validate_json(text)
    except ValidationError as error:
        fields = messages.fields(error.errors(), "manifest", SHOWN)
        raise BundleError(f"{file}: {fields}") from None


class _Files:
    """Reads files whose checksums are right."""

    def __init__(self, path: Path, manifest: m.Manifest) -> None:
        self.path, self.entries = path, manifest.files
        self._content: dict[str, bytes] = {}
        for name in self.entries:  # also those that nothing refers to
            self.content(name)

    def content(self, name: str) -> bytes:
        """The bytes of a file."""
        if name in self._content:
            return self._content[name]
        entry = self.entries.get(name)
        if entry is None:
            raise BundleError(f"{self.path / m.FILE}: {name} is not among its files")
        try:
            content = (self.path / name).read_bytes()
        except OSError as error:
            reason = error.strerror or error
            raise BundleError(f"{self.path / name}: {reason}") from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != entry.sha256:
            raise BundleError(
                f"{self.path / name}: is not what was written ({len(content):,} bytes, "
                f"sha256 {digest[:12]}...; {entry.bytes:,} and {entry.sha256[:12]}... "
                "are right)"
            )
        self._content[name] = content
        return content

    def program(self, name: str) -> Program:
        """A program."""
        return self._read(name, lambda c: microcode.assemble(c.decode("utf-8")))

    def array(self, name: str, shape: tuple[int, ...]) -> IntArray:
        """An array of integers of this shape."""
        array = self._read(name, lambda c: np.load(io.BytesIO(c), allow_pickle=False))
        return self._integers(name, array, shape)

    def arrays(self, name: str) -> dict[str, IntArray]:
        """Named arrays of integers."""

        def read(content: bytes) -> dict[str, NDArray]:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}

        arrays = self._read(name, read)
        return {k: self._integers(f"{name}, {k}", v) for k, v in arrays.items()}

    def matrix(self, c: m.Connection) -> sparse.csr_array:
        """The weights of a connection."""
        arrays = self.arrays(c.weights)
        if set(arrays) != set(MATRIX):
            have = ", ".join(sorted(arrays)) or "nothing"
            raise BundleError(
                f"{self.path / c.weights}: holds {have}, must hold {', '.join(MATRIX)}"
            )
        # Before they are 32 bits, which would make another weight of a wider one.
        self._fits(f"{c.weights}, data", arrays["data"], c.bits)

        def build(_: bytes) -> sparse.csr_array:
            parts = (arrays["data"].astype(np.int32), arrays["indices"])
            matrix = sparse.csr_array((*parts, arrays["indptr"]), shape=tuple(c.shape))
            matrix.check_format(full_check=True)
            return matrix

        return self._read(c.weights, build)

    def _fits(self, name: str, weights: IntArray, bits: int) -> None:
        high = (1 << (bits - 1)) - 1
        bad = weights[(weights > high) | (weights < -high - 1)]
        if bad.size:
            raise BundleError(
                f"{self.path / name}: a weight does not fit {bits} bits, {bad.flat[0]} "
                f"is not from {-high - 1} to {high}"
            )

    def _read(self, name: str, read: Callable[[bytes], Any]) -> Any:
        content = self.content(name)
        try:
            return read(content)
        except MicrocodeError as error:
            raise BundleError(f"{self.path / name}: {error}") from None
        except (ValueError, EOFError, OSError, BadZipFile, KeyError) as error:
            raise BundleError(f"{self.path / name}: cannot be read ({error})") from None

    def _integers(
        self, name: str, value: Any, shape: tuple[int, ...] | None = None
    ) -> IntArray:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
            kind = getattr(value, "dtype", "an archive")
            raise BundleError(f"{self.path / name}: is {kind}, must be integers")
        if shape is not None and value.shape != shape:
            raise BundleError(
                f"{self.path / name}: shape {value.shape}, must be {shape}"
            )
        if value.size and value.max() > np.iinfo(np.int64).max:
            raise BundleError(
                f"{self.path / name}: {value.max()} does not fit 64 bits with a sign"
            )
        return value.astype(np.int64)
