"""How precise a quantity is to become, and how many pulses that takes."""

import math
from dataclasses import dataclass

from trelscope.host.measure.quantities import Quantity
from trelscope.host.units import format_si, parse_si


@dataclass(frozen=True)
class Precision:
    """A standard error that is wanted: in the quantity's unit, or as a part of the quantity if `relative`."""

    error: float
    relative: bool

    @classmethod
    def parse(cls, text: str) -> "Precision":
        """Of "0.1%" or "1n". Raises ValueError."""
        number, percent, rest = text.partition("%")
        if rest.strip():
            raise ValueError(f"neither a part like 0.1% nor a time like 1n: {text!r}")
        error = parse_si(number, "") / 100 if percent else parse_si(number, "s")
        if not (math.isfinite(error) and error > 0):
            raise ValueError(f"not a precision, which is greater than 0: {text!r}")
        return cls(error, bool(percent))

    def __str__(self) -> str:
        return f"{100 * self.error:.4g} %" if self.relative else format_si(self.error, "s")

    def applies_to(self, unit: str) -> bool:
        """Whether a quantity in `unit` can be as precise as that: one without a unit knows only parts of it."""
        return self.relative or unit == "s"

    def growth(self, quantity: Quantity) -> float:
        """By which factor the number of pulses has to grow, 1 or less if it need not; nan where that is not known.

        Errors fall with the square root of the number of pulses.
        """
        goal = self.error * abs(quantity.value) if self.relative else self.error
        if not (math.isfinite(quantity.value) and quantity.se > 0 and goal > 0):
            return math.nan
        return (quantity.se / goal) ** 2
