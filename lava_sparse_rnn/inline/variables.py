# SPDX-License-Identifier: BSD-3-Clause
"""Vars of a paused network: what `Var.get` and `Var.set` read and write.

Lava sends each value as a float64 message of its own; the values and shapes here are
those that arrive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.compiler.var_model import AbstractVarModel, LoihiSynapseVarModel
from lava.magma.core.model.py.model import AbstractPyProcessModel
from lava.magma.runtime.mgmt_token_enums import enum_to_np
from lava.utils.sparse import find
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from lava_sparse_rnn.fixed_point import SpecError


def read(model: Any, var_model: AbstractVarModel, idx: Any = None) -> NDArray:
    """The value of a model's variable, as Lava's runtime gives it to `Var.get`.

    Parameters
    ----------
    model : AbstractPyProcessModel
    var_model : AbstractVarModel
        Of the Var.
    idx : index, optional
        Which part of it.

    Returns
    -------
    array of float64, shape of the Var
        Characters as numbers for a str; for a sparse matrix the values that it
        stores, in Lava's order.
    """
    if _has_own(model, "_get_var"):
        model.service_to_process.messages.append(enum_to_np(var_model.var_id))
        model._get_var()
    value = getattr(model, model.var_id_to_var_map[var_model.var_id])
    if isinstance(value, csr_matrix):
        buffer = np.asarray(find(value, explicit_zeros=True)[2], dtype=np.float64)
    else:
        if isinstance(value, str):
            value = np.frombuffer(value.encode("ascii"), np.uint8)
        flat = np.asarray(value, dtype=np.float64).reshape(-1)
        buffer = np.zeros(int(np.prod(var_model.shape)))
        buffer[: flat.size] = flat
        buffer = buffer.reshape(var_model.shape, order=_order(var_model))
    return buffer if idx is None else buffer[idx]


def write(
    model: Any, var_model: AbstractVarModel, value: ArrayLike, idx: Any = None
) -> None:
    """Set a model's variable, as `Var.set` does, and tell the model.

    Parameters
    ----------
    model : AbstractPyProcessModel
    var_model : AbstractVarModel
        Of the Var.
    value : array
        Characters as numbers for a str; for a sparse matrix the values that it
        stores, in Lava's order. Fewer values than an array has are its first ones.
    idx : index, optional
        Which part of ``value`` to take.

    Raises
    ------
    ValueError
        When there are more values than the variable has.
    SpecError
        When a variable of integers cannot hold a value.
    RuntimeError
        When the variable is of a type that Lava cannot set.
    """
    flat = _flat(value, idx, _order(var_model))
    name = model.var_id_to_var_map[var_model.var_id]
    old, where = getattr(model, name), f"{type(model).__name__}.{name}"
    declared = getattr(type(model), name, None)
    _held(where, flat, _integers(old, declared))
    if _has_own(model, "_set_var"):
        _fits(where, flat.size, np.size(old))
        numbers = [var_model.var_id, flat.size, *flat]
        model.service_to_process.messages.extend(map(enum_to_np, numbers))
        model._set_var()
        return
    if isinstance(old, str):
        setattr(model, name, bytes(flat.astype(np.uint8)).decode("ascii"))
    elif isinstance(old, np.ndarray):
        _fits(where, flat.size, old.size)
        # A copy in C order where the array is no such array itself.
        target = old.reshape(-1)
        target[: flat.size] = flat
        if not np.shares_memory(target, old):
            old[...] = target.reshape(old.shape)
    elif isinstance(old, csr_matrix):
        targets, sources, stored = find(old, explicit_zeros=True)
        _fits(where, flat.size, stored.size)
        # A matrix of real numbers may have been made of integers.
        real = old.dtype.kind in "iu" and _integers(old, declared) is None
        data = flat.astype(np.result_type(old, flat) if real else old.dtype)
        setattr(model, name, csr_matrix((data, (targets, sources)), old.shape))
    elif isinstance(old, bool | int | float | np.generic):
        _fits(where, flat.size, 1)
        setattr(model, name, _number(old, flat[0].item()))
    else:
        raise RuntimeError(f"{where}: a {type(old).__name__} cannot be set")
    model.on_var_update()


def check(executable: Any, var_id: int, value: ArrayLike, idx: Any = None) -> None:
    """Refuse what `write` would, for a model in another process.

    What it is there is not known here, only what it was declared to be.

    Parameters
    ----------
    executable : Executable
    var_id : int
    value : array
    idx : index, optional
        Which part of ``value`` is set.

    Raises
    ------
    SpecError
        When a variable of integers cannot hold a value.
    """
    for builder in executable.proc_builders.values():
        for name, initializer in getattr(builder, "vars", {}).items():
            if initializer.var_id == var_id:
                model = builder.proc_model
                declared = _declared(getattr(model, name, None))
                _held(f"{model.__name__}.{name}", _flat(value, idx), declared)


def _flat(value: ArrayLike, idx: Any, order: Any = "C") -> NDArray:
    """The values that are set, in one row."""
    values = np.asarray(value)
    return (values if idx is None else values[idx]).reshape(-1, order=order)


def _integers(old: Any, declared: Any) -> np.dtype | None:
    """The integers that a variable holds; None where it holds other numbers, too."""
    if isinstance(old, np.ndarray):  # values are written into it
        return old.dtype if old.dtype.kind in "iu" else None
    if isinstance(old, bool | float) or _declared(declared) is None:
        return None  # a real number may have been given as a whole one
    # Lava makes no number of the declared type of an int.
    dtype = np.dtype(np.int64) if isinstance(old, int) else old.dtype
    return dtype if dtype.kind in "iu" else None


def _declared(declared: Any) -> np.dtype | None:
    """The same, of what a model's class says of a variable (a LavaPyType)."""
    cls, dtype = getattr(declared, "cls", None), getattr(declared, "d_type", None)
    if not isinstance(cls, type) or not isinstance(dtype, type):
        return None
    dtype = np.dtype(np.int64 if issubclass(cls, int) else dtype)
    return dtype if dtype.kind in "iu" else None


def _held(where: str, flat: NDArray, dtype: np.dtype | None) -> None:
    """Refuse values that integers of a type cannot hold: they would become others."""
    if dtype is None:
        return
    numbers = flat if flat.dtype.kind in "biu" else flat.astype(np.float64)
    least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    if numbers.dtype.kind == "f":  # which may not have the largest, but the next one
        held = (np.floor(numbers) == numbers) & (numbers < float(most + 1))
    else:
        held = numbers <= most
    if (bad := np.flatnonzero(~(held & (numbers >= least)))).size:
        text = f"must be a whole number from {least} to {most}"
        raise SpecError(f"{where}: value {flat[bad[0]]} at {bad[0]}, {text}")


def _has_own(model: Any, handler: str) -> bool:
    """Whether a model's class does more than Lava's when a Var is read or set."""
    return getattr(type(model), handler) is not getattr(AbstractPyProcessModel, handler)


def _number(old: Any, value: Any) -> Any:
    """``value`` in the type of the number that it replaces, if it has no fraction."""
    whole = float(value).is_integer()
    if isinstance(old, np.generic) and (whole or not isinstance(old, np.integer)):
        return old.dtype.type(value)
    return int(value) if whole and isinstance(old, int) else float(value)


def _fits(where: str, found: int, expected: int) -> None:
    if found > expected:
        raise ValueError(f"{where}: {found} values, it has {expected}")


def _order(var_model: AbstractVarModel) -> Any:
    return "F" if isinstance(var_model, LoihiSynapseVarModel) else "C"
