"""Flags an error of a growing average that is wider than it has been: more pulses should have narrowed it."""

from collections.abc import Mapping
from dataclasses import replace

from trelscope.host.measure.quantities import Flag, MeasureOptions, Quantity

MOST = 1.5
"""Factor by which an error may exceed the least so far without a flag: chance and the choice of shapes explain that."""


class WiderErrors:
    """Remembers the least standard error of each quantity of one average."""

    def __init__(self) -> None:
        self._least: dict[str, float] = {}
        self._options: MeasureOptions | None = None

    def flagged(
        self, quantities: Mapping[str, Quantity], options: MeasureOptions
    ) -> dict[str, Quantity]:
        """The quantities, with the flag WIDER where it applies. Under other options the errors are remembered anew."""
        if options != self._options:
            self._least, self._options = {}, options
        return {name: self._flagged(name, quantity) for name, quantity in quantities.items()}

    def _flagged(self, name: str, quantity: Quantity) -> Quantity:
        if not quantity.se > 0:  # nan, too
            return quantity
        least = self._least.setdefault(name, quantity.se)
        self._least[name] = min(least, quantity.se)
        if quantity.se <= MOST * least:
            return quantity
        return replace(quantity, flags=(*quantity.flags, Flag.WIDER))
