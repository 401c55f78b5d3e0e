"""Transitions that fall between two samples: no more is known of them than how long they take at most."""

from dataclasses import replace

import numpy as np

from trelscope.host.measure.found import Found
from trelscope.host.measure.pulse import Pulse
from trelscope.host.measure.quantities import Flag

_MOST = 2  # bins from the last below to the first above: with one in between the shape is not known, either
_SEEN = 4.0  # standard errors by which a bin has to be beyond a level
UNRESOLVED = "shorter than the samples show"


def unresolved(pulse: Pulse) -> dict[str, Found]:
    """Rise and fall, where they are over within so few bins."""
    layout, o = pulse.layout, pulse.options
    found: dict[str, Found] = {}
    if layout.rises:
        stop = layout.top.start if layout.own_top else layout.hi
        most = _bins(pulse, layout.base.stop, stop, o.low, o.high, 1)
        found |= {"rise": most} if most else {}
    most = _bins(pulse, max(layout.after - 2, 0), layout.bins, o.high, o.low, -1)
    return found | ({"fall": most} if most else {})


def _bins(
    pulse: Pulse, start: int, stop: int, before: float, after: float, sign: int
) -> Found | None:
    """From the last bin before one level to the first after the other one, if these are close together."""
    start = max(start - 1, 0)
    z, spread = sign * pulse.z[start:stop], _SEEN * np.sqrt(pulse.variance[start:stop])
    there = np.flatnonzero(z - spread > sign * after)
    if there.size == 0:
        return None
    near = slice(there[0] + 1)
    gone = np.flatnonzero(z[near] + spread[near] < sign * before)
    if gone.size == 0 or there[0] - gone[-1] > _MOST:
        return None
    flags = Flag.BANDWIDTH_LIMITED, Flag.UPPER_BOUND
    bins = float(there[0] - gone[-1])
    return replace(Found(flags=flags), reason=UNRESOLVED, most=bins)
