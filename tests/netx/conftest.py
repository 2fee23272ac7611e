# SPDX-License-Identifier: BSD-3-Clause
"""Files in lava-dl's layout, written by hand."""

import warnings

import h5py
import numpy as np
import pytest

from lava_sparse_rnn import spec

CUBA = {"type": "CUBA", "iDecay": 1024, "vDecay": 400, "vThMant": 60, "refDelay": 1}
SDNN = {"type": "SDNN", "vThMant": 2}


@pytest.fixture(scope="session")
def lava_dl():
    """lava-dl's netx, where it is installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("lava.lib.dl.netx.hdf5")


class Writer:
    """Writes layer after layer into one file."""

    def __init__(self, path):
        self.path, self.rng = path, np.random.default_rng(0)
        with h5py.File(path, "w"):
            pass

    def group(self, kind):
        file = h5py.File(self.path, "a")
        group = file.create_group(f"layer/{len(file.get('layer', ()))}")
        group.create_dataset("type", data=[kind.encode()], dtype="S10")
        return group

    def stock(self, kind, shape, neuron=None, **datasets):
        group = self.group(kind)
        group["shape"] = np.array(shape)
        for name, value in {**datasets}.items():
            group[name] = value
        for name, value in (neuron or {}).items():
            group[f"neuron/{name}"] = value
        group.file.close()
        return self

    def dense(self, n_in, n_out, neuron=CUBA, **datasets):
        # lava-dl's weights are even.
        weight = 2 * self.rng.integers(-30, 60, (n_out, n_in))
        return self.stock("dense", [n_out], neuron, weight=weight, **datasets)

    def own(self, network, **attributes):
        """The layers of a description, as the blocks of `nn.blocks` write them."""
        for i, layer in enumerate(network.layers):
            group = self.group(layer.type)
            del group["type"]
            spec.write_layer(layer, group)
            spec.write_recipe(network.recipe, group)
            if i == 0:
                group.attrs.update(attributes)
            group.file.close()
        return self


@pytest.fixture
def writer(tmp_path):
    return Writer(tmp_path / "mixed.net")


@pytest.fixture
def network():
    """A description of three layers that takes what 6 neurons send."""
    return spec.random_network(np.random.default_rng(1), d_in=6)
