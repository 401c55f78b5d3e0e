"""Running statistics of measured quantities over blocks of pulses, as an oscilloscope shows them."""

import math
from dataclasses import dataclass

from scipy.special import chdtrc

from trelscope.host.measure.measure import Measurements, Quantity

ENOUGH = 5  # blocks
REJECT = 0.001  # size of the test whether they scatter more than their errors say


@dataclass(frozen=True)
class Summary:
    """What the blocks so far say of one quantity, in its unit.

    last, mean, minimum, maximum: nan without a block. deviation: standard deviation of one block's value, nan below
    two. expected: root mean square of the blocks' own standard errors, of those that gave one: `judged`. count: blocks
    that gave a value; failed: blocks that gave none.
    """

    last: float = math.nan
    mean: float = math.nan
    deviation: float = math.nan
    expected: float = math.nan
    minimum: float = math.nan
    maximum: float = math.nan
    count: int = 0
    failed: int = 0
    judged: int = 0

    @property
    def standard_error(self) -> float:
        """Of the mean, from the scatter between blocks; nan below two. It knows nothing of bias."""
        return self.deviation / math.sqrt(self.count) if self.count > 1 else math.nan

    @property
    def agrees(self) -> bool | None:
        """Whether blocks scatter no more than their errors say, by chi squared; None while there are too few.

        Errors of other pulses or of another estimator belong to something else: each block is held against its own.
        """
        if self.count < ENOUGH or not self.expected > 0:
            return None
        freedom = self.count - 1
        return float(chdtrc(freedom, freedom * self.ratio**2)) > REJECT

    @property
    def ratio(self) -> float:
        """The scatter over what the blocks' errors say; nan below two blocks."""
        return self.deviation / self.expected if self.expected > 0 else math.nan


class Statistics:
    """Summaries by name of quantity; each block of pulses is added once."""

    def __init__(self) -> None:
        self._summaries: dict[str, Summary] = {}

    def add(self, block: Measurements) -> None:
        """Take in what one block gave."""
        for name, quantity in block.quantities().items():
            self._summaries[name] = _with(self.of(name), quantity)

    def of(self, name: str) -> Summary:
        """The summary of one quantity."""
        return self._summaries.get(name, Summary())

    def clear(self) -> None:
        """Forget every block."""
        self._summaries.clear()


def _with(before: Summary, quantity: Quantity) -> Summary:
    """B. P. Welford's update of mean and sum of squares, Technometrics 4, 419 (1962)."""
    x = quantity.value
    if not math.isfinite(x):
        return Summary(**{**vars(before), "failed": before.failed + 1})
    judged, expected = before.judged, before.expected
    if math.isfinite(quantity.se):
        squares = expected**2 * judged if judged else 0.0
        judged += 1
        expected = math.sqrt((squares + quantity.se**2) / judged)
    if not before.count:
        return Summary(x, x, math.nan, expected, x, x, 1, before.failed, judged)
    count = before.count + 1
    away = x - before.mean
    mean = before.mean + away / count
    squares = before.deviation**2 * (before.count - 1) if before.count > 1 else 0.0
    squares += away * (x - mean)
    return Summary(
        last=x,
        mean=mean,
        deviation=math.sqrt(squares / (count - 1)),
        expected=expected,
        minimum=min(before.minimum, x),
        maximum=max(before.maximum, x),
        count=count,
        failed=before.failed,
        judged=judged,
    )
