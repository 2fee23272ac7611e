# SPDX-License-Identifier: BSD-3-Clause
"""The command, called as a user calls it, on a small network."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import yaml

from lava_sparse_rnn import engine, openmp, spec
from lava_sparse_rnn.audio import Denoiser
from lava_sparse_rnn.audio.sound import wav


@pytest.fixture
def noisy(tmp_path):
    """0.2 s of a tone in noise, and the tone."""
    t = np.arange(3200) / 16000
    tone = 0.3 * np.sin(2 * np.pi * 440 * t)
    noise = np.random.default_rng(0).normal(0, 0.05, 3200)
    soundfile.write(tmp_path / "clean.wav", tone, 16000)
    soundfile.write(tmp_path / "noisy.wav", tone + noise, 16000)
    return tmp_path / "noisy.wav"


@pytest.fixture
def command(command):
    """Run the command; returns its exit code, output without line ends, errors."""

    def call(*arguments):
        code, out, err = command(*arguments)
        return code, " ".join(out.split()), err

    return call


@pytest.mark.slow
def test_denoise_writes_what_the_denoiser_gives(command, net, noisy, tmp_path):
    out, plot = tmp_path / "out.wav", tmp_path / "plot.png"
    code, text, _ = command(
        *("denoise", noisy, "-o", out, "-n", net, "--backend", "reference"),
        *("--clean", tmp_path / "clean.wav", "--plot", plot, "--activity"),
    )
    assert code == 0
    samples, _ = wav.read(noisy)
    expected = Denoiser(spec.load(net)).denoise(samples)
    written, _ = wav.read(out)
    assert np.abs(written - np.clip(expected, -1, 1)).max() <= 1 / 32768
    before, after = re.search(r"SI-SNR: (\S+) dB before, (\S+) dB after", text).groups()
    assert float(before) == pytest.approx(12.5, abs=0.5)
    assert np.isfinite(float(after))
    assert re.search(r"0.20 s of sound in \S+ s, [\d.,]+ times real time", text)
    assert "synops/token" in text
    assert plot.stat().st_size > 10_000
    again = tmp_path / "again.wav"
    code, text, _ = command("denoise", noisy, "-o", again, "-n", net)
    assert code == 0
    assert "synops/token" not in text
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(engine.EXTENSION is None, reason="the engine is not built")
def test_strength_leaves_some_of_the_noise(command, net, noisy, tmp_path):
    samples, _ = wav.read(noisy)
    for commanded in (["denoise", noisy], ["live", "-i", noisy]):
        out = tmp_path / f"{commanded[0]}.wav"
        code, _, _ = command(*commanded, "-o", out, "-n", net, "--strength", "6")
        assert code == 0
        written, _ = wav.read(out)
        expected = Denoiser(spec.load(net), strength=6.0).denoise(samples)
        assert np.abs(written - np.clip(expected, -1, 1)).max() <= 1 / 32768


@pytest.mark.slow
def test_denoise_says_why_the_scalar_kernel_runs(command, net, noisy, tmp_path):
    _, _, error = command("denoise", noisy, "-o", tmp_path / "out.wav", "-n", net)
    assert error.strip() == ""
    network = spec.load(net)
    wide = spec.random_network(
        *(np.random.default_rng(2), 33, 12, 8, 33), recipe=spec.Recipe(wire_bits=18)
    )
    spec.Network(wide.layers, wide.recipe, network.meta).save(tmp_path / "wide.net")
    code, _, error = command(
        *("denoise", noisy, "-o", tmp_path / "out.wav", "-n", tmp_path / "wide.net")
    )
    assert code == 0
    if len(engine.available()) > 1:
        assert "have 18 bits, vector kernels take 16; the scalar kernel runs" in (
            " ".join(error.split())
        )


@pytest.mark.slow
@pytest.mark.skipif(engine.EXTENSION is None, reason="the engine is not built")
def test_the_engine_gives_the_same_samples(command, net, noisy, tmp_path):
    for backend in ("engine", "reference"):
        out = tmp_path / f"{backend}.wav"
        command("denoise", noisy, "-o", out, "-n", net, "--backend", backend)
    built, reference = (
        (tmp_path / f"{b}.wav").read_bytes() for b in ("engine", "reference")
    )
    assert built == reference


@pytest.mark.slow
def test_lava_gives_the_same_samples(command, net, noisy, tmp_path):
    for backend in ("lava", "reference"):
        out = tmp_path / f"{backend}.wav"
        code, _, _ = command(
            "denoise", noisy, "-o", out, "-n", net, "--backend", backend
        )
        assert code == 0
    lava, reference = (
        (tmp_path / f"{b}.wav").read_bytes() for b in ("lava", "reference")
    )
    assert lava == reference


def test_denoise_says_what_it_changed(command, net, tmp_path):
    stereo = np.random.default_rng(0).normal(0, 0.1, (4410, 2))
    stereo[7] = 1.0
    soundfile.write(tmp_path / "cd.wav", stereo, 44100)
    code, text, _ = command(
        *("denoise", tmp_path / "cd.wav", "-o", tmp_path / "o.wav", "-n", net),
        *("--backend", "reference"),
    )
    assert code == 0
    assert "resampled from 44100 Hz to 16000 Hz" in text
    assert "2 channels averaged to one" in text
    assert "2 samples clipped" in text
    assert wav.read(tmp_path / "o.wav")[1].sample_rate == 16000


def test_silence_stays_finite(command, net, tmp_path):
    soundfile.write(tmp_path / "zero.wav", np.zeros(1000), 16000)
    code, text, _ = command(
        *("denoise", tmp_path / "zero.wav", "-o", tmp_path / "o.wav", "-n", net),
        *("--backend", "reference"),
    )
    assert code == 0
    assert "silent" in text
    assert not np.any(wav.read(tmp_path / "o.wav")[0])


def nan_file(path):
    samples = np.zeros(100, np.float32)
    samples[42] = np.nan
    soundfile.write(path, samples, 16000, subtype="FLOAT")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "not found"),
        (lambda path: path.write_bytes(b""), "empty file"),
        (lambda path: path.write_bytes(b"abc" * 99), "not an audio file"),
        (lambda path: soundfile.write(path, np.zeros(0), 16000), "holds no samples"),
        (nan_file, "sample 42 is nan"),
    ],
)
def test_bad_recordings_are_one_clear_error(command, net, tmp_path, make, message):
    make(tmp_path / "x.wav")
    out = tmp_path / "o.wav"
    code, _, error = command("denoise", tmp_path / "x.wav", "-o", out, "-n", net)
    assert code == 1
    assert error.startswith("error:")
    assert message in error
    assert "x.wav" in error
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "loihi"], "must be one of: engine, lava, microcode, reference"),
        (["--network", "absent.net"], "absent.net: no such file"),
        (["--clean", "absent.wav"], "absent.wav: not found"),
        (["--strength", "-3"], "--strength: is -3 dB, must be 0 or more"),
        (["--strength", "nan"], "--strength: is nan dB, must be 0 or more"),
    ],
)
def test_bad_options_are_one_clear_error(
    command, net, noisy, tmp_path, arguments, message
):
    code, _, error = command(
        "denoise", noisy, "-o", tmp_path / "o.wav", "-n", net, *arguments
    )
    assert code == 1
    assert message in error
    assert not (tmp_path / "o.wav").exists()


def test_a_clean_recording_of_another_length_is_refused(command, net, noisy, tmp_path):
    soundfile.write(tmp_path / "short.wav", np.ones(10) * 0.1, 16000)
    code, _, error = command(
        *("denoise", noisy, "-o", tmp_path / "o.wav", "-n", net),
        *("--clean", tmp_path / "short.wav"),
    )
    assert code == 1
    assert (
        "10 samples at 16 kHz, the noisy recording has 3200; they must be equally long"
        in error
    )


def test_a_network_that_is_no_denoiser_is_refused(command, noisy, tmp_path):
    spec.random_network(np.random.default_rng(0)).save(tmp_path / "r.net")
    code, _, error = command(
        "denoise", noisy, "-o", tmp_path / "o.wav", "-n", tmp_path / "r.net"
    )
    assert code == 1
    assert "r.net: task is 'random', a denoiser has 'denoise'" in error
    assert "--network denoiser is one" in error


def test_info_shows_every_matrix_and_the_sum(command, net):
    code, text, _ = command("info", net)
    assert code == 0
    network = spec.load(net)
    nnz = sum(w.nnz for la in network.layers for w in la.matrices.values())
    assert f"{nnz:,}" in text
    for name in ("B_re", "B_im", "C_re", "C_imn", "W"):
        assert name in text
    assert "latency 5 time steps" in text
    assert "sigmoid of 4 lines" in text
    parameters = spec.statistics.parameters(network)
    words = " ".join(text.split())
    assert f"parameters: {parameters:,}, of them {nnz:,} weights that are not" in words
    assert f"and {parameters - nnz:,} biases" in words


def test_info_refuses_a_truncated_network(command, net, tmp_path):
    (tmp_path / "t.net").write_bytes(net.read_bytes()[:3000])
    code, _, error = command("info", tmp_path / "t.net")
    assert code == 1
    assert "t.net: not a readable network description" in error


@pytest.mark.parametrize("real", [False, True])
def test_run_writes_the_reference_s_answers(command, net, tmp_path, real):
    network = spec.load(net)
    tokens = np.random.default_rng(0).integers(-9, 9, (5, 33))
    x = tokens / 2.0 ** network.layers[0].inp.frac if real else tokens
    np.save(tmp_path / "x.npy", x)
    code, _, _ = command(
        *("run", net, tmp_path / "x.npy", "-o", tmp_path / "y.npy"),
        *("--backend", "reference", "--real" if real else "--no-real"),
    )
    assert code == 0
    expected = spec.reference.run(network, tokens)
    y = np.load(tmp_path / "y.npy")
    assert np.array_equal(y, network.from_wire(expected) if real else expected)


def test_run_refuses_what_is_no_array(command, net, tmp_path):
    (tmp_path / "x.npy").write_bytes(b"no array")
    code, _, error = command("run", net, tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert code == 1
    assert "x.npy: not a .npy file of numbers" in error


def test_evaluate_scores_a_set(command, net, tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("noisy", "clean"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    for i, snr in enumerate((0, 10, 10)):
        clean = 0.1 * np.sin(np.arange(1600) * (0.05 + 0.01 * i))
        noise = rng.normal(0, 1, 1600)
        noise *= np.sqrt((clean**2).sum() / (noise**2).sum()) * 10 ** (-snr / 20)
        name = f"noisy_fileid_{i}_snr{snr}_tl-25.wav"
        wav.write(tmp_path / "set/noisy" / name, clean + noise)
        wav.write(tmp_path / "set/clean" / f"clean_fileid_{i}.wav", clean)
    scores, board = tmp_path / "scores.json", tmp_path / "board.yml"
    code, text, _ = command(
        *("evaluate", net, "--data", tmp_path / "set", "-o", scores, "--board", board)
    )
    assert code == 0
    assert "power-delay product" in text
    found = json.loads(scores.read_text())
    (rows,) = found["scores"].values()
    assert [(r["snr_db"], r["mixes"]) for r in rows] == [(0, 1), (10, 2), (None, 3)]
    assert rows[0]["noisy"] == pytest.approx(0, abs=0.3)
    assert rows[1]["noisy"] == pytest.approx(10, abs=0.3)
    for row in rows:
        gain = row["denoised"] - row["noisy"]
        assert row["improvement"] == pytest.approx(gain)
    (costs,) = found["costs"].values()
    # 100 hops and 3 of the window a file; a weight that meets a message is an operation
    assert costs["tokens"] == 309
    network = spec.load(net)
    most = sum(m.nnz for m in spec.statistics.matrix_sizes(network))
    front = Denoiser(network).front_end
    token_s = front.hop_length / front.sample_rate
    assert 0 < costs["synops_per_second"] * token_s <= most + 3 * network.d_out
    ops = costs["synops_per_second"] + 10 * costs["neuron_updates_per_second"]
    assert costs["power_proxy"] == pytest.approx(ops)
    assert costs["pdp_proxy"] == pytest.approx(ops * costs["latency_s"])
    entry = yaml.safe_load(board.read_text())[0]
    assert entry["SI-SNR"] == pytest.approx(rows[-1]["denoised"], rel=1e-5)
    assert entry["power_proxy_Ops/s"] == pytest.approx(ops, rel=1e-5)
    assert entry["MOS_ovrl"] is None


@pytest.mark.slow
def test_evaluate_scores_networks_beside_each_other(command, net, tmp_path):
    for kind in ("noisy", "clean"):
        (tmp_path / kind).mkdir()
        sound = 0.1 * np.sin(0.05 * np.arange(1600))
        sound[::7] += 0.02 * (kind == "noisy")
        wav.write(tmp_path / kind / f"{kind}_fileid_0.wav", sound)
    other, scores = tmp_path / "other.net", tmp_path / "scores.json"
    other.write_bytes(net.read_bytes())
    code, _, _ = command(
        *("evaluate", net, "--data", tmp_path, "--beside", other, "-o", scores)
    )
    assert code == 0
    written = json.loads(scores.read_text())
    first, second = written["scores"].items()
    costs = written["costs"]
    assert list(costs) == [net.stem, "other"]
    assert costs["other"]["power_proxy"] == costs[net.stem]["power_proxy"]
    assert (first[0], second[0]) == (net.stem, "other")
    assert first[1] == second[1]
    code, _, error = command("evaluate", net, "--data", tmp_path, "--beside", net)
    assert code != 0
    assert f"a second network named '{net.stem}'" in error


def test_evaluate_with_another_limit_of_attenuation(command, net, tmp_path):
    put(tmp_path, number=0, **sounds())
    limited, scores = tmp_path / "limited.net", tmp_path / "scores.json"
    network = spec.load(net)
    meta = network.meta | {"strength": 0}  # lets all through
    spec.Network(network.layers, network.recipe, meta).save(limited)
    found = {}
    for path, words in ((net, []), (limited, []), (limited, ["--strength", "inf"])):
        given = ("evaluate", path, "--data", tmp_path, "-o", scores, *words)
        code, _, _ = command(*given)
        assert code == 0
        written = json.loads(scores.read_text())
        (rows,) = written["scores"].values()
        found[(path, *words)] = rows[-1]["improvement"]
        limit = 0 if path == limited and not words else None
        assert written["strength"] == {path.stem: limit}
    assert found[(limited,)] == pytest.approx(0, abs=1e-4)
    assert abs(found[(net,)]) > 0.01
    assert found[limited, "--strength", "inf"] == found[(net,)]


def put(folder, **sounds):
    """A mixture of a set: `number` and what is in ``noisy`` and ``clean``."""
    number, suffix = sounds.pop("number"), sounds.pop("suffix", "wav")
    for kind, (samples, rate) in sounds.items():
        (folder / kind).mkdir(exist_ok=True)
        path = folder / kind / f"{kind}_fileid_{number}.{suffix}"
        soundfile.write(path, samples, rate, format="WAV", subtype="FLOAT")


def sounds(n=1600, rate=16000):
    """A tone in noise, and the tone."""
    tone = 0.1 * np.sin(np.arange(n) * 0.05)
    noise = np.random.default_rng(n).normal(0, 0.05, n)
    return {"noisy": (tone + noise, rate), "clean": (tone, rate)}


NOTHING = (np.zeros(1600), 16000)
CLEAN = sounds()["clean"]
ODD = {
    "silent clean": ({"clean": NOTHING}, "clean_fileid_1.wav: reference is silent"),
    "silent noisy": ({"noisy": NOTHING}, "noisy_fileid_1.wav: noisy recording: SI-SNR"),
    "no noise": (
        {"noisy": CLEAN},
        "noisy_fileid_1.wav: noisy recording: SI-SNR is inf",
    ),
    "quieter": ({"noisy": (CLEAN[0] / 3, 16000)}, "dB, at most 100 can be scored; it"),
    "empty": ({"noisy": (np.zeros(0), 16000)}, "noisy_fileid_1.wav: holds no samples"),
    "rate": (sounds(800, 8000), "noisy_fileid_1.wav: 8000 Hz, most of the set has 16"),
    "one rate": ({"clean": (np.ones(800), 8000)}, "clean_fileid_1.wav: 8000 Hz, its p"),
    "length": ({"clean": (np.ones(9), 16000)}, "noisy_fileid_1.wav: 1600 samples"),
}


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD)
def test_evaluate_leaves_one_odd_mixture_out(command, net, tmp_path, odd):
    change, message = ODD[odd]
    scores, board = tmp_path / "s.json", tmp_path / "b.yml"
    for number in range(3):
        put(tmp_path, number=number, **sounds())
    put(tmp_path, number=1, **{**sounds(), **change})
    words = ("evaluate", net, "--data", tmp_path, "-o", scores, "--board", board)
    code, text, error = command(*words)
    assert code == 1
    assert f"left out: {tmp_path}" in error
    assert message in error
    assert "1 of 3 mixtures could not be scored" in error
    assert "power-delay product" in text
    assert not re.search(r"\b(inf|nan)\b", text + board.read_text())
    written = json.loads(scores.read_text())
    (row,) = written["scores"][net.stem]
    names = ("noisy", "denoised", "improvement", "worst", "error")
    assert np.isfinite([row[name] for name in names]).all()
    assert [row["mixes"] for row in written["scores"][net.stem]] == [2]
    assert len(written["left_out"]) == 1
    assert message in written["left_out"][0]


@pytest.mark.slow
def test_evaluate_reads_wav_in_any_case_and_names_strays(command, net, tmp_path):
    for number, suffix in enumerate(("WAV", "Wav", "wav")):
        put(tmp_path, number=number, suffix=suffix, **sounds())
    words = ("evaluate", net, "--data", tmp_path)
    assert command(*words)[0] == 0
    (tmp_path / "noisy" / "._noisy_fileid_0.wav").write_bytes(b"of another system")
    assert command(*words)[0] == 0
    put(tmp_path, number=7, noisy=NOTHING)
    (tmp_path / "clean" / "notes.wav").write_bytes(b"")
    code, _, error = command(*words)
    assert code == 1
    assert "noisy_fileid_7.wav: has no partner" in error
    assert "notes.wav: no fileid_<number> in the name" in error
    assert "0 of 3 mixtures could not be scored, and 2 files that belong" in error


def test_evaluate_refuses_a_set_without_noise(command, net, tmp_path):
    for number in range(2):
        put(tmp_path, number=number, **{**sounds(), "noisy": sounds()["clean"]})
    scores = tmp_path / "s.json"
    code, text, error = command("evaluate", net, "--data", tmp_path, "-o", scores)
    assert (code, text) == (1, "")
    assert "none of 2 mixtures can be scored" in error
    assert "noisy_fileid_0.wav: noisy recording: SI-SNR is " in error
    assert not scores.exists()


def test_evaluate_without_any_mixture_that_can_be_scored(command, net, tmp_path):
    put(tmp_path, number=0, **{**sounds(), "clean": NOTHING})
    code, _, error = command("evaluate", net, "--data", tmp_path)
    assert code == 1
    assert "none of 1 mixtures can be scored" in error
    assert "clean_fileid_0.wav: reference is silent" in error


def test_evaluate_names_the_file_that_no_mixture_is_left_for(command, net, tmp_path):
    put(tmp_path, number=3, **sounds())
    (clean,) = (tmp_path / "clean").iterdir()
    clean.unlink()
    (file,) = (tmp_path / "noisy").iterdir()
    code, _, error = command("evaluate", net, "--data", tmp_path)
    assert (code, error) == (
        1,
        f"error: evaluation: {tmp_path} has no mixture; {file}: has no partner in "
        f"{tmp_path / 'clean'}\n",
    )


def test_denoise_meets_a_silent_clean_recording_before_it_writes(
    command, net, noisy, tmp_path
):
    soundfile.write(tmp_path / "silent.wav", np.zeros(3200), 16000)
    out = tmp_path / "o.wav"
    code, _, error = command(
        *("denoise", noisy, "-o", out, "-n", net, "--clean", tmp_path / "silent.wav")
    )
    assert code == 1
    assert "silent.wav: reference is silent or constant" in error
    assert not out.exists()


def test_evaluate_names_an_unknown_peer(command, net, tmp_path):
    for kind in ("noisy", "clean"):
        (tmp_path / kind).mkdir()
        wav.write(tmp_path / kind / f"{kind}_fileid_0.wav", np.full(800, 0.1))
    code, _, error = command("evaluate", net, "--data", tmp_path, "--peer", "wiener")
    assert code == 1
    assert "peer is 'wiener', must be one of: dtln, gtcrn" in error


def test_train_says_which_setting_is_wrong(command):
    code, _, error = command("train", "optim.speed=3")
    assert code == 1
    assert "optim.speed" in error


def test_tokens_of_another_shape_are_named(command, net, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((33, 5), int))
    code, _, error = command("run", net, tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert code == 1
    assert re.search(r"shape \(33, 5\), must be \(T, 33\).* is it transposed\?", error)


def test_train_shows_its_settings(command):
    code, text, _ = command("train", "--show", "model.d_model=7")
    assert code == 0
    assert '"d_model": 7' in text
    assert '"source": "corpus"' in text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("estimate denoiser_small --cores abc", '--cores is "abc", must be a whole'),
        ("estimate denoiser_small --cores 2.5", '--cores is "2.5", must be a whole'),
        ("data mix x --seconds 1,5", '--seconds is "1,5", must be a number'),
        ("data mix x --snr 3 --snr y", '--snr is "y", must be a whole number'),
        ("live --block x", '--block is "x", must be a number'),
        ("estimate --bogus", "No such option: --bogus; see .* estimate --help"),
        ("estimate", "Missing argument 'network'; see .* estimate --help"),
        ("nosuch", "No such command 'nosuch'; see .* --help"),
        ("info denoiser x", "extra argument.*x.*; see .* info --help"),
        ("denoise x --network", "Option '--network' requires an argument"),
    ],
)
def test_a_command_line_that_cannot_be_read_is_one_line(command, line, text):
    status, out, err = command(*line.split())
    assert (status, out) == (2, "")
    assert re.fullmatch(f"error: .*{text}.*\n", err)


def test_no_arguments_show_the_help(command):
    assert "Usage: " in command()[1]
    assert "Usage: " in command("data")[1]


@pytest.mark.parametrize(
    "given", [{}, {"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "7"}]
)
def test_threads_of_every_command_wait_briefly(monkeypatch, command, given):
    """Unless the user has said otherwise; torch reads it when it is imported."""
    for name in openmp.WAITING:
        monkeypatch.setenv(name, "")  # what it was comes back
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert command("--version")[0] == 0
    found = {name: os.environ.get(name) for name in openmp.WAITING}
    assert found == dict.fromkeys(openmp.WAITING) | (given or openmp.WAITING)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="torch has another OpenMP")
@pytest.mark.parametrize("module", ["lava_sparse_rnn", "lava_sparse_rnn.train"])
def test_torch_is_told_in_time_how_to_wait(module):
    words = ["train", "--show"] if module == "lava_sparse_rnn" else ["--show"]
    others = {k: v for k, v in os.environ.items() if k not in openmp.WAITING}
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        env={**others, "OMP_DISPLAY_ENV": "verbose"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    for name, value in openmp.WAITING.items():
        assert f"{name} = '{value.upper()}'" in done.stderr


@pytest.mark.slow
def test_the_command_starts_without_torch():
    """What torch reads when it is imported can still be set."""
    code = "import sys, lava_sparse_rnn.cli._app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
