# SPDX-License-Identifier: BSD-3-Clause
"""Files that the user names: bad ones are one clear error, before any work."""

import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from soundfile import write

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio.peers import PEERS
from lava_sparse_rnn.cli import app
from lava_sparse_rnn.cli._evaluate import PEER_NAMES
from lava_sparse_rnn.cli._files import check_outputs


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "n.net"
    spec.random_network(np.random.default_rng(0), d_in=3).save(path)
    return path


@pytest.fixture
def command(monkeypatch, command, tmp_path, net):
    """Run the command in a folder with a network and tokens."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(net, "n.net")
    np.save("x.npy", np.ones((2, 3), int))
    return command


def archive(path):
    np.savez("a.npz", np.ones(3))
    path.write_bytes((path.parent / "a.npz").read_bytes())


BAD_TOKENS = [
    (lambda path: np.save(path, 3), "tokens of shape ()"),
    (lambda path: np.save(path, np.ones(3)), "tokens of shape (3,)"),
    (lambda path: np.save(path, np.ones((2, 3), complex)), "type is complex128"),
    (lambda path: np.save(path, np.array([["a"]])), "type is <U1"),
    (lambda path: path.write_bytes(b"PK\x03\x04 and no more"), "not a .npy file"),
    (lambda path: path.write_bytes(b""), "not a .npy file"),
    (archive, "archive of arrays"),
    (lambda path: path.write_bytes(b"RIFF....WAVEfmt "), "it is of another kind"),
    (lambda path: np.save(path, np.array([{}])), "or of Python objects"),
]


@pytest.mark.parametrize(("make", "message"), BAD_TOKENS)
@pytest.mark.parametrize(
    "words", [("run", "n.net", "b.npy", "-o", "y.npy"), ("estimate", "n.net")]
)
def test_bad_tokens_are_one_clear_error(command, tmp_path, words, make, message):
    make(tmp_path / "b.npy")
    more = ("--tokens", "b.npy") if words[0] == "estimate" else ()
    code, _, error = command(*words, *more)
    assert code == 1
    assert error.startswith("error: b.npy: ")
    assert message in error
    assert "pickle" not in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "-", "-", "-o", "no/y.npy"), "no/y.npy: cannot be written, there is"),
        (("run", "-", "-", "-o", "."), ".: is a folder"),
        (("run", "n.net", "x.npy", "-o", "y.wav"), "y.wav: suffix '.wav' is no kind"),
        (("run", "n.net", "x.npy", "-o", "y"), "must be one of: .npy, .npz"),
        (("denoise", "-", "-o", "no/y.wav"), "no/y.wav: cannot be written"),
        (("denoise", "-", "-o", "y.wav", "--plot", "p.xyz"), "p.xyz: suffix '.xyz'"),
        (("denoise", "-", "-o", "y.wav", "--plot", "plot"), "plot: suffix ''"),
        (("evaluate", "-", "--data", "-", "-o", "no/s.json"), "no/s.json: cannot"),
        (("estimate", "-", "--json", "no/n.json"), "no/n.json: cannot be written"),
        (("estimate", "-", "--plot", "no/p.png"), "no/p.png: cannot be written"),
    ],
)
def test_bad_outputs_are_met_before_inputs_are_read(command, words, message):
    code, _, error = command(*words)
    assert code == 1
    assert message in error


@pytest.mark.slow
def test_a_network_may_come_out_of_a_pipe(command, tmp_path):
    content = (tmp_path / "n.net").read_bytes()
    os.mkfifo("pipe")
    for words in (("info",), ("run", "x.npy", "-o", "y.npy")):
        feed = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
        feed.start()
        code, text, error = command(words[0], "pipe", *words[1:])
        feed.join()
        assert (code, error) == (0, "")
        assert ("pipe: 3 inputs" in text) == (words == ("info",))
    expected = spec.load("n.net")
    answers = spec.reference.run(expected, np.load("x.npy"))
    assert (np.load("y.npy") == answers).all()


def test_run_writes_what_a_suffix_says_whatever_its_case(command):
    words = ("run", "n.net", "x.npy", "--backend", "reference", "-o")
    assert command(*words, "y.NPZ")[0] == command(*words, "y.NPY")[0] == 0
    assert (np.load("y.NPZ")["y"] == np.load("y.NPY")).all()


def test_an_error_is_one_line_whatever_a_file_is_called(command):
    code, _, error = command("info", "a\nb\x1b[31m.net")
    assert code == 1
    assert error.startswith("error: a\\nb\\x1b[31m.net: no such file")
    assert error.count("\n") == 1


def test_a_result_on_standard_output_is_alone_there(monkeypatch):
    monkeypatch.setattr(sys, "stdout", before := sys.stdout)
    check_outputs(None, Path("y.npy"), Path("/dev/stderr"))
    assert sys.stdout is before
    check_outputs(Path("/dev/stdout"))
    assert sys.stdout is sys.stderr


@pytest.mark.slow
def test_what_the_user_types_is_no_markup(command, tmp_path):
    words = ("run", "n.net", "x.npy", "--backend", "reference", "-o")
    code, text, _ = command(*words, "[x].npy")
    assert code == 0
    assert "[x].npy" in text
    (tmp_path / "[").mkdir()
    code, text, _ = command(*words, "[/x].npy")
    assert code == 0
    assert "[/x].npy" in text
    _, _, error = command("info", "[/red] :smile:.net")
    assert error == "error: [/red] :smile:.net: no such file\n"


@pytest.mark.slow
def test_shipped_networks_are_found_from_any_folder(command):
    code, text, _ = command("info", "denoiser_small")
    assert code == 0
    assert "denoiser_small.net: " in text
    code, _, error = command("info", "denoisr")
    assert code == 1
    assert (
        "denoisr: no such file, and no shipped network; those: denoiser, denoiser"
        in error
    )
    assert command("denoise", "a.wav", "-o", "b.wav")[2] == "error: a.wav: not found\n"


@pytest.mark.slow
def test_run_takes_sequences(command, tmp_path):
    net = spec.load("n.net")
    x = np.random.default_rng(1).integers(-500, 500, (3, 4, 3))
    np.save("s.npy", x)
    expected = [spec.reference.run(net, part) for part in x]
    for backend in ("reference", "engine", "microcode", "lava"):
        code, out, _ = command(
            "run", "n.net", "s.npy", "-o", "y.npy", "--backend", backend
        )
        assert code == 0
        assert "12 answers of 4 values, 3 sequences: y.npy" in " ".join(out.split())
        assert np.array_equal(np.load("y.npy"), expected)
    lengths = [4, 1, 2]
    np.savez("s.npz", x=x, lengths=lengths)
    assert command("run", "n.net", "s.npz", "-o", "y.npz")[0] == 0
    with np.load("y.npz") as found:
        assert found["lengths"].tolist() == lengths
        for row, part, n in zip(found["y"], expected, lengths, strict=True):
            assert np.array_equal(row[:n], part[:n])
            assert not row[n:].any()


@pytest.mark.slow
def test_run_says_what_is_wrong_with_sequences(command, tmp_path):
    x = np.ones((2, 4, 3))
    x[1, 2, 0] = 0.5
    np.save("half.npy", x)
    np.savez("half.npz", x=x, lengths=[4, 3])
    for path in ("half.npy", "half.npz"):
        error = command("run", "n.net", path, "-o", "y.npz")[2]
        assert f"{path}: sequence 1, token 2, value 0 is 0.5, no whole number" in error
    cases = [
        ({"lengths": [4, 5]}, "lengths: 5 at 1, must be from 1 to 4"),
        ({"lengths": [4]}, "lengths: int64 of shape (1,), must be integers (2,)"),
        (
            {"lengths": [4.0, 4.0]},
            "lengths: float64 of shape (2,), must be integers (2,)",
        ),
        ({"lengths": [4, 4], "x": x[0]}, "the input has shape (4, 3)"),
        ({"lengths": [4, 2]}, "y.npy: answers to sequences of unequal lengths"),
    ]
    for arrays, text in cases:
        np.savez("b.npz", **{"x": np.ones((2, 4, 3)), **arrays})
        code, _, error = command("run", "n.net", "b.npz", "-o", "y.npy")
        assert code == 1
        assert text in error
    assert not (tmp_path / "y.npy").exists()


@pytest.mark.slow
def test_estimate_takes_sequences(command, tmp_path):
    np.save("s.npy", np.ones((3, 4, 3), int))
    np.savez("s.npz", x=np.ones((3, 4, 3), int), lengths=[4, 4, 2])
    for path, tokens in (("s.npy", 12), ("s.npz", 10)):
        code, out, _ = command("estimate", "n.net", "--tokens", path)
        assert code == 0
        assert f"mean over {tokens} tokens" in out
    code, out, _ = command("estimate", "n.net", "--tokens", "s.npz", "--limit", "5")
    assert code == 0
    assert "mean over 4 of 10 tokens" in out  # a cut sequence is none


def test_sequences_are_whole(command, tmp_path):
    """What a sequence takes follows from whole ones; of a single one that is said."""
    np.save("s.npy", np.ones((3, 4, 3), int))
    words = ("estimate", "n.net", "--tokens", "s.npy", "--json", "n.json", "--limit")
    assert command(*words, "11")[0] == 0
    found = json.loads(Path("n.json").read_text("utf-8"))
    assert found["tokens"] == 8
    assert (found["sequences"]["count"], found["sequences"]["tokens_each"]) == (2, 4)
    code, out, _ = command(*words, "3")
    assert code == 0
    assert "mean over 3 of 12 tokens" in out
    said = "the first sequence has 4 tokens, --limit took 3 of them"
    assert said in " ".join(out.split())
    assert "sequences" not in json.loads(Path("n.json").read_text("utf-8"))


@pytest.mark.parametrize(
    "arguments",
    [
        "evaluate NET --data . -o noisy/noisy_fileid_1.wav",
        "evaluate NET --data . -o NET",
        "evaluate NET --data . --board NET",
        "estimate NET --audio x.wav --json x.wav",
        "estimate NET --audio x.wav --json link",
        "report NET -o NET",
        "run NET x.npy -o x.npy",
        "export-onnx NET -o NET",
        "denoise x.wav -n NET --clean y.wav -o y.wav",
        "denoise x.wav -o x.wav",
        "denoise x.wav -o hard.wav",
        "denoise link -o x.wav",
        "denoise x.wav -n n.wav -o n.wav",
        "denoise p.png -o y.wav --plot p.png",
        "live -i x.wav -o x.wav",
        "live -i link -o hard.wav",
        "live -i x.wav -n n.wav -o n.wav",
        "estimate NET --chip chip.toml --json chip.toml",
        "estimate NET --coefficients chip.toml --json chip.toml",
        "estimate NET --audio p.png --plot p.png",
        "estimate NET --audio p.png --sweep p.png",
        "report NET --quantisation x.json -o x.json",
        "report NET --preset chip.toml -o chip.toml",
        "export-nir NET -o NET",
        "import-nir NET -o NET",
    ],
)
def test_what_is_read_is_not_written_over(
    command, net, tmp_path, monkeypatch, arguments
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("x.wav")
    names = ("x.wav", "y.wav", "noisy/noisy_fileid_1.wav", "x.npy", "NET")
    for name in (*names, "n.wav", "p.png", "chip.toml", "x.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(net.read_bytes())
    (tmp_path / "hard.wav").hardlink_to("x.wav")
    code, _, err = command(*arguments.split())
    *_, output = arguments.split()
    assert code == 1
    assert err == f"error: {output}: is also what is read, and would be overwritten\n"
    assert (tmp_path / output).read_bytes() == net.read_bytes()


def test_no_command_takes_an_empty_name_for_the_current_folder(command, net):
    """Wherever a path can be given: one way to ask for it refuses it."""
    for words in (
        ("data", "fetch", "--cache="),
        ("data", "mix", ""),
        ("train", "--config", ""),
        ("denoise", "", "-o", "o.wav"),
        ("live", "-i", "x.wav", "-o", ""),
        ("evaluate", net, "--data", ""),
        ("info", ""),
    ):
        code, out, error = command(*words)
        assert (code, out) != (0, "")
        assert "'' is empty, no file has such a name" in error
        assert error.count("\n") == 1
    commands = [*app.registered_commands]
    for group in app.registered_groups:
        commands += group.typer_instance.registered_commands
    kinds = [
        kind
        for c in commands
        for kind in get_type_hints(c.callback, include_extras=True).values()
        if "pathlib" in str(kind)
    ]
    assert len(kinds) > 50
    # Python 3.10 puts what has None as its default into an Optional.
    marked = [k if hasattr(k, "__metadata__") else get_args(k)[0] for k in kinds]
    assert all(kind.__metadata__[0].parser for kind in marked)


def test_two_results_have_two_names(command, tmp_path):
    for words, name in (
        ("evaluate n.net --data . -o a.json --board a.json", "a.json"),
        ("estimate n.net --plot a.png --sweep ./a.png", "a.png"),
        ("estimate n.net --plot a.png --json a.png", "a.png"),
    ):
        code, _, error = command(*words.split())
        assert code == 1
        assert (
            error == f"error: {name}: is named for two results, it can hold only one\n"
        )
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "denoise x.wav -o y.wav --runtime processes",
            "--runtime: is of --backend lava",
        ),
        ("live -i x.wav -o y.wav --runtime inline", "--runtime: is of --backend lava"),
        ("evaluate n.net --data . --runtime inline", "--runtime: is of --backend lava"),
        (
            "run n.net x.npy -o y.npy --runtime inline --backend reference",
            "--runtime: is",
        ),
        ("estimate n.net --share 2", "--share: is of --search, give --search, too"),
        ("estimate n.net --seed 0", "--seed: is of --search, give --search, too"),
        ("estimate n.net --instructions 3", "--instructions: is of --beside"),
        (
            "estimate n.net --preset loihi1 --coefficients c",
            "--preset: --coefficients go",
        ),
        ("report n.net -o p.html --limit 3", "--limit: is of a run, give --audio"),
        (
            "report n.net -o p.html --preset loihi2",
            "--preset: is of a run, give --audio",
        ),
        ("demo n.net -o page --port 80", "--port: nothing is served with --output"),
        ("export-c n.net -o c --rate 16000", "--rate: is of the front end, give"),
        ("export-c n.net -o c --front-end --rate 8000", "--rate: is 8000 Hz, must be"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(command, tmp_path, words, message):
    code, _, error = command(*words.split())
    assert code == 1
    assert error.startswith(f"error: {message}")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["n.net", "x.npy"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("denoise x.wav -o y.wav -n n.net", "n.net: task is"),
        ("estimate n.net --audio x.wav", "--audio: the network's task is"),
        ("estimate n.net --audio x.wav", "give --tokens X.npy or --data PATH"),
        ("report n.net --audio x.wav -o p.html", "give --tokens X.npy\n"),
        (
            "export-c n.net -o c --front-end",
            "leave --front-end out, or export denoiser",
        ),
        ("export-c n.net -o c --ladspa", "leave --ladspa out, or export denoiser"),
        ("demo n.net -o page", "`demo denoiser` takes one"),
        ("evaluate n.net --data . --task denoise", "--task names another task"),
    ],
)
def test_what_needs_a_denoiser_says_where_one_is(command, words, message):
    write("x.wav", np.ones(160) * 0.1, 16000)
    for name in ("noisy", "clean"):
        os.mkdir(name)
    write("noisy/noisy_fileid_1.wav", np.ones(160) * 0.1, 16000)
    write("clean/clean_fileid_1.wav", np.ones(160) * 0.1, 16000)
    code, _, error = command(*words.split())
    assert code == 1
    assert message in error


def test_a_file_of_another_kind_is_told_in_plain_words(command):
    write("x.wav", np.ones(160) * 0.1, 16000)
    for words in ("info x.wav", "denoise x.wav -o y.wav -n x.wav"):
        error = command(*words.split())[2]
        assert "x.wav: not a readable network description, it is no HDF5 file" in error


def test_peers_are_named_and_met_before_files(command):
    assert tuple(PEERS) == PEER_NAMES
    error = command("evaluate", "n.net", "--data", "nowhere", "--peer", "foo")[2]
    known = ", ".join(PEERS)
    assert error == f"error: --peer is 'foo', must be one of: {known}\n"


def test_a_study_without_rows_says_where_rows_are(command, tmp_path):
    shutil.copy(Path(__file__).parents[2] / "docs/study_denoise.yaml", "s.yaml")
    error = command("study", "show", "s.yaml")[2]
    assert "runs/denoise/table.csv: no such table; `study run s.yaml` makes it" in error
    (tmp_path / "s.csv").write_text("")
    assert "--table s.csv is read instead" in command("study", "show", "s.yaml")[2]
