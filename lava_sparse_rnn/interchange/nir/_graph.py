# SPDX-License-Identifier: BSD-3-Clause
"""A network as a graph of NIR, and back to the same integers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import nir  # type: ignore[import-not-found]
import numpy as np

from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.fixed_point import SigmoidLines, SpecError, choose
from lava_sparse_rnn.interchange.nir._formats import Reader, formats
from lava_sparse_rnn.interchange.nir._layers import READERS, WRITERS
from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.spec import Layer, Network, Recipe, check_network
from lava_sparse_rnn.spec.hdf5_files import readable, said_of

KEY = "lava_sparse_rnn"  # of the graph's metadata
NO_GRAPH = "no graph of NIR"
LINES = ("slope", "shift", "offset")


def export(network: Network) -> Any:
    """A network as a graph of NIR.

    Its nodes hold the real values that the integers stand for, and its metadata the
    formats, so that `load` gives the same network again.

    Parameters
    ----------
    network : Network

    Returns
    -------
    nir.NIRGraph
        Nodes are called ``layer<i>_<name>``, see docs/nir.md.

    Raises
    ------
    SpecError
        When it is no network, or has a layer of an unknown type.
    """
    check_network(network, "nir.export")
    inp = formats(network.layers[0], "inp")
    nodes: dict[str, Any] = {"input": nir.Input(_shape(network.d_in), metadata=inp)}
    edges, before = [], "input"
    for i, layer in enumerate(network.layers):
        writer = choose("nir.export: layer type", layer.type, WRITERS)
        made, between = writer(layer, network.recipe)
        names = {"inp": before} | {name: f"layer{i}_{name}" for name in made}
        nodes |= {names[name]: node for name, node in made.items()}
        edges += [(names[a], names[b]) for a, b in between]
        before = names[list(made)[-1]]
    nodes["output"] = nir.Output(_shape(network.d_out))
    return nir.NIRGraph(
        nodes, [*edges, (before, "output")], metadata={KEY: _about(network)}
    )


def _shape(n: int) -> Any:
    return np.array([n])


def _about(network: Network) -> dict[str, Any]:
    """What belongs to no node."""
    recipe, lines = network.recipe, network.recipe.sigmoid
    held = {f.name: getattr(recipe, f.name) for f in fields(recipe)}
    held["sigmoid"] = {name: getattr(lines, name) for name in LINES}
    held["by_layer"] = json.dumps(recipe.by_layer)
    layers = [layer.type for layer in network.layers]
    texts = {"layers": json.dumps(layers), "meta": json.dumps(dict(network.meta))}
    return {**texts, "recipe": held}


def write(network: Network | Any, path: str | Path) -> str:
    """Write a network, or a graph of `export`, whole or not at all.

    Returns
    -------
    str
        A line: what was written, its size, and how it is read.
    """
    graph = export(network) if isinstance(network, Network) else network
    with replacing(path) as temporary:
        with uninterrupted():
            nir.write(temporary, graph)
        size = temporary.stat().st_size
    return (
        f"{path}: {size:,} bytes, a graph of {len(graph.nodes)} nodes; read it: "
        f"lava_sparse_rnn.interchange.nir.load({str(path)!r}), or nir.read after that "
        "import"
    )


def load(source: str | Path | Any) -> Network:
    """The network of a graph that `export` made.

    Parameters
    ----------
    source : path or nir.NIRGraph

    Raises
    ------
    SpecError
        When there is no network of ours in it, or values were changed.
    """
    graph = source if isinstance(source, nir.NIRGraph) else read(source)
    about = graph.metadata.get(KEY) if isinstance(graph.metadata, Mapping) else None
    if about is None:
        raise SpecError(
            "nir.load: the graph holds no network of this library; nir.Network makes "
            "a Lava Process of NIR's own nodes"
        )
    layers: list[Layer] = []
    inp = Reader("input", graph.nodes["input"].metadata).wire("inp")
    for i, kind in enumerate(json.loads(about["layers"])):
        at = f"layer{i}_"
        nodes = {
            name.removeprefix(at): node
            for name, node in graph.nodes.items()
            if name.startswith(at)
        }
        metadata = {k: v for node in nodes.values() for k, v in node.metadata.items()}
        reader = choose("nir.load: layer type", kind, READERS)
        try:
            layers.append(reader(nodes, inp, Reader(f"layer {i} ({kind})", metadata)))
        except KeyError as error:
            raise SpecError(f"nir.load: node {at}{error.args[0]} is missing") from None
        inp = layers[-1].out
    return Network(tuple(layers), _recipe(about["recipe"]), json.loads(about["meta"]))


def _recipe(held: Mapping[str, Any]) -> Recipe:
    lines = SigmoidLines(**{name: held["sigmoid"][name] for name in LINES})
    plain: dict[str, Any] = {
        f.name: held[f.name] if isinstance(held[f.name], str) else int(held[f.name])
        for f in fields(Recipe)
        if f.name not in ("sigmoid", "by_layer")
    }
    by_layer = json.loads(held.get("by_layer", "{}"))
    return Recipe(**plain, sigmoid=lines, by_layer=by_layer)


def read(path: str | Path) -> Any:
    """``nir.read``, whose faults are one sentence."""
    source = readable(path, NO_GRAPH)
    with uninterrupted():
        try:
            return nir.read(source)  # type: ignore[arg-type]  # h5py takes bytes, too
        except KeyError as error:  # HDF5 of another kind; h5py's words are of its own
            net = Path(path).suffix == ".net"
            hint = "; a .net is a network already" if net else ""
            text = f"{path}: {NO_GRAPH}, it lacks the groups of one{hint}"
            raise SpecError(text) from error
        except (OSError, AssertionError, ValueError, TypeError) as error:
            reason = said_of(error) or type(error).__name__
            raise SpecError(f"{path}: {NO_GRAPH} ({reason})") from error
