# SPDX-License-Identifier: BSD-3-Clause
"""The interface of the exported C, the command, and the sizes that it prints."""

import re
import subprocess
from functools import partial

import numpy as np
import pytest

from lava_sparse_rnn import c_export, spec
from lava_sparse_rnn.fixed_point import SpecError

DRIVER = """
#include <string.h>
#include "net.h"

static int differ(net_state *state, const net_in *in, const net_out *expected)
{
    net_out out[NET_D_OUT];
    return net_step(state, in, out) != 0 || memcmp(out, expected, sizeof out) != 0;
}

int main(void)
{
    static net_state a, b;
    net_in token[NET_D_IN], bad[NET_D_IN];
    net_out first[NET_D_OUT], second[NET_D_OUT], none[NET_D_OUT];
    net_state before;
    int i;

    for (i = 0; i < NET_D_IN; ++i)
        token[i] = bad[i] = (net_in)(300 * i);
    bad[NET_D_IN - 1] = 1 << (NET_IN_BITS - 1);
    memset(&a, 0x5a, sizeof a);
    net_init(&a);
    net_step(&a, token, first);
    b = a;
    net_step(&a, token, second);
    if (memcmp(first, second, sizeof first) == 0)
        return 1; /* there is memory */
    if (differ(&b, token, second))
        return 2; /* a copy goes on as the original did */
    before = a;
    if (net_step(&a, bad, none) != 1 || memcmp(&a, &before, sizeof a) != 0)
        return 3; /* refused, and nothing changed */
    net_reset(&a);
    if (differ(&a, token, first))
        return 4; /* as new */
    net_step(&b, token, none);
    return differ(&a, token, second) ? 5 : 0; /* streams do not meet */
}
"""


@pytest.fixture
def network():
    """A network of 12-bit messages, so that not every int16 is a payload."""
    recipe = spec.Recipe(wire_bits=12)
    return spec.random_network(np.random.default_rng(2), recipe=recipe)


def compile_and_run(gcc, folder, *sources):
    command = [gcc, "-std=c99", "-Wall", "-Wextra", "-Werror", "-I", str(folder)]
    program = folder / "a.out"
    subprocess.run([*command, *sources, "-o", program], check=True)
    return subprocess.run([program]).returncode


def test_streams_copies_resets_and_refusals(gcc, network, tmp_path):
    c_export.export(network, "net").write(tmp_path)
    (tmp_path / "driver.c").write_text(DRIVER)
    sources = tmp_path / "driver.c", tmp_path / "net.c"
    assert compile_and_run(gcc, tmp_path, *sources) == 0


def test_the_example_refuses_what_it_cannot_answer(compiled, network):
    program = compiled(network)
    bad = np.full(network.d_in, 2048, np.int16).tobytes()
    done = subprocess.run([program], input=bad, capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"does not fit 12 bits" in done.stderr
    done = subprocess.run([program], input=b"abc", capture_output=True)
    assert done.returncode == 1
    assert b"not complete" in done.stderr


def test_nothing_of_a_library_is_called(gcc, network, tmp_path):
    c_export.export(network, "net").write(tmp_path)
    command = [gcc, "-std=c99", "-O3", "-c", "net.c", "-o", "net.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    listing = subprocess.run(
        ["nm", "net.o"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    symbols = [line.split()[-2:] for line in listing.stdout.splitlines()]
    # A compiler may make these of loops; it brings them along.
    assert {n for kind, n in symbols if kind == "U"} <= {"memset", "memcpy"}
    outside = {n for kind, n in symbols if kind.isupper() and kind != "U"}
    names = ("init", "reset", "step", "in_frac", "out_frac")
    assert outside == {f"net_{name}" for name in names}
    # No variables, initialised or not.
    assert not {kind for kind, _ in symbols} & set("BbDC")


def test_numbers_of_the_interface(network):
    header = c_export.export(network, "net").files["net.h"]
    defined = dict(re.findall(r"#define (NET_\w+) (\d+)", header))
    assert defined == {
        "NET_D_IN": str(network.d_in),
        "NET_D_OUT": str(network.d_out),
        "NET_IN_BITS": "12",
        "NET_OUT_BITS": "12",
    }
    source = c_export.export(network, "net").files["net.c"]
    for side, wire in (("in", network.layers[0].inp), ("out", network.layers[-1].out)):
        body = re.search(rf"net_{side}_frac\[\d+\] = {{(.*?)}}", source, re.DOTALL)
        assert [int(n) for n in body[1].split(",")] == wire.frac.tolist()


@pytest.mark.parametrize("prefix", ["", "2x", "a-b", "int", "class", "_x", "x" * 32])
def test_prefixes_that_are_none(network, prefix):
    with pytest.raises(SpecError, match=r"prefix is '.*', must be an identifier"):
        c_export.export(network, prefix)


@pytest.mark.parametrize(
    ("stem", "prefix"),
    [("denoiser", "denoiser"), ("a b-c", "a_b_c"), ("2", "net_2"), ("int", "net_int")],
)
def test_prefixes_made_of_file_names(stem, prefix):
    assert c_export.identifier_of(stem) == prefix


def test_something_else_than_a_network():
    with pytest.raises(SpecError, match="needs a spec.Network, got int"):
        c_export.export(3)  # type: ignore[arg-type]


def test_sizes(gcc, network):
    made = c_export.export(network)
    sizes = c_export.measure(made, gcc)
    assert sizes.ram == made.state_bytes
    # Besides the arrays there are the layers' structures and the sigmoid's lines.
    assert 0 <= sizes.constants - made.constant_bytes < 1500
    assert 300 < sizes.code < 6000
    with pytest.raises(SpecError, match=r"cc 'no-such': there is no program"):
        c_export.measure(made, "no-such")
    with pytest.raises(SpecError, match=r"failed \("):
        c_export.measure(made, f"{gcc} --no-such-option")


@pytest.fixture
def command(monkeypatch, command, tmp_path, network):
    """Run the command in a folder with a network."""
    monkeypatch.chdir(tmp_path)
    network.save("my net.net")
    return partial(command, "export-c")


def test_the_command(command, gcc, tmp_path):
    code, text, _ = command("my net.net", "-o", "c", "--main", "--cc", gcc)
    assert code == 0
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [
        "my_net.c",
        "my_net.h",
        "my_net_main.c",
    ]
    assert re.search(r"code [\d,]+ bytes, constants [\d,]+ bytes, RAM [\d,]+", text)


@pytest.mark.slow
def test_the_command_with_a_front_end(command, shipped_small, tmp_path):
    code, _, error = command("my net.net", "-o", "c", "--front-end")
    assert code == 1
    assert "task is 'random', a denoiser has 'denoise'" in error
    shipped_small.save("small.net")
    code, text, _ = command("small.net", "-o", "c", "--front-end", "--main")
    assert code == 0
    names = ["h", "c", "_main.c", "_sound.h", "_sound.c"]
    names = [f"small{'' if n[0] == '_' else '.'}{n}" for n in names]
    assert {p.name for p in (tmp_path / "c").iterdir()} == {*names}
    sources = "c/small.c c/small_sound.c c/small_main.c"
    assert f"compile it: cc -std=c99 -O2 {sources} -o small" in text


def test_the_command_without_a_compiler(command, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    code, text, _ = command("my net.net", "-o", "c", "--prefix", "x")
    assert code == 0
    assert "code is not known" in text
    assert "cc -std=c99 -O2 -c c/x.c; x.h says what to call" in text
    assert (tmp_path / "c" / "x.c").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "no/c"), "no/c: cannot be made, there is no folder no"),
        (("-o", "my net.net"), "my net.net: is a file"),
        (("-o", "c", "--prefix", "for"), "prefix is 'for'"),
        (("-o", "c", "--cc", "no-such"), "there is no program 'no-such'"),
    ],
)
def test_the_command_leaves_nothing_behind_an_error(command, tmp_path, words, message):
    code, _, error = command("my net.net", *words)
    assert code == 1
    assert message in error
    assert [p.name for p in tmp_path.iterdir()] == ["my net.net"]


def test_the_example_program_takes_sequences(compiled, random_tokens):
    net = spec.random_network(np.random.default_rng(5))
    x = random_tokens(net, 12) // 4
    tokens = x.astype(np.int16).tobytes()
    program = compiled(net)
    done = subprocess.run([program, "4"], input=tokens, capture_output=True, check=True)
    answers = np.frombuffer(done.stdout, np.int16)
    expected = spec.reference.run(net, x.reshape(3, 4, -1))
    np.testing.assert_array_equal(answers.reshape(expected.shape), expected)
    sizes = (3, 5, 2, 2)  # the last one is given once
    done = subprocess.run(
        [program, *map(str, sizes[:3])], input=tokens, capture_output=True, check=True
    )
    parts = np.split(x, np.cumsum(sizes)[:-1])
    expected = np.concatenate(spec.reference.run(net, parts))
    answers = np.frombuffer(done.stdout, np.int16).reshape(expected.shape)
    np.testing.assert_array_equal(answers, expected)
    for bad in (["0"], ["-4"], ["4x"], ["4", "0"]):
        done = subprocess.run([program, *bad], input=b"", capture_output=True)
        assert done.returncode == 2
        assert b"usage:" in done.stderr
