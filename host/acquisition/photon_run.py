"""A train of stamps as an object: what is known of it, its photons again and again, and recordings made of them."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.acquisition.recording import Recording
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.measure.measure import Estimator, MeasureOptions
from trelscope.host.measure.trace import Trace
from trelscope.host.photons.chunk import Chunk
from trelscope.host.photons.histogram import Bins, Histogram
from trelscope.host.photons.stream import PhotonAccounting
from trelscope.host.photons.timing import Timing
from trelscope.host.planning import SettingsError
from trelscope.host.settings import Settings
from trelscope.host.units import format_si

MOST_BINS = 1 << 22


@dataclass(frozen=True, eq=False)
class PhotonRun:
    """What is known of a train of stamps; `chunks` begins it anew each time.

    drive: as it was averaged meanwhile; None: not known. incomplete: why the train was cut short, "" if it was not.
    """

    source: str
    board: str
    front_end: FrontEnd
    settings: Settings
    timing: Timing
    accounting: PhotonAccounting
    crc_errors: int
    realtime_factor: float | None
    drive: Trace | None
    chunks: Callable[[], Iterator[Chunk]]
    incomplete: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """As plain JSON types in SI units. rate: photons seen per second."""
        account = self.accounting
        seconds = account.pulses_emitted / self.settings.rate
        return {
            "source": self.source,
            "settings": self.settings.as_dict(),
            **account.as_dict(),
            "crc_errors": self.crc_errors,
            "rate": account.photons_seen / seconds if seconds else None,
            "realtime_factor": self.realtime_factor,
            "incomplete": self.incomplete or None,
        }

    def histogram(self, bins: Bins, pulses: tuple[int, int] | None = None) -> Histogram:
        """Photons by time from the launch. pulses: the first that counts, and the first that does no longer."""
        found = Histogram(self.timing, bins)
        for chunk in self.chunks():
            found.add(chunk if pulses is None else chunk.between(*pulses))
        return found

    def recording(
        self,
        window: tuple[float, float] | None = None,
        bin: float | None = None,
        pulses: tuple[int, int] | None = None,
    ) -> Recording:
        """What a capture of the same photons would have been: of this window (start and length, s), with this bin (s).

        None: those of the settings. Only pulses all of whose photons are known count.
        """
        settings = self.settings
        bins = _bins(window or (settings.window_start, settings.window_length), bin or settings.bin)
        found = self.histogram(bins, pulses)
        settings = replace(
            settings,
            window_start=bins.start_ns / 1e9,
            window_length=bins.number * bins.width_ns / 1e9,
            bin=bins.width_ns / 1e9,
            time_tags=False,
        )
        looked = max(found.pulses, 1) * settings.bin
        light = Trace(
            settings.times(), found.counts / looked, np.sqrt(found.counts) / looked, found.pulses
        )
        emitted = self.accounting.pulses_emitted
        if pulses is not None:
            emitted = max(min(pulses[1], emitted) - pulses[0], 0)
        return Recording(
            source=self.source,
            board=self.board,
            front_end=self.front_end,
            settings=settings,
            options=MeasureOptions(estimator=Estimator.BEST),
            light=light,
            drive=self.drive or Trace(np.empty(0), np.empty(0), np.empty(0), 0),
            accounting=Accounting(
                pulses_emitted=emitted,
                pulses_averaged=found.pulses,
                pulses_missed=0,
                pulses_lost=emitted - found.pulses,
                frames_lost=0,
                crc_errors=self.crc_errors,
                clipped=0,
                packets_refused=self.accounting.packets_refused,
            ),
            realtime_factor=self.realtime_factor,
            incomplete=self.incomplete,
            metadata=self.metadata,
        )


def _bins(window: tuple[float, float], bin: float) -> Bins:
    """Of a window (start and length, s) and a bin (s), in whole ns. Raises SettingsError."""
    if not (math.isfinite(bin) and all(math.isfinite(value) for value in window)):
        raise SettingsError("window and bin must be finite numbers")
    width_ns, (start_ns, length_ns) = round(bin * 1e9), (round(value * 1e9) for value in window)
    if width_ns < 1 or abs(width_ns - bin * 1e9) > 1e-3:
        raise SettingsError(f"bin {format_si(bin, 's')} is not a whole number of ns")
    number = length_ns // width_ns
    if not 1 <= number <= MOST_BINS:
        raise SettingsError(
            f"a window of {format_si(window[1], 's')} has {number} bins of {width_ns} ns; take from 1 to {MOST_BINS}"
        )
    return Bins(start_ns, width_ns, number)
