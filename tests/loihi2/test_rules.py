# SPDX-License-Identifier: BSD-3-Clause
"""Design rules: what does not fit is named, with value and limit."""

import dataclasses
import re

import numpy as np
import pytest

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.loihi2 import Chip, Loihi2Error, map_network
from lava_sparse_rnn.loihi2.rules import RULES, require


def board(chips=1, **changes):
    return loihi2.Board("b", chips, dataclasses.replace(Chip(), **changes))


# What breaks each rule, and the message's text.
BROKEN = {
    "weight_bits": (
        board(weight_bits=4),
        None,
        "layer3_weights: 8 bits per weight, the limit is 4 (4 too many; rule weight_",
    ),
    "payload_bits": (
        board(payload_bits=8),
        None,
        "layer3_out: 16 payload bits, the limit is 8 (8 too many",
    ),
    "state_bytes": (
        board(state_bytes_per_neuron=20),
        None,
        "layer2_recurrence: 24 bytes of state and constants per neuron, the limit is "
        "20 (4 too many",
    ),
    "neuron_synapses": (
        board(synapse_bytes=14),
        None,
        "bytes of synapses for one neuron, the limit is 14 (",
    ),
    "neuron_memory": (
        board(core_bytes=40, synapse_bytes=40),
        None,
        "bytes for one neuron, the limit is ",
    ),
    "enough_cores": (
        board(cores=7),
        None,
        "network on b (cores: layer0_affine 1, layer1_recurrence 1, layer1_readout 1, "
        "layer1_gate 1, layer2_recurrence 1, layer2_readout 1, layer2_gate 1, "
        "layer3_affine 1): 8 cores, the limit is 7 (1 too many; rule enough_cores)",
    ),
    "cores_wanted": (
        board(),
        129,
        "cores wanted on b: 129 cores, the limit is 128 (1 too many",
    ),
    "neuron_entries": (
        board(synapses=3),
        None,
        "synapses for one neuron, the limit is 3 (",
    ),
    # Chips that are full before their cores are: there are not enough of them.
    "chip_synapses": (
        board(2, synapses=60),
        None,
        "network on b, with 60 synapses at most on a chip: 18 chips, the limit is 2 "
        "(16 too many; rule chip_synapses)",
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_what_does_not_fit_is_named(small, rule):
    where, cores, message = BROKEN[rule]
    with pytest.raises(Loihi2Error, match=re.escape(message)):
        map_network(small, where, cores)


def test_too_few_cores_wanted(small):
    message = "mapped on the 3 cores wanted: 8 cores, the limit is 3 (5 too many"
    with pytest.raises(Loihi2Error, match=re.escape(message)):
        map_network(small, cores=3)


def test_many_violations_are_summed_up(small):
    mapping = dataclasses.replace(map_network(small), board=board(neurons_per_core=1))
    with pytest.raises(Loihi2Error, match=r"; and \d+ more$"):
        require(loihi2.violations(mapping))


MAPPED = {
    "core_neurons": ({"neurons_per_core": 8}, "12 neurons, the limit is 8"),
    "core_synapses": ({"synapse_bytes": 60}, "bytes of synapses, the limit is 60"),
    "core_memory": ({"core_bytes": 300, "synapse_bytes": 300}, "the limit is 300"),
}


@pytest.mark.parametrize("rule", MAPPED)
def test_a_mapping_on_a_smaller_chip_breaks_rules(small, rule):
    changes, message = MAPPED[rule]
    mapping = dataclasses.replace(map_network(small), board=board(**changes))
    found = [v for v in loihi2.violations(mapping) if v.rule == rule]
    assert found
    assert message in str(found[0])
    assert re.match(r"layer\d_\w+, neurons 0\.\.\d+ \(chip 0, core \d\)", found[0].what)
    assert all(v.value > v.limit for v in found)


def test_a_chip_with_too_many_synapses(small):
    mapping = dataclasses.replace(map_network(small), board=board(synapses=60))
    (found,) = (v for v in loihi2.violations(mapping) if v.rule == "chip_synapses")
    assert str(found).startswith("chip 0: ")
    assert found.value == mapping.synapses.sum()


def test_the_chips_that_are_named_are_enough(small):
    where = board(1, synapses=60)
    with pytest.raises(Loihi2Error) as found:
        map_network(small, where)
    needed = int(re.search(r"(\d+) chips, the limit is 1 ", str(found.value))[1])
    for chips in (needed - 1, needed):
        more = dataclasses.replace(where, chips=chips)
        if chips < needed:
            with pytest.raises(Loihi2Error, match="rule chip_synapses"):
                map_network(small, more)
        else:
            assert map_network(small, more).chips == needed


def test_two_parts_in_one_place(small):
    mapping = map_network(small)
    twice = dataclasses.replace(mapping, place=np.zeros(len(mapping), np.int64))
    beyond = dataclasses.replace(mapping, place=mapping.place + 127)
    assert [v.rule for v in loihi2.violations(twice)] == ["one_place_each"]
    assert str(loihi2.violations(beyond)[0]) == (
        "oheo_gulch, up to the last core that is used: 135 cores, the limit is 128 (7 "
        "too many; rule one_place_each)"
    )


def test_every_rule_is_tested():
    names = {rule.__name__ for rules in RULES.values() for rule in rules}
    assert names == {*BROKEN, *MAPPED, "one_place_each"}
    assert all(rule.__doc__ for rules in RULES.values() for rule in rules)


def test_a_network_of_four_bit_weights_fits_a_four_bit_chip():
    recipe = spec.Recipe(weight_bits=4)
    network = spec.random_network(np.random.default_rng(0), recipe=recipe)
    assert len(map_network(network, board(weight_bits=4))) == 5
