# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAttributeAccessIssue=false
# (Lava gives models their Vars and ports when it builds them)
"""Stock models that spend their time on bookkeeping, without it.

Each gives the values of the model that it stands in for in every step, and in every
Var: it is a subclass, which leaves to that model what it does itself no faster. The
first step is always Lava's own, because it scales weights and thresholds.

Networks that run in this process have them whatever chose their models (`quick`), and
`proc.RunCfg` chooses them for Lava's own runtime too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.proc.conv import utils as conv_utils
from lava.proc.conv.models import PyConvModelFixed
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc
from lava.proc.lif.models import PyLifModelBitAcc
from lava.proc.sparse.models import (
    AbstractPyDelaySparseModel,
    PyDelaySparseModelBitAcc,
    PySparseModelBitAcc,
)
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lava_sparse_rnn.fixed_point import frozen_ints

try:  # what `csr_matrix @ vector` comes to, after as long again of looking at both
    from scipy.sparse._sparsetools import csr_matvec
except ImportError:  # it is no public name of scipy's
    csr_matvec = None

WHOLE = (int, np.integer)


def _product(weights: Any, vector: NDArray) -> NDArray:
    """``weights @ vector``, of a csr_matrix."""
    data = weights.data
    if csr_matvec is None or vector.dtype is not data.dtype:
        return weights @ vector
    rows, columns = weights.shape
    if vector.shape != (columns,):
        return weights @ vector
    result = np.zeros(rows, data.dtype)
    csr_matvec(rows, columns, weights.indptr, weights.indices, data, vector, result)
    return result


def _accumulated(weights: Any, vector: NDArray, weight_exp: int) -> NDArray:
    """What Lava's integer connections add up."""
    return _scaled(_product(weights, vector), weight_exp)


def _scaled(result: NDArray, weight_exp: int) -> NDArray:
    """Sums times ``2**weight_exp``, in place."""
    if weight_exp > 0:
        result <<= weight_exp
    else:
        result >>= -weight_exp
    return result


class QuickDense(PyDenseModelBitAcc):
    """`Dense` in integers, for spikes: a neuron that fires adds a row of a copy.

    Lava gathers columns, which lie all over memory, and adds them in 64 bits.
    """

    def on_var_update(self) -> None:
        self.__dict__.pop("_rows", None)
        super().on_var_update()

    def run_spk(self) -> None:
        exact = self.weights.dtype == np.int32
        if not (self.weights_set and exact) or self.num_message_bits.item() > 0:
            super().run_spk()
            return
        self.a_out.send(self.a_buff)
        spikes = self.s_in.recv().astype(bool)
        rows, largest = self._by_input()
        if largest * spikes.size < 2**31:
            summed = np.add.reduce(rows[spikes], 0, np.int32).astype(np.int_)
        else:
            summed = self.weights[:, spikes].sum(axis=1)
        self.__dict__["a_buff"] = _scaled(summed, self.weight_exp)

    def _by_input(self) -> tuple[NDArray, int]:
        """The weights of each input side by side; the largest of all."""
        # A RefPort puts other weights in their place, Var.set writes into them.
        known = self.__dict__.get("_rows")
        if known is None or known[0] is not self.weights:
            rows = np.ascontiguousarray(self.weights.T)
            known = self.__dict__["_rows"] = self.weights, rows, _largest(rows)
        return known[1:]


def _whole(received: NDArray) -> NDArray:
    """A message as integers, which Lava's shifts need.

    Raises
    ------
    SpecError
        With the first value that is no whole number.
    """
    return frozen_ints(received, "s_in") if received.dtype.kind == "f" else received


class _WholeMessages:
    """A connection in integers that hears whole numbers from a port of floats, too."""

    def _lavas_step(self: Any, run_spk: Any) -> None:
        """Lava's own step, with messages made whole on their way into it."""
        if self.num_message_bits.item() <= 0:  # spikes, whatever their type
            run_spk()
            return
        port, recv = self.s_in, self.s_in.recv
        port.recv = lambda: _whole(recv())
        try:
            run_spk()
        finally:
            port.recv = recv


class QuickSparse(_WholeMessages, PySparseModelBitAcc):
    """`Sparse` in integers."""

    def run_spk(self) -> None:
        if not self.weights_set or self.num_message_bits.item() <= 0:
            self._lavas_step(super().run_spk)
            return
        self.a_out.send(self.a_buff)
        received = _whole(self.s_in.recv())
        arrived = _accumulated(self.weights, received, self.weight_exp)
        # Past Lava's __setattr__, which looks for ports and takes a microsecond.
        self.__dict__["a_buff"] = arrived


class QuickDelaySparse(_WholeMessages, PyDelaySparseModelBitAcc):
    """`DelaySparse` in integers: multiplies only by those delays that there are.

    Lava sorts the weights by delay in each step, which takes milliseconds.
    """

    def run_spk(self) -> None:
        if not self.weights_set or self.num_message_bits.item() <= 0:
            self._lavas_step(super().run_spk)
            return
        old = self.a_buff
        self.a_out.send(old[:, 0])
        received = _whole(self.s_in.recv())
        new = np.empty_like(old)
        new[:, :-1] = old[:, 1:]
        new[:, -1] = 0
        for delay, weights in self._by_delay():
            new[:, delay] += _accumulated(weights, received, self.weight_exp)
        self.__dict__["a_buff"] = new

    def _by_delay(self) -> list[tuple[int, Any]]:
        """Each delay that some weight has, and these weights."""
        # Var.set puts another matrix in the place of the one that was.
        known = self.__dict__.get("_sorted")
        if known is None or known[0] is not self.weights or known[1] is not self.delays:
            n, longest = self.weights.shape[0], self.a_buff.shape[-1] - 1
            rows = self.get_delay_wgts_mat(self.weights, self.delays, longest).tocsr()
            parts = ((k, rows[k * n : (k + 1) * n]) for k in range(longest + 1))
            known = self.weights, self.delays, [(k, p) for k, p in parts if p.nnz]
            self.__dict__["_sorted"] = known
        return known[2]


class QuickDelayDense(PyDelayDenseModelBitAcc):
    """`DelayDense` in integers: each weight is multiplied once, not at every delay."""

    def calc_act(self, s_in: NDArray) -> NDArray:
        stacked, largest = self._by_delay()
        # Lava's products have 32 bits, its sums 64.
        if s_in.dtype.kind not in "bi" or _largest(s_in) * largest >= 2**31:
            return super().calc_act(s_in)
        flat = _product(stacked, s_in.astype(np.int64))
        return flat.reshape(self.a_buff.shape[::-1]).T

    def _by_delay(self) -> tuple[Any, int]:
        """Lava's matrix of a row for each delay and neuron; the largest weight."""
        known = self.__dict__.get("_sorted")
        # Var.set writes into the arrays.
        if (
            known is None
            or not np.array_equal(known[0], self.weights)
            or not np.array_equal(known[1], self.delays)
        ):
            longest = self.a_buff.shape[-1] - 1
            rows = self.get_delay_wgts_mat(self.weights, self.delays, longest)
            stacked = csr_matrix(rows.astype(np.int64)), _largest(self.weights)
            known = self.weights.copy(), self.delays.copy(), stacked
            self.__dict__["_sorted"] = known
        return known[2]


def _largest(values: NDArray) -> int:
    """The largest magnitude."""
    return max(int(values.max()), -int(values.min())) if values.size else 0


class QuickConv(PyConvModelFixed):
    """`Conv` in integers: one product of matrices, in float64 as Lava's.

    Lava convolves one pair of channels after the other. Integers that float64 holds
    do not depend on the order of a sum.
    """

    def run_spk(self) -> None:
        self.a_out.send(self.a_buf)
        received = self.s_in.recv()
        if self.num_message_bits.item() <= 0:
            received = received.astype(bool)
        reach = int(np.abs(self.weight, dtype=np.int64).sum(axis=(1, 2, 3)).max())
        options = self.kernel_size, self.stride, self.padding, self.dilation
        if reach * _largest(received) < 2**53:
            summed = _convolved(received, self.weight, *options, int(self.groups[0]))
        else:
            summed = conv_utils.conv(received, self.weight, *options, self.groups[0])
        self.a_buf = self.clamp_precision(summed)


def _convolved(
    received: NDArray,
    weight: NDArray,
    size: NDArray,
    stride: NDArray,
    padding: NDArray,
    dilation: NDArray,
    groups: int,
) -> NDArray:
    """What Lava's ``conv`` gives, shape (x, y, out channels), in float64."""
    around = [(int(n), int(n)) for n in (*padding, 0)]
    image = np.pad(received.astype(np.float64), around)
    steps = [slice(None, None, int(n)) for n in (*stride, *dilation)]
    extent = [int(d) * (int(k) - 1) + 1 for d, k in zip(dilation, size, strict=True)]
    views: Any = sliding_window_view
    windows = views(image, extent, (0, 1))[steps[0], steps[1], :, steps[2], steps[3]]
    shape, parts = windows.shape[:2], []
    for channels, kernels in zip(
        np.split(windows, groups, axis=2), np.split(weight, groups), strict=True
    ):
        columns = channels.reshape(shape[0] * shape[1], -1)
        # A convolution meets the image back to front.
        flipped = kernels[:, ::-1, ::-1].transpose(3, 1, 2, 0).astype(np.float64)
        parts.append(columns @ flipped.reshape(columns.shape[1], -1))
    return np.concatenate(parts, axis=1).reshape(*shape, -1).astype(weight.dtype)


class QuickLif(PyLifModelBitAcc):
    """`LIF` in integers."""

    def scale_bias(self) -> None:
        if self.bias_exp.any():
            super().scale_bias()
        else:
            self.__dict__["effective_bias"] = self.bias_mant.astype(np.int32)
            self.__dict__["isbiasscaled"] = True

    def subthr_dynamics(self, activation_in: NDArray) -> None:
        if not (isinstance(self.du, WHOLE) and isinstance(self.dv, WHOLE)):
            super().subthr_dynamics(activation_in)
            return
        limit = self.max_uv_val
        current = self._decayed(self.u, self.decay_unity - (self.du + self.ds_offset))
        current += np.left_shift(activation_in, self.act_shift)
        # Nothing is left of what is within 24 bits, from -limit + 1 to limit.
        if ((current + (limit - 1)) >> self.uv_bitwidth).any():
            super().subthr_dynamics(activation_in)
            return
        self.u[:] = current
        voltage = self._decayed(self.v, self.decay_unity - (self.dv + self.dm_offset))
        voltage = voltage + current + self.effective_bias
        np.minimum(np.maximum(voltage, 1 - limit), limit - 1, out=self.v)

    def _decayed(self, state: NDArray, factor: Any) -> NDArray:
        """``state * factor / 2**12``, rounded toward zero."""
        product = state.astype(np.int64) * factor
        product += (product >> 63) & (self.decay_unity - 1)
        return (product >> self.decay_shift).astype(np.int32)


QUICK: dict[type, type] = {
    PySparseModelBitAcc: QuickSparse,
    PyDelaySparseModelBitAcc: QuickDelaySparse,
    PyDenseModelBitAcc: QuickDense,
    PyDelayDenseModelBitAcc: QuickDelayDense,
    PyConvModelFixed: QuickConv,
    PyLifModelBitAcc: QuickLif,
}


def quick(model: Any) -> Any:
    """The class of models to use in place of one; that one, where there is no other."""
    return QUICK.get(model, model)


def quicken(model: Any) -> None:
    """Let models of `DelaySparse`, whoever's, sort weights by delay once."""
    if isinstance(model, AbstractPyDelaySparseModel):
        model.get_delay_wgts_mat = _remembered(model.get_delay_wgts_mat)


def _remembered(sort: Any) -> Any:
    """A function of matrices that answers the same question again at once."""
    known: list[Any] = []

    def sorted_once(weights: Any, delays: Any, max_delay: int) -> Any:
        # Var.set puts another matrix in the place of the one that was.
        same = known and known[0] is weights and known[1] is delays
        if not same or known[2] != max_delay:
            known[:] = weights, delays, max_delay, sort(weights, delays, max_delay)
        return known[3]

    return sorted_once
