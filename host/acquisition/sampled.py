"""What another instrument sampled, in the place of settings: its grid of instants, and what is known of the pulse."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.host.settings import Settings

SAMPLED = "sampled"
"""The key that tells them from settings of this instrument, in files."""


@dataclass(frozen=True)
class Sampled(Settings):
    """volts, rate: nan where they are not known. Every sample is an instant of its own, in the middle of its bin.

    light_unit: of what was sampled, or of the rate of what was counted.
    """

    unit: str = "V"

    @property
    def light_unit(self) -> str:
        """Of the light."""
        return self.unit

    @property
    def spacing(self) -> float:
        """s."""
        return self.bin

    def times(self) -> NDArray[np.float64]:
        """(bins,) s."""
        return np.asarray(self.window_start + self.bin * (np.arange(self.bins) + 0.5))

    def counts(self, pulses: int) -> NDArray[np.int64]:
        """(channels, bins): every bin was sampled once in every pulse."""
        return np.full((2, self.bins), max(pulses, 1), np.int64)

    def as_dict(self) -> dict[str, Any]:
        """By name; what is not known is None, as JSON has it."""
        known = {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in vars(self).items()
        }
        return {SAMPLED: True, **known}


def sampled_from(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as `as_dict` gave them."""
    fields = {name: value for name, value in values.items() if name != SAMPLED}
    return {name: math.nan if value is None else value for name, value in fields.items()}
