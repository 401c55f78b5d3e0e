"""Evaluation of counted photons: brightness, pile-up, and the histogram of the decay."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.host.acquisition.recording import histogram
from trelscope.host.app import source
from trelscope.host.app.session.recorded import as_recording
from trelscope.host.app.session.snapshot import AverageData
from trelscope.host.decay import Decay, Key, after_pulses, fit_decay, live_pulses

Array = NDArray[np.float64]

LANE = 1e-9  # s in which the counter can count one photon
STEPS = 256  # that the histogram is looked at in, to find where the decay ends
NEAR = 50e-9  # s around the edge in which the decay may begin


@dataclass(frozen=True, eq=False)
class CountedDecay:
    """The histogram of a decay of n bins, which begins with dark bins from before the pulse.

    pulses: behind it. per_pulse: photons in the window for each pulse.
    highest: highest rate, 1/s, averaged over a tenth of a microsecond.
    pile_up: part of the pulses for which the detector is not ready, in the bin where that is worst.
    edges: (n + 1,) s from the drive edge.
    counts: (n,) photons.
    live: (n,) pulses for which the detector was ready.
    known: (n,) afterpulses to expect.
    begin: s at which the decay begins.
    """

    pulses: int
    per_pulse: float
    highest: float
    pile_up: float
    edges: Array
    counts: Array
    live: Array
    known: Array
    begin: float

    @classmethod
    def of(cls, data: AverageData, dead_time: float) -> "CountedDecay":
        """Evaluate an average of counts. dead_time: s, of the detector."""
        counts, edges = histogram(as_recording(data))
        pulses = data.accounting.pulses_averaged
        live = live_pulses(counts, edges, pulses, dead_time, LANE)
        chance, late = data.front_end.afterpulse, data.front_end.afterpulse_time
        known = after_pulses(counts, edges, chance, late) if chance and late else 0 * counts
        settings = data.settings
        together = max(round(1e-7 / settings.bin), 1)
        whole = counts[: counts.size // together * together].reshape(-1, together).sum(axis=1)
        rate = float(whole.max()) / (pulses * together * settings.bin) if whole.size else 0.0
        optical = source.is_excited(data.source)
        begin = 0.0 if optical else settings.width
        # Light before the decay is left out; the dark bins before the pulse determine the background.
        after = edges[:-1] >= begin - (NEAR if optical else 0.0)
        dark = edges[1:] <= -NEAR
        kept = np.concatenate((counts[dark], counts[after]))
        first = edges[:-1][after][0] if after.any() else edges[-1]
        return cls(
            pulses=pulses,
            per_pulse=float(counts.sum()) / pulses,
            highest=rate,
            pile_up=1 - float(live.min()) / pulses,
            edges=first + settings.bin * (np.arange(kept.size + 1) - np.count_nonzero(dark)),
            counts=kept,
            live=np.concatenate((live[dark], live[after])),
            known=np.concatenate((known[dark], known[after])),
            begin=begin,
        )

    @property
    def bin(self) -> float:
        """s that a bin is wide."""
        return float(self.edges[1] - self.edges[0])

    def span(self) -> tuple[float, float]:
        """s from the drive edge: from shortly before the decay begins to where it is lost in the dark."""
        size = max(self.counts.size // STEPS, 1)
        steps = self.counts[: self.counts.size // size * size].reshape(-1, size).sum(axis=1)
        starts = self.edges[:-1:size][: steps.size]
        before = steps[starts + size * self.bin <= self.begin - NEAR]
        dark = float(before.mean()) if before.size else float(np.median(steps))
        bright = steps > dark + 3 * np.sqrt(dark) + 2
        peak = int(np.argmax(steps))
        lost = np.flatnonzero(~(bright[peak:-1] | bright[peak + 1 :]))  # two in turn
        last = starts[peak + int(lost[0])] if lost.size else self.edges[-1]
        length = max(float(last) - self.begin, 8 * size * self.bin)
        first, end = float(self.edges[0]), float(self.edges[-1])
        return max(self.begin - length / 8, first), min(self.begin + 1.25 * length, end)

    def fit(self, response: float, model: Key | None = None) -> Decay:
        """Fit its lifetimes. response: s, time constant of the detector. model: None: that of least BIC."""
        around = self.begin - NEAR, self.begin + NEAR
        return fit_decay(
            self.counts, self.edges, self.live, response, model, start=around, known=self.known
        )
