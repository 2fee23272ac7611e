# SPDX-License-Identifier: BSD-3-Clause
"""Layers of diagonal channels (`spec.S4D`): every backend gives the same integers.

`tests/c_export`, `tests/spec/test_golden.py` and `tests/proc/test_s4d.py` have more.
"""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import c_export, engine, loihi2, microcode, nn, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, QFormat
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.spec import Network, SpecError, quantize, reference
from lava_sparse_rnn.spec import statistics as stats

KINDS = ("s4d", "s5", "s4d")


def mixed(seed=0, recipe=None, sizes=(5, 6, 9, 4), kinds=KINDS):
    """Channels before and after a block."""
    rng = np.random.default_rng(seed)
    return spec.random_network(rng, *sizes, recipe=recipe, kinds=kinds)


def tokens(network, n=20, seed=0):
    fmt = network.layers[0].inp.format
    rng = np.random.default_rng(seed)
    return rng.integers(fmt.lowest, fmt.highest + 1, (n, network.d_in))


@st.composite
def networks(draw):
    """Networks of any shape and policy, where the proof allows them."""
    recipe = spec.Recipe(
        rounding=draw(st.sampled_from(["floor", "nearest"])),
        overflow=draw(st.sampled_from(["saturate", "wrap"])),
        state_nonlinearity=draw(st.sampled_from(spec.NONLINEARITIES)),
        weight_bits=draw(st.integers(3, 8)),
        wire_bits=draw(st.integers(8, 18)),
        state_bits=draw(st.integers(14, 28)),
        a_bits=draw(st.integers(6, 18)),
    )
    sizes = draw(st.tuples(*[st.integers(1, 24)] * 4))
    kinds = draw(st.lists(st.sampled_from(["affine", "s4d", "s5"]), max_size=3))
    try:
        return mixed(draw(st.integers(0, 999)), recipe, sizes, ("s4d", *kinds))
    except SpecError:
        assume(False)


@pytest.mark.slow
@settings(max_examples=20)
@given(networks())
def test_engine_and_microcode_give_the_same(network):
    x = tokens(network)
    trace, counted = {}, OverflowCounters()
    expected = reference.run(network, x, trace, counted)
    found, counters = {}, OverflowCounters()
    assert np.array_equal(microcode.run(network, x, found, counters), expected)
    same_trace(found, trace)
    assert counters == counted
    for kernel in engine.available():
        for layout in ("sparse", "dense"):
            found, made = {}, engine.Engine(network, kernel, layout=layout)
            assert np.array_equal(made.run(x, trace=found), expected), kernel
            same_trace(found, trace)
            assert made.counters == counted
    if engine.available():
        one_by_one(engine.Stream(network), x, expected, counted)
    one_by_one(microcode.Stream(network), x, expected, counted)


def same_trace(found, trace):
    assert found.keys() == trace.keys()
    for name, expected in trace.items():
        assert np.array_equal(found[name], expected), name


def one_by_one(stream, x, expected, counted):
    """Token by token, the state handed over in the middle."""
    half = len(x) // 2
    answers = [stream.step(u) for u in x[:half]]
    other = reference.Reference(stream.network)
    other.state = stream.state
    assert np.array_equal([*answers, *(other.step(u) for u in x[half:])], expected)
    assert np.array_equal(stream.run(x[half:]), expected[half:])
    assert stream.counters == counted


@pytest.mark.parametrize("is_complex", [False, True])
def test_it_computes_what_it_says(is_complex):
    """The equations of docs/arithmetic.md, number by number."""
    rng = np.random.default_rng(3)
    real = channels(rng, is_complex=is_complex)
    s = quantize.quantize_s4d(real, real.worst(np.ones(3)), spec.Recipe(), headroom=0)
    network = Network((s,))
    x = tokens(network, 9)
    B, C = (
        [getattr(s, name).matrix.toarray() for name in names]
        for names in (("B_re", "B_im"), ("C_re", "C_imn"))
    )
    k_B = s.B_re.frac + s.inp.ref - s.state.frac
    k_x, k_C = s.state.frac - s.s.frac, s.C_re.frac + s.s.ref - 1 - s.out.frac

    def shifted(v, k):
        return np.floor(v / 2.0**k).astype(np.int64)

    def fit(v, bits):
        return np.clip(v, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    re = im = np.zeros(s.d_state, np.int64)
    for u, answer in zip(x, reference.run(network, x), strict=True):
        f = int(s.a_format.frac)
        re, im = (
            fit(part + shifted(b @ u, k_B), s.state.bits)
            for part, b in zip(
                (
                    shifted(s.a_re * re, f) - shifted(s.a_im * im, f),
                    shifted(s.a_re * im, f) + shifted(s.a_im * re, f),
                ),
                B,
                strict=True,
            )
        )
        sent = [fit(shifted(part, k_x), s.s.bits) for part in (re, im)]
        out = fit(shifted(C[0] @ sent[0] + C[1] @ sent[1], k_C), s.out.bits)
        assert np.array_equal(answer, out)
    assert answer.any()
    assert s.is_complex is is_complex
    assert s.out.size == 3 * (1 + is_complex)


def channels(rng, h=3, n=4, is_complex=False):
    a = rng.uniform(0.5, 0.95, (h, n)) * np.exp(1j * rng.uniform(0, 3, (h, n)))
    b, c = (rng.normal(size=(h, n)) + 1j * rng.normal(size=(h, n)) for _ in "bc")
    return quantize.RealS4D.of(a, b, c, is_complex)


def test_a_chain_of_real_layers_becomes_a_network():
    rng = np.random.default_rng(0)
    real = channels(rng)
    encoder = quantize.RealAffine(rng.normal(size=(3, 2)), rng.normal(size=3), True)
    decoder = quantize.RealAffine(rng.normal(size=(2, 3)), rng.normal(size=2), False)
    layers = (encoder, real, decoder)
    ranges = quantize.worst_case(layers, 1.0)
    network = quantize.quantize_network(layers, ranges, "w8a16", headroom=0)
    assert [la.type for la in network.layers] == ["affine", "s4d", "affine"]
    u = rng.uniform(-1, 1, (40, 2))
    hidden = real.trace(np.maximum(u @ encoder.weights.T + encoder.bias, 0))["out"]
    wanted = hidden @ decoder.weights.T + decoder.bias
    counted = OverflowCounters()
    y = reference.run(network, network.to_wire(u), counters=counted)
    assert not sum(counted.values())
    assert abs(network.from_wire(y) - wanted).max() < 0.05 * abs(wanted).max()
    for mine, its in zip(
        network.layers[1].parameters, (real.a, real.b, real.c), strict=True
    ):
        assert abs(mine - its).max() < 0.05 * abs(its).max()


@pytest.mark.parametrize("packed", [False, True])
def test_it_is_saved_and_loaded(tmp_path, packed):
    network = mixed(2)
    network.save(tmp_path / "n.net", packed)
    assert spec.load(tmp_path / "n.net") == network


def test_it_is_copied_and_named():
    network = mixed(1)
    for other in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        assert other == network
    assert repr(network.layers[1]).startswith("spec.S4D(6 -> 12, ")


def moved(weights):
    """The same weights, some of them in the next channel's place."""
    return replace(weights, matrix=np.roll(weights.matrix.toarray(), 1, axis=0))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: {"B_im": moved(s.B_im)}, r"B_im: weight in row \d+, column"),
        (lambda s: {"C_re": moved(s.C_re)}, r"C_re: weight in row \d+, column"),
        (lambda s: {"a_re": s.a_re[:-1]}, "a_re: size 11, must be 6"),
        (lambda s: {"a_im": s.a_im + 2**15}, "a_im: row 0: .* does not fit 16 bits"),
        (lambda s: {"a_format": QFormat(16, 40)}, "a_format: frac is 40"),
        (lambda s: {"out": replace(s.out, frac=s.out.frac[:-1])}, "out: size 5, must"),
        (lambda s: {"s": replace(s.s, frac=s.s.frac[1:])}, "s: size 11, must be 12"),
        (
            lambda s: {"C_re": replace(s.C_re, frac=s.C_re.frac + 1)},
            "C_re and C_imn: the same row",
        ),
        (
            lambda s: {"state": QFormat(24, s.state.frac - 40)},
            r"layer 0 \(s4d\), k_B, row 0: can reach",
        ),
        (
            lambda s: {"out": replace(s.out, frac=s.out.frac + 21, ref=s.out.ref + 21)},
            "out before saturation, row 0: can reach",
        ),
    ],
)
def test_a_rule_that_is_broken_is_named(change, says):
    s = mixed(4, sizes=(5, 6, 12, 4), kinds=("s4d",)).layers[1]
    assert (s.inp.size, s.out.size, s.d_state) == (6, 6, 12)
    with pytest.raises(SpecError, match=says):
        Network((replace(s, **change(s)),))


def test_both_parts_of_all_states_of_a_channel_count_in_the_proof():
    says = r"layer 1 \(s4d\), accumulator of C_re and C_imn, row 0: can reach"
    with pytest.raises(SpecError, match=says):
        mixed(4, sizes=(5, 1, 4200, 4), kinds=("s4d",))


def test_its_statistics():
    network = mixed(4)
    x, trace = tokens(network), {}
    reference.run(network, x, trace)
    s, activity = network.layers[1], stats.activity(network, x, trace)[1]
    assert set(activity.silent) == {"s_re", "s_im", "out"}
    per_row = sum(s.matrices[n].nnz for n in s.matrices)
    assert 0 < activity.synops <= per_row
    assert activity.dense_synops == sum(m.shape[0] * m.shape[1] for m in weights_of(s))
    alone = Network((s,), network.recipe)
    assert stats.parameters(alone) == per_row + 2 * s.d_state


def weights_of(layer):
    return layer.matrices.values()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["pipelined", "fall_through"])
def test_it_has_a_place_on_the_chip(tmp_path, mode):
    network = mixed(5)
    x = tokens(network)
    mapping = loihi2.map_network(network, cores=14)
    names = [g.name for g in mapping.groups]
    assert names[1:3] == ["layer1_recurrence", "layer1_affine"]
    counts, trace = loihi2.count(network, x, mapping), {}
    reference.run(network, x, trace)
    activity = stats.activity(network, x, trace)
    assert counts.synops.mean() == pytest.approx(sum(a.synops for a in activity))
    assert loihi2.estimate(network, x, mapping)
    bundle = loihi2.write_bundle(network, tmp_path / "b", mapping, x)
    result = deployment.check(bundle, "cpu", mode)
    assert result.equal, result.message


def test_nothing_trains_it():
    with pytest.raises(SpecError, match="nn: an S4D layer cannot be trained"):
        nn.quantize.unfold(mixed())


def test_it_is_exported_alone():
    network = mixed(kinds=("s4d",))
    source = c_export.export(Network((network.layers[1],))).files["network.c"]
    assert "static void s4d(" in source
    assert "sigmoid" not in source


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["fixed_pt", "microcode", "layered"])
@pytest.mark.parametrize("mode", ["pipelined", "fall_through"])
def test_it_runs_in_lava(tag, mode):
    proc = pytest.importorskip("lava_sparse_rnn.proc")
    network = mixed(3, spec.Recipe("nearest", "wrap"))
    x, counted = tokens(network, 12), OverflowCounters()
    expected = reference.run(network, x, counters=counted)
    options = {"layered": True} if tag == "layered" else {"tag": tag}
    process = proc.SparseRNN(network, mode=mode)
    with proc.Session(process, **options) as session:
        assert np.array_equal(session.run(x), expected)
        assert session.counters == counted
        last = reference.Reference(network)
        last.run(x)
        for mine, its in zip(session.state, last.state, strict=True):
            assert np.array_equal(mine, its)


@pytest.mark.slow
def test_a_process_of_channels_is_its_network():
    proc = pytest.importorskip("lava_sparse_rnn.proc")
    recipe = spec.Recipe("nearest", "wrap")
    layer = mixed(7, recipe, kinds=("s4d",)).layers[1]
    network = Network((layer,), recipe)
    x = tokens(network, 12)
    process = proc.S4D(layer, recipe)
    assert process.network == network
    assert np.array_equal(proc.run(process, x), reference.run(network, x))
    with pytest.raises(SpecError, match="does not fit|must"):
        proc.run(process, x + 2**16)


@pytest.mark.slow
def test_its_file_is_a_lava_process(tmp_path):
    pytest.importorskip("lava_sparse_rnn.proc")
    from lava_sparse_rnn import proc
    from lava_sparse_rnn.netx import hdf5

    network = mixed(6)
    network.save(tmp_path / "n.net")
    net = hdf5.Network(net_config=tmp_path / "n.net")
    assert [row[1] for row in net.rows()] == ["affine", "s4d", "s5", "s4d", "affine"]
    x = tokens(network, 6)
    assert np.array_equal(proc.run(net, x), reference.run(network, x))
