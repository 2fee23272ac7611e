# SPDX-License-Identifier: BSD-3-Clause
"""What the command prints where there is no terminal, and in words of whom."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from lava_sparse_rnn import __version__, messages, spec


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "größe ± 1.net"
    spec.random_network(np.random.default_rng(0), d_in=320, d_out=257).save(path)
    return path


def run(*words, shell=None, **environment):
    """The module as a command in a process of its own; text is UTF-8 or ASCII."""
    env = {k: v for k, v in os.environ.items() if k != "COLUMNS"} | environment
    command = [sys.executable, "-m", "lava_sparse_rnn", *map(str, words)]
    if shell:
        command = ["bash", "-c", f'"$@" {shell}', "bash", *command]
    done = subprocess.run(command, capture_output=True, env=env)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.slow
def test_tables_in_a_pipe_are_one_line_per_row(net):
    code, out, error = run("info", net, TERM="dumb")
    assert (code, error) == (0, "")
    lines = out.splitlines()
    (row,) = [x for x in lines if x.startswith("│ 0 ") and "weights" in x]
    total = spec.load(net).layers[0].weights.matrix.shape
    assert f" {total[0]} x {total[1]} │" in row
    assert f" {total[0] * total[1]:,} │" in row
    tables = [x for x in lines if x[0] == "│"]
    assert all(x[-1] == "│" for x in tables)
    assert len(tables) == 1 + 3 + 1 + 7 + 1
    assert not set("┏┃┡└") & set(out)


@pytest.mark.slow
def test_what_the_encoding_does_not_know_is_replaced(net):
    code, out, error = run("info", net, PYTHONIOENCODING="ascii")
    assert (code, error) == (0, "")
    assert "gr??e ? 1.net: " in out
    assert "| 0 " in out
    code, _, error = run("info", "nö.net", PYTHONIOENCODING="ascii")
    assert code == 1
    assert error.startswith("error: n")


@pytest.mark.slow
def test_what_is_written_to_standard_output_stands_alone_there(net, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 320), int))
    words = (*("run", net, tmp_path / "x.npy", "--backend", "reference"), "-o")
    code, _, error = run(*words, "/dev/stdout", shell=f"> {tmp_path}/whole.npy")
    assert code == 0
    assert "2 answers of 257 values: /dev/stdout" in error
    assert run(*words, tmp_path / "y.npy")[0] == 0
    assert (tmp_path / "whole.npy").read_bytes() == (tmp_path / "y.npy").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["true", "head -1"])
def test_a_reader_that_goes_away_is_no_error(net, reader):
    _, out, error = run("info", net, shell=f"| {reader}")
    assert error == ""
    assert out.count("\n") == (reader != "true")


def test_the_version_and_the_module():
    assert run("--version") == (0, f"lava-sparse-rnn {__version__}\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("module", ["typer", "rich.text", "lava_sparse_rnn.spec"])
def test_ctrl_c_while_modules_are_imported_is_silent(module):
    """It comes when the command looks for one of them."""
    code = f"""if True:
        import runpy, signal, sys

        class Finder:
            def find_spec(name, path=None, target=None):
                if name == {module!r}:
                    signal.raise_signal(signal.SIGINT)

        sys.meta_path.insert(0, Finder)
        sys.argv[0] = "lava-sparse-rnn"
        runpy.run_module('lava_sparse_rnn', run_name="__main__")
    """
    command = [sys.executable, "-c", code, "info", "denoiser_small"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    "module", ["torch", pytest.param("typer", marks=pytest.mark.slow)]
)
def test_ctrl_c_while_the_module_form_of_train_is_imported_is_silent(module, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        f"""if True:
        import signal, sys

        class Finder:
            def find_spec(name, path=None, target=None):
                if name == {module!r}:
                    sys.meta_path.remove(Finder)
                    signal.raise_signal(signal.SIGINT)

        sys.meta_path.insert(0, Finder)
        """
    )
    command = [sys.executable, "-m", "lava_sparse_rnn.train", "--show"]
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_who_else_imports_train_keeps_ctrl_c(tmp_path):
    code = "import signal, lava_sparse_rnn.train; signal.raise_signal(signal.SIGINT)"
    (tmp_path / "other.py").write_text(code)
    command = [sys.executable, "-m", "other", "lava_sparse_rnn.train"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in done.stderr


@pytest.fixture
def command(monkeypatch, command, tmp_path):
    monkeypatch.chdir(tmp_path)
    return command


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "n", "no.npy", "-o", "y.npy"), "no.npy: no such file or folder"),
        (("run", "n", "folder", "-o", "y.npy"), "folder: is a folder, a file is need"),
        (("estimate", "n", "--tokens", "no.npy"), "no.npy: no such file or folder"),
        (("estimate", "n", "--cores", "-5"), "--cores: is -5, must be at least 1"),
        (("estimate", "n", "--limit", "0"), "--limit: is 0, must be at least 1"),
        (("deploy", "n", "-o", "b", "--cores", "0"), "--cores: is 0, must be at"),
        (("deploy", "n", "-o", "b", "--seed", "-1"), "--seed: is -1, must be at"),
        (("data", "mix", "m", "--count", "0"), "--count: is 0, must be at least 1"),
        (("data", "mix", "m", "--seconds", "nan"), "--seconds: is nan, must lie in 0"),
        (("data", "mix", "m", "--seconds", "1e9"), "--seconds: is 1000000000.0, must"),
        (
            ("data", "mix", "m", "--snr", "0", "--snr", "5000"),
            "--snr: is 5000, must li",
        ),
        (("data", "mix", "m", "--snr=-101"), "--snr: is -101, must lie in -100..100"),
        (("data", "mix", "m", "--seed", "-1"), "--seed: is -1, must be at least 0"),
        (("train", "--config", "no.yml"), "no.yml: no such file or folder"),
        (("train", "optim.lr=x"), 'optim.lr is "x", must be a number'),
    ],
)
def test_errors_are_sentences(command, net, tmp_path, words, message):
    (tmp_path / "folder").mkdir()
    code, _, error = command(*(net if word == "n" else word for word in words))
    assert code == 1
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1


@pytest.mark.slow
@pytest.mark.slow
def test_an_output_that_is_full_is_a_sentence(net):
    code, _, error = run("info", net, shell="> /dev/full")
    assert code == 1
    assert error == (
        "error: the output: cannot be written, no space is left on the device\n"
    )


def test_a_lack_of_memory_is_a_sentence(command, net, monkeypatch):
    def load(*_):
        np.zeros(2**60, np.int8)

    monkeypatch.setattr("lava_sparse_rnn.spec.load", load)
    code, _, error = command("info", net)
    assert code == 1
    assert error.startswith("error: there is not enough memory: Unable to allocate 1")
    assert error.count("\n") == 1


def test_run_tells_of_real_values(command, net):
    np.save("x.npy", np.full((2, 320), 0.5))
    code, _, error = command("run", net, "x.npy", "-o", "y.npy")
    assert code == 1
    assert "x.npy: token 0, value 0 is 0.5, no whole number; with --real" in error
    assert command("run", net, "x.npy", "-o", "y.npy", "--real")[0] == 0
    np.save("x.npy", np.ones((2, 320)))
    assert command("run", net, "x.npy", "-o", "y.npy", "--backend", "engine")[0] == 0


def test_a_missing_package_comes_with_the_command_that_installs_it(monkeypatch):
    assert messages.require("nn", "train", "numpy", "json") is None
    with pytest.raises(ImportError, match=r"nn: nix is not installed; run `uv sync --"):
        messages.require("nn", "train", "nix")
    with pytest.raises(ImportError, match=r"`uv sync` or `pip install \.` in the fold"):
        messages.require("proc", None, "nix")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("room", "module", "extra"),
    [
        ("nn", "torch", "--extra train"),
        ("train", "torch", "--extra train"),
        ("proc", "lava", messages.install("lava")),
        ("netx.hdf5", "lava", messages.install("lava")),
    ],
)
def test_rooms_say_what_they_need(room, module, extra):
    code = f"import sys; sys.modules[{module!r}] = None; import lava_sparse_rnn.{room}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: lava_sparse_rnn.")
    assert f"{module} is not installed" in last
    assert extra in last


@pytest.mark.slow
def test_a_home_that_nothing_can_be_kept_in_is_no_matter(tmp_path):
    env = {**os.environ, "HOME": "/proc/none"}
    for name in ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        env.pop(name, None)
    code = "from lava_sparse_rnn.cli import main; main()"
    arguments = ["report", "denoiser_small", "-o", tmp_path / "r.html"]
    command = [sys.executable, "-c", code, *arguments]
    ran = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_mixing_without_options_needs_only_the_corpus(command, tmp_path):
    code, _, error = command("data", "mix", tmp_path / "m", "--cache", tmp_path / "no")
    assert code == 1
    assert "fetch the corpus first" in error
