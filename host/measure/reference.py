"""Where the drive pulse begins and ends: the instants that light is held against."""

from dataclasses import dataclass, replace

import numpy as np

from trelscope.host.measure.crossings import pilot
from trelscope.host.measure.edge import edge
from trelscope.host.measure.trace import Trace, scatter, unfit

# Drivers and their lead (README: about 5 ohm into 1 nF) make an edge with a pole near 5 ns. Only
# bins too wide to show the edge rely on this, and then with a factor-of-two doubt.
NOMINAL_POLE = 5e-9
POLE_SPREAD = 0.7


@dataclass(frozen=True)
class Reference:
    """Pulse edges, s: start with its standard error, end, and which edges they are."""

    start: float
    start_se: float
    end: float
    words: str


def reference(width: float, drive: Trace | None) -> Reference:
    """Both edges of the pulse of commanded `width` (s), from the monitored drive where it shows them."""
    commanded = Reference(0.0, 0.0, width, "commanded edge")
    if drive is None:
        return commanded
    problem = unfit(drive, width)
    if problem:
        return replace(commanded, words=f"{commanded.words} (drive monitor: {problem})")
    rising = _drive_edge(drive, 0.0, width / 2)
    if rising is None:
        return replace(commanded, words=f"{commanded.words} (the drive monitor shows no edge)")
    start, se, resolved = rising
    words = "drive monitor 50 % edge"
    if not resolved:
        words += f" (placed by its area: bins too wide for a {NOMINAL_POLE * 1e9:.0f} ns edge)"
    falling = _drive_edge(drive, width, width / 2)
    return Reference(start, se, falling[0] if falling else start + width, words)


def _drive_edge(drive: Trace, expected: float, reach: float) -> tuple[float, float, bool] | None:
    """50 % instant and its se (s), and whether the bins resolve the edge; None without an edge.

    Looks within ± reach (s) of where the edge is expected.
    """
    dt = float(np.mean(np.diff(drive.t)))
    near = np.abs(drive.t - expected) < reach
    t, y = drive.t[near], drive.y[near]
    before, after = t < expected - dt, t > expected + reach / 2
    if np.count_nonzero(before) < 3 or np.count_nonzero(after) < 3:
        return None
    low, high = float(y[before].mean()), float(y[after].mean())
    se = drive.se[near]
    if np.isfinite(se).all():
        variance = se**2
    else:
        dark = scatter(y[before])
        variance = np.full(y.size, dark if np.isfinite(dark) else 0.0)
    height = high - low
    if abs(height) < 10 * np.sqrt(variance.max()) or height == 0:
        return None
    variance = np.maximum(variance, (1e-6 * height) ** 2)
    at = pilot((y - low) / height, np.array([0.1, 0.5, 0.9]))
    if np.isnan(at[1]):
        return None
    middle = float(at[1])
    span = float(at[2] - at[0]) if np.isfinite(at[2]) else 2.0
    room = 8 + int(np.ceil(5 * span))
    a, b = max(int(middle) - room, 0), min(int(middle) + room + 2, y.size)
    fit = edge(y[a:b], variance[a:b], NOMINAL_POLE / dt, POLE_SPREAD)
    if fit is None or not abs(fit.u + a - middle) < 2 + span:
        return None
    return float(t[0] + (a + fit.u) * dt), fit.se * dt, fit.resolved
