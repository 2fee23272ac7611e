# SPDX-License-Identifier: BSD-3-Clause
"""Errors of arrays name the very array that does not fit."""

import numpy as np
import pytest

from lava_sparse_rnn.tasks.arrays import Arrays, ArraysConfig
from lava_sparse_rnn.train import fit

X = np.zeros((4, 3, 2))
LABELS = np.array([0, 1, 0, 1])
WHOLE = {
    f"{name}{part}": array
    for part in ("", "_validation", "_test")
    for name, array in (("x", X), ("y", LABELS))
}


def changed(array, value, *place):
    array = array.copy()
    array[place] = value
    return array


NAMED = [
    ({"x_test": changed(X, np.nan, 3, 2, 0)}, r"x_test\[3, 2, 0\] is nan; all have"),
    ({"x_test": X[0]}, r"x_test has shape \(3, 2\); expected \(N, T, d_in\)"),
    ({"x_test": X[..., :1]}, "columns of x: 2 in training and 1 in the test; they"),
    ({"x_validation": X[..., :1]}, "2 in training and 1 in validation; they must"),
    ({"y_test": changed(LABELS, -1, 2)}, "y_test holds the label -1; labels count"),
    ({"y_test": changed(LABELS, 1 << 40, 2)}, "y_test holds the label 1099511627776;"),
    (
        {"y_validation": LABELS[:3]},
        r"y_validation is int64 of shape \(3,\); .*; x_validation has 4 sequences, "
        "y_validation has 3$",
    ),
    ({"y_test": LABELS.astype(str)}, "y_test is of type <U21; expected real numbers"),
    ({"lengths_test": [3, 3, 4, 1]}, "lengths_test go from 1 to 4; they must lie in 1"),
    ({"lengths_test": [3.0] * 4}, "lengths_test are float64 of shape"),
]


@pytest.mark.parametrize(("arrays", "message"), NAMED)
def test_an_array_of_another_part(arrays, message, tmp_path):
    np.savez(tmp_path / "a.npz", **(WHOLE | arrays))
    with pytest.raises(ValueError, match=message):
        Arrays.open(ArraysConfig(path=tmp_path / "a.npz", head="last"), 0)


def test_targets_of_another_part(tmp_path):
    real = {name: a.astype(float) for name, a in WHOLE.items()}
    real["y_test"][1] = np.inf
    np.savez(tmp_path / "a.npz", **real)
    with pytest.raises(ValueError, match="y_test holds targets that are not finite"):
        Arrays.open(ArraysConfig(path=tmp_path / "a.npz", head="last"), 0)


def test_arrays_that_are_given():
    def made(x, y):
        Arrays(X, LABELS, validation=(x, y), head="last")

    with pytest.raises(ValueError, match=r"x_validation\[0, 1, 1\] is nan"):
        made(changed(X, np.nan, 0, 1, 1), LABELS)
    with pytest.raises(ValueError, match="y_validation holds the label -3"):
        made(X, LABELS - 3)


@pytest.mark.parametrize("head", ["last", "sequence"])
def test_whole_numbers_of_several_columns_may_be_targets(head):
    y = np.zeros((4, 3, 5) if head == "sequence" else (4, 5), int)
    with pytest.raises(ValueError, match=r'; loss="mse" \(data.loss=mse\) takes integ'):
        Arrays(X, y, head=head)
    assert Arrays(X, y, head=head, loss="mse").d_out == 5


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [None, [3, 1, 3, 3]])
def test_a_step_of_one_token_is_refused(lengths):
    """By this library, in its words."""
    x = X[:, :1] if lengths is None else X
    task = Arrays(
        x, LABELS, lengths, (x, LABELS), head="last", batch=1, normalise=False
    )
    message = "data.batch is 1, and there are sequences of 1 token; the batch norms"
    sizes = {"d_model": 4, "d_state": 4, "n_layers": 1, "hippo_blocks": 1}
    with pytest.raises(ValueError, match=message):
        fit(task, sizes, steps=4, note=lambda text: None)
