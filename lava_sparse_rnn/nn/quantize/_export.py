# SPDX-License-Identifier: BSD-3-Clause
"""Writing a quantised model as a ``.net`` file or into an open HDF5 group."""

from __future__ import annotations

from pathlib import Path

import h5py

from lava_sparse_rnn import spec


def export_hdf5(network: spec.Network, target: str | Path | h5py.Group) -> None:
    """Write a network description.

    Parameters
    ----------
    network : spec.Network
    target : path, or h5py group
        A file is written under another name first and then renamed.
    """
    spec.check_network(network, "export_hdf5", target)
    if isinstance(target, h5py.Group):
        spec.write(network, target)
    else:
        network.save(target)
