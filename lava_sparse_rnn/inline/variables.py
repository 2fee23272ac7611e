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
    RuntimeError
        When the variable is of a type that Lava cannot set.
    """
    values = np.asarray(value)
    if idx is not None:
        values = values[idx]
    flat = values.reshape(-1, order=_order(var_model))
    name = model.var_id_to_var_map[var_model.var_id]
    old, where = getattr(model, name), f"{type(model).__name__}.{name}"
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
        data = flat.astype(old.dtype)
        setattr(model, name, csr_matrix((data, (targets, sources)), old.shape))
    elif isinstance(old, bool | int | float | np.generic):
        _fits(where, flat.size, 1)
        setattr(model, name, _number(old, flat[0].item()))
    else:
        raise RuntimeError(f"{where}: a {type(old).__name__} cannot be set")
    model.on_var_update()


def _has_own(model: Any, handler: str) -> bool:
    """Whether a model's class does more than Lava's when a Var is read or set."""
    return getattr(type(model), handler) is not getattr(AbstractPyProcessModel, handler)


def _number(old: Any, value: Any) -> Any:
    """``value`` in the type of the number that it replaces, if it has no fraction."""
    if isinstance(old, np.generic):
        return old.dtype.type(value)
    whole = isinstance(old, int) and float(value).is_integer()
    return int(value) if whole else float(value)


def _fits(where: str, found: int, expected: int) -> None:
    if found > expected:
        raise ValueError(f"{where}: {found} values, it has {expected}")


def _order(var_model: AbstractVarModel) -> Any:
    return "F" if isinstance(var_model, LoihiSynapseVarModel) else "C"
