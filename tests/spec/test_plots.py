# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a network show the numbers of the network."""

import numpy as np
import pytest

from lava_sparse_rnn import pictures, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, RealArithmetic
from lava_sparse_rnn.spec import plots, reference, statistics

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def network():
    return spec.random_network(np.random.default_rng(1))


@pytest.fixture(scope="module")
def tokens(network):
    limit = network.layers[0].inp.magnitude
    return np.random.default_rng(2).integers(-limit, limit, (20, network.d_in))


def images(figure):
    return [axis.images[0] for axis in figure.axes if axis.images]


@pytest.mark.slow
@pytest.mark.parametrize("side", [3, 96])
def test_squares_of_a_matrix_hold_its_weights(network, side, monkeypatch):
    monkeypatch.setattr(plots, "SIDE", side)
    shown = images(plots.sparsity(network))
    matrices = [m for layer in network.layers for m in layer.matrices.values()]
    assert len(shown) == len(matrices)
    for image, weights in zip(shown, matrices, strict=True):
        share, dense = image.get_array().data, weights.matrix.toarray() != 0
        size = -(-max(dense.shape) // side)
        for r in range(share.shape[0]):
            for c in range(share.shape[1]):
                part = dense[r * size :, c * size :][:size, :size]
                assert share[r, c] == part.mean()
        assert share.size == np.prod([-(-n // size) for n in dense.shape])


@pytest.mark.slow
def test_more_layers_than_are_shown_say_so():
    deep = spec.random_network(RNG, n_blocks=plots.LAYERS_SHOWN)
    figure = plots.sparsity(deep)
    count = sum(len(la.matrices) for la in deep.layers[: plots.LAYERS_SHOWN])
    assert len(images(figure)) == count
    assert "the first 8" in figure.get_suptitle()


@pytest.mark.slow
def test_bars_are_shares_of_messages_and_the_line_is_synops(network, tokens):
    trace = {}
    reference.run(network, tokens, trace)
    above, below = plots.activity(network, tokens).axes
    heights = sorted(bar.get_height() for bar in above.patches)
    sent = [
        float((trace[f"layer{i}_{name}"] != 0).mean())
        for i, graph in enumerate(network.graphs)
        for name in graph.sender
    ]
    np.testing.assert_allclose(heights, sorted(sent), atol=1e-12)
    names = [text.get_text() for text in above.get_legend().get_texts()]
    assert {*names} == {name for graph in network.graphs for name in graph.sender}
    synops = statistics.useful_synops(network, tokens, trace).sum(axis=0)
    assert (below.lines[0].get_ydata() == synops).all()
    assert f"{synops.mean():,.0f}" in below.get_title(loc="left")


@pytest.mark.slow
def test_a_trace_that_is_given_is_not_run_again(network, tokens, monkeypatch):
    trace = {}
    reference.run(network, tokens, trace)
    monkeypatch.delattr(reference, "run")
    plots.activity(network, tokens, trace)


def test_lines_are_the_errors_and_hollow_points_overflows():
    rows = [
        statistics.TensorError(0, "out", 40.0, 0, 0.0),
        statistics.TensorError(1, "s", np.inf, 0, 0.0),
        statistics.TensorError(1, "out", 30.0, 2, 0.5),
    ]
    figure = plots.errors(rows, "compared")
    out, hollow, s = figure.axes[0].lines
    assert out.get_ydata().tolist() == [40.0, 30.0]
    assert out.get_xdata().tolist() == [0, 1]
    assert hollow.get_ydata().tolist() == [30.0]
    assert np.isnan(s.get_ydata()).all()
    assert figure.axes[0].get_title(loc="left") == "compared"
    with pytest.raises(spec.SpecError, match="at least one"):
        plots.errors([])


def test_rounding_errors_are_those_of_two_runs(network, tokens):
    trace, counters = {}, OverflowCounters()
    reference.run(network, tokens, trace, counters)
    real = reference.Reference(network, RealArithmetic())
    exact = {}
    real.run(tokens, trace=exact)
    rows = statistics.rounding_errors(network, tokens)
    assert {(r.layer, r.tensor) for r in rows} == {
        (int(key[5]), key[7:]) for key in trace
    }
    for row in rows:
        key = f"layer{row.layer}_{row.tensor}"
        error = np.square(trace[key] - exact[key]).sum()
        expected = 10 * np.log10(np.square(exact[key]).sum() / error)
        assert row.snr_db == pytest.approx(expected)
        assert row.overflows == counters[key]
        assert row.overflow_share == counters[key] / trace[key].size


def test_errors_of_several_sequences_are_those_of_all_their_tokens(network, tokens):
    twice = statistics.rounding_errors(network, np.stack([tokens, tokens]))
    for one, two in zip(
        statistics.rounding_errors(network, tokens), twice, strict=True
    ):
        assert two.snr_db == pytest.approx(one.snr_db)
        assert two.overflows == 2 * one.overflows


def test_colours_differ_for_colour_blind_eyes():
    """In lightness or in the one hue that all see; the first three in print, too."""
    from matplotlib.colors import to_rgb

    def grey(color):
        return np.dot(to_rgb(color), (0.2126, 0.7152, 0.0722))

    first = sorted(grey(color) for color in pictures.COLORS[:3])
    assert min(np.diff(first)) > 0.05
    assert len({*pictures.COLORS}) == len(pictures.COLORS) == len(pictures.MARKERS)


@pytest.mark.slow
def test_the_same_figure_is_the_same_svg(network):
    one, two = (pictures.svg(plots.sparsity(network)) for _ in range(2))
    assert one == two
    assert one.startswith("<?xml")


@pytest.mark.slow
def test_a_saved_figure_is_whole_or_not_there(network, tmp_path):
    figure = plots.sparsity(network)
    pictures.save(figure, tmp_path / "a.svg")
    assert "</svg>" in (tmp_path / "a.svg").read_text("utf-8")
    with pytest.raises(ValueError, match="xyz"):
        pictures.save(figure, tmp_path / "a.xyz")
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]
