# SPDX-License-Identifier: BSD-3-Clause
"""docs/microcode.md says what the code does."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import microcode, spec
from lava_sparse_rnn.fixed_point import PLAN
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)

TEXT = (Path(__file__).parents[2] / "docs" / "microcode.md").read_text("utf-8")


def rows(heading):
    """Cells of the first table after a heading."""
    lines = TEXT[TEXT.index(heading) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        cells = re.split(r"(?<!\\)\|", line.strip("|"))
        yield [cell.strip().replace("\\|", "|") for cell in cells]


def test_the_instruction_table_is_the_instruction_set():
    documented = {form.strip("`"): effect for form, effect, _ in rows("## Instr")}
    assert documented == {o.form: o.effect for o in microcode.OPCODES.values()}


def test_the_example_and_its_trace():
    source = re.search(r"```asm\n(.*?)```", TEXT, re.S)
    shown = re.search(r"```text\n(.*?)\n```", TEXT, re.S)
    assert source is not None
    assert shown is not None
    program = microcode.assemble(source[1])
    assert microcode.check(program).findings == ()
    neurons = microcode.Interpreter(program, {"limit": 10, "leak": [0, -1, -2]}, 3)
    tracer = microcode.Tracer(neuron=2)
    neurons.step({"in": np.array([60, 60, 5])}, tracer)
    assert str(tracer) == shown[1]


def groups():
    network = spec.random_network(np.random.default_rng(0))
    encoder, block, decoder = network.layers
    recipe = network.recipe
    assert len(recipe.sigmoid) == 4
    yield "affine with ReLU", AffineGroup.of(encoder, recipe)
    yield "affine", AffineGroup.of(decoder, recipe)
    for kind in spec.NONLINEARITIES:
        other = dataclasses.replace(recipe, state_nonlinearity=kind)
        yield f"recurrence, `{kind}`", RecurrenceGroup.of(block, other)
    yield "readout", ReadoutGroup.of(block, recipe)
    yield "gate, four lines", GateGroup.of(block, recipe)


def test_instruction_counts():
    documented = {
        name: [int(c) for c in cells] for name, *cells in rows("## Instructions per")
    }
    counted = {}
    for name, group in groups():
        r = microcode.check(microcode.program_for(group))
        counted[name] = [r.shortest, r.longest, r.state_bytes, r.constant_bytes]
    assert documented == counted


def test_what_variants_add():
    named = dict(groups())
    gate, recurrence = named["gate, four lines"], named["recurrence, `real_gate`"]
    three = dataclasses.replace(gate, sigmoid=PLAN)
    longest = {
        len(g.sigmoid): microcode.check(microcode.program_for(g)).longest
        for g in (gate, three)
    }
    assert longest == {4: 23 + 4 * 4, 3: 23 + 4 * 3}

    def report(*timing):
        program = microcode.program_for(recurrence, microcode.Timing(*timing))
        return microcode.check(program)

    plain = report()
    assert report(2, 3).longest == plain.longest + 4
    assert report(2, 3).shortest == 5
    assert report(0, 1, 5).longest == plain.longest + 6
    assert report(0, 1, 5).shortest == plain.shortest + 3


@pytest.mark.parametrize("name", ["affine", "recurrence", "readout", "gate"])
def test_the_table_of_programs(name):
    table = {file.strip("`"): cells for file, *cells in rows("## The programs")}
    _, accumulators, outputs, state = table[f"{name}.asm"]
    program = next(
        microcode.program_for(g, microcode.Timing(1, 2, 4))
        for label, g in groups()
        if label.startswith(name)
    )
    kinds = microcode.Kind
    for text, kind in (
        (accumulators, kinds.ACCUMULATOR),
        (outputs, kinds.OUTPUT),
        (state, kinds.STATE),
    ):
        declared = [d.name for d in program.of_kind(kind)]
        assert re.findall(r"`(\w+)`", text) == declared
