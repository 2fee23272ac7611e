# SPDX-License-Identifier: BSD-3-Clause
"""Every layer that lava-dl's netx can build: the same integers as from lava-dl's own.

What it cannot build is refused when the file is loaded, and the reason named.
"""

import shutil
import warnings

import h5py
import numpy as np
import pytest

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.netx import hdf5

T = 24
RNG = np.random.default_rng(0)
SPIKES = (RNG.random((T, 12)) < 0.3).astype(np.int64)
IMAGES = (RNG.random((T, 5, 4, 3)) < 0.3).astype(np.int64)
IMAGE = {"input_shape": (5, 4, 3)}
LEAKY = {"type": "CUBA", "iDecay": 600, "vDecay": 300, "vThMant": 40, "refDelay": 1}
CHANGES = {"type": "SDNN", "vThMant": 2}
SUMS = {**CHANGES, "sigma_output": True}
RESONANT = {"type": "RF_IZHIKEVICH", "vThMant": 20, "sinDecay": 300, "cosDecay": 3900}
PHASE = {**RESONANT, "type": "RF_PHASE", "sinDecay": 1500, "cosDecay": 3700}
SIZES = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
SPARSE = {"sparse_fc_layer": True}
PAYLOADS = {"input_message_bits": 16, "spike_exp": 0}


def even(*shape, low=-30, high=60, step=2):
    return step * RNG.integers(low, high, shape)


def dense(n_in=12, n_out=6, neuron=LEAKY, **datasets):
    datasets = {"weight": even(n_out, n_in)} | datasets
    return "dense", [n_out], neuron, datasets


def recurrent(n_in=12, n_out=6, neuron=LEAKY, **datasets):
    weights = {"weight": even(n_out, n_in), "weight_rec": even(n_out, n_out)}
    return "dense_rec", [n_out], neuron, weights | datasets


def resonant(neuron):
    weights = {"weight/real": even(6, 12), "weight/imag": even(6, 12)}
    return "dense", [6], neuron, weights


def conv(shape=(2, 3, 4), weight=(2, 3, 2, 2, 1), neuron=LEAKY, **datasets):
    return "conv", list(shape), neuron, SIZES | {"weight": even(*weight)} | datasets


FLATTEN = ("flatten", [24], None, {})
# Layers, what arrives, and options; of connections also as Lava's `Sparse`.
FULLY_CONNECTED = {
    "dense": [dense()],
    "bias": [dense(bias=RNG.integers(-5, 9, 6))],
    "weights with an exponent": [dense(weight=even(6, 12, low=-16, high=30, step=8))],
    "weights of one sign": [dense(weight=even(6, 12, low=0, step=1))],
    "weights in one row": [dense(weight=even(72))],
    "no neuron": [("dense", [6], None, {"weight": even(6, 12)})],
    "one delay": [dense(delay=3)],
    "delays of neurons": [dense(delay=RNG.integers(0, 5, 6))],
    "delays of inputs": [dense(delay=RNG.integers(0, 5, 12))],
    "resonators": [resonant(RESONANT)],
    "resonators with a phase": [resonant(PHASE)],
}
OTHERS = {
    "many delays": ([dense(delay=RNG.integers(0, 9, (6, 12)))], SPIKES, {}),
    "recurrent": ([recurrent()], SPIKES, {}),
    "recurrent, bias": ([recurrent(bias=RNG.integers(0, 9, 6))], SPIKES, {}),
    "recurrent, delay": ([recurrent(n_out=12, delay=2)], SPIKES, {}),
    "two recurrent": ([recurrent(), recurrent(6, 4)], SPIKES, {}),
    "sigma and delta": (
        [dense(neuron=CHANGES), dense(6, 4, SUMS)],
        90 * SPIKES,
        PAYLOADS,
    ),
    "shape first": ([("input", [12], None, {}), dense()], SPIKES, {}),
    "conv": ([conv()], IMAGES, IMAGE),
    "conv, padding": ([conv((2, 5, 6), padding=1)], IMAGES, IMAGE),
    "conv, stride": ([conv((2, 2, 4), stride=[2, 1])], IMAGES, IMAGE),
    "conv, dilation": ([conv((2, 2, 3), dilation=2)], IMAGES, IMAGE),
    "conv, groups": ([conv((3, 3, 4), (3, 1, 2, 2, 1), groups=3)], IMAGES, IMAGE),
    "conv, bias": ([conv(bias=np.array([3, -4]))], IMAGES, IMAGE),
    "conv, conv": ([conv(), conv((2, 2, 3), (2, 2, 2, 2))], IMAGES, IMAGE),
    "conv, flatten, recurrent": ([conv(), FLATTEN, recurrent(24)], IMAGES, IMAGE),
}
CASES = {
    **{n: (layers, SPIKES, {}) for n, layers in FULLY_CONNECTED.items()},
    **{f"{n}, sparse": (x, SPIKES, SPARSE) for n, x in FULLY_CONNECTED.items()},
    **OTHERS,
}


def write(writer, layers):
    for kind, shape, neuron, datasets in layers:
        writer.stock(kind, shape, neuron, **datasets)
    return writer.path


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_integers_of_lava_dl(lava_dl, writer, case):
    layers, x, options = CASES[case]
    path = write(writer, layers)
    copy = shutil.copy(path, path.with_suffix(".copy"))  # it never closes its file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        stock = lava_dl.Network(net_config=str(copy), **options)
    expected = proc.run(stock, x, latency=0)
    net = hdf5.Network(net_config=path, **options)
    np.testing.assert_array_equal(proc.run(net, x, latency=0), expected)
    assert (expected != 0).any() or case.startswith("no neuron")


REFUSED = {
    "pool": ([("pool", [2, 2, 2], LEAKY, SIZES)], "layer type 'pool' is unknown"),
    "adaptive": ([dense(neuron={"type": "ALIF"})], "neuron type 'ALIF', .* has CUBA"),
    "resonant and adaptive": (
        [resonant({**RESONANT, "type": "ADRF_IZHIKEVICH"})],
        "neuron type 'ADRF_IZHIKEVICH'",
    ),
    "real weights": ([dense(neuron=RESONANT)], "need complex weights"),
    "resonant input": ([("input", [12], RESONANT, {})], "need complex weights"),
    "message bits": ([dense(neuron={**CHANGES, "messageBits": 16})], "messageBits"),
    "delays": ([recurrent(delay=2)], "dense_rec.*as many inputs as neurons"),
    "delay shape": ([dense(delay=np.arange(7))], "invalid delay of shape"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSED)
def test_what_lava_dl_cannot_is_refused_when_it_is_loaded(lava_dl, writer, case):
    layers, message = REFUSED[case]
    path = write(writer, layers)
    with pytest.raises(spec.SpecError, match=rf"mixed\.net: layer/0.*{message}"):
        hdf5.Network(net_config=path)


@pytest.mark.slow
def test_what_lava_dl_leaves_out_is_said(lava_dl, writer):
    write(writer, [conv(delay=np.array([0, 2]))])
    with pytest.warns(UserWarning, match="leaves out the delays of conv"):
        hdf5.Network(net_config=writer.path, **IMAGE)
    with h5py.File(writer.path, "w"):
        pass
    write(writer, [resonant(RESONANT)])
    with pytest.warns(UserWarning, match="have no resets"):
        hdf5.Network(net_config=writer.path, reset_interval=4)


@pytest.mark.slow
@pytest.mark.parametrize(
    # With a threshold so high that what is left of the last sequence is seen.
    "layer",
    [recurrent(), resonant({**RESONANT, "vThMant": 1000})],
    ids=lambda x: x[0],
)
def test_resets_from_outside_reach_every_state(lava_dl, writer, layer):
    net = hdf5.Network(net_config=write(writer, [layer]))
    with proc.Session(net) as session:
        first = session.run(SPIKES)
        with pytest.warns(UserWarning, match="would go on in the steps after"):
            assert (session.run(SPIKES) != first).any()
        session.reset()
        np.testing.assert_array_equal(session.run(SPIKES), first)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_recurrent_layers_are_lava_dl_s_equation(lava_dl, writer, seed):
    """``s[t] = f(W x[t] + R s[t-1])``, which lava-dl's netx answers a step later."""
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lava.lib.dl import slayer
    torch.manual_seed(seed)
    neuron = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}
    layer = slayer.block.cuba.Recurrent(
        neuron, 12, 6, delay_shift=False, weight_scale=3
    )
    real = torch.from_numpy(SPIKES.T[None].astype(np.float32))
    with torch.no_grad():
        layer(real)  # its states get their shape, and keep what they have seen
        for state in (layer.neuron.current_state, layer.neuron.voltage_state):
            state.zero_()
        layer.spike_state.zero_()
        expected = layer(real)[0].numpy().T.astype(int)
    with h5py.File(writer.path, "a") as file:
        layer.export_hdf5(file.create_group("layer/0"))
    copy = shutil.copy(writer.path, writer.path.with_suffix(".copy"))
    net = hdf5.Network(net_config=writer.path)
    np.testing.assert_array_equal(proc.run(net, SPIKES), expected)
    stock = lava_dl.Network(net_config=str(copy))
    later = proc.run(stock, SPIKES, latency=0)
    np.testing.assert_array_equal(later[1:], expected[:-1])
    assert not later[0].any()
    assert expected.sum() > 20


@pytest.mark.slow
def test_recurrent_spikes_come_back_in_the_next_step(lava_dl, writer):
    neuron = {"type": "CUBA", "iDecay": 4096, "vDecay": 4096, "vThMant": 10}
    eye, ring = 64 * np.eye(3, dtype=int), 64 * np.roll(np.eye(3, dtype=int), 1, 0)
    write(writer, [recurrent(3, 3, neuron, weight=eye, weight_rec=ring)])
    x = np.zeros((6, 3), int)
    x[0, 0] = 1
    y = proc.run(hdf5.Network(net_config=writer.path), x)
    assert y.argmax(axis=1).tolist() == [0, 1, 2, 0, 1, 2]
    assert y.sum() == 6
