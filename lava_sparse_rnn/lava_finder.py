# SPDX-License-Identifier: BSD-3-Clause
"""Lava 0.10.0 on Pythons and with a numpy that are newer than it: `REPAIRS`.

Lava was released for Python 3.10 and numpy 1. Few lines of it fail on later ones. A
module that holds one of them is compiled from its source with that line replaced;
its files stay as they are. On Python 3.10 nothing is done.

The finder has to be there before Lava is imported. An installation of this library
puts it in place when Python starts (``lava_sparse_rnn.pth``), so that programs may
import Lava first; elsewhere ``import lava_sparse_rnn`` does. This module imports
nothing of the library, and little else: every start of Python pays for it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, NamedTuple

OLDEST = (3, 11)  # Lava runs as it is on what lies below


def _always() -> bool:
    return True


def _numpy_names_it_shape() -> bool:
    import numpy as np

    return tuple(map(int, np.__version__.split(".")[:2])) >= (2, 1)


class Repair(NamedTuple):
    """A text in a module of Lava's, and what takes its place."""

    old: str
    new: str
    applies: Callable[[], bool] = _always


REPAIRS = {
    # A dataclass that is the default of another's fields has to be hashable from
    # Python 3.11 on. All of lava.magma imports this module.
    "lava.magma.compiler.var_model": Repair(
        "@dataclass\nclass ByteEncoder:",
        "@dataclass(unsafe_hash=True)\nclass ByteEncoder:",
    ),
    # numpy 2.1 calls the argument `shape`, later ones refuse `newshape`. Without it
    # `reshape` and `flatten` of ports fail in the first step of a run.
    "lava.magma.core.process.ports.ports": Repair(
        "ft.partial(np.reshape, newshape=",
        "ft.partial(np.reshape, shape=",
        _numpy_names_it_shape,
    ),
    # A number that slayer has written is an array of one, which numpy 2.5 does not
    # make an int of: input layers of such files fail (tests/netx/test_trained.py).
    "lava.lib.dl.netx.hdf5": Repair(
        "= int(layer_config[",
        "= (lambda array: int(array.item()))(layer_config[",
    ),
    # The same of Allocator and InvSqrt, which fail when something arrives; Lava's own
    # tests of them pass (tests/inline/lava_suite.py).
    "lava.proc.clp.nsm.models": Repair(
        "alloc_signal[0] = self.next_alloc_id",
        "alloc_signal[:1] = self.next_alloc_id",
    ),
    "lava.proc.graded.models": Repair(
        "inv_sqrt(a_in_data, 5)",
        "inv_sqrt(a_in_data.item(), 5)",
    ),
}


class RepairingLoader(SourceFileLoader):
    """A module from its source, repaired, past the bytecode that Python keeps of it."""

    def path_stats(self, path: str) -> dict[str, Any]:
        raise OSError  # bytecode is neither read nor written

    def source_to_code(self, data: Any, path: Any, **kwargs: Any) -> CodeType:
        repair = REPAIRS[self.name]
        if repair.applies():
            text = importlib.util.decode_source(data)
            data = text.replace(repair.old, repair.new)
        return super().source_to_code(data, path, **kwargs)


class LavaFinder:
    """Finds the modules of `REPAIRS`, where Python finds them."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in REPAIRS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = RepairingLoader(name, spec.loader.path)
        return spec


def install() -> None:
    """Put the finder in place, once, on Pythons that need it."""
    names = {getattr(finder, "__qualname__", "") for finder in sys.meta_path}
    if sys.version_info >= OLDEST and LavaFinder.__qualname__ not in names:
        sys.meta_path.insert(0, LavaFinder)


def missed() -> list[str]:
    """Modules that were imported before the finder was there, as Lava has them."""
    if sys.version_info < OLDEST:
        return []
    specs = {name: getattr(sys.modules.get(name), "__spec__", None) for name in REPAIRS}
    loaders = {name: getattr(spec, "loader", None) for name, spec in specs.items()}
    return [n for n, loader in loaders.items() if type(loader) is SourceFileLoader]


install()
