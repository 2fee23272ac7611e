# SPDX-License-Identifier: BSD-3-Clause
"""Tables as HTML, and what notebooks show of objects."""

import html.parser

import numpy as np

from lava_sparse_rnn import loihi2, markup, spec


class Cells(html.parser.HTMLParser):
    """Rows of the tables of a page, and whether its tags are closed in order."""

    VOID = ("br", "meta", "img")

    def __init__(self, page):
        super().__init__()
        self.open, self.rows, self.text = [], [], ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in self.VOID:
            self.open.append(tag)
        elif tag == "br" and {"td", "th"} & {*self.open}:
            self.rows[-1][-1] += "\n"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if {"td", "th"} & {*self.open}:
            self.rows[-1][-1] += data


def test_a_table_is_html_of_the_same_cells():
    table = markup.Table(
        "a <b> & c", ("x", "over-\nflows", "tw\no"), [("<i>", "1", "2\n3")], last=1
    )
    found = Cells(table.html())
    assert found.rows == [["x", "overflows", "tw\no"], ["<i>", "1", "2\n3"]]
    assert "a <b> & c" in found.text


def test_numbers_stand_to_the_right_in_every_form():
    table = markup.Table(
        "a", ("x", "over-\nflows", "a|b"), [("1", "-", "2\n3"), ("2", "4", "5")]
    )
    assert table.markdown() == (
        "| x | overflows | a\\|b |\n"
        "| --- | ---: | ---: |\n"
        "| 1 | - | 2<br>3 |\n"
        "| 2 | 4 | 5 |\n"
    )
    told = markup.Table("a", table.columns, table.rows, text=("a|b",))
    for one, right in ((table, [False, True, True]), (told, [False, True, False])):
        rule = one.markdown().splitlines()[1].split("|")[1:-1]
        assert [cell.strip().endswith(":") for cell in rule] == right
        head = one.html().split("</thead>")[0]
        assert ["right" in th for th in head.split("<th ")[1:]] == right


def test_networks_mappings_and_estimates_show_their_tables_in_notebooks():
    network = spec.random_network(np.random.default_rng(0))
    x = np.ones((3, network.d_in), int)
    mapping = loihi2.map_network(network)
    estimate = loihi2.estimate(network, x, mapping)
    expected = (
        (
            network,
            (spec.tables.layer_table(network), spec.tables.matrix_table(network)),
        ),
        (mapping, (loihi2.tables.mapping_table(mapping),)),
        (
            estimate,
            (
                *loihi2.tables.estimate_tables(estimate),
                loihi2.tables.counts_table(estimate.counts),
            ),
        ),
    )
    for thing, tables in expected:
        found = Cells(thing._repr_html_())
        rows = [row for t in tables for row in (t.columns, *t.rows)]
        assert found.rows == [[c.replace("-\n", "") for c in row] for row in rows]
        assert repr(thing) in found.text


def test_what_has_no_more_to_show_is_its_repr():
    assert spec.Bias.zeros(3)._repr_html_() is None
    assert markup.as_html(1) is None


def test_a_sweep_is_a_table_of_whole_rows():
    network = spec.random_network(np.random.default_rng(0))
    x = np.ones((2, network.d_in), int)
    table = loihi2.tables.sweep_table(loihi2.sweep(network, x))
    assert table.rows
    assert {len(row) for row in table.rows} == {len(table.columns)}
