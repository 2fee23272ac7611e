# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures that the tests of several rooms share."""

import gc
import itertools
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, is_hypothesis_test, settings
from hypothesis import strategies as st

# Where Python is told to write no bytecode, every worker and every interpreter that a
# test starts would compile all of torch and Lava again: it goes to a folder of its own.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).parents[1] / "build" / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import (
    PLAN,
    QFormat,
    SigmoidLines,
    SpecError,
    fit_lines,
)

# Each worker has a core to itself: threads of torch's would wait for each other,
# spinning. This is read when torch is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The machine that runs the tests may be busy: a slow example is not a failure.
settings.register_profile("default", deadline=None)
settings.load_profile("default")
# So many examples of each property are drawn in the quick part of the tests.
QUICK_EXAMPLES = 12

DATA = Path(__file__).parents[1] / "data"
POLICIES = list(
    itertools.product(
        ("floor", "nearest"), ("saturate", "wrap"), ("real_gate", "split", "none")
    )
)


# Six of the twelve in which every two values of two policies meet once: for what is
# slow (Lava's processes, a compiler), where all twelve are run by its faster twin.
PAIRS = [
    policy
    for policy in POLICIES
    if (policy[0] == "floor") ^ (policy[1] == "wrap") ^ (policy[2] == "split")
]


def pytest_collection_modifyitems(config, items):
    """The quick part draws few examples; whoever runs all tests gets them all.

    What starts ray comes last: threads that ray leaves behind have been seen to end a
    process that another test forked (Python 3.13).
    """
    items.sort(key=lambda item: item.path.match("study/test_workers.py"))
    if config.getoption("-m") != "not slow":
        return
    for item in items:
        test = getattr(item, "function", None)
        if is_hypothesis_test(test):
            own = test._hypothesis_internal_use_settings
            test._hypothesis_internal_use_settings = settings(
                own, max_examples=min(own.max_examples, QUICK_EXAMPLES)
            )


@pytest.hookimpl(hookwrapper=True)
def pytest_collection():
    """What is imported and collected is no garbage: do not look for any among it.

    With half a million objects more, each search took a quarter of a second more, and
    many tests ask for one.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


@pytest.fixture(params=POLICIES, ids="-".join)
def policy_recipe(request):
    """A recipe of every combination of rounding, overflow and nonlinearity."""
    return spec.Recipe(*request.param)


@pytest.fixture(params=PAIRS, ids="-".join)
def paired_recipe(request):
    """Recipes in which every two values of two policies meet."""
    return spec.Recipe(*request.param)


@pytest.fixture(scope="session")
def shipped():
    """The denoiser that is shipped."""
    return spec.load(DATA / "denoiser.net")


@pytest.fixture(scope="session")
def shipped_small():
    """The small one that is shipped, for what takes long with a large one."""
    return spec.load(DATA / "denoiser_small.net")


@pytest.fixture(scope="session")
def heard():
    """A function: tokens of a recording, as a denoiser hears them."""

    def make(network):
        from lava_sparse_rnn.audio import Denoiser
        from lava_sparse_rnn.audio.sound import wav

        samples, _ = wav.read(DATA / "samples" / "noisy_01.wav")
        return Denoiser(network).tokens(samples)

    return make


@pytest.fixture
def random_tokens():
    """A function: tokens over the whole range of a network's input wire."""

    def make(network, n_tokens, seed=0):
        fmt = network.layers[0].inp.format
        rng = np.random.default_rng(seed)
        shape = (n_tokens, network.d_in)
        return rng.integers(fmt.lowest, fmt.highest + 1, shape)

    return make


@pytest.fixture
def at_once():
    """A function: what ``function(i)`` returns or raises in ``n`` threads at once.

    It fails when one of them has not ended after ``seconds``.
    """

    def run(function, n=4, seconds=60):
        outcomes, start = [None] * n, threading.Barrier(n)

        def work(i):
            start.wait()
            try:
                outcomes[i] = function(i)
            except Exception as error:
                outcomes[i] = error

        threads = [
            threading.Thread(target=work, args=(i,), daemon=True) for i in range(n)
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0))
        waiting = [i for i, thread in enumerate(threads) if thread.is_alive()]
        assert not waiting, f"threads {waiting} of {n} still wait after {seconds} s"
        return outcomes

    return run


@pytest.fixture(scope="session")
def tiny_config():
    """A function: configuration of a tiny run in a folder, with changes."""
    from lava_sparse_rnn.train import TrainConfig

    def make(runs, **changes):
        values = {
            "name": "tiny",
            "runs": runs,
            "steps": 12,
            "log_every": 4,
            "validate_every": 8,
            "model": {"d_model": 8, "d_state": 8, "n_layers": 1, "hippo_blocks": 2},
            "pruning": {"sparsity": 0.5, "every": 2, "end": 0.7},
            "quantize": {"steps": 4, "calibration_batches": 2},
            "data": {
                "source": "synthetic",
                "batch": 4,
                "seconds": 0.2,
                "pool": 3,
                "validation_mixes": 2,
                "validation_seconds": 0.2,
            },
        }
        for key, value in changes.items():
            if isinstance(value, dict):
                values[key] = {**values.get(key, {}), **value}
            else:
                values[key] = value
        return TrainConfig.model_validate(values)

    return make


@pytest.fixture
def tiny(tiny_config, tmp_path):
    """A function: `tiny_config` of a folder of this test's."""

    def make(**changes):
        return tiny_config(tmp_path, **changes)

    return make


@pytest.fixture(scope="session")
def net(tmp_path_factory):
    """A file with a small random denoiser; it does not denoise."""
    from lava_sparse_rnn.audio import FrontEnd

    network = spec.random_network(
        np.random.default_rng(2), d_in=33, d_model=12, d_state=8, d_out=33
    )
    meta = FrontEnd(n_fft=64, hop_length=16, feature_mean=0.2).metadata()
    path = tmp_path_factory.mktemp("net") / "small.net"
    spec.Network(network.layers, network.recipe, meta).save(path)
    return path


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command; returns its exit code, output and error text."""
    from lava_sparse_rnn import cli, openmp

    for name in openmp.WAITING:  # which the command sets, for this test alone
        if name not in os.environ:
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["lava-sparse-rnn", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        text = capsys.readouterr()
        return stopped.value.code, text.out, text.err

    return call


SEEDS = st.integers(0, 2**32 - 1)
NARROW, GATES = st.integers(4, 16), st.integers(8, 16)


# Other widths for some places of a network of a block or two.
BY_LAYER = st.dictionaries(
    st.sampled_from(["input", "layer0", "layer1", "layer[12]", "layer*"]),
    st.fixed_dictionaries(
        {},
        optional={
            "weight_bits": st.integers(2, 8),
            "wire_bits": st.integers(6, 16),
            "state_bits": st.integers(14, 24),
            "a_bits": st.integers(8, 16),
            "gate_bits": st.integers(8, 16),
        },
    ),
    max_size=3,
)


@st.composite
def recipes(draw, wire_bits=NARROW, gate_bits=GATES):
    """Recipes of every policy and of many widths."""
    return spec.Recipe(
        rounding=draw(st.sampled_from(["floor", "nearest"])),
        overflow=draw(st.sampled_from(["saturate", "wrap"])),
        state_nonlinearity=draw(st.sampled_from(["real_gate", "split", "none"])),
        sigmoid=draw(st.sampled_from([fit_lines(), fit_lines(0.0004), PLAN])),
        weight_bits=draw(st.integers(2, 8)),
        wire_bits=draw(wire_bits),
        state_bits=draw(st.integers(12, 28)),
        a_bits=draw(st.integers(4, 20)),
        gate_bits=draw(gate_bits),
        by_layer=draw(BY_LAYER),
    )


def made(seed, recipe, sizes, n_blocks, density, kinds=None):
    """A random network, or the end of the example where the proof forbids it."""
    rng = np.random.default_rng(seed)
    try:
        return spec.random_network(*(rng, *sizes, n_blocks, density, recipe, kinds))
    except SpecError:
        assume(False)


def tokens(network, seed, n=12):
    """Tokens of any size, and some at both ends of the range."""
    fmt = network.layers[0].inp.format
    rng = np.random.default_rng(seed)
    x = rng.integers(fmt.lowest, fmt.highest + 1, (n, network.d_in))
    x[1], x[2] = fmt.lowest, fmt.highest
    x[3] = np.where(rng.random(network.d_in) < 0.9, 0, x[3])
    return x


def moved(network, a_frac, moves):
    """A block whose binary points are moved about: left shifts, far right shifts."""
    encoder, block, decoder = network.layers
    z = replace(block.z, frac=block.z.frac + moves[0], ref=block.z.ref + moves[0])
    out = replace(block.out, frac=block.out.frac + moves[1], ref=block.out.ref + 9)
    low = min(block.a_format.lowest, -1) >> max(15 - a_frac, 0)
    steps = {"C_re": 4, "C_imn": 4, "B_re": 5, "B_im": 5, "W": 6}
    try:
        matrices = {
            name: replace(m, frac=m.frac + moves[steps[name]])
            for name, m in block.matrices.items()
        }
        block = replace(
            block,
            **matrices,
            z=z,
            out=out,
            state=QFormat(block.state.bits, block.state.frac + moves[2]),
            g=QFormat(block.g.bits, np.clip(block.g.frac + moves[3], 0, 12)),
            a_format=QFormat(block.a_format.bits, a_frac),
            a_re=np.clip(block.a_re, low, -low - 1),
            a_im=np.clip(block.a_im, low, -low - 1),
        )
        layers = encoder, block, replace(decoder, inp=out)
        return spec.Network(layers, network.recipe)
    except SpecError:
        assume(False)


def at_the_limit(rounding, k, relu=False):
    """Sums near 2**30, the limit of the proof, shifted by ``k``; and the tokens."""
    n = 250 if k > 0 else 30 if k == 0 else 50
    inp = spec.Wire(16, np.full(n, 8), 8)
    rows = np.array([-128, 127, 1, -1])[:, None]
    weights = spec.Weights(np.broadcast_to(rows, (4, n)), np.full(4, 3))
    bias = spec.Bias([-8000000, 8000000, 5, 0], np.array([0, 0, 3, 0]))
    out = spec.Wire(16, np.full(4, 11 - k), 11 - k)
    layer = spec.Affine(inp, weights, bias, out, relu)
    x = np.stack([np.full(n, -32768), np.full(n, 32767), np.zeros(n, int)])
    return spec.Network((layer,), spec.Recipe(rounding)), x


def steepest(overflow):
    """A network whose sigmoid's first line needs all of 32 bits at its end."""
    lines = SigmoidLines([65535, 0], [0, 0], [32768, 32767])
    recipe = spec.Recipe(overflow=overflow, sigmoid=lines)
    network = spec.random_network(np.random.default_rng(5), recipe=recipe)
    encoder, block, decoder = network.layers
    g = QFormat(16, np.zeros(block.d_model, int))
    block = replace(block, g=g, W=replace(block.W, frac=g.frac - block.z.ref))
    return spec.Network((encoder, block, decoder), recipe)
