# SPDX-License-Identifier: BSD-3-Clause
"""Files that the user names: bad ones are one clear error, before any work."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from lava_sparse_rnn import cli, spec


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run the command in a folder with a network and tokens."""
    monkeypatch.chdir(tmp_path)
    spec.random_network(np.random.default_rng(0), d_in=3).save("n.net")
    np.save("x.npy", np.ones((2, 3), int))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["lava-sparse-rnn", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        text = capsys.readouterr()
        return stopped.value.code, text.out, text.err

    return call


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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "-", "-", "-o", "no/y.npy"), "no/y.npy: cannot be written, there is"),
        (("run", "-", "-", "-o", "."), ".: is a folder"),
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


def test_the_default_network_is_explained(command):
    code, _, error = command("denoise", "a.wav", "-o", "b.wav")
    assert code == 1
    assert "--network names the file" in error
    assert "data/denoiser.net" in error


def test_tokens_may_come_out_of_a_pipe(command, tmp_path):
    os.mkfifo("pipe")
    content = (tmp_path / "x.npy").read_bytes()
    feed = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
    feed.start()
    code, _, _ = command(
        *("run", "n.net", "pipe", "-o", "y.npy", "--backend", "reference")
    )
    feed.join()
    assert code == 0
    assert np.load("y.npy").shape[0] == 2


CLOSED = """
import os, sys
for number in map(int, sys.argv.pop(1)):
    os.close(number)
os.execv(sys.executable, [sys.executable, "-c",
    "from lava_sparse_rnn.cli import main; main()", *sys.argv[1:]])
"""


@pytest.mark.parametrize("closed", ["0", "1", "2", "012"])
def test_closed_standard_streams_are_no_traceback(command, tmp_path, closed):
    words = ("run", "n.net", "x.npy", "-o", "y.npy", "--backend", "reference")
    ended = subprocess.run(
        [sys.executable, "-c", CLOSED, closed, *words], capture_output=True, text=True
    )
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
    assert np.load("y.npy").shape[0] == 2
    words = ("live", "-n", "n.net", "-i", "-", "-o", "y.wav")
    ended = subprocess.run(
        [sys.executable, "-c", CLOSED, closed, *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    if closed == "0":
        assert ended.stderr == "error: --input -: standard input is closed\n"
