# SPDX-License-Identifier: BSD-3-Clause
"""Settings of model, pruning and quantisation, from their names to the run."""

import json
from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from lava_sparse_rnn import nn, spec
from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.nn import activations, gates, parameters, sparsify
from lava_sparse_rnn.nn._discretise import DISCRETISATIONS
from lava_sparse_rnn.nn.quantize import RECIPES, recipe, sigmoid_table
from lava_sparse_rnn.tasks.denoise import Denoise
from lava_sparse_rnn.tasks.denoise.data import SOURCES
from lava_sparse_rnn.tasks.denoise.frontend import features
from lava_sparse_rnn.train import TrainConfig, open_float, pipeline, run, stages
from lava_sparse_rnn.train.config import read_config
from lava_sparse_rnn.train.resume import fingerprint
from lava_sparse_rnn.train.sections import (
    ModelConfig,
    OptimConfig,
    PruningConfig,
    QuantizeConfig,
)


@pytest.mark.parametrize(
    ("section", "field", "names"),
    [
        (ModelConfig, "activation", activations.ACTIVATIONS),
        (ModelConfig, "gate", gates.GATES),
        (ModelConfig, "discretisation", DISCRETISATIONS),
        (PruningConfig, "schedule", sparsify.SCHEDULES),
        (PruningConfig, "distribution", sparsify.DISTRIBUTIONS),
        (PruningConfig, "score", sparsify.SCORES),
        (PruningConfig, "pattern", sparsify.PATTERNS),
        (PruningConfig, "activity_penalty", sparsify.PENALTIES),
        (OptimConfig, "groups", parameters.POLICIES),
        (QuantizeConfig, "recipe", RECIPES),
    ],
)
def test_settings_know_every_name_of_their_registry(section, field, names):
    listed = get_args(section.model_fields[field].annotation)
    assert sorted(listed) == sorted(names)


def test_the_model_takes_every_setting_of_its_section(tiny):
    model = stages.build_model(
        tiny(model={"gate": "full", "top_k": 0.5, "conj_sym": False}), 5, 5
    )
    assert model.options.top_k == nn.TopK(0.5)
    assert len(model.blocks[0].log_step) == 8


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_by_name_is_that_of_the_room(name):
    config = TrainConfig(quantize={"recipe": name})
    assert stages.build_recipe(config) == recipe(name)
    again = TrainConfig.model_validate_json(config.model_dump_json())
    assert again == config


def test_widths_that_are_given_win():
    config = TrainConfig(quantize={"recipe": "w8a8", "wire_bits": 12})
    assert config.quantize.wire_bits == 12
    assert config.quantize.gate_bits == 8
    segments = TrainConfig(quantize={"sigmoid_segments": 5})
    assert stages.build_recipe(segments).sigmoid == sigmoid_table(5)


def test_yaml_is_read_like_json(tmp_path):
    values = {"name": "it", "optim": {"lr": 1e-3}, "model": {"gate": "none"}}
    (tmp_path / "a.json").write_text(json.dumps(values))
    text = "name: it\noptim:\n  lr: 1e-3  # a comment\nmodel: {gate: none}\n"
    (tmp_path / "a.yaml").write_text(text)
    found = [read_config(tmp_path / n, ["steps=7"]) for n in ("a.json", "a.yaml")]
    assert found[0] == found[1]
    assert found[0].steps == 7
    (tmp_path / "b.yml").write_text("- 1\n- 2\n")
    with pytest.raises(ValueError, match=r"b.yml holds a YAML list, must be an obj"):
        read_config(tmp_path / "b.yml", [])
    (tmp_path / "c.yml").write_text("a: [")
    with pytest.raises(ValueError, match=r"c.yml is not a YAML file"):
        read_config(tmp_path / "c.yml", [])


def test_new_settings_at_their_defaults_leave_fingerprints_alone(tiny):
    """A fine-tune of before they existed goes on; another recipe starts anew."""
    model = torch.nn.Linear(1, 1)
    network = spec.random_network(np.random.default_rng(0), n_blocks=1)
    base, same, other = (
        fingerprint(tiny(quantize=q), model, network)
        for q in ({}, {"recipe": "w8a16", "silence": 0}, {"silence": 5})
    )
    assert base == same != other
    settings = tiny().quantize.model_dump(mode="json", exclude={"steps"})
    for name in ("recipe", "percentile", "silence", "sigmoid_segments", "by_layer"):
        settings.pop(name)
    assert list(settings) == [
        "lr_factor", "calibration_batches", "rounding", "overflow", "weight_bits",
        "wire_bits", "state_bits", "a_bits", "gate_bits", "bias_bits",
    ]  # fmt: skip


def test_calibration_can_hear_silence(tiny):
    config = tiny(quantize={"silence": 30})
    source = SOURCES["synthetic"](config.data, 0)
    front = FrontEnd(feature_mean=1.5, feature_scale=0.5)
    task = Denoise(config.data, source, front)
    found, lengths = pipeline.calibration_features(config, task)
    assert len(found) == 2 + 2
    assert lengths == [None] * 4
    silent = features(front, torch.zeros(30, 1, front.bins)).transpose(0, 1)
    assert torch.equal(found[2], silent)


@pytest.mark.slow
def test_a_run_with_everything_changed_and_a_resume(tiny):
    changes = {
        "model": {"gate": "none", "discretisation": "bilinear"},
        "pruning": {
            "score": "movement", "pattern": "fan_in", "distribution": "uniform",
            "schedule": "one_shot", "activity": 0.1, "straight_through": True,
        },
        "optim": {"groups": "b_decay"},
        "quantize": {"recipe": "w8a8", "silence": 40, "percentile": 99.9},
    }  # fmt: skip
    straight = open_float(tiny(name="straight", **changes))
    straight.fit()
    first = open_float(tiny(name="broken", **changes))
    first.fit(until=5)
    again = open_float(tiny(name="broken", **changes))
    assert again.step == 5
    again.fit()
    states = [stage.model.state_dict() for stage in (straight, again)]
    assert states[0].keys() == states[1].keys()
    assert any(name.endswith("_movement") for name in states[0])
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name
    assert straight.columns()["sparsity"] == pytest.approx(0.5, abs=0.01)
    network, _ = run(tiny(name="straight", **changes))
    assert network.layers[0].out.bits == 8
    assert network.layers[1].W.nnz == 0


@pytest.mark.slow
def test_a_correction_on_the_way_and_a_resume_before_it(tiny):
    pruning = {"sparsity": 0.5, "schedule": "one_shot", "end": 0.5}
    plain = open_float(tiny(name="plain", pruning=pruning))
    plain.fit()
    changes = {"pruning": {**pruning, "correction": 2}}
    straight = open_float(tiny(name="straight", **changes))
    straight.fit()
    first = open_float(tiny(name="broken", **changes))
    first.fit(until=3)
    again = open_float(tiny(name="broken", **changes))
    again.fit()
    for name, value in straight.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    assert straight.columns()["sparsity"] == pytest.approx(0.5, abs=0.01)
    # What stays was set anew: the next steps begin elsewhere.
    assert not torch.equal(straight.model.decoder, plain.model.decoder)


def test_a_correction_needs_one_shot():
    for given, message in (
        ({"correction": 4}, "correction is 4, which needs schedule=one_shot"),
        ({"schedule": "one_shot", "correction": 1, "score": "movement"}, "score=sal"),
        ({"schedule": "one_shot", "correction": 1, "pattern": "fan_in"}, "pattern=uns"),
    ):
        with pytest.raises(ValidationError, match=message):
            TrainConfig(pruning=given)


@pytest.mark.slow
def test_relufication_from_a_checkpoint(tiny):
    gelu = open_float(tiny(name="gelu", steps=3, model={"activation": "gelu"}))
    gelu.fit()
    notes: list[str] = []
    with pytest.raises(ValueError, match="activation='gelu'"):
        run(tiny(name="gelu", steps=3, model={"activation": "gelu"}), notes.append)
    early = [note for note in notes if note.startswith("no integers: ")]
    assert len(early) == 1
    assert "activation='gelu'" in early[0]
    assert str(gelu.checkpoint_path) in early[0]
    assert notes.index(early[0]) < len(notes) - 1  # before the float training's figures
    relu = tiny(name="relu", start=gelu.checkpoint_path)
    begun = open_float(relu)
    assert begun.task.front == gelu.task.front
    for name, value in gelu.model.state_dict().items():
        assert torch.equal(begun.model.state_dict()[name], value), name
    network, _ = run(relu)
    assert network.d_in == gelu.model.d_in
    wide = tiny(name="wide", start=gelu.checkpoint_path, model={"d_model": 12})
    with pytest.raises(ValueError, match="is of another model"):
        open_float(wide)
    with pytest.raises(ValueError, match=r"start: .*none.* does not exist"):
        open_float(tiny(name="lost", start=gelu.checkpoint_path.with_name("none")))


@pytest.mark.slow
def test_a_start_with_other_bands_does_about_the_same(tiny):
    before = open_float(tiny(name="bins", pruning={"start": 0, "end": 0}))
    before.fit()
    bands = {"data": {"front_end": {"linear_bins": 65, "erb_bands": 64}}}
    after = open_float(tiny(name="bands", start=before.checkpoint_path, **bands))
    assert (after.task.d_in, after.task.d_out) == (129, 129)
    assert after.task.front.feature_mean == before.task.front.feature_mean
    heard, answered = after.task.translation(before.task.state())
    old, new = before.model, after.model
    assert not old.encoder_mask.all()
    assert new.encoder_mask[:, 65:].all()
    assert torch.equal(new.encoder_mask[:, :65], old.encoder_mask[:, :65])
    assert torch.equal(new.decoder_mask[:65], old.decoder_mask[:65])
    assert torch.allclose(new.encoder, old.masked("encoder") @ heard.float())
    assert torch.allclose(new.decoder, answered.float() @ old.masked("decoder"))
    assert torch.allclose(new.decoder_bias, answered.float() @ old.decoder_bias)
    assert new.encoder.dtype == torch.float32
    network, _ = run(tiny(name="bands", start=before.checkpoint_path, **bands))
    assert (network.d_in, network.meta["erb_bands"]) == (129, 64)


@pytest.mark.slow
def test_a_start_without_contrasts_begins_with_the_same_function(tiny):
    before = open_float(tiny(name="alone", pruning={"start": 0, "end": 0}))
    before.fit()
    contrasts = {"data": {"front_end": {"floor_rise": 5}}, "pruning": {"sparsity": 0}}
    after = open_float(tiny(name="more", start=before.checkpoint_path, **contrasts))
    size = before.task.d_in
    assert (after.task.d_in, after.task.d_out) == (3 * size, size)
    old, new = before.model, after.model
    assert not old.encoder_mask.all()
    assert torch.equal(new.encoder_mask[:, :size], old.encoder_mask)
    assert new.encoder_mask[:, size:].all()
    assert torch.equal(new.decoder_mask, old.decoder_mask)
    batch = (torch.randn(2, 128 * 20),)
    with torch.no_grad():
        answers = [s.model.eval()(s.task.features(batch)) for s in (before, after)]
    assert torch.allclose(*answers, rtol=1e-5, atol=1e-5)  # sums of other lengths
    back = {"data": {"front_end": {"floor_rise": 0}}, "pruning": {"sparsity": 0}}
    saved = tiny(name="more", start=before.checkpoint_path, **contrasts)
    network, _ = run(saved)
    assert (network.d_in, network.d_out) == (3 * size, size)
    again = open_float(tiny(name="less", start=saved.directory / "more.net", **back))
    assert (again.task.d_in, again.task.front.floor_rise) == (size, None)


@pytest.mark.slow
def test_a_start_with_another_hop_keeps_its_time(tiny):
    fast = open_float(tiny(name="fast"))
    fast.fit()
    slow = tiny(
        name="slow",
        start=fast.checkpoint_path,
        data={"front_end": {"hop_length": 256}, "seconds": 0.512},
    )
    opened = open_float(slow)
    hops = (fast.task.front.hop_length, opened.task.front.hop_length)
    assert hops == (128, 256)
    assert opened.task.front.feature_mean == fast.task.front.feature_mean
    # Two short steps decay as far as a long one.
    for short, long in zip(fast.model.blocks, opened.model.blocks, strict=True):
        a, b = (torch.complex(*block.transition()[:2]) for block in (short, long))
        torch.testing.assert_close(a * a, b)
    network, _ = run(slow)
    assert network.meta["hop_length"] == 256
    same = tiny(name="same", start=opened.checkpoint_path, steps=14)
    assert open_float(same).task.front == opened.task.front


def test_a_hop_that_does_not_reconstruct_is_refused():
    for place in ("front_end", "data.front_end"):  # where it was, and where it is
        with pytest.raises(ValueError, match="data.front_end: .*hop_length 500: must"):
            read_config(None, [f"{place}.hop_length=500"])
