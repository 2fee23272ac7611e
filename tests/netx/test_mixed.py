# SPDX-License-Identifier: BSD-3-Clause
"""Files that mix this library's layers with others."""

import shutil
import sys

import h5py
import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.proc.monitor.process import Monitor

from lava_sparse_rnn import messages, proc, spec
from lava_sparse_rnn.netx import hdf5
from lava_sparse_rnn.netx._layer import BUILDERS
from lava_sparse_rnn.spec import reference
from lava_sparse_rnn.spec.groups import AffineGroup

SPIKES = np.random.default_rng(2).random((40, 12)) < 0.3
SPIKES = SPIKES.astype(np.int64)
LEAKY = {"type": "CUBA", "iDecay": 600, "vDecay": 300, "vThMant": 40, "refDelay": 1}


def arriving(network, q, frac):
    """``q`` of ``frac`` fractional bits in the units of the network's input wire."""
    wire = network.layers[0].inp
    scaled = np.floor(np.ldexp(q.astype(float), wire.frac - frac))
    return np.clip(scaled, wire.format.lowest, wire.format.highest).astype(np.int64)


def of_lava_dl(lava_dl, path, x, latency, **options):
    """Answers of lava-dl's own Network, which never closes its file."""
    copy = shutil.copy(path, path.with_suffix(".copy"))
    net = lava_dl.Network(net_config=str(copy), **options)
    return proc.run(net, x, latency=latency)


def toy(group, place):
    """``s_out = (a_in + offset) * 2**exponent``, of neurons without connections."""
    offset = group["offset"][()]
    exponent = int(group.attrs["exponent"])
    neurons = AffineGroup(offset, np.full(offset.size, -exponent), 16, False)
    timing = place.timing.arguments()
    process = proc.Affine(group=neurons, clock=place.clock, **timing)
    return hdf5.Layer(process, process.a_in, process.s_out, 0, message_bits=16)


@pytest.fixture
def toy_type():
    assert hdf5.register("toy")(toy) is toy
    yield
    del BUILDERS["toy"]


def write_toy(writer, exponent=-1):
    group = writer.group("toy")
    group["shape"] = [6]
    group["offset"] = np.arange(6)
    group.attrs["exponent"] = exponent
    group.file.close()


# Without lava-dl.


@pytest.mark.slow
def test_a_layer_type_of_ones_own(writer, network, toy_type, random_tokens):
    write_toy(writer)
    writer.own(network)
    net = hdf5.Network(net_config=writer.path)
    assert isinstance(net, hdf5.MixedNetwork)
    assert (net.latency, net.inp.shape, len(net)) == (network.latency, (6,), 4)
    x = random_tokens(network, 8)
    # No fraction is given: integers arrive as they are, but saturated.
    half = arriving(network, (x + np.arange(6)) // 2, network.layers[0].inp.frac)
    for layered in (False, True):
        y = proc.run(net, x, layered=layered)
        np.testing.assert_array_equal(y, reference.run(network, half))
    assert "torch" not in str(type(net.layers[0].process))


@pytest.mark.slow
def test_what_does_not_fit_the_wire_is_saturated_and_counted(writer, network, toy_type):
    write_toy(writer, exponent=3)
    writer.own(network, input_frac=0)
    net = hdf5.Network(net_config=writer.path)
    x = np.array([[5000] * 6, [-5000] * 6, [1] * 6])
    with proc.Session(net) as session:
        y = session.run(x)
        toy_saturated = np.clip(8 * (x + np.arange(6)), -(1 << 15), (1 << 15) - 1)
        wire = arriving(network, toy_saturated, 0)
        np.testing.assert_array_equal(y, reference.run(network, wire))
        found = int(net.layer1_overflow_inp.get()[0])
    scaled = toy_saturated * 2.0 ** network.layers[0].inp.frac
    assert found == np.sum((scaled < -(1 << 15)) | (scaled >= 1 << 15)) > 0


def test_a_type_is_registered_once(toy_type):
    for kind in ("toy", "dense", "s5"):
        with pytest.raises(spec.SpecError, match=f"'{kind}' exists"):
            hdf5.register(kind, toy)


def test_an_unknown_type_is_an_error_that_lists_the_known_ones(writer, network):
    writer.own(network).stock("pool", [6])
    with pytest.raises(spec.SpecError) as error:
        hdf5.Network(net_config=writer.path)
    text = str(error.value)
    for part in ("mixed.net: layer/3", "'pool'", "dense", "s5", "hdf5.register"):
        assert part in text


def test_without_lava_dl_the_error_names_the_extra(writer, network, monkeypatch):
    writer.dense(12, 6).own(network, input_frac=0)
    monkeypatch.setitem(sys.modules, "lava.lib.dl.netx.hdf5", None)
    with pytest.raises(ImportError) as error:
        hdf5.Network(net_config=writer.path)
    text = str(error.value)
    assert "mixed.net: layer/0" in text
    assert messages.install("dl") in text


def test_only_pipelined_where_others_advance_in_every_step(writer, network):
    writer.dense(12, 6).own(network)
    with pytest.raises(spec.SpecError, match="'fall_through'.*'pipelined'"):
        hdf5.Network(net_config=writer.path, mode="fall_through")


def test_layers_that_do_not_fit_are_named(writer, network, toy_type):
    writer.own(network)
    write_toy(writer)
    with pytest.raises(spec.SpecError, match=r"layer/3: takes .*6,\), but \(4,"):
        hdf5.Network(net_config=writer.path)


def test_an_impossible_fraction_is_named(writer, network, toy_type):
    write_toy(writer)
    writer.own(network, input_frac=60)
    with pytest.raises(spec.SpecError, match="input_frac is 60.*limit is 31"):
        hdf5.Network(net_config=writer.path)


def test_a_failing_builder_is_named(writer, network, toy_type):
    writer.own(network).stock("toy", [4])
    with pytest.raises(spec.SpecError, match="layer/3: cannot be built as.*'toy'.*Key"):
        hdf5.Network(net_config=writer.path)


def test_another_version_is_refused(writer, network, toy_type):
    write_toy(writer)
    writer.own(network, format_version=99)
    with pytest.raises(spec.SpecError, match="layer/1: format_version is 99"):
        hdf5.Network(net_config=writer.path)


def test_no_layer_left(writer, network, toy_type):
    write_toy(writer)
    with pytest.raises(spec.SpecError, match="no layer is left of 1, 1 of them skip"):
        hdf5.Network(net_config=writer.path, skip_layers=1)


@pytest.mark.parametrize("damage", ["type", "numbers", "recipe", "truncated"])
def test_damaged_mixed_files_are_named(writer, network, toy_type, damage):
    write_toy(writer)
    writer.own(network)
    if damage == "truncated":
        content = writer.path.read_bytes()
        writer.path.write_bytes(content[: len(content) // 2])
    else:
        with h5py.File(writer.path, "a") as file:
            if damage == "numbers":
                file.move("layer/3", "layer/7")
            else:
                del file[f"layer/2/{damage}"]
    with pytest.raises(spec.SpecError, match=r"mixed\.net"):
        hdf5.Network(net_config=writer.path)


def test_layers_one_by_one_are_a_network_of_ours(writer, network):
    writer.own(network)
    net = hdf5.Network(net_config=writer.path)
    assert isinstance(net, hdf5.OwnNetwork)
    assert net.network.layers == network.layers
    part = hdf5.Network(net_config=writer.path, skip_layers=1, num_layers=2)
    assert part.network.layers == network.layers[1:2]


# With lava-dl.


@pytest.mark.slow
def test_spikes_of_lava_dl_into_our_layers_and_back(lava_dl, writer, network):
    writer.dense(12, 6)
    stock = of_lava_dl(lava_dl, writer.path, SPIKES, latency=1)
    assert 0.02 < stock.mean() < 0.9
    writer.own(network, input_frac=0)
    ours = reference.run(network, arriving(network, stock, 0))
    net = hdf5.Network(net_config=writer.path)
    assert net.latency == 1 + network.latency
    np.testing.assert_array_equal(proc.run(net, SPIKES), ours)

    # Payloads, not binary spikes, go on to the next layer.
    writer.dense(4, 5, LEAKY)
    net = hdf5.Network(net_config=writer.path, sparse_fc_layer=True)
    alone = hdf5.Network(net_config=writer.path, skip_layers=4, input_message_bits=16)
    np.testing.assert_array_equal(proc.run(net, SPIKES), proc.run(alone, ours))
    assert net.latency == 2 + network.latency
    assert alone.input_message_bits == 16


@pytest.mark.slow
def test_an_image_through_conv_and_flatten(lava_dl, writer, network):
    neuron = {**LEAKY, "vThMant": 50}
    weight = 2 * writer.rng.integers(-20, 20, (2, 3, 2, 2, 1))
    sizes = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    # channels, y, x in the file: 2 x 3 x 4 from 3 x 4 x 5
    writer.stock("conv", [2, 3, 4], neuron, weight=weight, **sizes)
    writer.stock("flatten", [24])
    writer.dense(24, 6, LEAKY)
    images = (np.random.default_rng(4).random((30, 5, 4, 3)) < 0.3).astype(int)
    options = {"input_shape": (5, 4, 3)}
    stock = of_lava_dl(lava_dl, writer.path, images, latency=2, **options)
    assert 0.02 < stock.mean() < 0.9
    net = hdf5.Network(net_config=writer.path, **options)
    np.testing.assert_array_equal(proc.run(net, images), stock)
    writer.own(network, input_frac=0)
    net = hdf5.Network(net_config=writer.path, **options)
    assert (net.latency, net.inp.shape) == (2 + network.latency, (5, 4, 3))
    ours = reference.run(network, arriving(network, stock, 0))
    np.testing.assert_array_equal(proc.run(net, images), ours)
    steps = [line.split("|")[-1].strip() for line in str(net).splitlines()[1:]]
    assert steps == ["1", "1", "2", "3", "6", "7"]


@pytest.mark.slow
def test_a_network_that_begins_with_an_input_layer(lava_dl, writer, network):
    writer.stock("input", [12], {"type": "SDNN", "vThMant": 2}, weight=64, bias=0)
    sums = {"type": "SDNN", "vThMant": 2, "sigma_output": True}
    writer.dense(12, 6, sums)
    writer.own(network, input_frac=12)
    net = hdf5.Network(net_config=writer.path, spike_exp=0)
    assert net.latency == 1 + network.latency
    x = np.cumsum(np.random.default_rng(5).normal(0, 0.2, (30, 12)), axis=0)
    q = net.to_wire(x)
    np.testing.assert_array_equal(q, np.rint(64 * x))
    # Delta, then weights, then Sigma: the weighted sum of what was last sent.
    with h5py.File(writer.path) as file:
        weight = file["layer/1/weight"][()]
    sent, last = [], np.zeros(12, dtype=int)
    for row in q:
        last = np.where(abs(row - last) >= 2, row, last)
        sent.append(last)
    arrives = arriving(network, np.array(sent) @ weight.T, 12)
    y = proc.run(net, q)
    np.testing.assert_array_equal(y, reference.run(network, arrives))
    wire = network.layers[-1].out
    np.testing.assert_array_equal(net.from_wire(y), y / 2.0**wire.frac)


@pytest.mark.slow
def test_every_layer_resets_when_a_sequence_reaches_it(lava_dl, writer, network):
    writer.dense(12, 6, LEAKY).own(network, input_frac=0).dense(4, 5, LEAKY)
    net = hdf5.Network(net_config=writer.path)
    one_by_one = np.concatenate([proc.run(net, x) for x in (SPIKES[:9], SPIKES[9:18])])
    net = hdf5.Network(net_config=writer.path, reset_interval=9)
    for layered in (False, True):
        together = proc.run(net, SPIKES[:18], layered=layered)
        np.testing.assert_array_equal(together, one_by_one)
    without = proc.run(hdf5.Network(net_config=writer.path), SPIKES[:18])
    assert (without != together).any()


@pytest.mark.slow
def test_reset_from_outside_reaches_every_layer(lava_dl, writer, network):
    writer.dense(12, 6, LEAKY).own(network, input_frac=0).dense(4, 5, LEAKY)
    net = hdf5.Network(net_config=writer.path)
    with proc.Session(net) as session:
        first = session.run(SPIKES[:10])
        with pytest.warns(UserWarning, match="LIF would go on.*reset between"):
            again = session.run(SPIKES[:10])
        session.reset()
        after = session.run(SPIKES[:10])
    assert (again != first).any()
    np.testing.assert_array_equal(after, first)


@pytest.mark.slow
@pytest.mark.parametrize("layered", [False, True])
def test_states_can_be_probed(lava_dl, writer, network, layered):
    writer.dense(12, 6).own(network, input_frac=0)
    net = hdf5.Network(net_config=writer.path)
    monitor = Monitor()
    n_steps = len(SPIKES) + net.latency
    monitor.probe(net.layer2_x_re, n_steps)
    source = proc.Source(data=SPIKES)
    source.s_out.connect(net.inp)
    try:
        net.run(RunSteps(n_steps), proc.RunCfg("fixed_pt", layered=layered))
        values = monitor.get_data()[net.name]["layer2_x_re"]
    finally:
        net.stop()
    stock = of_lava_dl(lava_dl, writer.path, SPIKES, latency=1, num_layers=1)
    trace = {}
    reference.run(network, arriving(network, stock, 0), trace=trace)
    # Fused, Vars are those of the token that leaves; layered, recurrences are one
    # step behind what leaves their encoder.
    delay = 1 + (2 if layered else network.latency)
    expected = trace["layer1_x_re"]
    np.testing.assert_array_equal(values[delay : delay + len(SPIKES)], expected)


@pytest.mark.slow
def test_a_stock_layer_that_lava_dl_cannot_build_is_named(lava_dl, writer):
    writer.stock("dense", [4], {"type": "MORSE"}, weight=np.ones((4, 3)))
    with pytest.raises(spec.SpecError, match=r"layer/0: neuron type 'MORSE'.*CUBA"):
        hdf5.Network(net_config=writer.path)
