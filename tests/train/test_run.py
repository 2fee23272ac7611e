# SPDX-License-Identifier: BSD-3-Clause
"""A run resumes bit by bit, and ends in a network file that does what it learnt."""

import csv
import json

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from lava_sparse_rnn import spec
from lava_sparse_rnn.nn.sparsify import sparsity
from lava_sparse_rnn.spec import statistics
from lava_sparse_rnn.train import TrainConfig, checkpoint, open_float, run
from lava_sparse_rnn.train.config import read_config
from lava_sparse_rnn.train.loop import TrainingError
from lava_sparse_rnn.train.optim import build_optimizer, rate_factor


@pytest.mark.slow
def test_resume_is_bit_exact(tiny):
    whole = open_float(tiny(name="whole", model={"dropout": 0.1}))
    whole.fit()
    first = open_float(tiny(name="parts", model={"dropout": 0.1}))
    first.fit(until=7)
    torch.manual_seed(99)  # what a new process would have
    second = open_float(tiny(name="parts", model={"dropout": 0.1}))
    assert second.step == 7
    second.fit()
    expected, found = whole.model.state_dict(), second.model.state_dict()
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name
    for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        for name, value in whole.optimizer.state[a].items():
            assert torch.equal(value, second.optimizer.state[b][name]), name


@pytest.mark.slow
def test_what_goes_on_says_so(tiny):
    config = tiny(name="told")
    open_float(config).fit(until=2)
    notes: list[str] = []
    run(config, notes.append)
    assert notes[0] == f"float: goes on from step 2 of {config.steps}"
    assert len([n for n in notes if "goes on" in n]) == 1


@pytest.mark.slow
def test_rows_after_the_checkpoint_are_dropped_on_resume(tiny):
    stage = open_float(tiny())
    stage.fit(until=8)
    path = stage.config.directory / "float.csv"
    with path.open("a") as file:
        file.write("9,1,1,1,1,1,1,1\n")
    open_float(tiny()).fit()
    with path.open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert steps == [4, 8, 12]


@pytest.mark.slow
def test_whole_run_writes_a_network_and_resumes_for_free(tiny):
    config = tiny()
    notes: list[str] = []
    network, path = run(config, notes.append)
    assert [n.split(":")[0] for n in notes] == [
        "float",
        "level",
        "post-training quantisation",
        "fine-tuned",
        "written",
    ]
    assert spec.load(path) == network
    assert network.d_in == network.d_out == 257
    assert network.meta["task"] == "denoise"
    assert spec.load(path.with_name("tiny-ptq.net")).meta == network.meta
    for stem in ("tiny", "tiny-ptq"):
        report = json.loads(path.with_name(f"{stem}-quantisation.json").read_text())
        assert report["metric"].keys() >= {"none", "weights", "wires", "all"}
        assert {row["layer"] for row in report["tensors"]} == {0, 1, 2}
        text = path.with_name(f"{stem}-quantisation.md").read_text()
        assert f"costs `{stem}.net`" in text
        assert f"| weights | {report['ablation']['weights']:.1f} |" in text
    assert json.loads((config.directory / "config.json").read_text())["steps"] == 12
    again, _ = run(config, notes.append)
    assert again == network
    assert not any(n.startswith(("stale", "post-training")) for n in notes[5:])
    float_stage = open_float(config)
    total = sparsity(float_stage.model)["total"]
    assert total == pytest.approx(0.5, abs=0.01)
    assert statistics.sparsity(network) >= total - 1e-9


@pytest.mark.slow
def test_fine_tune_can_be_left_out(tiny):
    network, path = run(tiny(quantize={"steps": 0}), lambda text: None)
    assert spec.load(path.with_name("tiny-ptq.net")) == network


@pytest.mark.slow
def test_training_lowers_the_loss(tiny):
    stage = open_float(tiny(steps=60, pruning={"sparsity": 0}, log_every=60))
    before = stage.validate()
    stage.fit()
    assert stage.figures["si_snri_0dB"] > before["si_snri_0dB"] + 1


def test_interrupted_write_leaves_the_old_checkpoint(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        checkpoint.write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_other_files_are_no_checkpoints(tmp_path):
    save_file({"x": torch.zeros(1)}, str(tmp_path / "x.safetensors"))
    with pytest.raises(ValueError, match="not a training checkpoint"):
        checkpoint.read(tmp_path / "x.safetensors")


def test_hopeless_training_stops(tiny, monkeypatch):
    stage = open_float(tiny(steps=100))
    with torch.no_grad():
        stage.model.decoder_bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match="20 steps in a row.*optim.lr"):
        stage.fit()


def test_errors_of_a_training_are_errors_of_the_user():
    assert issubclass(TrainingError, ValueError)  # one line from the command


@pytest.mark.parametrize("keep", [0, 5, 200, -1])
def test_a_truncated_checkpoint_is_named(tmp_path, keep):
    path = tmp_path / "float.safetensors"
    model = torch.nn.Linear(2, 3)
    checkpoint.save(path, model, None, {"step": 1})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"float\.safetensors is damaged"):
        checkpoint.read(path)


def test_rate_warms_up_and_falls():
    config = TrainConfig().optim
    rates = [rate_factor(s, 1000, config) for s in range(1000)]
    assert rates[0] == pytest.approx(1 / 30)
    assert max(rates) == rates[29] == 1
    assert rates[-1] == pytest.approx(config.final_lr, abs=1e-4)
    assert rates[30:] == sorted(rates[30:], reverse=True)


def test_only_matrices_decay_and_dynamics_learn_slowly(tiny):
    config = tiny()
    stage = open_float(config)
    names = {p: n for n, p in stage.model.named_parameters()}
    groups = build_optimizer(stage.model, config.optim).param_groups
    dynamics, vectors, matrices = ({names[p] for p in g["params"]} for g in groups)
    assert {"blocks.0.lambda_re", "blocks.0.norm.bias"} <= dynamics
    assert {"blocks.0.D", "encoder_bias"} <= vectors
    assert {"encoder", "blocks.0.B_im", "blocks.0.gate"} <= matrices
    assert len(dynamics | vectors | matrices) == len(names)
    assert groups[0]["peak"] == config.optim.ssm_lr
    assert [g["weight_decay"] for g in groups] == [0, 0, config.optim.weight_decay]


def test_settings_of_the_command(tmp_path):
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"steps": 7, "optim": {"lr": 0.5}}))
    config = read_config(file, ["optim.ssm_lr=0.25", "name=other"])
    assert (config.steps, config.optim.lr, config.optim.ssm_lr) == (7, 0.5, 0.25)
    assert config.name == "other"


def test_configuration_errors():
    with pytest.raises(ValidationError, match=r"pruning.start is 0.9"):
        TrainConfig(pruning={"start": 0.9})
    with pytest.raises(ValidationError, match="Extra inputs"):
        TrainConfig(optim={"learning_rate": 1})
    with pytest.raises(ValidationError, match="snr_min 30.0 exceeds"):
        TrainConfig(data={"snr_min": 30})


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(ValueError, match=r"'optim.lr': not of the form"):
        read_config(None, ["optim.lr"])


@pytest.mark.parametrize("text", ["[1, 2]", '"word"', "3", "null"])
def test_a_configuration_file_is_an_object(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"c\.json holds a JSON \w+, must be an obj"):
        read_config(path, [])


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe{}"])
def test_a_configuration_file_is_json(tmp_path, content):
    path = tmp_path / "c.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"c\.json is not a JSON file: "):
        read_config(path, [])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["model=3", "model.d_model=4"], r"'model.d_model=4': model is 3, not a sec"),
        (["steps=3", "steps.a.b=4"], r"'steps.a.b=4': steps is 3, not a section"),
        (
            ["model.d_model=4", "model.d_model.x=1"],
            r"model.d_model is 4, not a section",
        ),
    ],
)
def test_a_setting_lies_in_a_section(settings, message):
    with pytest.raises(ValueError, match=message):
        read_config(None, settings)


@pytest.mark.parametrize(
    ("by_layer", "message"),
    [
        ('{"layer9": {"weight_bits": 4}}', "'layer9' matches no place of this network"),
        ('{"layer1": {"weight_bits": 9}}', "weight_bits is 9, must be a whole"),
        ('{"layer1": {"steps": 4}}', "is 'steps', must be one of: weight_bits"),
        ("4", "by_layer"),
    ],
)
def test_widths_of_layers_that_cannot_be_had(by_layer, message):
    with pytest.raises(ValueError, match=message):
        read_config(None, [f"quantize.by_layer={by_layer}"])


@pytest.mark.slow
def test_widths_by_layer_reach_the_network(tiny):
    by_layer = {"layer1": {"weight_bits": 4, "wire_bits": 12}}
    config = tiny(quantize={"steps": 2, "by_layer": by_layer})
    network, _ = run(config, lambda text: None)
    encoder, block, decoder = network.layers
    assert (encoder.weights.bits, block.W.bits, decoder.weights.bits) == (8, 4, 8)
    assert (block.inp.bits, block.out.bits, network.recipe.by_layer) == (
        16,
        12,
        by_layer,
    )


def test_a_device_that_is_not_there_is_named(tiny, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"device is cuda.*sees no GPU; use cpu"):
        open_float(tiny(device="cuda"))


def test_the_network_may_live_elsewhere_than_the_waveforms(tiny):
    """The meta device has no data: nothing can come back from it, but all goes in."""
    stage = open_float(tiny())
    seen = []

    def inside(x):
        seen.append(x.device.type)
        return x

    stage.model.to("meta").forward_time_major = inside
    with pytest.raises(NotImplementedError, match="meta"):
        stage.forward(torch.zeros(5, 2, 257))
    assert seen == ["meta"]
