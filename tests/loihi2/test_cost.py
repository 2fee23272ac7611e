# SPDX-License-Identifier: BSD-3-Clause
"""Times and energies: the formulas again, without the tables of terms."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from lava_sparse_rnn import loihi2, pictures
from lava_sparse_rnn.loihi2 import Coefficients, Loihi2Error, plots


@pytest.fixture(scope="module")
def counted(small):
    x = np.random.default_rng(2).integers(-9999, 9999, (7, small.d_in))
    mapping = loihi2.map_network(small, cores=20)
    return loihi2.count(small, x, mapping)


FULL = Coefficients(
    name="mine",
    source="made up for a test",
    sparse_synop_ns=1.0,
    dense_synop_ns=0.5,
    memory_read_ns=2.5,
    neuron_access_ns=3.0,
    neuron_update_ns=2.0,
    instruction_ns=0.7,
    spike_ns=4.0,
    message_out_ns=6.0,
    message_in_ns=5.0,
    link_bits_per_ns=0.4,
    header_bits=7.0,
    barrier_ns=30.0,
    sparse_synop_pj=10.0,
    dense_synop_pj=9.0,
    memory_read_pj=8.0,
    neuron_access_pj=7.0,
    neuron_update_pj=6.0,
    instruction_pj=5.0,
    spike_pj=4.0,
    message_out_pj=3.0,
    message_in_pj=2.0,
    hop_east_west_pj=1.0,
    hop_north_south_pj=0.5,
    chip_crossing_pj=11.0,
    static_mw=50.0,
)


def core_time(tally, t, k, c=FULL):
    """Nanoseconds of one core for one token: the slowest of its parts."""
    n = {name: values[t, k] for name, values in tally.per_core.items()}
    return max(
        (c.neuron_access_ns + c.neuron_update_ns) * n["neuron_updates"]
        + c.instruction_ns * n["instructions"]
        + c.spike_ns * n["spikes"],
        c.sparse_synop_ns * n["sparse_synops"] + c.dense_synop_ns * n["dense_synops"],
        c.memory_read_ns * n["memory_reads"],
        c.message_out_ns * n["messages_out"],
        c.message_in_ns * n["messages_in"],
    )


def link_time(loads, c=FULL):
    return max(loads) * (16 + c.header_bits) / c.link_bits_per_ns


def token_energy(tally, t):
    e = {name: values[t].sum() for name, values in tally.per_core.items()}
    return (
        10 * e["sparse_synops"]
        + 9 * e["dense_synops"]
        + 8 * e["memory_reads"]
        + (7 + 6) * e["neuron_updates"]
        + 5 * e["instructions"]
        + 4 * e["spikes"]
        + 3 * e["messages_out"]
        + 2 * e["messages_in"]
        + 1 * e["hops_east_west"]
        + 0.5 * e["hops_north_south"]
        + 11 * e["chip_crossings"]
    )


def test_pipelined(counted):
    """In each step every group works on another token."""
    real, mapping = counted.real, counted.mapping
    steps = []
    for t in range(7):
        times = [30.0]
        loads = 0
        for g in range(len(mapping.groups)):
            token = (t - g) % 7
            cores = range(*mapping.cores_of(g).indices(len(mapping)))
            times += [core_time(real, token, k) for k in cores]
            loads = loads + real.links[g, token].astype(float)
        steps.append(max(*times, link_time(loads)))
    mode = loihi2.weigh(counted, FULL).pipelined
    assert mode.step_s == pytest.approx(np.mean(steps) * 1e-9)
    sums = [sum(steps[(t + d) % 7] for d in range(8)) for t in range(7)]
    assert mode.latency_s == pytest.approx(np.mean(sums) * 1e-9)
    assert mode.worst_latency_s == pytest.approx(max(sums) * 1e-9)
    assert mode.tokens_per_s == pytest.approx(1e9 / np.mean(steps))
    energy = np.mean([token_energy(real, t) for t in range(7)]) * 1e-12
    static = 0.050 * np.mean(steps) * 1e-9
    assert mode.energy_j["static"] == pytest.approx(static)
    assert mode.energy_per_token_j == pytest.approx(energy + static)


def test_fall_through(counted):
    """In each step one group has the token, all others have none."""
    real, idle, mapping = counted.real, counted.idle, counted.mapping
    groups = range(len(mapping.groups))
    latencies = []
    for t in range(7):
        total = 0
        for busy in groups:
            times, loads = [30.0], 0
            for g in groups:
                tally, token = (real, t) if g == busy else (idle, 0)
                cores = range(*mapping.cores_of(g).indices(len(mapping)))
                times += [core_time(tally, token, k) for k in cores]
                loads = loads + tally.links[g, token].astype(float)
            total += max(*times, link_time(loads))
        latencies.append(total)
    mode = loihi2.weigh(counted, FULL).fall_through
    assert mode.latency_s == pytest.approx(np.mean(latencies) * 1e-9)
    assert mode.worst_latency_s == pytest.approx(max(latencies) * 1e-9)
    assert mode.step_s == pytest.approx(np.mean(latencies) * 1e-9 / 8)
    assert mode.tokens_per_s == pytest.approx(1e9 / np.mean(latencies))
    energy = np.mean([token_energy(real, t) for t in range(7)])
    energy += 7 * token_energy(idle, 0)
    static = 0.050 * np.mean(latencies) * 1e-9
    assert mode.energy_per_token_j == pytest.approx(energy * 1e-12 + static)


def test_terms(counted):
    e = loihi2.weigh(counted, FULL)
    names = [t.name for t in e.terms]
    assert names == [
        *("dendritic", "synaptic", "memory", "message_out", "message_in"),
        *("link", "barrier"),
    ]
    assert sum(t.binds for t in e.terms) >= 1
    assert max(t.mean_s for t in e.terms) <= e.pipelined.step_s
    where = {t.name: t.where for t in e.terms}
    assert re.fullmatch(
        r"layer\d_\w+, neurons .* \(chip 0, core \d+\)", where["memory"]
    )
    assert re.fullmatch(r"chip 0, router \(\d, \d\) to \(\d, \d\)", where["link"])
    assert e.missing == ()


def test_one_part_at_a_time_binds(counted):
    """A huge coefficient makes its own part the slowest."""
    for field, term in (
        ("instruction_ns", "dendritic"),
        ("sparse_synop_ns", "synaptic"),
        ("memory_read_ns", "memory"),
        ("message_in_ns", "message_in"),
        ("message_out_ns", "message_out"),
        ("header_bits", "link"),
        ("barrier_ns", "barrier"),
    ):
        e = loihi2.weigh(counted, FULL.model_copy(update={field: 1e6}))
        assert {t.name: t.binds for t in e.terms}[term] == 1.0, field


def test_loihi1_has_the_published_values():
    """The table of SANA-FE's loihi.yaml."""
    c = loihi2.PRESETS["loihi1"]
    assert (c.dense_synop_pj, c.sparse_synop_pj) == (35.5, 33.6)
    assert (c.dense_synop_ns, c.sparse_synop_ns) == (3.8, 4.7)
    assert (c.neuron_access_pj, c.neuron_access_ns) == (51.2, 6.0)
    assert (c.neuron_update_pj, c.neuron_update_ns) == (21.6, 3.7)
    assert (c.spike_pj, c.spike_ns) == (69.3, 30.0)
    assert (c.message_out_pj, c.message_in_pj) == (111.0, 0.0)
    assert (c.message_out_ns, c.message_in_ns) == (5.1, 16.0)
    assert (c.hop_east_west_pj, c.hop_north_south_pj) == (3.0, 4.2)
    assert c.barrier_ns == 600.0
    assert "SANA-FE" in c.source
    assert "not Loihi 2" in c.source


def test_loihi1_names_what_it_leaves_out(counted):
    e = loihi2.weigh(counted, loihi2.PRESETS["loihi1"])
    assert e.missing == (
        "time, dendritic: instructions (instruction_ns)",
        "time, memory: memory_reads (memory_read_ns)",
        "energy, memory: memory_reads (memory_read_pj)",
        "energy, neurons: instructions (instruction_pj)",
        "time, link: bits on the busiest link (link_bits_per_ns)",
        "energy, static: power of an idle chip (static_mw)",
    )
    assert "no hardware was run" in e.label
    assert "'loihi1'" in e.label
    assert {t.name for t in e.terms}.isdisjoint({"memory", "link"})


def test_loihi2_has_no_coefficient(counted):
    e = loihi2.weigh(counted, loihi2.PRESETS["loihi2"])
    for mode in (e.pipelined, e.fall_through):
        assert mode.step_s is mode.latency_s is mode.tokens_per_s is None
        assert mode.energy_j is mode.energy_per_token_j is None
    assert e.terms == ()
    # All but header_bits and chip_crossing_pj, which have nothing to be applied to.
    assert (
        len(e.missing) == len(Coefficients.model_fields) - len(("name", "source")) - 2
    )
    assert e.power_proxy > 0


def test_proxies(counted):
    e = loihi2.weigh(counted, FULL)
    neurons = 12 + 2 * (9 + 12 + 12) + 5
    ops = counted.synops.mean() + 10 * neurons
    assert e.ops_per_token == pytest.approx(ops)
    assert e.power_proxy == pytest.approx(ops / 0.008)
    delay = 0.032 + e.fall_through.latency_s
    assert e.pdp_proxy == pytest.approx(ops / 0.008 * delay)
    unknown = loihi2.weigh(counted, loihi2.PRESETS["loihi2"])
    assert unknown.pdp_proxy == pytest.approx(ops / 0.008 * 0.032)


def test_files_of_coefficients(tmp_path, counted):
    (tmp_path / "c.json").write_text(FULL.model_dump_json())
    assert loihi2.as_coefficients(tmp_path / "c.json") == FULL
    toml = 'name = "lab"\nsource = "bench 3"\nbarrier_ns = 90\n'
    (tmp_path / "c.toml").write_text(toml)
    lab = loihi2.as_coefficients(str(tmp_path / "c.toml"))
    e = loihi2.weigh(counted, lab)
    assert e.pipelined.step_s == pytest.approx(90e-9)
    assert "'lab' (bench 3)" in e.label


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "x"}', "source is missing"),
        ('{"name": "x", "source": "y", "spikes_ns": 1}', "spikes_ns is not known"),
        (
            '{"name": "x", "source": "y", "spike_ns": -1}',
            "spike_ns is -1, must be at least 0",
        ),
        (
            '{"name": "x", "source": "y", "spike_ns": "1"}',
            "spike_ns is",
        ),
        (
            '{"name": "x", "source": "y", "link_bits_per_ns": 0}',
            "link_bits_per_ns is 0, must be above 0",
        ),
        ("[1]", "table is [1], must be an object"),
    ],
)
def test_bad_files(tmp_path, text, message):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(Loihi2Error, match=rf"c\.json: {re.escape(message)}"):
        loihi2.as_coefficients(tmp_path / "c.json")


def test_unknown_preset():
    with pytest.raises(Loihi2Error, match="preset 'loihi3', must be one of: loihi1, l"):
        loihi2.as_coefficients("loihi3")


def test_bad_times(small, counted):
    with pytest.raises(Loihi2Error, match="token_s is 0"):
        loihi2.estimate(small, [[0] * 7], counted.mapping, token_s=0)


@pytest.mark.slow
def test_json_and_picture(counted, tmp_path):
    e = loihi2.weigh(counted, loihi2.PRESETS["loihi1"])
    text = json.dumps(loihi2.estimate_dict(e), allow_nan=False)
    data = json.loads(text)
    assert data["label"] == e.label
    every = data["counts_per_token"]
    groups = sum(v["instructions"] for n, v in every.items() if n != "all")
    assert groups == pytest.approx(every["all"]["instructions"])
    assert data["modes"][0]["latency_s"] == e.pipelined.latency_s
    for estimate in (None, e):
        path = tmp_path / f"{estimate is None}.png"
        pictures.save(plots.cores(counted.mapping, estimate), path)
        picture = np.asarray(Image.open(path).convert("RGB"), int)
        assert picture.shape[0] > 700
        assert len(np.unique(picture @ (65536, 256, 1))) > 20


@pytest.mark.slow
def test_picture_of_several_chips(small, tiny_chip, tmp_path):
    mapping = loihi2.map_network(small, loihi2.Board("b", 3, tiny_chip), 60)
    assert mapping.chips > 1
    pictures.save(plots.cores(mapping), tmp_path / "several.png")
    assert (tmp_path / "several.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_picture_shows_the_mapping(counted):
    mapping, e = counted.mapping, loihi2.weigh(counted, loihi2.PRESETS["loihi1"])
    figure = plots.cores(mapping, e)
    chip, memory, load, times = figure.axes
    filled = chip.images[0].get_array()
    grey = (filled[..., :3] == 0.82).all(axis=-1).sum()
    assert mapping.board.chip.cores - grey == len(mapping)
    tops = np.zeros(len(mapping))
    for bar in memory.patches:
        tops[round(bar.get_x() + bar.get_width() / 2)] += bar.get_height()
    np.testing.assert_allclose(tops * 1024, mapping.total_bytes)
    synapses, instructions = (p.get_data().values for p in load.patches)
    assert (synapses == mapping.synapses).all()
    assert (instructions == mapping.instructions).all()
    busiest = plots.busiest_core(mapping, e)
    assert loihi2.work(counted)[busiest] == loihi2.work(counted).max()
    column, row = (int(v[0]) for v in chip.lines[-1].get_data())
    colors = {tuple(filled[row, column])}
    assert len(colors) == 1
    assert (0.82, 0.82, 0.82, 1.0) not in colors
    assert times.get_ylabel() == "us"
    assert mapping.describe(busiest) in figure.subfigs[0].get_suptitle()


@pytest.mark.slow
def test_the_picture_of_a_sweep_shows_its_numbers(small):
    choices = loihi2.sweep(small, np.ones((3, small.d_in), int))
    axes = plots.sweep(choices).axes
    cores = [len(c.mapping) for c in choices]
    for axis in axes:
        assert axis.lines[0].get_xdata().tolist() == cores
    busiest, least = (line.get_ydata().tolist() for line in axes[0].lines)
    assert busiest == [c.busiest for c in choices]
    assert least == [c.least for c in choices]
