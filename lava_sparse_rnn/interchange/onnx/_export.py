# SPDX-License-Identifier: BSD-3-Clause
"""From a network to a model of ONNX."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # type: ignore[import-not-found]
from onnx import helper  # type: ignore[import-not-found]

import lava_sparse_rnn
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.fixed_point import SpecError, choose
from lava_sparse_rnn.interchange.onnx import _network
from lava_sparse_rnn.interchange.onnx._network import Traced
from lava_sparse_rnn.interchange.onnx._tokens import GRAPHS, Tokens
from lava_sparse_rnn.interchange.onnx._values import Builder, Value
from lava_sparse_rnn.spec import Network, check_network

NUMBERS = {"integer": None, "float32": np.float32, "float64": np.float64}
"""What a graph computes in, by name; integers have no type of real numbers."""

WORDS = {"integer": "integers"}

# Every operator is there since version 17; ONNX Runtime 1.12 reads both.
OPSET, IR_VERSION = 17, 8
PREFIX = "lava_sparse_rnn."  # of the keys of metadata


def export(network: Any, graph: str = "token", numbers: str | None = None) -> Any:
    """A network, or a float model, as a model of ONNX.

    Parameters
    ----------
    network : Network or nn.SparseRNN
    graph : {"token", "sequence"}
        One token: ``u`` of shape (batch, d_in) and every state, to ``y`` and every
        next state. A sequence: ``u`` of shape (batch, time, d_in), and the same
        states, of before the first token and after the last.
    numbers : {"integer", "float32", "float64"}, optional
        What it computes in. Of a network by default the integers of
        `spec.reference`, bit for bit; its real numbers are those that the integers
        stand for, without rounding and saturation. Of a model, which has no
        integers, float32.

    Returns
    -------
    onnx.ModelProto
        See docs/onnx.md for the names of inputs, outputs and metadata.

    Raises
    ------
    SpecError
        For what is neither, a graph or numbers that there are not, and an equation
        for which ONNX has no operator.
    """
    tokens = choose("graph", graph, GRAPHS)()
    is_model = hasattr(network, "blocks") and hasattr(network, "forward")
    if not is_model:
        check_network(network, "onnx.export", graph)
    if numbers is None:
        numbers = "float32" if is_model else "integer"
    dtype = choose("numbers", numbers, NUMBERS)
    builder = Builder()
    if is_model:
        if dtype is None:
            raise SpecError(
                "onnx.export: numbers is 'integer', but a float model has none; "
                "export the network that nn.quantize or export_hdf5 gives"
            )
        from lava_sparse_rnn.interchange.onnx import _model  # needs torch

        traced = _model.trace(network, dtype, builder, tokens)
        head, about = network.head, {"options": dataclasses.asdict(network.options)}
    else:
        traced = _network.trace(network, dtype, builder, tokens)
        head, about = network.meta.get("head", "sequence"), _about_network(network)
    made = _model_of(traced, builder, tokens, head)
    about |= {"graph": graph, "numbers": numbers, "head": head}
    for key, value in about.items():
        made.metadata_props.add(key=PREFIX + key, value=json.dumps(value))
    onnx.checker.check_model(made, full_check=True)
    return made


def write(model: Any, path: str | Path) -> str:
    """Write what `export` made, whole or not at all.

    Returns
    -------
    str
        A line: what was written, its size, and how it is run.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    about = metadata(model)
    names = [f"{i.name!r}: ..." for i in model.graph.input]
    feed = ", ".join([*names[:2], "..."] if len(names) > 2 else names)
    return (
        f"{path}: {model.ByteSize():,} bytes, the graph of a {about['graph']} in "
        f"{WORDS.get(about['numbers'], about['numbers'])}; run it: "
        f"onnxruntime.InferenceSession({str(path)!r}).run(None, {{{feed}}})"
    )


def metadata(model: Any) -> dict[str, Any]:
    """What `export` wrote beside the graph, by key, see docs/onnx.md."""
    held = {p.key: p.value for p in model.metadata_props}
    return {
        key.removeprefix(PREFIX): json.loads(value)
        for key, value in held.items()
        if key.startswith(PREFIX)
    }


def _last(builder: Builder, values: Value) -> Value:
    at = builder.constant(-1, np.int64)
    return builder.add("Gather", values, at, n=values.n, axis=1)


def _mean(builder: Builder, values: Value) -> Value:
    return builder.add("ReduceMean", values, axes=[1], keepdims=0)


HEADS: dict[str, Callable[[Builder, Value], Value]] = {"last": _last, "mean": _mean}
"""Heads that give one answer for a sequence, see `nn.heads`."""


def _model_of(traced: Traced, builder: Builder, tokens: Tokens, head: str) -> Any:
    """Names, shapes and what else belongs to a model."""
    inputs = [traced.u, *traced.states.values()]
    answers, of_a_state = [("y", traced.y, tokens.axes)], ("batch",)
    if head in HEADS and "time" in tokens.axes:
        answers.append(("answer", HEADS[head](builder, traced.real), of_a_state))
    answers += [(f"{n}_next", v, of_a_state) for n, v in traced.following.items()]
    outputs = [builder.add("Identity", value) for _, value, _ in answers]
    for value, (name, _, _) in zip(outputs, answers, strict=True):
        value.name = name
    axes = [tokens.axes, *(of_a_state for _ in traced.states)]
    axes += [front for _, _, front in answers]
    graph = builder.graph("lava_sparse_rnn", inputs, outputs, axes)
    return helper.make_model(
        graph,
        producer_name="lava_sparse_rnn",
        producer_version=lava_sparse_rnn.__version__,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )


def _about_network(network: Network) -> dict[str, Any]:
    """What the graph does not say: formats, policies, and where tokens come from."""
    recipe = network.recipe
    formats = {"u": network.layers[0].inp, "y": network.layers[-1].out}
    states = {
        f"layer{i}_{name}": getattr(layer, "state")  # noqa: B009
        for i, (layer, graph) in enumerate(
            zip(network.layers, network.graphs, strict=True)
        )
        for node in graph.nodes
        for name in node.states
        if hasattr(layer, "state")
    }
    return {
        "formats": {
            name: {"bits": f.bits, "frac": np.asarray(f.frac).tolist()}
            for name, f in (formats | states).items()
        },
        "rounding": recipe.rounding,
        "overflow": recipe.overflow,
        "state_nonlinearity": recipe.state_nonlinearity,
        "meta": dict(network.meta),
    }
