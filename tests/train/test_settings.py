# SPDX-License-Identifier: BSD-3-Clause
"""Settings that cannot be: what is said of them, and that nothing is left behind."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from lava_sparse_rnn import spec
from lava_sparse_rnn.tasks.denoise.config import DataConfig
from lava_sparse_rnn.train import fit, run, stages
from lava_sparse_rnn.train.config import TrainConfig, read_config
from lava_sparse_rnn.train.pipeline import complete, open_float
from lava_sparse_rnn.train.resume import fingerprint
from lava_sparse_rnn.train.sections import ModelConfig, Section

SMALL = {"n_fft": 64, "hop_length": 16}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("steps=true", "steps is true, must be a whole number"),
        ("data.seconds=true", "data.seconds is true, must be a number"),
        ("patience=false", "patience is false, must be a whole number"),
        ("data.front_end.linear_bins=true", "linear_bins is true, must be a whole"),
        ("data.validation_snrs=[]", "validation_snrs is [], must have at least 1 ent"),
        ("data.level_min=0", "level_min 0.0 exceeds level_max -15.0"),
        ("data.front_end.n_fft=131072", "n_fft 131072: must be even, from 4 to 65536"),
        ("data.front_end.n_fft=2", "n_fft 2: must be even, from 4 to"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_limit(setting, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        read_config(None, ["data.source=synthetic", setting])


def test_flags_stay_flags_and_a_window_may_wait_for_the_hop_of_the_start():
    assert not read_config(None, ["fused=false"]).fused
    settings = ["data.source=synthetic", "data.corpus=true", "data.front_end.n_fft=64"]
    assert read_config(None, settings).data.front_end.hop_length is None


@pytest.mark.parametrize(
    ("front", "data", "words"),
    [
        ({"n_fft": 64}, {}, "data.front_end: hop_length 128: must divide n_fft 64"),
        ({"n_fft": 4096}, {}, "data.seconds is 0.2, must be at least 0.256: a window"),
        (
            {"lookahead": 2, "hop_length": 256},
            {"validation_seconds": 0.06},
            "data.validation_seconds is 0.06, must be at least 0.064: a window",
        ),
    ],
)
def test_a_run_that_cannot_begin_leaves_no_folder(tiny, front, data, words):
    config = tiny(data={"front_end": front, **data})
    with pytest.raises(ValueError, match=words):
        run(config, print)
    assert not config.directory.exists()
    config.directory.mkdir()
    with pytest.raises(ValueError, match=words):
        run(config, print)
    assert config.directory.exists()  # it was there before


@pytest.fixture
def trained(tiny):
    """A checkpoint of a network with 9 linear bins and 8 bands, a step old."""
    bands = {**SMALL, "linear_bins": 9, "erb_bands": 8}
    stage = open_float(tiny(name="old", steps=1, data={"front_end": bands}))
    stage.fit()
    return stage.checkpoint_path


def test_a_model_is_that_of_its_start_unless_something_else_is_given(tiny, trained):
    # Of floats the shapes, not the activation: another one is a training of its own.
    def begun(name, start=trained, model=None, **changes):
        data = {"front_end": {"n_fft": 64}}
        config = tiny(name=name, start=start, data=data, **changes)
        given = ModelConfig(**(model or {}))  # not the sizes of `tiny`
        return open_float(config.model_copy(update={"model": given}))

    model = begun("new", model={"activation": "gelu"}).config.model
    assert (model.d_model, model.d_state, model.n_layers) == (8, 8, 1)
    assert model.activation == "gelu"
    with pytest.raises(ValueError, match=r"another model: model.d_model is 8 there"):
        begun("other", model={"d_model": 9})
    with pytest.raises(ValueError, match=r"start: .*none.* does not exist"):
        begun("lost", start=trained.with_name("none"))

    # A recipe is for the layers that the start has.
    deep = {"by_layer": {"layer2": {"weight_bits": 6}}}
    assert begun("deep", quantize=deep).config.quantize.by_layer
    with pytest.raises(ValueError, match="'layer3' matches no place"):
        begun("deeper", quantize={"by_layer": {"layer3": {}}})

    # A run goes on with its own, though the start is gone.
    stage = begun("on", steps=1)
    stage.fit()
    trained.unlink()
    assert begun("on", steps=1).config == stage.config


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "start: its n_fft is 64, data.front_end.n_fft is 512; they must be equal"),
        (
            {"data": {"front_end": {"n_fft": 64}}, "model": {"d_model": 9}},
            r"old/float.safetensors is of another model: model.d_model is 8 there and "
            "9 here$",
        ),
        (
            {
                "data": {"front_end": {"n_fft": 64}},
                "model": {"n_layers": 2, "d_state": 4, "activation": "gelu"},
            },
            "another model: model.d_state is 8 there and 4 here; model.n_layers is 1 "
            "there and 2 here$",
        ),
    ],
)
def test_a_start_that_does_not_fit_is_told_of(tiny, trained, changes, words):
    config = tiny(name="new", start=trained, **changes)
    with pytest.raises(ValueError, match=words):
        open_float(config)
    assert not config.directory.exists()


def test_what_is_not_given_is_the_start_s(tiny, trained):
    new = tiny(name="new", start=trained, data={"front_end": {"n_fft": 64}})
    front = open_float(new).task.front
    assert (front.n_fft, front.hop_length, front.d_in) == (64, 16, 17)


def test_a_start_of_another_size_says_so(tiny, tmp_path):
    from lava_sparse_rnn.tasks.arrays import Arrays

    def task(width):
        return Arrays([[[0.0] * width] * 4] * 8, [0, 1] * 4, head="mean")

    sizes = {"d_model": 4, "d_state": 4, "n_layers": 1, "hippo_blocks": 2}
    config = TrainConfig(task="arrays", name="a", runs=tmp_path, steps=1, model=sizes)
    before = open_float(config, task(3))
    before.fit()
    path = before.checkpoint_path
    changed = config.model_copy(update={"name": "b", "start": path})
    with pytest.raises(ValueError, match="another model: it has 3 inputs, this task 5"):
        open_float(changed, task(5))


def test_a_folder_is_no_start(tiny, trained):
    with pytest.raises(ValueError, match="start: .*old is a folder, no checkpoint"):
        open_float(tiny(name="new", start=trained.parent))


def test_one_state_is_enough(tiny):
    model = {"d_state": 2, "hippo_blocks": 1}
    network, _ = run(tiny(steps=1, model=model, quantize={"steps": 0}), lambda _: None)
    assert network.layers[1].d_state == 1


def test_a_fingerprint_does_not_depend_on_strides(tiny):
    stage = open_float(tiny(precision="float32"))
    marks = set()
    for copy in (False, True):
        model = stage.model.bfloat16()
        network = _Nothing(model, copy)
        marks.add(fingerprint(stage.config, network, network))
    assert len(marks) == 1


class _Nothing:
    """A network without layers whose weights are pieces of others, or copies."""

    layers = ()

    def __init__(self, model, copy):
        self.tensors = {}
        for name, tensor in model.state_dict().items():
            piece = torch.stack([tensor, tensor], -1)[..., 0]
            self.tensors[name] = piece.clone() if copy else piece

    def state_dict(self):
        return self.tensors


def test_runs_without_a_name_keep_nothing_and_say_so(tmp_path):
    from lava_sparse_rnn.tasks.arrays import Arrays

    task = Arrays([[[0.0]] * 4] * 8, [0, 1] * 4, head="mean")
    with pytest.raises(ValueError, match="runs is '.*', and name is missing"):
        fit(task, runs=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def settings_of(kind, prefix=""):
    for name, field in kind.model_fields.items():
        inside = field.annotation
        if isinstance(inside, type) and issubclass(inside, Section):
            yield from settings_of(inside, f"{prefix}{name}.")
        elif name != "data":
            yield prefix + name


@pytest.mark.parametrize("kind", [TrainConfig, DataConfig])
def test_every_setting_is_in_the_docs(kind):
    """By its whole name, or in a row of the table whose first name has the section."""
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    named = set(re.findall(r"(?<![\w.])(?:[\w]+\.)+\w+", text))
    for row in re.findall(r"^\| (`.*?) \|", text, re.M):
        names = re.findall(r"`([\w.]+)`", row)
        section = names[0].rpartition(".")[0] if names else ""
        named |= {*names, *(f"{section}.{name}" for name in names[1:])}
    prefix = "data." if kind is DataConfig else ""
    assert not set(settings_of(kind, prefix)) - named


@pytest.mark.parametrize("more", [[], ["data.foo=1"]])
def test_a_task_that_is_no_word(more):
    with pytest.raises(ValueError, match="^task is 5, must be a word"):
        read_config(None, ["task=5", *more])


@pytest.mark.parametrize("own", [torch.bfloat16, torch.float32])
def test_products_are_as_short_as_the_device_likes_or_as_asked(tiny, monkeypatch, own):
    monkeypatch.setattr(stages, "short_type", lambda device: own)
    expected = {
        "auto": own,
        "bfloat16": torch.bfloat16,
        "float32": torch.float32,
    }
    for precision, dtype in expected.items():
        stage = open_float(tiny(precision=precision))
        full = None if dtype == torch.float32 else dtype
        assert stage.model.compute_dtype == full
        stage.validate()
        assert {m.compute_dtype for m in stage.model.blocks} == {full}


def test_a_run_goes_on_in_another_precision(tiny):
    open_float(tiny(precision="bfloat16")).fit(5)
    assert open_float(tiny(precision="float32")).step == 5


@pytest.fixture
def denoiser(tiny):
    """A network of integers from a tiny run, and what its integers watched."""
    config = tiny(name="made", steps=30, quantize={"steps": 0})
    result = complete(config, lambda text: None)
    return result.path, result.scores["integers"]


@pytest.mark.slow
def test_a_network_is_a_start(tiny, denoiser):
    """What it does at once is what the integers did, and a step leaves it useful."""
    path, scores = denoiser
    stage = open_float(tiny(name="on", start=path, pruning={"sparsity": 0}))
    assert stage.task.front == open_float(tiny(name="made", steps=30)).task.front
    for name, value in stage.validate().items():
        assert value == pytest.approx(scores[name], abs=0.1)
    masks = [~m for n, m in stage.model.named_buffers() if n.endswith("_mask")]
    assert sum(int(m.sum()) for m in masks) > 100  # zeros stay
    for block in stage.model.blocks:
        assert (block.norm.running_var != 1 - block.norm.eps).all()
    network, _ = run(tiny(name="on", start=path, pruning={"sparsity": 0}))
    before = spec.load(path)
    for layer, old in zip(network.layers, before.layers, strict=True):
        for name, matrix in layer.matrices.items():
            assert matrix.nnz <= old.matrices[name].nnz


@pytest.mark.slow
def test_a_network_whose_tokens_are_others_is_translated(tiny, denoiser):
    data = {
        "front_end": {"hop_length": 256, "linear_bins": 65, "erb_bands": 64},
        "seconds": 0.512,
    }
    stage = open_float(tiny(name="on", start=denoiser[0], data=data))
    assert (stage.task.front.hop_length, stage.model.d_in) == (256, 129)
    assert all(np.isfinite(list(stage.validate().values())))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"d_model": 9}}, "model.d_model is 8 there and 9 here$"),
        (
            {"model": {"activation": "gelu", "discretisation": "bilinear"}},
            "model.activation is relu there and gelu here; model.discretisation is "
            "zoh there and bilinear here$",
        ),
        ({"model": {"conj_sym": False}}, "model.conj_sym is True there and False"),
    ],
)
def test_a_network_of_another_model_is_no_start(tiny, denoiser, changes, words):
    config = tiny(name="new", start=denoiser[0], **changes)
    with pytest.raises(ValueError, match=words):
        open_float(config)
    assert not config.directory.exists()


def test_shipped_networks_are_starts_by_their_names(tiny):
    config = tiny(name="on", start="denoiser_small")
    stage = open_float(config.model_copy(update={"model": ModelConfig()}))
    model = stage.config.model
    assert (model.d_model, model.d_state, model.n_layers) == (152, 128, 4)
    network = spec.load("denoiser_small")
    assert stage.task.meta() == network.meta
    kept = sum(int(m.sum()) for n, m in stage.model.named_buffers() if "_mask" in n)
    assert kept == sum(m.nnz for x in network.layers for m in x.matrices.values())
    with pytest.raises(ValueError, match="start: .*digits.net: network: task is"):
        open_float(tiny(name="other", start="digits"))


def test_other_tasks_start_from_floats_only(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((8, 4, 3)), y=np.arange(8) % 2)
    given = ["task=arrays", f"runs={tmp_path}", f"data.path={tmp_path}/a.npz"]
    config = read_config(None, [*given, "start=digits", "data.head=mean"])
    text = "digits.net: is a network of integers, from which trainings of this task"
    with pytest.raises(ValueError, match=text):
        open_float(config)
