# SPDX-License-Identifier: BSD-3-Clause
"""Process-wide settings that make training on a processor fast."""

from __future__ import annotations

import ctypes
import os

import numpy as np
import torch

# Names of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def prepare_process(threads: int | None) -> None:
    """Set threads, denormals and memory for training; affects the whole process.

    Parameters
    ----------
    threads : int or None
        For torch; None leaves torch's choice (and ``OMP_NUM_THREADS``).
    """
    if threads is not None:
        torch.set_num_threads(threads)
    # numpy looks for denormals once; after the next line it would warn of none.
    for kind in ("float32", "float64"):
        np.finfo(kind)
    # Decaying states reach denormal numbers, which cost a hundred times more.
    torch.set_flush_denormal(True)
    _keep_memory()


def has_spare_core() -> bool:
    """Whether torch's threads leave this process a core for something else."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        cores = os.cpu_count() or 1
    return cores > torch.get_num_threads()


def check_device(name: str) -> None:
    """Refuse a device that is not there.

    Raises
    ------
    ValueError
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device is {name}, but torch {torch.__version__} sees no GPU; use cpu"
        )


def _keep_memory() -> None:
    """Keep freed tensors instead of returning them to the kernel.

    Page faults of fresh memory cost more than the arithmetic on it.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:  # another C library: only slower
        return
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    libc.mallopt(_M_TOP_PAD, 2**26)
