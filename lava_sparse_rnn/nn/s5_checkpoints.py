# SPDX-License-Identifier: BSD-3-Clause
"""Parameters that the published code of S5 trained, in a model of ours.

Two layouts are read: that of the JAX code of Smith et al. (arXiv 2208.04933), Flax
variables of a ``BatchClassificationModel`` or a part of one, and the ``state_dict`` of
modules that consist of ``s5-pytorch``'s ``S5``. docs/checkpoints.md has the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import SpecError, brief
from lava_sparse_rnn.nn.gates import GATES
from lava_sparse_rnn.nn.network import SparseRNN

BACKWARDS = "it reads the sequence backwards too, which no stream can"
FLAX_EPSILON = 1e-5  # of flax.linen.BatchNorm and torch.nn.BatchNorm1d
# Parts of names that say nothing: Flax's collections, a wrapper's attribute.
_COLLECTIONS = re.compile(r"^(params|batch_stats)\.")
GATE_NAMES = (("gate", "out2"), ("gate_value", "out1"))
_IGNORED = re.compile(r"(^|\.)num_batches_tracked$")


def load_s5(
    arrays: Mapping[str, Any], *, strict: bool = True, **options: Any
) -> SparseRNN:
    """A model with the parameters of an S5 checkpoint.

    Parameters
    ----------
    arrays : mapping of str to array or mapping
        Nested or flat, names joined by ``.`` or ``/``: Flax variables (``{"params":
        ..., "batch_stats": ...}``), a ``state_dict``, an open ``.npz`` file.
    strict : bool
        Whether arrays that belong to nothing are refused, or left out.
    **options
        Of `SparseRNN`, where they are not to be those of the published code: without
        ReLU (``activation="gelu"``, ``state_nonlinearity="none"``), eigenvalues as they
        are (``clip_eigs=False``), norms with an epsilon of 1e-5. The gate is the one
        whose matrices there are; ``gate="half2"`` has the same as 'half1'. States
        come in conjugate pairs in the JAX layout unless ``conj_sym=False``, and do
        not in that of s5-pytorch.

    Returns
    -------
    SparseRNN
        In evaluation. What the checkpoint lacks does nothing: an encoder or decoder
        is the identity, a norm too.

    Raises
    ------
    SpecError
        Names the array that is missing, has another shape, or belongs to nothing.
    """
    found = _Arrays(_flat(arrays))
    prefixes = found.state_spaces()
    if not prefixes:
        raise SpecError(
            "load_s5: no state space is among the arrays: of each there must be "
            "Lambda, or Lambda_re and Lambda_im"
        )
    systems = [_system(found, prefix) for prefix in prefixes]
    d_model = systems[0].D.size
    layers = [_layer(found, prefix, d_model) for prefix in prefixes]
    defaults = {
        "activation": "gelu",
        "state_nonlinearity": "none",
        "clip_eigs": False,
        "norm_eps": FLAX_EPSILON,
        "gate": _gate_of(layers),
        "conj_sym": systems[0].conj_sym,
    }
    options = {**defaults, **options}
    encoder = _affine(found, "encoder", d_model)
    decoder = _affine(found, "decoder", d_model)
    if strict and (left := found.left()):
        raise SpecError(
            f"load_s5: {', '.join(left)}: belongs to nothing that a model here has "
            "(strict=False leaves it out)"
        )
    pair = 2 if options["conj_sym"] else 1
    model = SparseRNN(
        encoder["weight"].shape[1],
        d_model,
        pair * systems[0].B.shape[0],
        len(systems),
        decoder["weight"].shape[0],
        **options,
    )
    for name, values in (("encoder", encoder), ("decoder", decoder)):
        _set(model, name, values["weight"])
        _set(model, f"{name}_bias", values["bias"])
    for block, system, layer in zip(model.blocks, systems, layers, strict=True):
        _fill(block, system, layer)
    return model.eval()


@dataclass
class _Arrays:
    """Arrays by flat names, and which of them are used."""

    values: dict[str, NDArray]
    used: set[str] = field(default_factory=set)

    def state_spaces(self) -> list[str]:
        """Names of the modules that hold one, in the order of their numbers."""
        ends = (re.fullmatch(r"(.*?)\.?Lambda(_re)?", name) for name in self.values)
        return sorted({m[1] for m in ends if m}, key=_natural)

    def get(self, *names: str) -> NDArray | None:
        """The first of these that there is."""
        for name in names:
            if (name := name.lstrip(".")) in self.values:
                self.used.add(name)
                return self.values[name]
        return None

    def need(self, prefix: str, name: str) -> NDArray:
        """One that must be there."""
        value = self.get(f"{prefix}.{name}")
        if value is None:
            raise SpecError(f"load_s5: {_joined(prefix, name)} is missing")
        return value

    def left(self) -> list[str]:
        """Names of what nobody asked for."""
        return [n for n in self.values if n not in self.used and not _IGNORED.search(n)]


@dataclass(frozen=True)
class _System:
    """A state space in continuous time."""

    Lambda: NDArray[np.complexfloating]
    B: NDArray[np.complexfloating]
    C: NDArray[np.complexfloating]
    D: NDArray
    log_step: NDArray
    conj_sym: bool


def _system(found: _Arrays, prefix: str) -> _System:
    """One, whose complex numbers are complex or pairs on a last axis."""
    whole = found.get(f"{prefix}.Lambda")
    if whole is None:
        re, im = (found.need(prefix, f"Lambda_{part}") for part in ("re", "im"))
        poles = re + 1j * im
    else:
        poles = _complex(whole, 1)
    if found.get(f"{prefix}.C1") is not None:
        raise SpecError(f"load_s5: {_joined(prefix, 'C1')}: {BACKWARDS}")
    B, C = (_complex(found.need(prefix, name), 2) for name in "BC")
    D, step = (found.need(prefix, name) for name in ("D", "log_step"))
    n, d = len(poles), D.size
    if C.shape == (d, 2 * n):
        raise SpecError(
            f"load_s5: {_joined(prefix, 'C')} has shape {C.shape}: {BACKWARDS}"
        )
    shapes = {"B": (B, (n, d)), "C": (C, (d, n)), "log_step": (step.ravel(), (n,))}
    for name, (value, shape) in shapes.items():
        if value.shape != shape:
            raise SpecError(
                f"load_s5: {_joined(prefix, name)} has shape {value.shape}, must be "
                f"{shape} for {n} states and {d} features"
            )
    return _System(poles, B, C, D.ravel(), step.ravel(), conj_sym=whole is None)


def _layer(found: _Arrays, prefix: str, d: int) -> dict[str, NDArray]:
    """Gate and norm beside a state space, by the names of `S5Block`."""
    beside = prefix.rpartition(".")[0]
    layer: dict[str, NDArray] = {}
    for ours, theirs in GATE_NAMES:
        for name, value in _dense(found, f"{beside}.{theirs}").items():
            layer[ours if name == "weight" else f"{ours}_bias"] = value
    norm = {
        "weight": ("scale", "weight"),
        "bias": ("bias",),
        "running_mean": ("mean", "running_mean"),
        "running_var": ("var", "running_var"),
    }
    for ours, theirs in norm.items():
        value = found.get(*(f"{beside}.norm.{name}" for name in theirs))
        if value is not None:
            layer[f"norm.{ours}"] = value
    has_norm, has_mean = "norm.weight" in layer, "norm.running_mean" in layer
    if has_norm and not has_mean:
        raise SpecError(
            f"load_s5: {_joined(beside, 'norm')} has no mean and variance: a layer "
            "norm, which a block here has not (of a batch norm the batch_stats are "
            "needed too)"
        )
    return layer


def _gate_of(layers: list[dict[str, NDArray]]) -> str:
    """The gate whose matrices all layers have."""
    if all("gate_value" in layer for layer in layers):
        return "full"
    return "half1" if all("gate" in layer for layer in layers) else "none"


def _affine(found: _Arrays, name: str, d_model: int) -> dict[str, NDArray]:
    """Encoder or decoder; the identity where there is none."""
    own = re.compile(rf"(.*\.)?{name}\.(kernel|weight)$")
    for key in sorted(found.values, key=len, reverse=True):
        if own.match(key):
            return _dense(found, key.rpartition(".")[0])
    return {"weight": np.eye(d_model), "bias": np.zeros(d_model)}


def _dense(found: _Arrays, prefix: str) -> dict[str, NDArray]:
    """Weights (d_out, d_in) and bias: Flax' kernels are transposed."""
    kernel, weight = found.get(f"{prefix}.kernel"), found.get(f"{prefix}.weight")
    if kernel is not None:
        weight = kernel.T
    if weight is None:
        return {}
    bias = found.get(f"{prefix}.bias")
    return {"weight": weight, "bias": np.zeros(len(weight)) if bias is None else bias}


def _fill(block: Any, system: _System, layer: Mapping[str, NDArray]) -> None:
    """Give a block its parameters."""
    asked, held = (
        GATES[block.options.gate].matrices,
        {"gate", "gate_value"} & set(layer),
    )
    if set(asked) != held:
        there = ", ".join(theirs for ours, theirs in GATE_NAMES if ours in held)
        raise SpecError(
            f"load_s5: gate is {block.options.gate!r}, but the checkpoint's gate has "
            f"the matrices: {there or 'none'}"
        )
    _set(block, "log_step", system.log_step)
    _set(block, "D", system.D)
    for ours, value in (("lambda", system.Lambda), ("B", system.B), ("C", system.C)):
        _set(block, f"{ours}_re", value.real)
        _set(block, f"{ours}_im", value.imag)
    if "norm.weight" not in layer:  # of a variance that makes its scale one
        _set(block, "norm.running_var", np.full(block.d_model, 1 - block.norm.eps))
    for name, value in layer.items():
        _set(block, name, value)


@torch.no_grad()
def _set(module: Any, name: str, value: NDArray) -> None:
    """Copy an array into a parameter or buffer of the same shape."""
    owner, _, last = name.rpartition(".")
    target = getattr(module.get_submodule(owner), last)
    if tuple(target.shape) != value.shape:
        raise SpecError(
            f"load_s5: {name} has shape {value.shape}, must be {tuple(target.shape)}"
        )
    target.copy_(torch.from_numpy(np.ascontiguousarray(value)))


def _complex(value: NDArray, axes: int) -> NDArray[np.complexfloating]:
    """Complex numbers, which may be pairs on a last axis."""
    if value.ndim == axes + 1 and value.shape[-1] == 2:
        return value[..., 0] + 1j * value[..., 1]
    return value


def _flat(arrays: Mapping[str, Any]) -> dict[str, NDArray]:
    """Arrays of numpy by names joined by dots, without the names of collections."""
    if not isinstance(arrays, Mapping):
        raise SpecError(
            f"load_s5: arrays are {brief(arrays)}, must be a mapping of names to "
            "arrays, such as torch.load or np.load gives"
        )
    return {_COLLECTIONS.sub("", name): value for name, value in _items(arrays, "")}


def _items(arrays: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, NDArray]]:
    for key, value in arrays.items():
        name = _joined(prefix, str(key).replace("/", "."))
        if isinstance(value, Mapping):
            yield from _items(value, name)
        elif isinstance(value, torch.Tensor):
            yield name, value.detach().cpu().numpy()
        else:
            yield name, np.asarray(value)


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Key of an order in which ``layers_10`` comes after ``layers_9``."""
    parts = re.findall(r"\d+|\D+", name)
    return [
        (p.isdecimal(), int(p) if p.isdecimal() else 0, "" if p.isdecimal() else p)
        for p in parts
    ]
