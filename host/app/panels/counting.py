"""What a histogram of photons says besides times: how bright, how piled up, how it decays."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from numpy.typing import NDArray

from trelscope.host.acquisition.recording import histogram
from trelscope.host.app import files
from trelscope.host.app.session.snapshot import Data
from trelscope.host.decay import Decay, fit_decay, live_pulses
from trelscope.host.link.urls import is_emulated
from trelscope.sim.physics.photon_counter import PhotonCounter
from trelscope.sim.presets.presets import PresetError, load_plant

Array = NDArray[np.float64]

LANE = 1e-9  # s for which the counter holds one bit
NEAR = 50e-9  # s around the edge in which the decay may begin


@dataclass(frozen=True, eq=False)
class Counting:
    """per_pulse: photons in the window. highest: of the rate, 1/s, in tenths of a microsecond. pile_up: part of the
    pulses after which the detector is not ready where that is worst.

    edges (n + 1,) s from the drive edge and counts (n,): of the decay, after dark bins; live (n,): pulses after which
    the detector was ready; begin: s, when the decay does.
    """

    per_pulse: float
    highest: float
    pile_up: float
    edges: Array
    counts: Array
    live: Array
    begin: float

    @classmethod
    def of(cls, data: Data, dead_time: float) -> "Counting":
        """Of an average of counts."""
        counts, edges = histogram(files.as_recording(data))
        pulses = data.accounting.pulses_averaged
        live = live_pulses(counts, edges, pulses, dead_time, LANE)
        settings = data.settings
        together = max(round(1e-7 / settings.bin), 1)
        whole = counts[: counts.size // together * together].reshape(-1, together).sum(axis=1)
        rate = float(whole.max()) / (pulses * together * settings.bin) if whole.size else 0.0
        optical = "trpl" in data.source
        begin = 0.0 if optical else settings.width
        # Light before the decay is none of its business; the dark before the pulse tells the background.
        after = edges[:-1] >= begin - (NEAR if optical else 0.0)
        dark = edges[1:] <= -NEAR
        kept = np.concatenate((counts[dark], counts[after]))
        first = edges[:-1][after][0] if after.any() else edges[-1]
        return cls(
            per_pulse=float(counts.sum()) / pulses,
            highest=rate,
            pile_up=1 - float(live.min()) / pulses,
            edges=first + settings.bin * (np.arange(kept.size + 1) - np.count_nonzero(dark)),
            counts=kept,
            live=np.concatenate((live[dark], live[after])),
            begin=begin,
        )

    def fit(self, response: float) -> Decay:
        """Its lifetimes. response: s, time constant of the detector."""
        around = self.begin - NEAR, self.begin + NEAR
        return fit_decay(self.counts, self.edges, self.live, response, start=around)


def dead_time(source: str) -> float:
    """s, of the detector behind an emulated board; 0 where nobody says."""
    if not is_emulated(source):
        return 0.0
    parts = urlsplit(source)
    try:
        detector = load_plant(parts.path, dict(parse_qsl(parts.query))).detector
    except PresetError:
        return 0.0
    return detector.dead_time if isinstance(detector, PhotonCounter) else 0.0
