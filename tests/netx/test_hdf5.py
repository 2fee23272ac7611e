# SPDX-License-Identifier: BSD-3-Clause
"""A network file as a Lava process."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.netx import hdf5
from lava_sparse_rnn.spec import reference

pytestmark = pytest.mark.slow


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "random.net"
    spec.random_network(np.random.default_rng(0), n_blocks=2).save(path)
    return path


@pytest.mark.parametrize("layered", [False, True])
def test_between_ring_buffers(file, random_tokens, layered):
    net = hdf5.Network(net_config=str(file))
    x = random_tokens(net.network, 10)
    n_steps = len(x) + net.latency
    source = Source(data=np.pad(x.T, ((0, 0), (0, net.latency))))
    sink = Sink(shape=net.out.shape, buffer=n_steps)
    source.s_out.connect(net.inp)
    net.out.connect(sink.a_in)
    run_cfg = Loihi2SimCfg(select_tag="fixed_pt", select_sub_proc_model=layered)
    try:
        net.run(condition=RunSteps(num_steps=n_steps), run_cfg=run_cfg)
        answers = sink.data.get()[:, net.latency :]
    finally:
        net.stop()
    np.testing.assert_array_equal(answers.T, reference.run(net.network, x))


def test_runs_in_both_arithmetics_through_proc_run(file, random_tokens):
    net = hdf5.Network(net_config=file)
    x = random_tokens(net.network, 6)
    expected = reference.run(net.network, x)
    np.testing.assert_array_equal(proc.run(net, x), expected)
    assert proc.run(net, x, "floating_pt").dtype == np.float64


def test_says_what_it_is(file):
    net = hdf5.Network(net_config=file)
    assert (net.inp.shape, net.out.shape) == ((5,), (4,))
    assert len(net) == len(net.layers) == 4
    assert net.latency == 8
    assert net.input_message_bits == net.output_message_bits == 16
    lines = str(net).splitlines()
    assert [line.split("|")[1].strip() for line in lines] == [
        "type",
        "affine",
        "s5",
        "s5",
        "affine",
    ]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("content", [None, b"", b"not hdf5"])
def test_a_bad_file_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "bad.net"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(spec.SpecError, match=r"bad\.net"):
        hdf5.Network(net_config=path)


def test_needs_neither_torch_nor_lava_dl():
    text = (
        "import sys; from lava_sparse_rnn.netx import hdf5; "
        "print([m for m in ('torch', 'lava.lib.dl') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("mixed", [False, True])
def test_a_file_is_opened_once(file, mixed, monkeypatch):
    if mixed:  # an adapter is needed in front, so it is no file of one description
        with h5py.File(file, "a") as opened_file:
            del opened_file.attrs["format"]
            opened_file["layer/0"].attrs["input_frac"] = 3
    opened = []
    stock = h5py.File.__init__

    def counted(self, name, *args, **kwargs):
        if isinstance(name, str | Path):  # `group.file` makes another object of it
            opened.append(str(name))
        stock(self, name, *args, **kwargs)

    monkeypatch.setattr(h5py.File, "__init__", counted)
    net = hdf5.Network(net_config=file)
    assert type(net) is (hdf5.MixedNetwork if mixed else hdf5.OwnNetwork)
    assert opened == [str(file)]
    with h5py.File(file, "r+"):  # and closed again
        pass


def test_a_shipped_network_has_a_name(shipped_small):
    for name in ("denoiser_small", Path("denoiser_small")):
        net = hdf5.Network(net_config=name)
        assert (net.inp.shape, net.out.shape) == ((129,), (129,))
        assert spec.load(name) == shipped_small
