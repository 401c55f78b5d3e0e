"""A capture that goes on until a quantity is as precise as it is wanted."""

import math
from collections.abc import Callable
from dataclasses import replace

from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.capture import recording
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.precision import Precision
from trelscope.host.acquisition.recording import Recording
from trelscope.host.measure.measure import Estimator, MeasureOptions

FIRST = 4  # frames before the first look: errors come from their scatter
LEAST, MOST = 1.05, 2.0  # by which the number of pulses grows between two looks


class Until:
    """Asked now and then whether `quantity` is precise enough: looks seldom, for a look takes long.

    measuring: the options that the result will be measured with, from those of the capture.
    """

    def __init__(
        self,
        precision: Precision,
        quantity: str,
        measuring: Callable[[MeasureOptions], MeasureOptions] = lambda options: options,
    ) -> None:
        self.precision, self.quantity = precision, quantity
        self._measuring = measuring
        self.reached = False
        self._next = 0.0  # pulses at the next look

    def __call__(self, instrument: Instrument, acquisition: Acquisition) -> bool:
        """Whether it is."""
        pulses = acquisition.accounting.pulses_averaged
        if pulses < max(self._next, FIRST * acquisition.settings.frame_pulses):
            return False
        found = recording(instrument, acquisition)
        options = self._measuring(replace(found.options, estimator=Estimator.BEST))
        growth = self._growth(found.measured(options))
        self.reached = growth <= 1
        known = growth if math.isfinite(growth) else MOST
        self._next = pulses * min(max(known, LEAST), MOST)
        return self.reached

    def satisfied(self, result: Recording) -> bool:
        """Whether the capture ended for this reason, or `result`, measured, is precise enough all the same."""
        return self.reached or self._growth(result) <= 1

    def _growth(self, measured: Recording) -> float:
        return self.precision.growth(measured.measurements.quantities()[self.quantity])
