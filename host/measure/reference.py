"""Where the drive pulse begins and ends: the instants that light is held against."""

from dataclasses import dataclass, replace

import numpy as np

from trelscope.host.measure.crossings import pilot
from trelscope.host.measure.edge import CONTINUUM, edge
from trelscope.host.measure.trace import Trace, scatter, unfit

# Drivers and their lead (docs/hardware.md: 5 to 10 ohm into about 1 nF) make an edge with a pole near 5 ns. Only
# bins too wide to show the edge rely on this, and then with a factor-of-two doubt.
NOMINAL_POLE = 5e-9
POLE_SPREAD = 0.7

LATEST = 25e-9
"""s: how far the drive's 50 % instant may lag its command.

A pin driver of the kind that docs/hardware.md names takes about 10 ns to answer, the pad before it and a short lead
5 ns, and a pole of up to 10 ns, at the device, is half-way after 7 ns more.
"""
_LEAST = 3  # bins of each level of the drive
COMMANDED_SE = LATEST / np.sqrt(3)
"""s: error of a commanded edge, the root mean square of any lag up to the latest."""


@dataclass(frozen=True)
class Reference:
    """Pulse edges, s: start and end with their standard errors, and which edges they are.

    start_seen, end_seen: whether the drive monitor shows them, or there is none and they hold by definition.
    begin, stop: where the light may have begun to rise and to fall, if that is before the edge that it is held
    against; nan: it is not. by_light: for want of a drive, start is the foot of the light's own rise; what it has here
    holds where no foot is found.
    """

    start: float
    start_se: float
    end: float
    end_se: float
    words: str
    start_seen: bool = True
    end_seen: bool = True
    begin: float = float("nan")
    stop: float = float("nan")
    by_light: bool = False

    @property
    def first(self) -> float:
        """s, before which all is baseline."""
        return float(np.fmin(self.start, self.begin))

    @property
    def last(self) -> float:
        """s, up to which all is pulse."""
        return float(np.fmin(self.end, self.stop))


@dataclass(frozen=True)
class _Seen:
    """An edge on the monitor: 50 % instant and its standard error, s; whether the bins resolve its shape."""

    at: float
    se: float
    resolved: bool


def reference(
    width: float, drive: Trace | None, spacing: float = 0.0, known: Reference | None = None
) -> Reference:
    """Both edges of the pulse of commanded `width` (s), from the monitored drive where it shows them.

    spacing: s between the drive's sample instants, which bins are means over; 0: a continuum. known: the edges, where
    the drive does not show one, or there is none.
    """
    if drive is None:
        return known or Reference(0.0, 0.0, width, 0.0, "commanded edge")
    problem = unfit(drive, width)
    if problem:
        return _commanded(width, f"drive monitor: {problem}")
    rising = _drive_edge(drive, 0.0, width / 2, spacing)
    falling = _drive_edge(drive, width, width / 2, spacing)
    if known is not None and (isinstance(rising, str) or isinstance(falling, str)):
        return _completed(known, rising, falling)
    if isinstance(rising, str) and isinstance(falling, str):
        return _commanded(width, f"the drive monitor shows {rising}")
    if isinstance(rising, _Seen):
        start = rising
    else:
        start = _Seen(falling.at - width if isinstance(falling, _Seen) else 0.0, COMMANDED_SE, True)
    end = falling if isinstance(falling, _Seen) else _Seen(start.at + width, COMMANDED_SE, True)
    words = "drive monitor 50 % edge"
    if isinstance(rising, str):
        words += " at the pulse's end, and the commanded width"
    if not (start.resolved and end.resolved):
        words += f" (placed by its area: bins too wide for a {NOMINAL_POLE * 1e9:.0f} ns edge)"
    return Reference(
        start.at,
        start.se,
        end.at,
        end.se,
        words,
        isinstance(rising, _Seen),
        isinstance(falling, _Seen),
    )


def _completed(known: Reference, rising: "_Seen | str", falling: "_Seen | str") -> Reference:
    """With those edges that the drive shows."""
    if isinstance(rising, _Seen):
        known = replace(known, start=rising.at, start_se=rising.se)
    if isinstance(falling, _Seen):
        known = replace(known, end=falling.at, end_se=falling.se)
    return known


def _commanded(width: float, why: str) -> Reference:
    words = f"commanded edge ({why}; the drive may lag it by {LATEST * 1e9:.0f} ns)"
    return Reference(0.0, COMMANDED_SE, width, COMMANDED_SE, words, False, False)


def _drive_edge(drive: Trace, expected: float, reach: float, spacing: float) -> _Seen | str:
    """The edge within ± reach (s) of where it is expected; or what "the drive monitor shows" instead, in words."""
    dt = float(np.mean(np.diff(drive.t)))
    near = np.abs(drive.t - expected) < reach
    t, y = drive.t[near], drive.y[near]
    if t.size == 0:
        return "no bin near the edge"
    before = t < expected - dt
    after = t > expected + min(reach, float(t[-1]) - expected) / 2
    if np.count_nonzero(before) < _LEAST or np.count_nonzero(after & ~before) < _LEAST:
        return f"fewer than {_LEAST} bins before or after the edge; use narrower bins or a longer window"
    low, high = float(y[before].mean()), float(y[after].mean())
    se = drive.se[near]
    if np.isfinite(se).all():
        variance = se**2
    else:
        dark = scatter(y[before])
        variance = np.full(y.size, dark if np.isfinite(dark) else 0.0)
    height = high - low
    if abs(height) < 10 * np.sqrt(variance.max()) or height == 0:
        return "no edge above its noise"
    variance = np.maximum(variance, (1e-6 * height) ** 2)
    at = pilot((y - low) / height, np.array([0.1, 0.5, 0.9]))
    if np.isnan(at[1]):
        return "no edge"
    middle = float(at[1])
    span = float(at[2] - at[0]) if np.isfinite(at[2]) else 2.0
    room = 8 + int(np.ceil(5 * span))
    a, b = max(int(middle) - room, 0), min(int(middle) + room + 2, y.size)
    samples = dt / spacing if spacing else CONTINUUM
    fit = edge(y[a:b], variance[a:b], NOMINAL_POLE / dt, POLE_SPREAD, samples)
    if fit is None or not abs(fit.u + a - middle) < 2 + span:
        return "no edge of the shape that a driver makes"
    return _Seen(float(t[0] + (a + fit.u) * dt), fit.se * dt, fit.resolved)
