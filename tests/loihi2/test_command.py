# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn estimate``, called as a user calls it."""

import json

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.audio import Denoiser
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.loihi2.coefficients import as_coefficients


@pytest.fixture
def command(monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        code, out, err = command("estimate", *arguments)
        return code, " ".join(out.split()), err

    return call


@pytest.mark.slow
def test_audio(command, net, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 3200)
    soundfile.write(tmp_path / "a.wav", noise, 16000)
    plot, numbers = tmp_path / "p.png", tmp_path / "n.json"
    code, text, _ = command(
        *(net, "--audio", tmp_path / "a.wav", "--plot", plot, "--json", numbers),
        *("--limit", 50, "--cores", 9),
    )
    assert code == 0
    network = spec.load(net)
    samples, _ = wav.read(tmp_path / "a.wav")
    x = Denoiser(network).tokens(samples)
    mapping = loihi2.map_network(network, cores=9)
    e = loihi2.estimate(network, x[:50], mapping, "loihi1", 16 / 16000, 64 / 16000)
    assert json.loads(numbers.read_text()) == json.loads(
        json.dumps(loihi2.estimate_dict(e))
    )
    assert f"mean over 50 of {len(x)} tokens" in text
    assert "no hardware was run" in text
    assert "left out, no coefficient has a value:" in text
    assert f">= {e.pipelined.step_s * 1e6:.3f}" in text
    assert plot.stat().st_size > 10_000


def test_tokens_of_a_denoiser_come_as_fast_as_it_says(command, net, tmp_path):
    network, x = spec.load(net), np.arange(4 * 33).reshape(4, 33)
    np.save(tmp_path / "x.npy", x)
    numbers = tmp_path / "n.json"
    code, text, _ = command(net, "--tokens", tmp_path / "x.npy", "--json", numbers)
    assert code == 0
    assert "N-DNS proxies" in text
    mapping, times = loihi2.map_network(network), (16 / 16000, 64 / 16000)
    e = loihi2.estimate(network, x, mapping, "loihi1", *times)
    found = json.loads(numbers.read_text())
    assert found == json.loads(json.dumps(loihi2.estimate_dict(e)))


def test_an_objective_without_a_search_maps_once(command, net, tmp_path, monkeypatch):
    """The mapping that it has found is the one that is told of."""
    x = np.arange(4 * 33).reshape(4, 33)
    np.save(tmp_path / "x.npy", x)
    numbers, network = tmp_path / "n.json", spec.load(net)
    found = loihi2.best(loihi2.sweep(network, x), "latency")
    times = (16 / 16000, 64 / 16000)
    e = loihi2.weigh(found.estimate.counts, as_coefficients("loihi1"), *times)
    for name in ("map_network", "measure", "estimate"):  # only the sweep's own are run
        monkeypatch.setattr(loihi2, name, None)
    code, _, error = command(
        *(net, "--tokens", tmp_path / "x.npy", "--json", numbers),
        *("--objective", "latency"),
    )
    assert (code, error) == (0, "")
    assert json.loads(numbers.read_text()) == json.loads(
        json.dumps(loihi2.estimate_dict(e))
    )


def test_tokens_of_another_network_are_no_sound(command, net, tmp_path):
    network, x = spec.load(net), np.arange(4 * 33).reshape(4, 33)
    network = spec.Network(network.layers, network.recipe, {"task": "digits"})
    network.save(tmp_path / "bare.net")
    np.save(tmp_path / "x.npy", x)
    words = (tmp_path / "bare.net", "--tokens", tmp_path / "x.npy", "--json")
    code, text, _ = command(*words, tmp_path / "n.json")
    assert code == 0
    assert "operations per token" in text
    assert "N-DNS" not in text
    assert "32 ms" not in text
    assert "real time" not in text
    found = json.loads((tmp_path / "n.json").read_text())
    assert "ndns" not in found
    assert "real_time" not in found
    e = loihi2.estimate(network, x, loihi2.map_network(network))
    assert found["ops_per_token"] == e.ops_per_token


def test_tokens_that_come_in_time(command, net, tmp_path):
    bare, x = spec.load(net), np.arange(4 * 33).reshape(4, 33)
    np.save(tmp_path / "x.npy", x)
    path = tmp_path / "timed.net"
    spec.Network(bare.layers, bare.recipe, {"token_s": 0.02}).save(path)
    words = (path, "--tokens", tmp_path / "x.npy", "--json", tmp_path / "n.json")
    code, text, _ = command(*words)
    assert code == 0
    mapping = loihi2.map_network(bare)
    e = loihi2.estimate(bare, x, mapping, token_s=0.02)
    assert f"a token every 20 ms: {e.counts.synops.mean() * 50:,.0f} synops a" in text
    found = json.loads((tmp_path / "n.json").read_text())
    assert "ndns" not in found
    times = {m["name"]: m["times"] for m in found["real_time"]["modes"]}
    power = {m["name"]: m["power_w"] for m in found["real_time"]["modes"]}
    assert times["pipelined"] == e.pipelined.tokens_per_s * 0.02
    assert power["fall_through"] == e.fall_through.energy_per_token_j / 0.02
    assert f"<= {times['pipelined']:,.0f}" in text
    assert f">= {power['pipelined'] * 1e6:,.2f}" in text
    spec.Network(bare.layers, bare.recipe, {"token_s": "soon"}).save(path)
    code, _, error = command(*words)
    assert code == 1
    assert "meta['token_s'] is 'soon', must be seconds" in error


def test_static_power_is_of_time_and_not_of_tokens(net):
    network, x = spec.load(net), np.ones((4, 33), np.int64)
    mapping = loihi2.map_network(network)
    given = as_coefficients("loihi1").model_copy(update={"static_mw": 3.0})
    e = loihi2.estimate(network, x, mapping, given, token_s=0.02)
    events = loihi2.estimate(network, x, mapping, token_s=0.02).pipelined
    assert e.pipelined.events_j == pytest.approx(events.energy_per_token_j, rel=1e-12)
    watts = events.energy_per_token_j / 0.02 + 3e-3 * mapping.chips
    assert e.paced_w(e.pipelined) == pytest.approx(watts, rel=1e-12)


def test_tokens_and_measured_coefficients(command, net, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 33), np.int64))
    (tmp_path / "c.json").write_text(
        '{"name": "lab", "source": "bench 3", "barrier_ns": 1000}'
    )
    code, text, _ = command(
        *(net, "--tokens", tmp_path / "x.npy"),
        *("--coefficients", tmp_path / "c.json", "--chip", "kapoho_point"),
    )
    assert code == 0
    assert "25 per chip, 200 on kapoho_point" in text
    assert "preset 'lab' (bench 3)" in text
    assert "│ pipelined │ >= 1.000 │ >= 5.000 │" in text
    assert "not known" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one of --audio X.wav, --tokens X.npy and --data PATH"),
        (("--tokens", "x.npy", "--audio", "a.wav"), "give one of --audio"),
        (("--tokens", "missing.npy"), "missing.npy"),
        (("--tokens", "x.npy", "--chip", "none"), "board 'none', must be one of"),
        (("--tokens", "x.npy", "--preset", "none"), "preset 'none', must be one of"),
        (("--tokens", "x.npy", "--cores", "2"), "5 cores, the limit is 2"),
    ],
)
def test_errors(command, net, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.ones((4, 33), np.int64))
    code, _, error = command(net, *arguments)
    assert code == 1
    assert message in error
