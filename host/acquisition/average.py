"""Frames to a running average: exact means, and standard errors from the scatter between blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure.trace import Trace

# The per-bin scatter of a handful of blocks is itself mostly noise. Variance per sample is a
# smooth function of the signal, so neighbouring bins are pooled until about this many degrees of
# freedom stand behind each standard error (then good to 7 %).
POOLED_DOF = 100


@dataclass(frozen=True, eq=False)
class Block:
    """What one frame adds: sums over a number of pulses.

    sums: (channels, bins) int64, sums of ADC codes.
    counts: (channels, bins) int64, number of samples in each bin; (bins,) if all channels have the same.
    pulses: number of pulses summed.
    """

    sums: NDArray[np.int64]
    counts: NDArray[np.int64]
    pulses: int


@dataclass(frozen=True, eq=False)
class AverageState:
    """All that a RunningAverage holds: one that is restored from it goes on as if it had never stopped.

    sums, counts, filled, origin: (channels, bins) int64. second: (channels, bins) float64.
    """

    sums: NDArray[np.int64]
    counts: NDArray[np.int64]
    filled: NDArray[np.int64]
    origin: NDArray[np.int64]
    second: NDArray[np.float64]
    pulses: int
    blocks: int


class RunningAverage:
    """Average of every block added since the last `clear`.

    The mean is sum(sums) / sum(counts) with integer accumulation: it depends neither on the order
    nor on the number of blocks. The standard error comes from the scatter of block means, weighted
    by their counts, which is unbiased for unequal blocks too.
    """

    def __init__(
        self,
        t: NDArray[np.float64],
        volts_per_code: Sequence[float],
        volts_at_zero: Sequence[float] | None = None,
    ) -> None:
        """t (bins,) s, mean sample instant of each bin; volts_per_code of each channel, V.

        Code c, an interval of a converter that rounds down, stands for its middle:
        (c + 0.5) * volts_per_code + volts_at_zero (V, by channel; 0 unless given).
        """
        self._t = np.array(t, dtype=np.float64)
        self._scale = tuple(float(v) for v in volts_per_code)
        self._zero = tuple(volts_at_zero or (0.0,) * len(self._scale))
        self.clear()

    def clear(self) -> None:
        """Forget every block."""
        shape = (len(self._scale), self._t.size)
        self._sums = np.zeros(shape, np.int64)
        self._counts = np.zeros(shape, np.int64)
        self._filled = np.zeros(shape, np.int64)  # blocks with a sample in the bin
        # Scatter is taken about the first mean seen in each bin: no cancellation of large codes.
        # In whole codes: the sum over blocks of n * (mean - origin) then follows, exactly, from the sums.
        self._origin = np.zeros(shape, np.int64)
        self._second = np.zeros(shape)  # sum over blocks of n * (mean - origin)^2
        self._whole = False  # whether every bin has an origin
        self._pulses = 0
        self._blocks = 0

    def state(self) -> AverageState:
        """A copy of all that is held."""
        return AverageState(
            self._sums.copy(),
            self._counts.copy(),
            self._filled.copy(),
            self._origin.copy(),
            self._second.copy(),
            self._pulses,
            self._blocks,
        )

    def restore(self, state: AverageState) -> None:
        """Hold what `state` does, and nothing of before; raises ValueError when its shape is not this average's."""
        if state.sums.shape != self._sums.shape:
            raise ValueError(f"a state of {state.sums.shape} does not fit {self._sums.shape}")
        self._sums = state.sums.copy()
        self._counts = state.counts.copy()
        self._filled = state.filled.copy()
        self._origin = state.origin.copy()
        self._second = state.second.copy()
        self._whole = bool(self._filled.all())
        self._pulses = state.pulses
        self._blocks = state.blocks

    @property
    def pulses(self) -> int:
        """Pulses averaged so far."""
        return self._pulses

    @property
    def effective(self) -> float:
        """The same: every pulse weighs as much."""
        return float(self._pulses)

    @property
    def blocks(self) -> int:
        """Blocks added so far."""
        return self._blocks

    def add(self, block: Block) -> None:
        """Add one block; raises ValueError when its shape is not this average's."""
        if block.sums.shape != self._sums.shape or block.counts.shape not in (
            self._counts.shape,
            self._t.shape,
        ):
            raise ValueError(
                f"block of {block.sums.shape} sums and {block.counts.shape} counts"
                f" does not fit an average of {self._sums.shape[0]} channels"
                f" x {self._sums.shape[1]} bins"
            )
        counts = np.broadcast_to(block.counts, self._counts.shape)
        self._sums += block.sums
        if (
            self._whole and counts.min() > 0
        ):  # as good as always, and every pass over the bins counts
            self._counts += counts
            self._filled += 1
            n = counts
        else:
            filled = counts > 0
            n = np.where(filled, counts, 1)
            fresh = filled & (self._filled == 0)
            self._origin = np.where(fresh, np.rint(block.sums / n).astype(np.int64), self._origin)
            self._counts += counts
            self._filled += filled
            self._whole = bool(self._filled.all())
        away = (block.sums - counts * self._origin).astype(np.float64)
        away *= away
        away /= n
        self._second += away
        self._pulses += block.pulses
        self._blocks += 1

    def trace(self, channel: int) -> Trace:
        """The average of one channel; y is nan in bins without samples, se with under 2 blocks."""
        counts, scale = self._counts[channel], self._scale[channel]
        if not self._whole:
            counts = np.maximum(counts, 1)
        y = self._sums[channel] / counts
        y += 0.5
        y *= scale
        y += self._zero[channel]
        if not self._whole:
            y[self._counts[channel] == 0] = np.nan
        se = self._standard_error(channel, counts)
        se *= scale
        return Trace(self._t, y, se, self._pulses)

    def _standard_error(self, channel: int, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """(bins,) codes; nan where unknown."""
        filled = self._filled[channel]
        used = slice(None) if self._whole else filled > 0  # a slice copies nothing
        dof = np.maximum(filled[used] - 1, 0)
        if not dof.any():
            return np.full(self._t.size, np.nan)
        # In place: for a live picture this is done many times a second, and every array of its own costs.
        scatter = self._counts[channel] * self._origin[channel]
        np.subtract(self._sums[channel], scatter, out=scatter)
        scatter = scatter.astype(np.float64)
        scatter *= scatter
        scatter /= counts
        np.subtract(self._second[channel], scatter, out=scatter)
        variance = pool(np.maximum(scatter[used], 0.0), dof)
        variance /= counts[used]
        np.sqrt(variance, out=variance)
        if self._whole:
            return variance
        se = np.full(self._t.size, np.nan)
        se[used] = variance
        return se


def pool(squares: NDArray[np.float64], dof: NDArray[Any]) -> NDArray[np.float64]:
    """Variance: sum of squares over degrees of freedom in a centred window of bins, both (n,).

    The window is the odd number of bins that holds POOLED_DOF on average; it is cut at the ends.
    """
    if dof.size and dof.mean() >= POOLED_DOF:
        if dof.min() > 0:
            return np.asarray(squares / dof)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(dof > 0, np.maximum(squares / dof, 0.0), np.nan)
    half = int(np.ceil((POOLED_DOF / dof.mean() - 1) / 2))
    total, freedom = _window_sums(squares, half), _window_sums(dof, half)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(freedom > 0, np.maximum(total / freedom, 0.0), np.nan)


def _window_sums(values: NDArray[Any], half: int) -> NDArray[Any]:
    """(n,) sums over windows of up to 2 * half + 1 values, both (n,)."""
    half = min(half, values.size)
    sums = np.zeros(values.size + 2 * half + 1, values.dtype)
    np.cumsum(values, out=sums[half + 1 : half + 1 + values.size])
    sums[half + 1 + values.size :] = sums[half + values.size]
    return np.asarray(sums[2 * half + 1 :] - sums[: values.size])
