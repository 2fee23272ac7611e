# SPDX-License-Identifier: BSD-3-Clause
"""Signals that come while C calls Python back."""

import io
import signal
import sys
import weakref

import h5py
import numpy as np
import pytest

from lava_sparse_rnn import signals, spec

NETWORK = spec.random_network(np.random.default_rng(1))


class OnEnd:
    """A signal comes each time that h5py takes note of the end of one of its objects.

    It does so in a callback of Python's own for weak references, where nobody would
    hear what a handler raises. This one notes where the program was.
    """

    def __init__(self, of_h5py):
        self.registry, self.sent, self.lost = of_h5py, 0, []

    def __call__(self, frame, event, arg):
        if event == "call" and registry_of(frame) is self.registry is not None:
            self.sent += 1
            signal.raise_signal(signal.SIGTERM)

    def handler(self, number, frame):
        while frame is not None and registry_of(frame) is None:
            frame = frame.f_back
        if frame is not None:
            place = frame.f_back.f_code
            self.lost.append(f"{place.co_filename}:{place.co_name}")

    def __enter__(self):
        self.before = signal.signal(signal.SIGTERM, self.handler)
        sys.setprofile(self)
        return self

    def __exit__(self, *error):
        sys.setprofile(None)
        signal.signal(signal.SIGTERM, self.before)


def registry_of(frame):
    """The dictionary of weak references that a frame takes a dead object out of."""
    code = frame.f_code
    if (code.co_name, code.co_filename) != ("remove", weakref.__file__):
        return None
    return frame.f_locals["selfref"]()


@pytest.fixture(scope="module")
def of_h5py():
    found = []

    def note(frame, event, arg):
        if event == "call" and (registry := registry_of(frame)) is not None:
            found.append(registry)

    sys.setprofile(note)
    with h5py.File(io.BytesIO(), "w"):
        pass
    sys.setprofile(None)
    return found[0]


@pytest.fixture
def ends(of_h5py):
    return OnEnd(of_h5py)


def test_what_the_table_below_rests_on(ends):
    with ends, h5py.File(io.BytesIO(), "w") as file:
        file["a"] = [1, 2]
    assert len(ends.lost) == ends.sent > 5


def saved(path):
    NETWORK.save(path)


def packed(path):
    NETWORK.save(path, packed=True)


def layer_by_layer(path):
    with h5py.File(path, "w") as file:
        for i, layer in enumerate(NETWORK.layers):
            spec.write_layer(layer, file.create_group(f"layer/{i}"))
            spec.write_recipe(NETWORK.recipe, file[f"layer/{i}"])


WAYS = {f.__name__: f for f in (saved, packed, layer_by_layer)}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@pytest.mark.parametrize("way", [saved, packed])
def test_no_signal_is_lost_while_a_network_is_written(way, ends, tmp_path):
    with ends:
        way(tmp_path / "a.net")
    assert ends.lost == []
    assert ends.sent > 50


@ways
def test_no_signal_is_lost_while_a_network_is_read(way, ends, tmp_path):
    way(tmp_path / "a.net")
    with ends:
        assert spec.load(tmp_path / "a.net").layers == NETWORK.layers
    assert ends.lost == []
    assert ends.sent > 50


def test_no_signal_is_lost_in_a_file_that_somebody_else_has_opened(ends, tmp_path):
    with h5py.File(tmp_path / "a.net", "w") as file:
        with ends:
            spec.write(NETWORK, file)
            assert spec.read(file, "a") == NETWORK
        recipe, layer = file["recipe"], file["layer/1"]
        del recipe, layer
        with ends:
            assert spec.read_recipe(file, "a") == NETWORK.recipe
    assert ends.lost == []
    assert ends.sent > 50


@ways
def test_no_signal_is_lost_while_a_network_becomes_a_process(way, ends, tmp_path):
    pytest.importorskip("lava")
    from lava_sparse_rnn.netx import hdf5

    way(tmp_path / "a.net")
    with ends:
        assert hdf5.Network(net_config=tmp_path / "a.net").layers == NETWORK.layers
    assert ends.lost == []
    assert ends.sent > 50


def test_no_signal_is_lost_while_others_layers_become_processes(ends, tmp_path):
    pytest.importorskip("lava")
    from lava_sparse_rnn import proc
    from lava_sparse_rnn.netx import hdf5

    with h5py.File(tmp_path / "a.net", "w") as file:
        file["layer/0/type"] = [b"theirs"]
        spec.write_layer(NETWORK.layers[0], own := file.create_group("layer/1"))
        spec.write_recipe(NETWORK.recipe, own)
        own.attrs["input_frac"] = 12

    def build(group, place):
        none = np.zeros(NETWORK.d_in, int)
        neurons = spec.groups.AffineGroup(none, none, 16, False)
        process = proc.Affine(group=neurons, clock=place.clock)
        return hdf5.Layer(process, process.a_in, process.s_out, 0, message_bits=16)

    hdf5.register("theirs", build)
    try:
        with ends:
            assert len(hdf5.Network(net_config=tmp_path / "a.net")) == 2
    finally:
        del hdf5.BUILDERS["theirs"]
    assert ends.lost == []
    assert ends.sent > 50


def test_no_signal_is_lost_while_formats_travel_with_weights(ends):
    pytest.importorskip("torch")
    from lava_sparse_rnn import nn

    real = nn.quantize.unfold(NETWORK)
    one, other = (nn.quantize.QuantizedRNN(real, NETWORK) for _ in range(2))
    with ends:
        other.load_state_dict(one.state_dict())
    assert ends.lost == []
    assert ends.sent > 50
    assert other.network() == one.network()


def test_no_signal_is_lost_in_blocks(ends, tmp_path):
    torch = pytest.importorskip("torch")
    from lava_sparse_rnn.nn import blocks

    first, second = blocks.Affine(3, 4, seed=1), blocks.Affine(4, 2, seed=2)
    stack = torch.nn.Sequential(first, second)
    blocks.calibrate(stack, [torch.randn(2, 3, 9)])
    blocks.quantize(list(stack))
    with ends:
        blocks.export_hdf5(list(stack), tmp_path / "a.net")
        stack.load_state_dict(stack.state_dict())
    assert ends.lost == []
    assert ends.sent > 50


def test_no_signal_is_lost_while_graphs_of_nir_are_read_and_written(ends, tmp_path):
    pytest.importorskip("nir")
    from lava_sparse_rnn.interchange import nir

    with ends:
        nir.write(NETWORK, tmp_path / "a.nir")
        assert nir.load(tmp_path / "a.nir") == NETWORK
    assert ends.lost == []
    assert ends.sent > 50


def test_signals_in_blocks_of_blocks_come_once_each():
    came = []
    handlers = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)}
    for number in handlers:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        with signals.uninterrupted():
            with signals.uninterrupted():
                signal.raise_signal(signal.SIGTERM)
            assert signals.interrupted()
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
            assert not came
        assert came == [signal.SIGTERM, signal.SIGHUP]
        assert not signals.interrupted()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_what_a_handler_raises_keeps_no_other_signal_from_coming():
    came = []

    def both_come():
        with signals.uninterrupted():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with pytest.raises(KeyboardInterrupt):
            both_come()
        assert came == [signal.SIGTERM]
        assert not signals.interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


class AtLine:
    """A signal comes at a line of the module, the so-manieth that is run."""

    def __init__(self, number):
        self.number, self.seen = number, 0

    def __call__(self, frame, event, arg):
        if frame.f_code.co_filename != signals.__file__:
            return None
        if event == "line":
            self.seen += 1
            if self.seen == self.number:
                signal.raise_signal(signal.SIGINT)
        return self


def interrupted_at(number):
    """Whether a block had so many lines, after a signal at that one."""
    trace, heard, tracing = AtLine(number), False, sys.gettrace()
    sys.settrace(trace)
    try:
        with signals.uninterrupted():
            pass
    except KeyboardInterrupt:
        heard = True
    finally:
        sys.settrace(tracing)
    assert heard == (trace.seen >= number)
    return heard


def test_a_signal_at_any_line_leaves_nothing_behind():
    """Wherever it comes in a block's own code, the next block holds signals again."""
    lines = 0
    while interrupted_at(lines + 1):
        lines += 1
        assert not signals.interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with signals.uninterrupted():
            held = signal.getsignal(signal.SIGINT)
        assert held is not signal.default_int_handler
    assert lines > 10
