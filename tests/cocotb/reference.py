"""What the instrument must measure, from the settings alone: no gateware, no simulator.

Edges and sample instants are whole nanoseconds on one axis that begins with the train's first period; between two
edges the plant's response is a closed formula, evaluated here for all samples of a segment at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.sim.physics.plant import Plant

CYCLE = 8  # ns
OUTPUT_DELAY = 2
"""Cycles from the one in which a launch falls due to the gate at the pins: one register in the pulse train, one in the
guard."""


@dataclass(frozen=True)
class Settings:
    """Register values of one train, with the names of `trelscope.gateware.protocol`."""

    period: int
    width: int  # half cycles
    level: int
    count: int
    window_bins: int
    window_start: int = 0
    bin_shift: int = 0
    dither: int = 8
    delay: int = 0
    period_num: int = 0
    period_den: int = 1
    frame_pulses: int = 8
    mode: int = 0

    def period_start(self, k: int) -> int:
        """First cycle of period k: extra cycles are due as soon as the fraction has added up to one."""
        return k * self.period + max(k - 1, 0) * self.period_num // self.period_den

    def edge(self, k: int) -> int:
        """Time at which the gate of pulse k rises, ns."""
        cycle = self.period_start(k) + self.delay + OUTPUT_DELAY
        return CYCLE * cycle + k % self.dither

    def cut(self, k: int) -> int:
        """Latest time at which the gate of pulse k falls, ns: one cycle before the launch phase changes."""
        return CYCLE * (self.period_start(k + 1) - 1) + k % self.dither % CYCLE


def pulse_traces(plant: Plant, settings: Settings, pulses: int) -> NDArray[np.int64]:
    """Bin sums, of shape (pulse, channel, bin), of the first `pulses` pulses from rest, without noise."""
    volts, edges = [0.0], [-CYCLE * 1_000_000]
    for k in range(pulses):
        rise = settings.edge(k)
        fall = min(rise + 4 * settings.width, settings.cut(k))
        edges += [rise, fall]
        volts += [settings.level * 0.5e-3, 0.0]

    instants = CYCLE * np.arange(settings.period_start(pulses))
    codes = np.empty((2, instants.size), dtype=np.int64)
    segment_of = np.searchsorted(edges, instants, side="right") - 1
    state = plant.rest()
    for n, (edge, level) in enumerate(zip(edges, volts, strict=True)):
        segment = plant.segment(state, level)
        mine = segment_of == n
        t = (instants[mine] - edge) * 1e-9
        codes[0, mine] = plant.detector.codes(plant.light_at(segment, t))
        codes[1, mine] = plant.monitor.codes(plant.drive_at(segment, t))
        if n + 1 < len(edges):
            state = segment.state_after((edges[n + 1] - edge) * 1e-9)

    sums = np.zeros((pulses, 2, settings.window_bins), dtype=np.int64)
    for k in range(pulses):
        own = slice(settings.period_start(k), settings.period_start(k + 1))
        after_edge = instants[own] - settings.edge(k)
        bins = (after_edge - settings.window_start) >> settings.bin_shift
        inside = (bins >= 0) & (bins < settings.window_bins)
        for channel in range(2):
            np.add.at(sums[k, channel], bins[inside], codes[channel, own][inside])
    return sums
