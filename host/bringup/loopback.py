"""What counted photons show of a wire from `gate` to the `photon` pins. Pure."""

import numpy as np
from numpy.typing import NDArray

from trelscope.host.units import format_si

LATEST = 20e-9  # s from the launch: pads and a short wire take less
SPREAD = 3e-9  # s: a bin, jitter, and what the lanes differ by


def judge(t: NDArray[np.float64], counts: NDArray[np.int64], pulses: int) -> str:
    """What is wrong with `counts` in bins at `t` (s from the launch), and the way out; "" if nothing is.

    Each pulse's rising edge counts as one photon, at the launch and a little later.
    """
    total = int(counts.sum())
    if not 0.99 * pulses <= total <= 1.01 * pulses:
        return (
            f"{total} photons of {pulses} pulses: `gate` is not wired to both `photon` pins, or the wire rings"
            " (33 Ω at the gate's end)"
        )
    seen = t[counts > 0]
    first, last = float(seen.min()), float(seen.max())
    if last - first > SPREAD:
        return (
            f"photons from {format_si(first, 's')} to {format_si(last, 's')} after the launch, where all should come at"
            " once: one of the `photon` pins is not wired, or a launch phase is off"
        )
    if not -SPREAD <= first <= LATEST:
        return (
            f"photons come {format_si(first, 's')} after the launch, not within {format_si(LATEST, 's')} of it;"
            " if they are off by 8 ns, which is one cycle, please report it"
        )
    return ""
