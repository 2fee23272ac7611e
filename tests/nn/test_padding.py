# SPDX-License-Identifier: BSD-3-Clause
"""Ranges are of real tokens: what pads sequences does not count."""

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from lava_sparse_rnn import nn
from lava_sparse_rnn.nn._inputs import with_lengths
from lava_sparse_rnn.nn.quantize import calibrate, fold, with_silence
from lava_sparse_rnn.tasks.arrays import Arrays
from lava_sparse_rnn.train.config import TrainConfig
from lava_sparse_rnn.train.pipeline import calibration_features

LENGTHS = torch.tensor([12, 1, 5])


def small():
    sizes = {"d_model": 6, "d_state": 8, "n_layers": 2, "hippo_blocks": 2}
    return nn.SparseRNN(d_in=3, d_out=2, seed=3, **sizes).eval()


@pytest.fixture
def padded():
    """Sequences (batch, time, d_in) with loud padding."""
    torch.manual_seed(0)
    x = torch.randn(3, 12, 3)
    for row, n in zip(x, LENGTHS, strict=True):
        row[n:] = 1000.0
    return x


def one_by_one(x, time=0):
    return [
        row.narrow(time, 0, int(n))[None] for row, n in zip(x, LENGTHS, strict=True)
    ]


def assert_same(found, wanted):
    for have, want in zip(found, wanted, strict=True):
        assert have.keys() == want.keys()
        for name in have:
            np.testing.assert_allclose(have[name], want[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("percentile", [None, 90])
def test_padding_does_not_count_in_ranges(padded, percentile):
    folded, whole = fold(small()), torch.randn(2, 4, 3)
    wanted = calibrate(folded, [*one_by_one(padded), whole], percentile)
    ends = iter([LENGTHS, None])
    assert_same(
        calibrate(folded, iter([padded, whole]), percentile, lengths=ends), wanted
    )
    one = calibrate(folded, padded, percentile, lengths=LENGTHS)
    assert_same(one, calibrate(folded, one_by_one(padded), percentile))
    assert one[0]["out"].max() < 1000


def test_padding_that_is_no_number_does_not_count(padded):
    padded[1, 1:] = torch.nan
    folded = fold(small())
    found = calibrate(folded, padded, lengths=LENGTHS)
    assert_same(found, calibrate(folded, one_by_one(padded)))


def test_a_network_is_written_with_ranges_of_real_tokens(padded, tmp_path):
    model = small()
    network = model.export_hdf5(tmp_path / "a.net", padded, lengths=LENGTHS)
    assert network == model.export_hdf5(tmp_path / "b.net", one_by_one(padded))
    assert network != model.export_hdf5(tmp_path / "c.net", padded)


def test_blocks_measure_real_tokens(padded):
    x = padded.transpose(1, 2)  # (batch, channels, time)
    ranges = []
    for batches, lengths in (([(x, 0)], [LENGTHS]), (one_by_one(x, 1), None)):
        model = torch.nn.Sequential(
            nn.blocks.Affine(3, 8, seed=1), nn.blocks.S5(8, 8, seed=2, hippo_blocks=2)
        )
        nn.blocks.calibrate(model, batches, lengths=lengths)
        ranges.append([part for block in model for part in block.ranges])
        assert all(block.observed_lengths is None for block in model)
    assert_same(*ranges)


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ([LENGTHS], "lengths are of 1 batches, there are more"),
        ([LENGTHS] * 3, "lengths are of more batches than there are, 2"),
        ([LENGTHS, LENGTHS + 1], "lengths go from 2 to 13; they must lie in 1 to 12"),
        ([LENGTHS, LENGTHS[:2]], r"lengths has shape \(2,\); expected \(3,\)"),
        ([LENGTHS, [1, 2, 3]], "lengths is of type list; expected a tensor"),
    ],
)
def test_lengths_that_do_not_fit(padded, lengths, words):
    with pytest.raises(ValueError, match=words):
        calibrate(fold(small()), [padded] * 2, lengths=lengths)
    model = torch.nn.Sequential(nn.blocks.Affine(3, 2))
    with pytest.raises(ValueError, match=words):
        nn.blocks.calibrate(model, [padded.transpose(1, 2)] * 2, lengths=lengths)
    assert not model[0].is_observing


def test_silence_begins_where_a_sequence_ends(padded):
    token = torch.full((3,), -7.0)
    found = list(with_silence([padded, padded], token, 4, [None, LENGTHS]))
    assert torch.equal(found[0], padded)
    assert torch.equal(found[2], token.expand(1, 4, 3))
    for row, real, n in zip(found[3], padded, LENGTHS, strict=True):
        assert torch.equal(row[:n], real[:n])
        assert torch.equal(row[n:], token.expand(16 - n, 3))


def test_a_training_knows_the_lengths_of_its_sequences():
    x = np.random.default_rng(0).normal(size=(8, 12, 3))
    lengths = np.array([3, 12, 5, 7, 2, 9, 4, 6])
    task = Arrays(x, [0, 1] * 4, head="last", lengths=lengths, batch=3)
    config = TrainConfig(task="arrays", quantize={"calibration_batches": 2})
    features, ends = calibration_features(config, task)
    assert len(features) == len(ends) == 2
    for batch, given in zip(features, ends, strict=True):
        assert given.shape == (len(batch),)
        assert set(given.tolist()) <= set(lengths.tolist())


WRAPPED = "what AveragedModel wraps is its .module$"


def test_a_wrapper_around_a_model_is_told_of(padded):
    averaged = AveragedModel(small())
    blocks = AveragedModel(torch.nn.Sequential(nn.blocks.Affine(3, 2)))
    for refused in (
        lambda: fold(averaged),
        lambda: nn.sparsify.prune_corrected(averaged, padded, 0.5),
        lambda: nn.sparsify.sparsity(averaged),
        lambda: nn.blocks.quantize(blocks),
    ):
        with pytest.raises(ValueError, match=WRAPPED):
            refused()
    assert fold(averaged.module).layers


@pytest.mark.parametrize(
    ("x", "lengths", "message"),
    [
        (torch.zeros(3, 12, 3), 5, "lengths are 5; expected a tensor"),
        (torch.zeros(3, 12), LENGTHS, r"batch 0 has shape \(3, 12\), without an axis"),
    ],
)
def test_lengths_that_cannot_be_are_named(x, lengths, message):
    with pytest.raises(ValueError, match=message):
        list(with_lengths([x], lengths, time=2))
