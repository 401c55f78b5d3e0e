"""An average that forgets: newer pulses weigh more, and the standard error says what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.host.acquisition.average import Block, pool
from trelscope.host.measure.trace import Trace

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FadingState:
    """All that an ExponentialAverage holds: one that is restored from it goes on as if it had never stopped.

    origin, samples, squared, blocks, first, second: (channels, bins).
    """

    origin: Array
    samples: Array
    squared: Array
    blocks: Array
    first: Array
    second: Array
    memory: float
    weight: float
    weight_squared: float
    pulses: int


class ExponentialAverage:
    """Average in which every block weighs exp(-pulses since / memory) times its samples.

    Standard errors come from the weighted scatter between blocks, pooled over neighbouring bins as `RunningAverage`
    does. They level off at those of about 2 * memory pulses: more is not remembered.
    """

    def __init__(
        self,
        t: NDArray[np.float64],
        volts_per_code: Sequence[float],
        volts_at_zero: Sequence[float],
        memory: float,
    ) -> None:
        """t, volts_per_code, volts_at_zero: as of `RunningAverage`. memory: pulses after which a weight is 1/e."""
        self._t = np.array(t, dtype=np.float64)
        self._scale, self._zero = tuple(volts_per_code), tuple(volts_at_zero)
        self._memory = memory
        shape = (len(self._scale), self._t.size)
        self._origin = np.full(shape, np.nan)  # scatter is taken about the first mean in each bin
        # Sums over blocks of n samples with mean m and weight w: of n w, n w^2, w, n w (m - origin), its square.
        self._samples, self._squared, self._blocks, self._first, self._second = np.zeros(
            (5, *shape)
        )
        self._weight = self._weight_squared = 0.0
        self._pulses = 0

    @property
    def pulses(self) -> int:
        """Pulses taken in so far, forgotten ones too."""
        return self._pulses

    @property
    def effective(self) -> float:
        """Pulses whose plain average would have the same standard error."""
        return self._weight**2 / self._weight_squared if self._pulses else 0.0

    def state(self) -> FadingState:
        """All that is held; nothing of it is changed later."""
        return FadingState(
            self._origin,
            self._samples,
            self._squared,
            self._blocks,
            self._first,
            self._second,
            self._memory,
            self._weight,
            self._weight_squared,
            self._pulses,
        )

    def restore(self, state: FadingState) -> None:
        """Hold what `state` does, and nothing of before; raises ValueError when its shape is not this average's."""
        if state.samples.shape != self._samples.shape:
            raise ValueError(f"a state of {state.samples.shape} does not fit {self._samples.shape}")
        self._origin, self._samples, self._squared = state.origin, state.samples, state.squared
        self._blocks, self._first, self._second = state.blocks, state.first, state.second
        self._memory = state.memory
        self._weight, self._weight_squared = state.weight, state.weight_squared
        self._pulses = state.pulses

    def add(self, block: Block) -> None:
        """Take in one block."""
        keep = float(np.exp(-block.pulses / self._memory))
        counts = np.broadcast_to(block.counts, self._samples.shape).astype(np.float64)
        filled = counts > 0
        mean = block.sums / np.where(filled, counts, 1.0)
        self._origin = np.where(np.isnan(self._origin) & filled, mean, self._origin)
        away = np.where(filled, mean - self._origin, 0.0)
        self._samples = keep * self._samples + counts
        self._squared = keep**2 * self._squared + counts
        self._blocks = keep * self._blocks + filled
        self._first = keep * self._first + counts * away
        self._second = keep * self._second + counts * away**2
        self._weight = keep * self._weight + block.pulses
        self._weight_squared = keep**2 * self._weight_squared + block.pulses
        self._pulses += block.pulses

    def trace(self, channel: int) -> Trace:
        """The average of one channel; y is nan in bins without samples, se with under 2 blocks."""
        empty = np.isnan(self._origin[channel])
        samples = np.where(empty, 1.0, self._samples[channel])
        codes = self._origin[channel] + self._first[channel] / samples
        y = (codes + 0.5) * self._scale[channel] + self._zero[channel]
        se = self._standard_error(channel, samples, ~empty) * self._scale[channel]
        return Trace(self._t, y, se, self._pulses)

    def _standard_error(
        self, channel: int, samples: NDArray[np.float64], used: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """(bins,) codes; nan where unknown."""
        se = np.full(self._t.size, np.nan)
        # With a variance of s^2 per sample, the weighted scatter is s^2 times this on average.
        freedom = self._blocks[channel] - self._squared[channel] / samples
        freedom = np.where(freedom > 1e-9, freedom, 0.0)[used]
        if not freedom.any():
            return se
        scatter = self._second[channel] - self._first[channel] ** 2 / samples
        per_sample = pool(np.maximum(scatter[used], 0.0), freedom)
        se[used] = np.sqrt(per_sample * self._squared[channel][used]) / samples[used]
        return se
