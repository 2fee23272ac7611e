# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn deploy`` and the width of tables, as a user sees them."""

import re

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.audio import Denoiser
from lava_sparse_rnn.audio.sound import wav


@pytest.fixture
def command(monkeypatch, command, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments, width=80):
        monkeypatch.setenv("COLUMNS", str(width))
        return command(*arguments)

    return call


@pytest.mark.slow
def test_write_and_check(command, net, tmp_path):
    code, text, _ = command("deploy", net, "-o", "b", "--check", "--cores", 7)
    assert code == 0
    bundle = loihi2.load_bundle(tmp_path / "b")
    assert len(bundle.manifest.cores) == len(
        loihi2.map_network(spec.load(net), cores=7)
    )
    for core in bundle.manifest.cores:
        row = rf"│ 0:{core.core} +│ {core.group} +│ +{core.first}\+{core.neurons} │"
        assert re.search(row, text), row
    assert "32 tokens (seed 0)" in text
    expected = "backend cpu, pipelined: 32 answers of 33 values equal the golden output"
    assert expected in text
    for words in (("-o", "c"), ("--seed", 0), ("--limit", 9), ("--overwrite",)):
        error = command("deploy", "b", *words)[2]
        name = "--output" if words[0] == "-o" else words[0]
        told = f"{name}: is for a network, b is a bundle"
        assert told in error
    code, text, _ = command("deploy", "b", "--backend", "cpu", "--mode", "fall_through")
    assert code == 0
    assert "backend cpu, fall_through: 32 answers" in text


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("given", ["network", "--tokens"])
def test_a_bundle_does_not_take_the_place_of_what_it_is_made_of(
    command, net, tmp_path, given, link
):
    folder = tmp_path / "bb"
    folder.mkdir()
    tokens = tmp_path / "x.npy"
    np.save(tokens, np.zeros((2, spec.load(net).d_in)))
    paths = {"network": net, "--tokens": tokens}
    inside = folder / "inside"
    inside.write_bytes(paths[given].read_bytes())
    paths[given] = inside
    if link:
        (tmp_path / "link").symlink_to(inside)
        paths[given] = tmp_path / "link"
    source, x = paths.values()
    code, _, error = command(
        "deploy", source, "-o", folder, "--tokens", x, "--overwrite"
    )
    assert code == 1
    assert f"{folder}: holds {paths[given]}, which is also read, and would be" in error
    assert inside.exists()


@pytest.mark.slow
def test_golden_input_from_files(command, net, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 3200)
    soundfile.write("a.wav", noise, 16000)
    assert command("deploy", net, "-o", "a", "--audio", "a.wav", "--limit", 9)[0] == 0
    samples, _ = wav.read(tmp_path / "a.wav")
    expected = Denoiser(spec.load(net)).tokens(samples)[:9]
    assert np.array_equal(loihi2.load_bundle("a").golden_input, expected)
    np.save("x.npy", expected[:4])
    arguments = ("deploy", net, "-o", "a", "--tokens", "x.npy")
    assert command(*arguments)[0] == 1
    assert np.array_equal(loihi2.load_bundle("a").golden_input, expected)
    assert command(*arguments, "--overwrite")[0] == 0
    assert np.array_equal(loihi2.load_bundle("a").golden_input, expected[:4])


def test_golden_sequences(command, net):
    network = spec.load(net)
    rng = np.random.default_rng(0)
    x = rng.integers(-99, 99, (3, 6, network.d_in))
    lengths = np.array([4, 6, 2])
    np.savez("x.npz", x=x, lengths=lengths)
    arguments = ("deploy", net, "-o", "a", "--tokens", "x.npz", "--limit", 9, "--check")
    code, text, _ = command(*arguments)
    assert code == 0
    assert "9 tokens in 2 sequences (given)" in text
    assert "9 answers to 2 sequences of 33 values equal the golden output" in text
    bundle = loihi2.load_bundle("a")
    assert bundle.lengths == (4, 5)
    for part, row, end in zip(
        bundle.split(bundle.golden_output), x[:2], (4, 5), strict=True
    ):
        assert np.array_equal(part, spec.reference.run(network, row[:end]))


def test_list(command):
    code, text, _ = command("deploy", "--list")
    assert code == 0
    assert "cpu: lava_sparse_rnn.loihi2.deployment.cpu:CpuBackend" in text


def test_a_golden_output_that_is_not_reached(command, net, tmp_path):
    import hashlib
    import json

    command("deploy", net, "-o", "b")
    y = np.load("b/golden/output.npy")
    y[3, 2] ^= 1
    np.save("b/golden/output.npy", y)
    manifest = json.loads((tmp_path / "b/manifest.json").read_text())
    digest = hashlib.sha256((tmp_path / "b/golden/output.npy").read_bytes())
    manifest["files"]["golden/output.npy"]["sha256"] = digest.hexdigest()
    (tmp_path / "b/manifest.json").write_text(json.dumps(manifest))
    code, _, error = command("deploy", "b", "--check")
    assert code == 1
    assert "1 of 1,056 values differ" in error
    assert "value 2 of answer 3" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "needs a network (.net) or a bundle's folder"),
        (("NET",), "name its folder with -o"),
        (("NET", "-o", "none/b"), "there is no folder none"),
        (("NET", "-o", "b", "--cores", "2"), "5 cores, the limit is 2"),
        (("NET", "-o", "b", "--chip", "x"), "board 'x', must be one of"),
        (("NET", "-o", "b", "--backend", "x"), "no deployment backend 'x'"),
        (("NET", "-o", "b", "--mode", "x"), "mode is 'x', must be one of"),
        (
            ("NET", "-o", "b", "--tokens", "x", "--audio", "y"),
            "one of --audio",
        ),
        (
            ("NET", "-o", "b", "--tokens", "x", "--data", "y"),
            "one of --audio",
        ),
        ((".", "-o", "b"), ".: no bundle, there is no manifest.json"),
        (("NET", "-o", "b", "--limit", 9), "--limit: is of a golden input, give"),
        (("NET", "-o", "b", "--task", "a"), "--task: is of --data, give --data, too"),
        (("NET", "-o", "b", "--mode", "fall_through"), "--mode: is of a run, give"),
        (("NET", "-o", "b", "--check", "--backend", "x"), "--check: is --backend cpu"),
        ((".", "--check"), "there is no manifest.json"),
        (("x.net", "-o", "b"), "x.net"),
    ],
)
def test_errors(command, net, tmp_path, arguments, message):
    words = [net if word == "NET" else word for word in arguments]
    code, _, error = command("deploy", *words)
    assert code == 1
    assert message in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [80, 100, 200])
def test_estimate_fits_the_screen(command, net, width):
    np.save("x.npy", np.ones((4, 33), np.int64))
    arguments = ("estimate", net, "--tokens", "x.npy", "--cores", 9)
    code, text, _ = command(*arguments, width=width)
    assert code == 0
    frames = [line for line in text.splitlines() if line[:1] in "┏┃┡│└├"]
    assert max(map(len, frames)) <= width
    assert "…" not in text
    words = " ".join(text.split())
    for head in ("synapse", "balance", "state B", "hops N-S", "uJ/token", "busiest"):
        assert head in words
    # All columns of all groups are there, however they are cut into tables.
    assert len(re.findall("layer1_gate", text)) >= 2
    assert ("(continued)" in text) == (width < 200)
