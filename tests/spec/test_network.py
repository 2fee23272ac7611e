# SPDX-License-Identifier: BSD-3-Clause
"""What a description refuses, and what a file keeps."""

import copy
import dataclasses
import pickle
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import PLAN, QFormat
from lava_sparse_rnn.spec import Bias, Diagonal, SpecError, Weights, Wire

NETWORK = spec.random_network(np.random.default_rng(5), n_blocks=1)
ENCODER, BLOCK, DECODER = NETWORK.layers


def replaced(layer, **changes):
    layers = [
        dataclasses.replace(part, **changes) if part is layer else part
        for part in NETWORK.layers
    ]
    return spec.Network(tuple(layers), NETWORK.recipe)


def test_sizes_and_latency():
    assert (NETWORK.d_in, NETWORK.d_out, NETWORK.latency) == (5, 4, 5)
    three = spec.random_network(np.random.default_rng(0), n_blocks=3)
    assert three.latency == 11


def test_wires_convert_to_and_from_real_values():
    x = np.random.default_rng(0).uniform(-1, 1, (7, NETWORK.d_in))
    q = NETWORK.to_wire(x)
    assert np.abs(ENCODER.inp.format.dequantize(q) - x).max() < 2.0**-3
    y = NETWORK.from_wire(np.ones((1, NETWORK.d_out), int))
    assert np.array_equal(y[0], 2.0**-DECODER.out.frac)


def full_row(bits=8):
    """An encoder whose accumulator in row 3 is as large as 5 weights make it."""
    dense = np.zeros(ENCODER.weights.shape, int)
    dense[3] = 1 << (bits - 2)
    return Weights(dense, ENCODER.weights.frac, bits)


def test_the_proof_names_layer_row_value_and_limit():
    limit = spec.ACCUMULATOR_LIMIT
    weights = full_row()
    reach = 5 * 64 * 32768
    mant = np.zeros(8, int)
    mant[3] = (limit - reach) >> 8
    bias = Bias(mant, np.full(8, 8))
    k0 = dataclasses.replace(ENCODER.weights, frac=ENCODER.out.frac - ENCODER.inp.ref)
    weights = dataclasses.replace(weights, frac=k0.frac)
    message = (
        r"layer 0 \(affine\), accumulator of weights, row 3: "
        r"can reach 1,073,741,824, the limit is 1,073,741,823"
    )
    with pytest.raises(SpecError, match=message):
        replaced(ENCODER, weights=weights, bias=bias)
    mant[3] -= 1
    replaced(ENCODER, weights=weights, bias=Bias(mant, np.full(8, 8)))


def test_a_left_shift_is_part_of_the_proof():
    frac = ENCODER.out.frac - ENCODER.inp.ref - 20
    weights = dataclasses.replace(ENCODER.weights, frac=frac)
    with pytest.raises(SpecError, match=r"out before saturation, row \d"):
        replaced(ENCODER, weights=weights, bias=Bias.zeros(8))


def test_the_state_s_sum_is_part_of_the_proof():
    # Two products of 2**30 * 32767 / 32768 each, in a state of 31 bits.
    state = QFormat(31, BLOCK.state.frac)
    full = np.full(BLOCK.d_state, 32767)
    with pytest.raises(SpecError, match=r"x_re before saturation, row 0"):
        replaced(BLOCK, state=state, a_re=full, a_im=full)


def test_a_shift_beyond_31_is_refused():
    frac = BLOCK.W.frac + 40
    with pytest.raises(SpecError, match=r"k_g, row 0: .* the limit is 31"):
        replaced(BLOCK, W=dataclasses.replace(BLOCK.W, frac=frac))


def test_re_and_im_share_their_rows_frac():
    other = dataclasses.replace(BLOCK.B_im, frac=BLOCK.B_im.frac + 1)
    with pytest.raises(SpecError, match="B_re and B_im: the same row"):
        replaced(BLOCK, B_im=other)


@pytest.mark.parametrize("frac", [-1, 32, 63])
def test_the_frac_of_a_is_a_shift(frac):
    with pytest.raises(SpecError, match=f"a_format: frac is {frac}, must be 0 to 31"):
        replaced(BLOCK, a_format=QFormat(16, frac))


def test_wires_of_neighbours_must_be_the_same():
    wire = dataclasses.replace(DECODER.inp, frac=DECODER.inp.frac - 1)
    with pytest.raises(SpecError, match=r"layer 2 \(affine\): its inp"):
        replaced(DECODER, inp=wire)


def test_sizes_are_checked():
    with pytest.raises(SpecError, match=r"bias_z: size \(7,\), must be \(8,\)"):
        replaced(BLOCK, bias_z=Bias.zeros(7))


def test_a_network_needs_a_layer():
    with pytest.raises(SpecError, match="no layers"):
        spec.Network(())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Wire(16, [5, 16], 5), "neuron 1 is 11 above ref 5"),
        (lambda: Wire(16, [], 5), "empty"),
        (lambda: Weights(np.array([[128]]), [0]), "value 128 does not fit 8 bits"),
        (lambda: Weights(np.array([[1]]), [0], 9), "bits is 9, must be a whole"),
        (lambda: Weights(np.array([[1]]), [0, 0]), r"needs \(1,\)"),
        (lambda: Weights(np.array([[0.5]]), [0]), "whole numbers"),
        (lambda: Diagonal([200], [0]), "value 200 does not fit"),
        (lambda: Bias([1 << 23], [0]), "8388608 does not fit 24 bits"),
        (lambda: Bias([1], [31]), "exp 31 is not in 0..30"),
        (lambda: Bias.quantize([0.0, 2.0**31], 0), "of neuron 1 does not fit"),
        (lambda: spec.Recipe(rounding="up"), "must be one of: floor, nearest"),
        (lambda: spec.Recipe(state_nonlinearity="x"), "real_gate, split, none"),
    ],
)
def test_impossible_tensors_are_refused(make, message):
    with pytest.raises(SpecError, match=message):
        make()


reals = st.floats(-100, 100, width=32)


@given(hnp.arrays(np.float64, (3, 4), elements=reals), st.sampled_from([4, 8]))
def test_the_largest_frac_is_the_largest_that_fits(real, bits):
    inp = Wire(16, [5, 7, 4, 15], 5)
    frac = Weights.largest_frac(real, inp, bits)
    columns = real * 2.0 ** (5 - inp.frac)
    high = 2 ** (bits - 1) - 1
    for row, f in zip(columns, frac, strict=True):
        if not row.any():
            assert f == 0
            continue
        assert np.abs(np.rint(row * 2.0**f)).max() <= high
        assert np.abs(np.rint(row * 2.0 ** (f + 1))).max() > high
    q = Weights.quantize(real, inp, frac, bits).matrix.toarray()
    assert np.array_equal(q, np.rint(columns * 2.0 ** frac[:, None]))


@given(st.floats(-(2.0**29), 2.0**29), st.integers(-3, 0), st.sampled_from([8, 24]))
def test_a_bias_is_the_nearest_with_its_exponent(real, frac, bits):
    bias = Bias.quantize([real], [frac], bits)
    error = abs(bias.value[0] - real * 2.0**frac)
    assert error <= 2.0 ** (bias.exp[0] - 1)
    if bias.exp[0]:
        assert abs(real * 2.0**frac) >= 2.0 ** (bias.exp[0] - 2 + bits - 1)


def test_tensors_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        BLOCK.a_re[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        BLOCK.W.matrix.data[0] = 1
    empty = np.argwhere(BLOCK.W.matrix.toarray() == 0)[0]
    with pytest.raises(ValueError, match="read-only"):
        BLOCK.W.matrix[tuple(empty)] = 1
    copied = BLOCK.W.matrix.copy()
    copied.data[0] += 1
    assert (copied - BLOCK.W.matrix).nnz == 1


@pytest.mark.slow
@given(st.integers(0, 2**32), st.integers(0, 2), st.booleans())
def test_a_file_keeps_every_integer(tmp_path_factory, seed, n_blocks, packed):
    recipe = spec.Recipe("nearest", "wrap", "split", PLAN, weight_bits=4)
    network = spec.random_network(
        np.random.default_rng(seed), n_blocks=n_blocks, recipe=recipe
    )
    network.meta["front end"] = {"n_fft": 512, "mean": 0.1}
    path = tmp_path_factory.mktemp("net") / "a.net"
    network.save(path, packed=packed)
    loaded = spec.load(path)
    assert loaded == network
    assert [p.name for p in path.parent.iterdir()] == ["a.net"]


def test_equality_sees_one_changed_integer():
    values = BLOCK.a_re.copy()
    values[2] -= 1
    assert replaced(BLOCK, a_re=values) != NETWORK


def test_the_file_has_the_groups_of_netx(tmp_path):
    NETWORK.save(tmp_path / "a.net")
    with h5py.File(tmp_path / "a.net") as file:
        kinds = [bytes(file[f"layer/{i}/type"][0]) for i in range(3)]
        assert kinds == [b"affine", b"s5", b"affine"]
        assert file["layer/1/B_re/matrix/data"].dtype == np.int8


@pytest.fixture
def saved(tmp_path):
    NETWORK.save(tmp_path / "a.net")
    return tmp_path / "a.net"


def edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def drop(name):
    def change(file):
        group, _, attribute = name.partition("@")
        if attribute:
            del file[group].attrs[attribute]
        else:
            del file[group]

    return change


def put(name, value):
    def change(file):
        group, _, attribute = name.partition("@")
        if attribute:
            file[group].attrs[attribute] = value
        else:
            file[group][...] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("/@format_version"), "'format_version' is missing"),
        (put("/@format_version", 99), "format_version is 99, this library reads 1"),
        (put("/@format", "other"), "format is not 'lava_sparse_rnn'"),
        (drop("layer/1/W"), "layer/1: field 'W' is missing"),
        (drop("layer/1/W/matrix/indices"), "'indices' is missing"),
        (drop("recipe@rounding"), "'rounding' is missing"),
        (put("recipe@rounding", "up"), "must be one of: floor, nearest"),
        (put("layer/1/type", b"conv"), "type is 'conv', must be one of"),
        (put("layer/1/W/matrix/indices", 200), "do not describe a sparse matrix"),
        (put("layer/1/bias_z/exp", 31), "bias_z: Bias: exp 31 is not in 0..30"),
        (put("/@meta", "{"), "meta is no JSON"),
    ],
)
def test_a_damaged_file_is_refused(saved, change, message):
    edit(saved, change)
    with pytest.raises(SpecError, match=message) as caught:
        spec.load(saved)
    assert str(saved) in str(caught.value)


def test_a_missing_and_a_truncated_file(saved, tmp_path):
    with pytest.raises(SpecError, match="no such file"):
        spec.load(tmp_path / "absent.net")
    data = saved.read_bytes()
    n = len(data)
    for size in (0, 10, n // 2, n - 50):
        saved.write_bytes(data[:size])
        cut = rf" \(cut off: {size} bytes are there, of {n}\)" if size > 10 else ""
        with pytest.raises(SpecError, match=f"not a readable network description{cut}"):
            spec.load(saved)


def test_a_save_that_fails_leaves_the_old_file(saved, tmp_path):
    before = saved.read_bytes()
    broken = spec.Network(NETWORK.layers, NETWORK.recipe, {"x": object()})
    with pytest.raises(SpecError, match="meta is not for JSON"):
        broken.save(saved)
    assert saved.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.net"]
    shutil.copy(saved, tmp_path / "b.net")
    assert spec.load(tmp_path / "b.net") == NETWORK


def empty_type(file):
    del file["layer/1/type"]
    file["layer/1/type"] = np.zeros(0, "S16")


def dataset_for_group(file):
    del file["layer/1/W"]
    file["layer/1/W"] = 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (empty_type, "layer/1: type is no word"),
        (dataset_for_group, "layer/1: W: is a dataset, must be a group"),
        (put("/@format_version", np.inf), "format_version is inf, must be a whole"),
        (put("/@meta", "[1]"), "meta is list"),
    ],
)
def test_a_part_of_another_type_is_refused(saved, change, message):
    edit(saved, change)
    with pytest.raises(SpecError, match=message):
        spec.load(saved)


def test_a_save_into_no_folder_names_the_file(tmp_path):
    path = tmp_path / "no" / "a.net"
    with pytest.raises(FileNotFoundError, match="a.net: cannot be") as caught:
        NETWORK.save(path)
    assert caught.value.filename == str(path)


def arrays_of(value, path="network"):
    """Every array of a description, with the way to it."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif sparse.issparse(value):
        for name in ("data", "indices", "indptr"):
            yield f"{path}.{name}", getattr(value, name)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from arrays_of(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from arrays_of(part, f"{path}[{i}]")


@pytest.mark.parametrize("how", ["made", "packed", "plain", "pickled", "copied"])
def test_no_array_can_be_written_to_after_the_proof(how, tmp_path):
    network = NETWORK
    if how in ("packed", "plain"):
        NETWORK.save(tmp_path / "a.net", packed=how == "packed")
        network = spec.load(tmp_path / "a.net")
    elif how != "made":
        copies = {"pickled": lambda n: pickle.loads(pickle.dumps(n))}
        network = copies.get(how, copy.deepcopy)(NETWORK)
    assert network == NETWORK
    found = dict(arrays_of(network))
    assert "network.layers[1].B_re.matrix.indices" in found
    assert [path for path, array in found.items() if array.flags.writeable] == []
    with pytest.raises(ValueError, match="read-only"):
        network.layers[0].weights.matrix.data[0] = 5


def test_the_name_of_a_recipe_is_no_recipe():
    with pytest.raises(SpecError, match="recipe is 'w4a16', must be a spec.Recipe"):
        spec.Network(NETWORK.layers, "w4a16")


@pytest.mark.parametrize("wrong", ["a.net", Path("a.net")])
def test_a_path_is_no_network(wrong):
    tokens = np.zeros((1, NETWORK.d_in), dtype=int)
    with pytest.raises(SpecError, match=r"got the path 'a.net'; spec.load\('a.net'\)"):
        spec.reference.run(wrong, tokens)
    with pytest.raises(SpecError, match="reference: arguments are swapped"):
        spec.reference.run(tokens, NETWORK)
