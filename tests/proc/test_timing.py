# SPDX-License-Identifier: BSD-3-Clause
"""Timing modes, resets, and sequences that come in pieces."""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF

from lava_sparse_rnn import inline, proc, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, RealArithmetic, SpecError
from lava_sparse_rnn.netx import hdf5
from lava_sparse_rnn.proc._fused.model import FusedModel
from lava_sparse_rnn.proc.neurons.timing import TokenSchedule
from lava_sparse_rnn.spec import reference

pytestmark = pytest.mark.slow

slow = pytest.mark.slow
LAYERED = [False, pytest.param(True, marks=slow)]


def wired(process, x, n_steps):
    """A process between a source and a sink that know nothing of its timing."""
    source = proc.Source(data=x)
    sink = proc.Sink(shape=process.out.shape, num_steps=n_steps)
    source.s_out.connect(process.inp)
    process.out.connect(sink.a_in)
    return sink


def every_step(process, x, layered, tag="fixed_pt", reset_at=None):
    """What leaves in each time step of a stock run, perhaps with a reset."""
    sink = wired(process, x, len(x))
    pieces = [len(x)] if reset_at is None else [reset_at, len(x) - reset_at]
    try:
        for i, n_steps in enumerate(pieces):
            if i:
                process.reset()
            process.run(RunSteps(n_steps), proc.RunCfg(tag, layered=layered))
        return sink.data
    finally:
        process.stop()


def states(process):
    names = sorted(v.name for v in process.vars if "x_" in v.name[-4:])
    return [getattr(process, name).get() for name in names if "overflow" not in name]


def in_pieces(network, x, starts):
    """The reference's answers, from a zero state at each of ``starts``."""
    return np.concatenate(
        [reference.run(network, piece) for piece in np.split(x, starts) if len(piece)]
    )


@pytest.mark.parametrize("layered", LAYERED)
def test_fall_through_gives_the_reference_s_answers(network, random_tokens, layered):
    net = network(4, n_blocks=2)
    x = random_tokens(net, 7)
    expected, found, steps = OverflowCounters(), OverflowCounters(), []
    y = reference.run(net, x, counters=expected)
    answers = proc.run(
        net,
        x,
        layered=layered,
        mode="fall_through",
        counters=found,
        progress=lambda done, total: steps.append(done),
    )
    np.testing.assert_array_equal(answers, y)
    assert +found == +expected
    assert sum(expected.values()) > 0
    assert steps[-1] == 7


@slow
@pytest.mark.parametrize("layered", [False, True])
def test_fall_through_with_every_policy(network, random_tokens, paired_recipe, layered):
    net = network(4, paired_recipe)
    x = random_tokens(net, 6)
    y = proc.run(net, x, layered=layered, mode="fall_through")
    np.testing.assert_array_equal(y, reference.run(net, x))


@pytest.mark.parametrize(
    ("tag", "options"),
    [
        ("fixed_pt", {"mode": "fall_through", "depth": 2, "num_tokens": 3}),
        pytest.param("fixed_pt", {"period": 2, "reset_interval": 6}, marks=slow),
        pytest.param("floating_pt", {"mode": "fall_through"}, marks=slow),
        pytest.param("floating_pt", {"depth": 3, "reset_interval": 4}, marks=slow),
    ],
)
def test_models_send_the_same_in_every_step_whatever_arrives_between_tokens(
    network, random_tokens, tag, options
):
    net = network(8)
    x = random_tokens(net, 40)
    fused, layered = (
        every_step(proc.SparseRNN(net, **options), x, v, tag) for v in (False, True)
    )
    np.testing.assert_allclose(fused, layered, rtol=1e-9, atol=1e-9)
    depth, n_tokens = options.get("depth", 0), options.get("num_tokens")
    period = proc.SparseRNN(net, **options).period
    tokens = x[depth : len(x) - net.latency : period][:n_tokens]
    every = options.get("reset_interval", 10**6) // period
    arithmetic = {"fixed_pt": None, "floating_pt": RealArithmetic()}[tag]
    for start in range(0, len(tokens), every):
        piece = tokens[start : start + every]
        y = reference.Reference(net, arithmetic).run(piece)
        first = depth + start * period + net.latency
        answers = fused[first : first + len(piece) * period : period]
        np.testing.assert_allclose(answers, y, rtol=1e-9)


def test_a_block_falls_through_on_its_own(network, random_tokens):
    net = network(7)
    block = net.layers[1]
    x = np.random.default_rng(0).integers(0, 20000, (5, block.d_model))
    process = proc.S5Block(block, net.recipe, mode="fall_through")
    assert process.period == block.latency == 3
    expected = reference.run(spec.Network((block,), net.recipe), x)
    np.testing.assert_array_equal(proc.run(process, x), expected)


@pytest.mark.parametrize("layered", LAYERED)
@pytest.mark.parametrize(
    ("mode", "interval", "offset", "starts"),
    [
        ("pipelined", 4, 0, [4, 8]),
        ("pipelined", 5, 7, [2, 7]),
        ("fall_through", 3, 1, [1, 4, 7]),
    ],
)
def test_a_network_resets_itself(
    network, random_tokens, tmp_path, mode, interval, offset, starts, layered
):
    net = network(4)
    net.save(tmp_path / "a.net")
    x = random_tokens(net, 9)
    period = net.latency if mode == "fall_through" else 1
    options = {"reset_interval": interval * period, "reset_offset": offset * period}
    process = hdf5.Network(net_config=tmp_path / "a.net", mode=mode, **options)
    expected = in_pieces(net, x, starts)
    assert not np.array_equal(expected, reference.run(net, x))
    np.testing.assert_array_equal(proc.run(process, x, layered=layered), expected)


@pytest.mark.parametrize("tag", ["fixed_pt", pytest.param("floating_pt", marks=slow)])
def test_a_reset_from_outside_drops_what_is_in_flight(network, random_tokens, tag):
    net = network(8)
    x, at = random_tokens(net, 24), 9
    fused, layered = (
        every_step(proc.SparseRNN(net, depth=1), x, v, tag, reset_at=at)
        for v in (False, True)
    )
    np.testing.assert_allclose(fused, layered, rtol=1e-9, atol=1e-9)
    alone = every_step(proc.SparseRNN(net, depth=1), x[at:], False, tag)
    np.testing.assert_array_equal(fused[at:], alone)


def test_a_reset_shows_in_the_vars_and_reaches_stock_neighbours(network, random_tokens):
    net = network(3)
    block = proc.S5Block(net.layers[1], net.recipe)
    x = np.full((8, block.inp.shape[0]), 3000)
    dense = Dense(weights=2 * np.eye(x.shape[1]), num_message_bits=16)
    lif = LIF(shape=block.out.shape, vth=10**6)
    source = proc.Source(data=x)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(block.inp)
    block.out.connect(lif.a_in)
    try:
        block.run(RunSteps(7), proc.RunCfg())
        held = (block.x_re, lif.v, dense.a_buff)
        assert all(var.get().any() for var in held)
        proc.reset(lif)
        assert not any(var.get().any() for var in held)
        block.x_re.set(np.arange(block.x_re.shape[0]))  # a state to begin with
        block.run(RunSteps(1))
        np.testing.assert_array_equal(block.x_re.get(), np.arange(block.x_re.shape[0]))
        block.run(RunSteps(1000, blocking=False))
        with pytest.raises(RuntimeError, match="pause it first"):
            block.reset()
        block.wait()
    finally:
        block.stop()


@pytest.mark.usefixtures("leaves_nothing")
class TestSession:
    @pytest.mark.parametrize(
        ("mode", "layered"),
        [
            ("pipelined", False),
            ("fall_through", False),
            ("pipelined", True),
            pytest.param("fall_through", True, marks=slow),
        ],
    )
    def test_pieces_equal_the_whole_until_a_reset(
        self, network, random_tokens, mode, layered
    ):
        net = network(4)
        x = random_tokens(net, 22)
        expected = OverflowCounters()
        y = reference.run(net, x, counters=expected)
        with proc.Session(net, layered=layered, mode=mode, capacity=6) as session:
            pieces = np.split(x, [5, 5, 6, 20])
            answers = [session.run(piece) for piece in pieces]
            assert [len(a) for a in answers] == [5, 0, 1, 14, 2]
            np.testing.assert_array_equal(np.concatenate(answers), y)
            assert +session.counters == +expected
            trace = {}
            reference.run(net, x, trace)
            found = states(session.process)
            np.testing.assert_array_equal(found[1], trace["layer1_x_re"][-1])
            session.reset()
            assert not np.any(states(session.process))
            np.testing.assert_array_equal(
                session.run(x[3:9]), reference.run(net, x[3:9])
            )

    def test_resets_itself_across_pieces(self, network, random_tokens):
        net = network(4)
        x = random_tokens(net, 20)
        with proc.Session(proc.SparseRNN(net, reset_interval=6)) as session:
            answers = [session.run(piece) for piece in np.split(x, [4, 11])]
            expected = in_pieces(net, x, [6, 12, 18])
            np.testing.assert_array_equal(np.concatenate(answers), expected)
            session.reset()
            np.testing.assert_array_equal(
                session.run(x[:7]), in_pieces(net, x[:7], [6])
            )

    def test_goes_on_from_states_that_were_set(self, network, random_tokens):
        net = network(3)
        x = random_tokens(net, 10)
        executor = reference.Reference(net)
        with proc.Session(net, tag="fixed_pt") as session:
            session.run(x[:4])
            executor.run(x[:4])
            ((re, im),) = executor.state
            executor.state = [(re - 500, im)]
            session.process.layer1_x_re.set(re - 500)
            np.testing.assert_array_equal(session.run(x[4:]), executor.run(x[4:]))

    def test_survives_a_bad_input_and_leaves_its_process_as_it_was(
        self, network, random_tokens
    ):
        net = network()
        x = random_tokens(net, 6)
        process = proc.SparseRNN(net, num_tokens=4)
        with proc.Session(process) as session:
            with pytest.raises(SpecError, match=r"must be \(T, 5\)"):
                session.run(x[:, :2])
            np.testing.assert_array_equal(session.run(x), reference.run(net, x))
        session.close()
        assert process.clock.num_tokens == 4
        assert process.runtime is None
        for use in (lambda: session.run(x), session.reset):
            with pytest.raises(RuntimeError, match="closed"):
                use()
        np.testing.assert_array_equal(proc.run(process, x), reference.run(net, x))

    @pytest.mark.parametrize("runtime", inline.RUNTIMES)
    def test_ends_with_the_exception_of_a_model(
        self, network, random_tokens, monkeypatch, capfd, runtime
    ):
        compute, answers = FusedModel.compute, []

        def failing(self, step):
            answer = compute(self, step)
            answers.extend([answer] * answer.is_token)
            if len(answers) > 5:
                raise ValueError("made to fail")
            return answer

        monkeypatch.setattr(FusedModel, "compute", failing)
        net = network()
        session = proc.Session(net, runtime=runtime)
        session.run(random_tokens(net, 4))
        with pytest.raises(ValueError, match="made to fail"):
            session.run(random_tokens(net, 400))
        with pytest.raises(RuntimeError, match="closed"):
            session.run(random_tokens(net, 4))
        assert ("sends zeros" in capfd.readouterr().err) == (runtime == "processes")

    def test_two_live_side_by_side_and_end_when_forgotten(self, network, random_tokens):
        nets = [network(seed) for seed in (1, 2)]
        sessions = [proc.Session(net) for net in nets]
        for i in range(2):
            for net, session in zip(nets, sessions, strict=True):
                x = random_tokens(net, 3, seed=i)
                if i:
                    session.reset()
                np.testing.assert_array_equal(session.run(x), reference.run(net, x))
        del session, sessions


def test_a_session_says_what_it_cannot_do(network):
    net = network()
    with pytest.raises(SpecError, match="capacity is -1"):
        proc.Session(net, capacity=-1)
    with pytest.raises(SpecError, match="'fall_through', but SparseRNN is a Process"):
        proc.run(proc.SparseRNN(net), np.ones((2, 5)), mode="fall_through")
    with pytest.raises(SpecError, match="mode is 'fast'"):
        proc.run(net, np.ones((2, 5)), mode="fast")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"depth": -1}, "depth is -1, must be a whole number from 0"),
        ({"period": 0}, "period is 0, must be a whole number from 1"),
        ({"reset_interval": 0}, "reset_interval is 0, must be a whole number from 1"),
        ({"reset_offset": -2}, "reset_offset is -2"),
        ({"period": 5, "reset_interval": 8}, "is 8, must be a multiple of the 5"),
        ({"period": 5, "reset_offset": 3}, "reset_offset is 3, must be a multiple"),
    ],
)
def test_timings_that_cannot_be(arguments, says):
    with pytest.raises(SpecError, match=says):
        proc.Timing(**arguments)


def test_resets_come_where_lava_dl_s_do():
    interval, offset, depth = 7, 9, 3
    timing = proc.Timing(depth, 1, interval, offset)
    for step in range(depth, 40):
        # LIFReset counts steps from 1, and netx adds 1 and the layer to the offset.
        by_netx = (step + 1) % interval == (offset + 1 + depth) % interval
        assert timing.resets(step - depth) == by_netx


def test_a_schedule_counts_tokens_anew_after_each_beginning():
    clock = proc.Clock()
    schedule = TokenSchedule(proc.Timing(depth=2, period=3, reset_interval=6), clock)
    here = [schedule.token(step) for step in range(9)]
    assert here == [None, None, 0, None, None, 1, None, None, 2]
    clock.begin(2)
    assert schedule.update(9)
    assert not schedule.update(10)
    assert [schedule.token(step) for step in (10, 11, 14, 17)] == [None, 0, 1, None]
    assert schedule.origin == 0
    assert [schedule.resets(t) for t in (0, 1)] == [False, True]  # 3 went before
    clock.begin(clear=True)
    assert schedule.update(20)
    assert (schedule.origin, schedule.token(22), schedule.resets(0)) == (20, 0, True)
