"""The interval of the trace that a quantity measures."""

import math

import numpy as np

from trelscope.host.app.plots.light import US, LightView
from trelscope.host.app.session.snapshot import AverageData


def interval(name: str, data: AverageData, view: LightView) -> tuple[float, float, float] | None:
    """Start and end (us from the drive edge) and height (in the view's units) of quantity `name`; None if not measured.

    Only the duration of a fall is measured; it is drawn from where the mean leaves its upper level for good.
    """
    m = data.measurements
    quantity = m.quantities()[name]
    if not math.isfinite(quantity.value + view.low[0]) or name in ("overshoot", "spike"):
        return None
    length = quantity.value * US
    delay = m.detector_delay * US
    off = _falling_edge(data)
    low, high = view.low[1], view.high[1]
    match name:
        case "rise":
            return view.low[0], view.high[0], (low + high) / 2
        case "onset" | "delay":
            return 0.0, length + delay, low
        case "response":
            return 0.0, length + delay, high
        case "settling":
            return 0.0, length + delay, high + (high - low) / 8
        case "fall":
            after = np.flatnonzero((view.t > off) & (view.mean > high))
            start = view.t[after[-1]] if after.size else off
            return float(start), float(start) + length, (low + high) / 2
        case _:  # decay
            return off, off + length + delay, low + (high - low) * (1 / math.e - 0.1) / 0.8


def _falling_edge(data: AverageData) -> float:
    """The falling edge of the drive, us from its rising edge."""
    return data.settings.width * US
