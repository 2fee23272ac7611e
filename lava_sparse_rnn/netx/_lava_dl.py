# SPDX-License-Identifier: BSD-3-Clause
"""Layer types of lava-dl, made of its own Process blocks.

lava-dl is imported when a file has one of its layers, not before: it takes seconds
and brings torch, torchvision and OpenCV.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import h5py
import numpy as np
from lava.proc.lif.process import LIFReset
from lava.proc.rf.process import RF
from lava.proc.rf_iz.process import RF_IZ
from lava.proc.sdn.process import Delta, Sigma, SigmaDelta
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn import messages
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.netx._layer import Layer, Place, Shape, View, register
from lava_sparse_rnn.netx._resetting_lif import ResettingLIF
from lava_sparse_rnn.proc import STATE_VARS
from lava_sparse_rnn.signals import uninterrupted

# For `proc.reset`: neurons that lava-dl's files use besides LIF.
STATE_VARS.setdefault(SigmaDelta, ("sigma", "act", "residue", "error"))
STATE_VARS.setdefault(Delta, ("act", "residue", "error"))
STATE_VARS.setdefault(Sigma, ("sigma",))
STATE_VARS.setdefault(RF, ("real", "imag"))
STATE_VARS.setdefault(RF_IZ, ("real", "imag"))

# Neurons that lava-dl's netx knows. Any other with RF in its name it takes for an RF.
SPIKING, SIGMA_DELTA = ("CUBA", "LOIHI"), ("SDNN",)
RESONATING = ("RF", "RF_PHASE", "RF_IZHIKEVICH")


def _lava_dl(place: Place) -> tuple[Any, Any]:
    """lava-dl's Network, whose static methods make blocks, and its file reader."""
    try:
        # What its imports say of packages that play no part here is not passed on.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            from lava.lib.dl.netx.hdf5 import Network  # type: ignore[import-not-found]
            from lava.lib.dl.netx.utils import NetDict  # type: ignore[import-not-found]

            from lava_sparse_rnn.netx import _recurrent_dense  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{place.name}: is a layer of lava-dl, which is not installed: "
            f"{messages.install('dl')} ({error})"
        ) from error
    return Network, NetDict


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Let signals wait, and lava-dl rely on what newer releases deprecate.

    Its import, which takes seconds, comes before.
    """
    with uninterrupted(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _options(place: Place, hops: int) -> dict[str, Any]:
    """Arguments of all builders of lava-dl.

    Its resets count time steps from 1. The neurons of a layer are reset in the step
    in which the first token of a new sequence reaches them; see `_follow_clock` for
    resets from outside.
    """
    timing = place.timing.later(hops)
    return {
        "reset_interval": timing.reset_interval,
        "reset_offset": timing.depth + timing.reset_offset + 1,
        "spike_exp": place.options.spike_exp,
    }


def _follow_clock(block: Any, place: Place) -> None:
    """Let neurons that reset themselves count from resets from outside."""
    if isinstance(block.neuron, LIFReset):
        ResettingLIF.instead_of(block.neuron, place.timing, place.clock)


def _shape(group: Any) -> Shape:
    """Channels, y, x in the file; x, y, channels in Lava."""
    return tuple(int(n) for n in np.atleast_1d(group["shape"][()])[::-1])


def _check_neuron(group: h5py.Group, place: Place) -> None:
    """Refuse neurons that lava-dl cannot build, or would take for others.

    Raises
    ------
    SpecError
    """
    if "neuron" not in group:
        return
    neuron: Any = group["neuron"]
    kind = np.ravel(neuron["type"][()])[0].decode("ascii", "replace")
    known = (*SPIKING, *SIGMA_DELTA, *RESONATING)
    if kind not in known:
        text = f"neuron type {kind!r}, lava-dl's netx has {', '.join(known)}"
        raise SpecError(f"{place.name}: {text}")
    if "messageBits" in neuron:
        text = "neuron/messageBits is a number that lava-dl's netx cannot read"
        raise SpecError(f"{place.name}: {text}: leave it out")
    if kind not in RESONATING:
        return
    if "weight/imag" not in group:
        text = f"neurons of type {kind!r} need complex weights (weight/real and /imag)"
        raise SpecError(f"{place.name}: {text}")
    if place.timing.reset_interval is not None:
        warnings.warn(
            f"{place.name}: lava-dl's {kind} neurons have no resets, reset_interval "
            "does not reach them",
            stacklevel=2,
        )


def _check_recurrent(group: h5py.Group, place: Place) -> None:
    """Refuse what lava-dl's recurrent block has no parts for.

    Raises
    ------
    SpecError
    """
    n_out = int(np.prod(group["shape"][()]))  # type: ignore[index]
    square = group["weight"].size == n_out**2  # type: ignore[union-attr]
    if "delay" in group and not square:
        text = "delays of dense_rec, which lava-dl gives to the recurrent weights too"
        raise SpecError(f"{place.name}: {text}: they need as many inputs as neurons")


@register("input")
def _input(group: h5py.Group, place: Place) -> Layer | View:
    """Neurons that are fed from outside, or the shape of what comes."""
    network, reader = _lava_dl(place)
    with _reading():
        if "neuron" not in group:
            return View(_shape(group))
        _check_neuron(group, place)
        block, _ = network.create_input(reader(f=group), **_options(place, 0))
    _follow_clock(block, place)
    # lava-dl leaves this port unconnected, so that nothing can be sent to it.
    block.inp.connect(block.neuron.a_in)
    to_wire = partial(_transformed, block.transform["weight"], block.transform["bias"])
    parts = {"neuron": block.neuron}
    bits = block.output_message_bits
    return Layer(block, block.inp, block.out, 0, bits, parts, to_wire=to_wire)


def _transformed(weight: Any, bias: Any, x: ArrayLike) -> NDArray[np.int64]:
    return np.rint(weight * np.asarray(x) + bias).astype(np.int64)


@register("flatten")
def _flatten(group: h5py.Group, place: Place) -> View:
    """Channels last become channels first, as torch flattens."""
    with uninterrupted():
        shape = place.shape or _shape(group)
    flat = (int(np.prod(shape)),)
    if place.shape is None or len(shape) == 1:
        return View(flat)
    return View(flat, partial(_flattened, order=range(len(shape))[::-1]))


def _flattened(port: Any, order: Iterable[int]) -> Any:
    return port.transpose(list(order)).flatten()


@register("dense")
def _dense(group: h5py.Group, place: Place) -> Layer:
    return _fully_connected(group, place, rec=False)


@register("dense_rec")
def _dense_rec(group: h5py.Group, place: Place) -> Layer:
    return _fully_connected(group, place, rec=True)


def _fully_connected(group: h5py.Group, place: Place, rec: bool) -> Layer:
    network, reader = _lava_dl(place)
    with _reading():
        _check_neuron(group, place)
        if rec:
            _check_recurrent(group, place)
        block, _ = network.create_dense(
            reader(f=group),
            input_message_bits=place.message_bits,
            sparse_synapse=place.options.sparse_fc_layer,
            rec=rec,
            **_options(place, 1),
        )
    return _synapses_and_neurons(block, place)


@register("conv")
def _conv(group: h5py.Group, place: Place) -> Layer:
    if place.shape is None:
        text = "the shape of what arrives is not known: give input_shape=(x, y, n)"
        raise SpecError(f"{place.name}: {text}")
    network, reader = _lava_dl(place)
    with _reading():
        _check_neuron(group, place)
        if "delay" in group and np.any(group["delay"][()]):  # type: ignore[index]
            text = "lava-dl's netx leaves out the delays of conv layers"
            warnings.warn(f"{place.name}: {text}", stacklevel=2)
        block, _ = network.create_conv(
            reader(f=group),
            input_shape=place.shape,
            input_message_bits=place.message_bits,
            **_options(place, 1),
        )
    return _synapses_and_neurons(block, place)


def _synapses_and_neurons(block: Any, place: Place) -> Layer:
    """Connections send in one step what they received in the one before."""
    _follow_clock(block, place)
    names = ("synapse", "synapse_rec", "real_synapse", "imag_synapse", "neuron")
    parts = {name: getattr(block, name) for name in names if hasattr(block, name)}
    return Layer(block, block.inp, block.out, 1, block.output_message_bits, parts)
