# SPDX-License-Identifier: BSD-3-Clause
"""The denoiser whose front end counts in integers, written as its rules read."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.c_export.sound import _fixed_point as fixed
from lava_sparse_rnn.c_export.sound._fixed_numbers import LOG_FRAC, rounded
from lava_sparse_rnn.c_export.sound._fixed_point import Constants, Integers
from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.spec import Network, check_network, reference

Pcm = NDArray[np.int16]


@dataclass(frozen=True)
class Block:
    """Complex numbers: ``(re + i im) / 2^q``."""

    re: Integers
    im: Integers
    q: int

    @property
    def squares(self) -> list[int]:
        """``re^2 + im^2``."""
        parts = zip(self.re.tolist(), self.im.tolist(), strict=True)
        return [re**2 + im**2 for re, im in parts]

    def fitted(self, room: int) -> Block:
        """Scaled down until ``v`` or ``-1 - v`` of every part has ``room`` bits."""
        parts = np.concatenate([self.re.ravel(), self.im.ravel()])
        largest = int(np.maximum(parts, -1 - parts).max())
        down = max(largest.bit_length() - room, 0)
        return Block(rounded(self.re, down), rounded(self.im, down), self.q - down)


class FixedPointDenoiser(Brief):
    """What ``export-c --front-end --fixed-point`` computes, sample by sample.

    Samples are integers of 16 bits, and nothing else is a fraction than a multiple of
    a power of two. *Rounded* is to the nearest, halves up: ``(v + 2^(n-1)) >> n``.

    * **Tables**: the window and ``cos(2 pi k / n_fft)`` in multiples of ``2^-31``, 1
      being ``2^31 - 1``; ``n_fft / 2 + 1`` and ``n_fft`` numbers of 32 bits.
    * **Frame**: its samples times ``2^s``, ``s`` the largest that leaves all within
      ``2^15``; times the window, rounded to multiples of ``2^-(13 + s)``. From here on
      frames are blocks of 32-bit integers with one exponent: ``v / 2^q``.
    * **Transform** of ``n_fft / 2`` complex numbers, even samples being real parts, by
      radices of 4, then 2, then odd primes, decimation in frequency. Before each stage
      the block is scaled down (rounded) until all numbers have 28 bits (radix 4), 29
      (radix 2), or ``floor(log2((2^32 - 2) / (p sqrt(2))))`` (radix p). A stage of 2
      or 4 gives *half* the sums: the first one ``(sum + 1) >> 1``, the others times
      their power of ``exp(-2 pi i / n)``, a product of 64 bits, rounded by 32. An
      odd stage halves twice, once for its sums and once for that product.
    * **Spectrum**: the block scaled to 28 bits; ``(even + odd * turn + 1) >> 1`` with
      ``even`` and ``odd`` twice those parts, and twice the half product for ``odd *
      turn``: that of bin k up to ``n_fft / 4``, and minus its conjugate for bin ``n_fft
      / 2 - k``. Back, the half product is of ``odd`` and the conjugate of ``turn``,
      rounded for the same bins; then the transform is that of conjugates.
    * **Feature**: ``re^2 + im^2``, an integer; times the largest ``4^j`` that keeps it
      below ``2^64``; its square root, rounded down; times the mantissa (32 bits) of
      ``magnitude_scale``, of which the lower 32 bits go; plus 1 in that unit; brought
      to 32 bits, rounded down; its logarithm to the base 2 in multiples of ``2^-25``,
      from the middle of one of 32 segments (tables of reciprocals and of their
      logarithms) and a cubic; less the mean, times a mantissa of 31 bits, rounded to
      the token's unit and clipped to its range.
    * **Loudness**, of a front end with level or contrasts: ``re^2 + im^2`` of all bins,
      each without as many lower bits, an even number, as keep their sum below ``2^60``;
      the sum times the largest ``4^j`` that keeps it below ``2^64``; its square root,
      rounded down; times ``sqrt(2 / (n_fft bins))``, a mantissa of 32 bits; in
      multiples of ``2^-30`` of full scale, rounded down. Below 107374, -80 dBFS, a
      frame is silence.
    * **Level**, of a front end that has one: 107374 at first. Silence leaves it; the
      n-th frame that is none moves it ``2^31 // n`` times ``2^-31`` of the way to its
      loudness, and ``1 - exp(-hop / (rate level_s))``, to the nearest multiple of
      ``2^-31``, once that is more; the way is rounded. It is at least that loudness
      times 1288490189 / ``2^32``, rounded down. In the rules of features and bands
      ``magnitude_scale 10^(-25/20)`` takes the place of ``magnitude_scale``; its
      mantissas are multiplied by ``2^63 - 1`` over ``level 2^u``, rounded down, with u
      such that ``level 2^u`` has 32 bits; the upper 32 bits of the product stay, in
      units ``2^(u - 1)`` times those of the mantissa.
    * **Contrasts**, of a front end that has some, of every logarithm: a smooth one
      goes ``1 - exp(-hop / (rate 0.045))``, to the nearest multiple of ``2^-31``, of
      the way to it, the way rounded; a floor rises by `floor_rise`, a multiple of
      ``2^-20`` in features and here of ``2^-25``, to the nearest, ``2^30`` at most, and
      is the smooth one where that is less. With silence, before all else, and with
      ``n_fft / hop`` frames after it, smooth one, floor and the one before begin as
      the logarithm itself. Heights (the logarithm less the floor) and changes (less
      the one before) have no mean, and become tokens as features do.
    * **Bands**, of a front end that has some: of ``x``, a bin's ``re^2 + im^2``, the
      upper one of its two bands gets ``share * x``, rounded down, and the lower one the
      rest, ``share`` in multiples of ``2^-31``. The sum is the band's ``re^2 + im^2``,
      with a ``magnitude_scale`` of its own (a mantissa of 32 bits): that of bins over
      the root of what the band's weights add up to. Where bands are so wide that sums
      might reach ``2^64``, ``x`` is divided by the least ``4^d`` with which they do
      not, rounded down, and the scale times ``2^d``.
    * **Answers** of such a front end: brought to multiples of ``2^-(30 - h)``, ``h`` as
      below (rounded where they have finer ones); for a bin between two bands ``below +
      share * (above - below)``, the product rounded.
    * **Gain**: ``1 + answer``, not below 0, in multiples of ``2^-(30 - h)``, ``2^h``
      being above all gains; with a limit ``kept + (1 - kept) * gain``, ``kept`` a
      multiple of ``2^-15``, from a table of 97 numbers, one for each dB. The spectrum
      times that, rounded.
    * **Synthesis**: windowed and rounded to multiples of ``2^-11``, and added to sums
      of 32 bits, which saturate; these times ``4 hop / n_fft^2``, of which 31 bits
      are a factor and the rest a shift before; rounded, and clipped to 16 bits.

    Parameters
    ----------
    network : Network
    strength : int, optional
        The most by which anything is attenuated, dB, from 97 on without limit; if not
        given, what the network's file says, or no limit.

    Raises
    ------
    AudioError
        When the network is no denoiser.
    SpecError
        When integers of these widths cannot hold what its front end asks for.
    """

    def __init__(self, network: Network, strength: int | None = None) -> None:
        self.network = check_network(network, "FixedPointDenoiser")
        self._constants = Constants.of(network)
        whole = isinstance(strength, int) and not isinstance(strength, bool)
        if strength is not None and not (whole and strength >= 0):
            raise AudioError(f"strength is {strength!r}, must be whole dB, 0 or more")
        own = self._constants.front.strength
        if strength is None and own is not None:
            strength = int(own)
        self.strength = strength
        limited = strength is not None and strength < len(fixed.KEPT)
        self._kept = int(fixed.KEPT[strength]) if limited else 0
        cosine, n = self._constants.cosine, self._constants.front.n_fft
        half = self._constants.window
        self._window = np.concatenate([half, half[-2:0:-1]])
        self._turn = cosine, np.roll(cosine, -(n // 4))

    def _about(self) -> str:
        limit = "no limit" if self.strength is None else f"{self.strength} dB"
        return f"{self.network!r}, {limit}"

    def tokens(self, samples: Pcm) -> Integers:
        """What the network hears of a whole recording, (T, d_in)."""
        return self._tokens(self._spectra(samples))

    def denoise(self, samples: Pcm) -> Pcm:
        """Denoise a whole recording.

        Parameters
        ----------
        samples : array of int16, shape (n,)
            At 16 kHz.

        Returns
        -------
        array of int16, shape (n,)
            Aligned with the input.
        """
        front = self._constants.front
        blocks = self._spectra(samples)
        answers = reference.run(self.network, self._tokens(blocks))
        ahead = front.lookahead
        sums = np.zeros(len(blocks) * front.hop_length + front.n_fft, np.int64)
        for t, (block, answer) in enumerate(zip(blocks, answers[ahead:], strict=False)):
            part = sums[t * front.hop_length :][: front.n_fft]
            part += self._frame(block, self._gains(answer))
            np.clip(part, -(2**31), 2**31 - 1, out=part)
        early = front.n_fft - front.hop_length
        scaled = rounded(
            sums[early:][: len(samples)] * self._constants.synthesis[0], 41
        )
        return np.clip(scaled, -(2**15), 2**15 - 1).astype(np.int16)

    def _spectra(self, samples: Pcm) -> list[Block]:
        """Of every frame that there is sound for, and of those that complete it."""
        if not isinstance(samples, np.ndarray) or samples.dtype != np.int16:
            raise AudioError("signal: an array of int16 is needed")
        if samples.ndim != 1:
            raise AudioError(f"signal: shape {samples.shape}, one channel is needed")
        front, stft = self._constants.front, self._constants.front.stft()
        count = stft.frames(len(samples)) + front.lookahead
        padded = np.zeros(stft.overlap + count * front.hop_length, np.int64)
        padded[stft.overlap :][: len(samples)] = samples
        starts = np.arange(count) * front.hop_length
        return [self._spectrum(padded[at : at + front.n_fft]) for at in starts]

    def _spectrum(self, frame: Integers) -> Block:
        peak = int(np.abs(frame).max())
        s = max(n for n in range(16) if peak << n <= 2**15) if peak else 0
        v = rounded((frame << s) * self._window, 18)
        z = self._transform(Block(v[::2], v[1::2], fixed.FILL + s)).fitted(fixed.ROOM)
        # Bin k of HALF + 1: z at k and at -k; the product, of the lower of two bins.
        half = len(z.re)
        k = np.arange(half + 1)
        low, sign = _lower(k, half)
        a, b, c, d = k % half, -k % half, low % half, -low % half
        odd = self._turned(z.im[c] + z.im[d], z.re[d] - z.re[c], low)
        re = rounded(z.re[a] + z.re[b] + 2 * sign * odd[0], 1)
        im = rounded(z.im[a] - z.im[b] + 2 * odd[1], 1)
        re[0], re[-1] = z.re[0] + z.im[0], z.re[0] - z.im[0]
        im[0] = im[-1] = 0
        return Block(re, im, z.q)

    def _turned(
        self, re: Integers, im: Integers, k: Integers, sign: int = 1
    ) -> tuple[Integers, Integers]:
        """Half of the product with ``exp(-2 pi i k / n_fft)``, or its conjugate."""
        c, s = (table[k] for table in self._turn)
        s = sign * s
        return rounded(re * c - im * s, 32), rounded(re * s + im * c, 32)

    def _transform(self, z: Block) -> Block:
        """Scaled by ``2^-(halvings)``; in order."""
        constants, n = self._constants, self._constants.front.n_fft
        stride, m = 1, n // 2
        stages = zip(
            constants.radices, constants.rooms, constants.halvings, strict=True
        )
        for radix, room, halvings in stages:
            m //= radix
            z = z.fitted(room)
            re, im = (v.reshape(radix, m, stride) for v in (z.re, z.im))
            # All sums of the stage, (m, radix, stride), then the turns.
            sums = self._sums(re, im, radix)
            turn = 2 * stride * np.arange(m)[:, None] * np.arange(radix)
            new = self._turned(*sums, turn[:, :, None])
            if halvings == 1:
                for part, total in zip(new, sums, strict=True):
                    part[:, 0] = rounded(total[:, 0], 1)
            z = Block(new[0].ravel(), new[1].ravel(), z.q - halvings)
            stride *= radix
        return z

    def _sums(
        self, re: Integers, im: Integers, radix: int
    ) -> tuple[Integers, Integers]:
        """The transform over the first axis: exact, or halved where it is odd."""
        power = np.outer(np.arange(radix), np.arange(radix)) % radix
        if radix in (2, 4):
            c, s = (
                np.array(t)[power * 4 // radix] for t in ([1, 0, -1, 0], [0, -1, 0, 1])
            )
        else:
            at = power * (self._constants.front.n_fft // radix)
            c, s = (table[at] for table in self._turn)
        total_re = np.tensordot(c, re, 1) - np.tensordot(s, im, 1)
        total_im = np.tensordot(s, re, 1) + np.tensordot(c, im, 1)
        sums = (t.swapaxes(0, 1) for t in (total_re, total_im))
        n = 0 if radix in (2, 4) else 32
        first, second = (rounded(t, n) for t in sums)
        return first, second

    def _tokens(self, blocks: list[Block]) -> Integers:
        constants = self._constants
        level, contrast = constants.level, constants.contrast
        loudness: list[int] = []
        if level is not None or contrast is not None:
            loudness = [constants.loudness.heard(b.squares, b.q) for b in blocks]
        factors = [(2**32, 1)] * len(blocks)
        if level is not None:
            factors = level.factors(loudness)
        rows = [self._logs(*pair) for pair in zip(blocks, factors, strict=True)]
        logs = np.array(rows, np.int64).reshape(len(rows), constants.front.d_out)
        heard = logs - constants.mean
        if contrast is not None:
            heard = np.concatenate([heard, *contrast.next(logs, loudness)], axis=1)
        unit, shift = constants.feature
        inp = self.network.layers[0].inp
        n = shift - np.broadcast_to(inp.frac, self.network.d_in).astype(np.int64)
        tokens = (heard * unit + (1 << n - 1)) >> n
        return np.clip(tokens, inp.format.lowest, inp.format.highest)

    def _logs(self, block: Block, brought: tuple[int, int]) -> list[int]:
        """Of a token's features, to the base 2, in multiples of 2^-25."""
        (louder, up), squares = brought, block.squares
        if self._constants.bands:
            squares = self._constants.bands.reduce(squares)
        numbers = zip(squares, self._constants.scales, strict=True)
        return [
            _log(x, m * louder >> 32, block.q + n + 1 - up) for x, (m, n) in numbers
        ]

    def _gains(self, answer: Integers) -> Integers:
        """In multiples of ``2^-(30 - gain_bits)``."""
        bits = 30 - self._constants.gain_bits
        up = bits - np.broadcast_to(self.network.layers[-1].out.frac, answer.shape)
        down = np.maximum(-up, 0)
        over = (answer << np.maximum(up, 0)) + (1 << down >> 1) >> down
        if self._constants.bands:
            over = self._constants.bands.expand(over)
        gain = np.maximum((1 << bits) + over, 0)
        if not self._kept:
            return gain
        kept = self._kept << bits - 15
        return kept + rounded((2**15 - self._kept) * gain, 15)

    def _frame(self, block: Block, gain: Integers) -> Integers:
        """What a frame adds to the sums, (n_fft,)."""
        cleaned = Block(
            rounded(block.re * gain, 30),
            rounded(block.im * gain, 30),
            block.q - self._constants.gain_bits,
        ).fitted(fixed.ROOM)
        half = len(gain) - 1
        k = np.arange(half)
        re, im = (v[:half] for v in (cleaned.re, cleaned.im))
        re_b, im_b = (v[half - k] for v in (cleaned.re, cleaned.im))
        low, sign = _lower(k, half)
        odd = self._turned((re - re_b)[low], (im + im_b)[low], low, sign=-1)
        real = rounded(re + re_b - 2 * sign * odd[1], 1)
        imaginary = rounded(-(im - im_b) - 2 * odd[0], 1)
        real[0] = rounded(re[0] + re_b[0], 1)
        imaginary[0] = rounded(re_b[0] - re[0], 1)
        z = self._transform(Block(real, imaginary, cleaned.q))
        v = np.stack([z.re, -z.im], axis=1).ravel()
        return rounded(v * self._window, self._constants.sum_shift + z.q)


def _lower(k: Integers, half: int) -> tuple[Integers, Integers]:
    """The lower one of bins ``k`` and ``half - k``, and -1 where that is not ``k``."""
    low = np.minimum(k, half - k)
    return low, np.where(k > low, -1, 1)


def _log(square: int, scale: int, n: int) -> int:
    """log2 of ``1 + sqrt(square) * scale / 2^(32 + n)``."""
    if square == 0:
        return 0
    j = (64 - square.bit_length()) // 2
    size = isqrt(square << 2 * j) * scale >> 32
    n += j
    if n > 62:
        return 0
    total = (1 << n) + size
    top = total.bit_length() - 1
    v = total >> top - 31 if top > 31 else total << 31 - top
    at = (v - 2**31) * fixed.SEGMENTS >> 31
    u = (v * int(fixed.RECIPROCAL[at]) >> 31) - 2**31
    value = 0
    for factor in reversed(fixed.CUBIC[1:]):
        value = (value + factor) * u + 2**30 >> 31
    value = (value + fixed.CUBIC[0]) * u + 2**35 >> 36
    return (top - n << LOG_FRAC) + int(fixed.LOGARITHM[at]) + value
