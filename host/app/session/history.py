"""History of an average: times and light of successive blocks of pulses, and how its errors have fallen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trelscope.host.measure.measure import Measurements
from trelscope.host.measure.quantities import DEFINITIONS

Array = NDArray[np.float64]

MAP_ROWS, MAP_COLUMNS = 256, 400
MAX_BLOCKS = 20_000  # the newest, whose times are kept


@dataclass(frozen=True, eq=False)
class History:
    """One entry for each of k blocks, oldest first, and a map of the light.

    pulses: (k,) averaged so far at the end of each block.
    values, errors: (k,) by quantity, in the quantity's unit.
    map: (rows, columns) mean light of successive pulses over the window, in V or 1/s.
    row_pulses: pulses in a row of the map.
    """

    pulses: Array
    values: Mapping[str, Array]
    errors: Mapping[str, Array]
    map: NDArray[np.float32]
    row_pulses: float


GROWN = 1.02  # pulses over those of the entry before: enough points for a logarithmic axis


@dataclass(frozen=True, eq=False)
class Course:
    """Standard errors of the average itself while it has grown, oldest first.

    pulses: (k,) averaged. errors, bounds: (k,) by quantity, in its unit; of the bound see `Quantity`.
    """

    pulses: Array = field(default_factory=lambda: np.zeros(0))
    errors: Mapping[str, Array] = field(default_factory=dict)
    bounds: Mapping[str, Array] = field(default_factory=dict)

    def followed_by(self, measured: Measurements) -> "Course":
        """With these measurements as the newest entry, which takes the place of one of about as many pulses."""
        size = self.pulses.size
        if size > 1 and measured.pulses < GROWN * self.pulses[-2]:
            size -= 1
        quantities = measured.quantities()
        return Course(
            np.append(self.pulses[:size], float(measured.pulses)),
            {n: np.append(self._of(self.errors, n)[:size], q.se) for n, q in quantities.items()},
            {n: np.append(self._of(self.bounds, n)[:size], q.bound) for n, q in quantities.items()},
        )

    def _of(self, columns: Mapping[str, Array], name: str) -> Array:
        return columns.get(name, np.zeros(0))


@dataclass
class Recorder:
    """Collects blocks. A map that is full halves its resolution, so that it always shows every pulse."""

    _pulses: list[float] = field(default_factory=list)
    _values: list[list[float]] = field(default_factory=list)
    _errors: list[list[float]] = field(default_factory=list)
    _rows: list[Array] = field(default_factory=list)
    _in_row: list[Array] = field(default_factory=list)  # blocks of the row that is being filled
    _per_row: int = 1  # blocks
    _block: float = 0.0  # pulses in the first one

    def add(self, pulses: int, light: Array, measured: Measurements) -> None:
        """Add a block of so many pulses. light: (bins,). measured: its measurements."""
        quantities = [getattr(measured, name) for name in DEFINITIONS]
        self._block = self._block or pulses
        self._pulses.append(pulses + (self._pulses[-1] if self._pulses else 0.0))
        self._values.append([q.value for q in quantities])
        self._errors.append([q.se for q in quantities])
        for column in (self._pulses, self._values, self._errors):
            del column[:-MAX_BLOCKS]
        self._in_row.append(_coarse(light))
        if len(self._in_row) < self._per_row:
            return
        self._rows.append(np.mean(self._in_row, axis=0))
        self._in_row.clear()
        if len(self._rows) == MAP_ROWS:
            self._rows = [(a + b) / 2 for a, b in zip(*[iter(self._rows)] * 2, strict=True)]
            self._per_row *= 2

    def history(self) -> History:
        """The history up to now."""
        values, errors = np.array(self._values), np.array(self._errors)
        shape = (len(self._pulses), len(DEFINITIONS))
        values, errors = values.reshape(shape), errors.reshape(shape)
        return History(
            np.array(self._pulses),
            {name: values[:, k] for k, name in enumerate(DEFINITIONS)},
            {name: errors[:, k] for k, name in enumerate(DEFINITIONS)},
            np.array(self._rows or np.zeros((0, 0)), np.float32),
            self._per_row * self._block,
        )


def _coarse(light: Array) -> Array:
    """(columns,) means over neighbouring bins, at most MAP_COLUMNS."""
    step = -(-light.size // MAP_COLUMNS)
    starts = np.arange(0, light.size, step)
    return np.asarray(np.add.reduceat(light, starts) / np.diff(np.append(starts, light.size)))
