# SPDX-License-Identifier: BSD-3-Clause
"""A resumed run reuses nothing that its settings or its float stage made stale."""

import json
import re

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from lava_sparse_rnn import spec
from lava_sparse_rnn.nn.sparsify import sparsity
from lava_sparse_rnn.train import checkpoint, open_float, run
from lava_sparse_rnn.train.distributed import Group
from lava_sparse_rnn.train.resume import fingerprint

pytestmark = pytest.mark.slow


def resumed(config):
    """A run's network, and the kinds of its notes."""
    notes: list[str] = []
    network, _ = run(config, notes.append)
    return network, [n.split(":")[0] for n in notes]


def without_fingerprint(path):
    """Make a checkpoint look like one of an older version."""
    with safe_open(str(path), framework="pt") as file:
        state = json.loads(file.metadata()["state"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    assert len(state.pop("fingerprint")) == 64
    save_file(tensors, str(path), metadata={"state": json.dumps(state)})


def test_a_longer_float_stage_makes_the_fine_tune_start_anew(tiny):
    run(tiny(steps=4, quantize={"steps": 3}), lambda text: None)
    longer = tiny(steps=20, quantize={"steps": 3})
    network, kinds = resumed(longer)
    assert "stale" in kinds
    assert "post-training quantisation" in kinds
    start = spec.load(longer.directory / "tiny-ptq.net")
    assert [x.out for x in network.layers] == [x.out for x in start.layers]
    again, kinds = resumed(longer)
    assert "stale" not in kinds
    assert again == network
    (longer.directory / "integer.safetensors").unlink()
    assert resumed(longer)[0] == network


def test_another_recipe_makes_the_fine_tune_start_anew(tiny):
    first, _ = resumed(tiny())
    second, kinds = resumed(tiny(quantize={"weight_bits": 6}))
    assert "stale" in kinds
    assert first.layers[0].weights.bits == 8
    assert second.layers[0].weights.bits == 6
    _, kinds = resumed(tiny(quantize={"weight_bits": 6, "lr_factor": 0.5}))
    assert "stale" in kinds


def test_another_end_of_the_float_stage_makes_the_fine_tune_start_anew(tiny):
    first, kinds = resumed(tiny())
    more = tiny(data={"oversubtraction": 1.01})  # too little to change any format
    second, kinds = resumed(more)
    assert "stale" in kinds
    assert "what is taken away is multiplied by 1.01" in kinds
    assert first != second
    again, kinds = resumed(more)
    assert "stale" not in kinds
    assert again == second
    assert resumed(tiny())[0] == first


def test_a_longer_fine_tune_goes_on(tiny):
    run(tiny(), lambda text: None)
    _, kinds = resumed(tiny(quantize={"steps": 6}))
    assert not {"stale", "post-training quantisation"} & set(kinds)


def test_no_fine_tune_means_none_of_an_earlier_run(tiny):
    config = tiny()
    tuned, _ = resumed(config)
    network, _ = resumed(tiny(quantize={"steps": 0}))
    assert network == spec.load(config.directory / "tiny-ptq.net") != tuned
    assert resumed(config)[0] == tuned


def test_a_checkpoint_without_fingerprint_is_stale(tiny):
    config = tiny()
    network, _ = resumed(config)
    without_fingerprint(config.directory / "integer.safetensors")
    again, kinds = resumed(config)
    assert "stale" in kinds
    assert again == network
    assert "stale" not in resumed(config)[1]


def test_fingerprints_tell_weights_and_formats_apart(tiny):
    config = tiny()
    network, _ = resumed(config)
    model = open_float(config).model
    mark = fingerprint(config, model, network)
    assert fingerprint(tiny(quantize={"steps": 99}), model, network) == mark
    other, _ = resumed(tiny(name="other", quantize={"wire_bits": 12}))
    assert fingerprint(config, model, other) != mark
    with torch.no_grad():
        model.decoder_bias[0] += 1
    assert fingerprint(config, model, network) != mark


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pruning": {"sparsity": 0.9}}, "pruning.sparsity from 0.5 to 0.9"),
        ({"model": {"d_model": 12}}, "model.d_model from 8 to 12"),
        ({"seed": 3, "optim": {"lr": 0.5}}, "seed from 0 to 3, optim.lr from 0.004 to"),
        ({"data": {"pool": 4}}, "data.pool from 3 to 4"),
    ],
)
def test_settings_of_the_weights_must_stay(tiny, changes, message):
    config = tiny()
    open_float(config).fit(until=4)
    path = config.directory / "config.json"
    text = path.read_text()
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        open_float(tiny(**changes))
    assert str(config.directory) in str(error.value)
    assert path.read_text() == text
    path.unlink()  # the checkpoint knows as well
    with pytest.raises(ValueError, match=re.escape(message)):
        open_float(tiny(**changes))


def test_other_settings_may_change(tiny, tmp_path):
    config = tiny()
    open_float(config).fit(until=4)
    free = {"steps": 20, "threads": 1, "log_every": 2, "validate_every": 4}
    free |= {
        "checkpoint_minutes": 9.0,
        "quantize": {
            "steps": 1,
            "weight_bits": 4,
            "by_layer": {"layer1": {"wire_bits": 12}},
        },
    }
    free |= {"data": {"workers": 2, "root": tmp_path}}
    free |= {"pruning": {"start": 0.1, "end": 0.8, "every": 3}}
    assert open_float(tiny(**free)).step == 4
    saved = json.loads((config.directory / "config.json").read_text())
    assert (saved["steps"], saved["pruning"]["every"]) == (20, 3)


def test_a_moved_run_goes_on(tiny, tmp_path):
    config = tiny()
    open_float(config).fit(until=4)
    config.directory.rename(tmp_path / "moved")
    assert open_float(tiny(name="moved")).step == 4


def test_settings_that_a_version_added_have_their_defaults(tiny):
    config = tiny()
    open_float(config).fit(until=4)
    path = config.directory / "config.json"
    saved = json.loads(path.read_text())
    del saved["optim"]["grad_clip"], saved["data"]["magnitude_loss"]
    path.write_text(json.dumps(saved))
    with pytest.raises(ValueError, match="optim.grad_clip from 5.0 to 1.0"):
        open_float(tiny(optim={"grad_clip": 1.0}))
    assert open_float(config).step == 4


def test_a_run_from_before_there_were_tasks_goes_on_bit_for_bit(tiny):
    """Its settings of sound stood beside the section data, and no task was named."""
    older = {"front_end": {"hop_length": 256}, "compressed_loss": 2.0}
    whole = tiny(name="whole", **older)
    expected, _ = resumed(whole)
    parts = tiny(name="parts", **older)
    open_float(parts).fit(until=7)
    path = parts.directory / "config.json"
    saved = json.loads(path.read_text())
    assert saved.pop("task") == "denoise"
    for name in ("front_end", "magnitude_loss", "compressed_loss"):
        saved[name] = saved["data"].pop(name)
    path.write_text(json.dumps(saved))
    checkpoint = path.with_name("float.safetensors")
    with safe_open(str(checkpoint), framework="pt") as file:
        state = json.loads(file.metadata()["state"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    state["config"] = saved
    assert state["front_end"]["hop_length"] == 256  # where it always was
    save_file(tensors, str(checkpoint), metadata={"state": json.dumps(state)})
    found, _ = resumed(parts)
    assert found == expected
    with pytest.raises(ValueError, match="data.compressed_loss from 2.0 to 3.0"):
        open_float(tiny(name="parts", **{**older, "compressed_loss": 3.0}))


def test_all_may_change_before_the_first_checkpoint(tiny):
    open_float(tiny())
    assert open_float(tiny(model={"d_model": 12})).model.decoder.shape[1] == 12


def test_a_damaged_configuration_is_named(tiny):
    config = tiny()
    open_float(config).fit(until=4)
    (config.directory / "config.json").write_text("[")
    with pytest.raises(ValueError, match=r"config\.json is not a JSON file"):
        open_float(config)


def test_one_process_agrees_with_itself():
    assert Group().agree(True)
    assert not Group().agree(False)


def test_a_checkpoint_on_a_full_disk_is_a_sentence(monkeypatch, tmp_path):
    def full(tensors, path, metadata):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    path = tmp_path / "float.safetensors"
    with pytest.raises(OSError, match=r"float.safetensors: cannot be written .*space"):
        checkpoint.save(path, torch.nn.Linear(1, 1), None, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("schedule", ["cubic", "one_shot"])
def test_pruning_that_changed_settings_put_behind_comes_with_the_next_step(
    tiny, schedule
):
    before = {"sparsity": 0.9, "schedule": schedule, "start": 0, "end": 0.8, "every": 2}
    config = tiny(steps=20, pruning=before)
    open_float(config).fit(until=12)
    sooner = tiny(steps=20, pruning=before | {"end": 0.3})
    stage = open_float(sooner)
    assert sparsity(stage.model)["total"] < 0.89
    stage.fit(until=13)
    assert sparsity(stage.model)["total"] == pytest.approx(0.9, abs=0.01)
    masks = [getattr(owner, f"{n}_mask") for _, owner, n in stage.model.prunable()]
    kept = [mask.clone() for mask in masks]
    stage.fit()
    assert all(map(torch.equal, masks, kept))
    again = open_float(sooner)
    assert sparsity(again.model) == sparsity(stage.model)


def test_too_few_steps_for_the_sparsity_are_refused(tiny):
    pruning = {"sparsity": 0.9, "start": 0, "end": 0.8, "every": 2}
    open_float(tiny(steps=20, pruning=pruning)).fit(until=12)
    with pytest.raises(ValueError, match=r"steps is 12, and step 12 .* zeros of 90.0%"):
        open_float(tiny(steps=12, pruning=pruning))
    stage = open_float(tiny(steps=20, pruning=pruning))  # nothing is lost
    stage.fit()
    assert sparsity(stage.model)["total"] == pytest.approx(0.9, abs=0.01)
    open_float(tiny(steps=18, pruning=pruning))  # its masks were final


def test_a_pattern_that_does_not_fit_is_refused_before_the_training(tiny):
    pruning = {"pattern": "n_of_m", "block": 7, "schedule": "one_shot", "end": 0.9}
    config = tiny(pruning=pruning)
    with pytest.raises(ValueError, match="cannot be cut into blocks of 7, which has"):
        open_float(config)
    assert not config.directory.exists()
