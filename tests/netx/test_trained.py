# SPDX-License-Identifier: BSD-3-Clause
"""Networks of lava-dl's blocks and ours: trained in torch, run in Lava."""

import warnings

import numpy as np
import pytest

from lava_sparse_rnn import proc
from lava_sparse_rnn.netx import hdf5

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

NEURON = {"threshold": 0.5, "current_decay": 0.5, "voltage_decay": 0.2}


@pytest.fixture(scope="module")
def slayer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("lava.lib.dl.slayer")


class Model(torch.nn.Module):
    """As lava-dl's tutorials write them."""

    def __init__(self, *blocks):
        super().__init__()
        self.blocks = torch.nn.ModuleList(blocks)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x

    def export_hdf5(self, filename):
        import h5py

        with h5py.File(filename, "w") as file:
            layer = file.create_group("layer")
            for i, block in enumerate(self.blocks):
                block.export_hdf5(layer.create_group(f"{i}"))


def train(model, x, target, steps=4, rate=1e-2):
    optimiser = torch.optim.Adam(model.parameters(), rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = (model(x) - target).square().mean()
        loss.backward()
        optimiser.step()
    return loss.item()


def test_a_mixed_network_gives_torch_s_integers_in_lava(slayer, tmp_path):
    from lava_sparse_rnn import nn

    torch.manual_seed(0)
    cuba = slayer.block.cuba.Dense
    model = Model(
        # The step that spikes take is Lava's, see the documentation.
        cuba(NEURON, 12, 16, weight_scale=2, delay_shift=False),
        nn.blocks.S5(16, 16, hippo_blocks=2, input_frac=0, output_frac=0),
        cuba(NEURON, 16, 8, delay_shift=False),
        nn.blocks.Affine(8, 4, relu=False, input_frac=0),
    )
    x = (torch.rand(3, 12, 40) < 0.3).float()
    target = torch.rand(3, 4, 40)
    first = train(model, x, target, 1)
    assert train(model, x, target) < first
    nn.blocks.calibrate(model, [x])
    nn.blocks.quantize(model.blocks)
    train(model, x, target, rate=1e-4)
    model.eval()
    with torch.no_grad():
        spikes = model.blocks[0](x)
        y = model(x)
    assert 0.02 < spikes.mean() < 0.9
    model.export_hdf5(tmp_path / "mixed.net")

    net = hdf5.Network(net_config=tmp_path / "mixed.net")
    assert net.latency == 1 + 3 + 1 + 1
    frac = model.blocks[3].layer.out.frac
    for one, answers in zip(x, y, strict=True):
        wires = proc.run(net, one.T.numpy().astype(int))
        expected = np.ldexp(answers.T.double().numpy(), frac)
        np.testing.assert_array_equal(wires, expected)
        np.testing.assert_array_equal(net.from_wire(wires), answers.T.numpy())
    assert np.ptp(wires) > 100


def test_sigma_delta_blocks_in_front(slayer, tmp_path):
    from lava_sparse_rnn import nn

    torch.manual_seed(1)
    neuron = {"threshold": 0.1, "activation": torch.relu}
    front = [
        slayer.block.sigma_delta.Input(neuron, weight=1.0, bias=0.0),
        slayer.block.sigma_delta.Dense(neuron, 6, 10),
        slayer.block.sigma_delta.Output(neuron, 10, 8),
    ]
    own = [
        nn.blocks.Affine(8, 8, input_frac=18),
        nn.blocks.S5(8, 8, hippo_blocks=2),
        nn.blocks.Affine(8, 3, relu=False),
    ]
    model = Model(*front, *own)
    x = torch.cumsum(0.1 * torch.randn(2, 6, 30), dim=-1)
    train(model, x, torch.rand(2, 3, 30), steps=1)
    nn.blocks.calibrate(model, [x])
    nn.blocks.quantize(model.blocks)
    model.eval()
    model.export_hdf5(tmp_path / "mixed.net")

    net = hdf5.Network(net_config=tmp_path / "mixed.net")
    assert net.latency == 2 + 1 + 3 + 1
    q = net.to_wire(x[0].T.numpy())
    # What lava-dl's neurons answer in Lava, they floor, is what torch gets here.
    stock = hdf5.Network(net_config=tmp_path / "mixed.net", num_layers=3)
    arrives = torch.from_numpy(proc.run(stock, q).T / 2.0**18)[None]
    with torch.no_grad():
        y = Model(*own)(arrives.float())
        with_slayer = model(x[:1])
    expected = np.ldexp(y[0].T.double().numpy(), own[-1].layer.out.frac)
    np.testing.assert_array_equal(proc.run(net, q), expected)
    # And it is what they trained as, up to the last places of their arithmetic.
    assert (y - with_slayer).norm() < 0.2 * with_slayer.norm()


def test_our_blocks_alone_are_one_fused_process(tmp_path):
    from lava_sparse_rnn import nn

    model = Model(
        nn.blocks.Affine(6, 8),
        nn.blocks.S5(8, 8, hippo_blocks=2),
        nn.blocks.Affine(8, 3, relu=False),
    )
    x = torch.randn(1, 6, 20)
    nn.blocks.calibrate(model, [x])
    nn.blocks.quantize(model.blocks)
    model.eval()
    model.export_hdf5(tmp_path / "own.net")
    net = hdf5.Network(net_config=tmp_path / "own.net", mode="fall_through")
    assert isinstance(net, hdf5.OwnNetwork)
    y = proc.run(net, net.network.to_wire(x[0].T.numpy()))
    with torch.no_grad():
        expected = model(x)[0].T.double().numpy()
    np.testing.assert_array_equal(y, np.ldexp(expected, net.layers[-1].out.frac))
