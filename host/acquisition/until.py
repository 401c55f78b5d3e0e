"""A capture that goes on until a quantity is as precise as it is wanted."""

import math
from dataclasses import replace

from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.capture import recording
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.precision import Precision
from trelscope.host.measure.measure import Estimator

FIRST = 4  # frames before the first look: errors come from their scatter
LEAST, MOST = 1.05, 2.0  # by which the number of pulses grows between two looks


class Until:
    """Asked now and then whether `quantity` is precise enough: looks seldom, for a look takes long."""

    def __init__(self, precision: Precision, quantity: str) -> None:
        self.precision, self.quantity = precision, quantity
        self.reached = False
        self._next = 0.0  # pulses at the next look

    def __call__(self, instrument: Instrument, acquisition: Acquisition) -> bool:
        """Whether it is."""
        pulses = acquisition.accounting.pulses_averaged
        if pulses < max(self._next, FIRST * acquisition.settings.frame_pulses):
            return False
        found = recording(instrument, acquisition)
        options = replace(found.options, estimator=Estimator.BEST)
        growth = self.precision.growth(
            found.measured(options).measurements.quantities()[self.quantity]
        )
        self.reached = growth <= 1
        known = growth if math.isfinite(growth) else MOST
        self._next = pulses * min(max(known, LEAST), MOST)
        return self.reached
