# SPDX-License-Identifier: BSD-3-Clause
"""What builders of layers are told, what they answer, and the list of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import h5py
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import Brief, SpecError
from lava_sparse_rnn.proc import Clock, Timing

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Options:
    """Arguments of lava-dl's netx that only its layers use.

    Parameters
    ----------
    spike_exp : int
        Fractional bits of graded spikes of sigma-delta neurons.
    sparse_fc_layer : bool
        Whether fully connected layers become Lava's `Sparse`.
    """

    spike_exp: int = 6
    sparse_fc_layer: bool = False


@dataclass(frozen=True)
class Place(Brief):
    """Where in a network a layer is built.

    Parameters
    ----------
    name : str
        File and group, for messages.
    shape : tuple of int, optional
        Of what arrives, images as (x, y, channels). None where it is not known,
        before the first layer.
    message_bits : int
        Width of the payloads that arrive; 0 for binary spikes.
    is_first : bool
        Whether what arrives comes from outside the network.
    timing : Timing
        In which time steps tokens arrive, and after how many steps states reset.
    clock : Clock
        Of the whole network; for Processes of this library.
    options : Options
    """

    name: str
    shape: Shape | None
    message_bits: int
    is_first: bool
    timing: Timing
    clock: Clock
    options: Options = field(default_factory=Options)


@dataclass(frozen=True)
class Layer(Brief):
    """A layer as a part of a Lava network.

    Parameters
    ----------
    process : Process
    inp, out : InPort, OutPort
    latency : int
        Time steps from what arrives at ``inp`` to its answer at ``out``: 1 for a
        connection with neurons, 0 for neurons that are fed directly.
    message_bits : int
        Width of the payloads that leave; 0 for binary spikes.
    parts : mapping of str to Process
        What belongs to it besides: Processes that ``process`` has made in its own
        constructor (lava-dl's way), and those that stand before or behind it.
    variables : mapping of str to Var
        Vars that the network shows under these names.
    to_wire, from_wire : callable, optional
        Real values to integers at ``inp``, and integers at ``out`` to real values.
    types : tuple of str
        Of the file's layers that it stands for; filled in by the network.
    """

    process: AbstractProcess
    inp: InPort
    out: OutPort
    latency: int
    message_bits: int
    parts: Mapping[str, AbstractProcess] = field(default_factory=dict)
    variables: Mapping[str, Var] = field(default_factory=dict)
    to_wire: Callable[[ArrayLike], NDArray] | None = None
    from_wire: Callable[[ArrayLike], NDArray] | None = None
    types: tuple[str, ...] = ()

    @property
    def processes(self) -> tuple[AbstractProcess, ...]:
        """``process`` and ``parts``."""
        return (self.process, *self.parts.values())

    @property
    def shape(self) -> Shape:
        """Of what leaves."""
        return tuple(int(n) for n in self.out.shape)


def as_it_is(port: Any) -> Any:
    """The port itself."""
    return port


@dataclass(frozen=True)
class View(Brief):
    """A layer that only looks at values in another order.

    Parameters
    ----------
    shape : tuple of int
    of : callable
        From a port to a port of this shape.
    """

    shape: Shape
    of: Callable[[Any], Any] = as_it_is


Builder = Callable[[h5py.Group, Place], "Layer | View"]

BUILDERS: dict[str, Builder] = {}
"""Builder of every layer type that is not in `spec.LAYER_TYPES`."""


def register(kind: str, builder: Builder | None = None) -> Any:
    """Teach `hdf5.Network` a layer type.

    Parameters
    ----------
    kind : str
        What the dataset ``type`` of the layer's group holds.
    builder : callable
        Gets the group and a `Place`, answers a `Layer` or a `View`. Left out,
        `register` is a decorator.

    Raises
    ------
    SpecError
        When the type exists.
    """
    if builder is None:
        return lambda function: register(kind, function)
    if kind in BUILDERS or kind in spec.LAYER_TYPES:
        raise SpecError(f"register: layer type {kind!r} exists")
    BUILDERS[kind] = builder
    return builder


def build(kind: str, group: h5py.Group, place: Place) -> Layer | View:
    """The layer of a file, made by the builder of its type.

    Raises
    ------
    SpecError
        When there is no builder, or it fails on this group.
    """
    if kind not in BUILDERS:
        known = ", ".join(sorted({*BUILDERS, *spec.LAYER_TYPES}))
        raise SpecError(
            f"{place.name}: layer type {kind!r} is unknown (known: {known}); "
            "hdf5.register adds others"
        )
    try:
        return BUILDERS[kind](group, place)
    except (SpecError, ImportError):
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise SpecError(
            f"{place.name}: cannot be built as layer type {kind!r} ({text})"
        ) from error
