"""A capture as an object that can be measured again in other ways."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.decay import LONGEST_DEAD_TIME, PILE_UP_LIMIT, pile_up
from trelscope.host.measure.measure import SECONDARY, Measurements, MeasureOptions, measure
from trelscope.host.measure.reference import Reference
from trelscope.host.measure.trace import Trace
from trelscope.host.settings import Settings

EDGES = "edges"
"""The key of the edges of a drive that was not recorded, in a recording's metadata: fields of Reference."""


@dataclass(frozen=True, eq=False)
class Recording:
    """Everything of a capture; what it says follows from the traces and the `options` it is measured with.

    incomplete: why the capture was cut short, "" if it was not. metadata: what is known beside it, as JSON has it.
    """

    source: str
    board: str
    front_end: FrontEnd
    settings: Settings
    options: MeasureOptions
    light: Trace
    drive: Trace
    accounting: Accounting
    realtime_factor: float | None
    incomplete: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def measurements(self) -> Measurements:
        """Times read from the traces."""
        account = self.accounting
        return measure(
            self.light,
            self.settings.width,
            self.drive if self.has_drive else None,
            self.options,
            self.front_end.detector_delay,
            clipped=account.clipped,
            dropped=account.dropped,
            spacing=self.settings.spacing,
            piled_up=piled_up(self.light, self.settings, self.front_end),
            known=self.edges,
        )

    @property
    def edges(self) -> Reference | None:
        """Those of a drive that was not recorded, where they are known; None of a capture."""
        known = self.metadata.get(EDGES)
        return None if known is None else Reference(**known)

    @property
    def has_drive(self) -> bool:
        """Whether the drive was recorded."""
        return self.edges is None or not np.isnan(self.drive.y).all()

    def measured(self, options: MeasureOptions) -> "Recording":
        """The same, measured in another way."""
        return replace(self, options=options)

    def about(self) -> dict[str, Any]:
        """Everything but the traces, as plain JSON types in SI units."""
        return {
            "source": self.source,
            "board": self.board,
            "front_end": self.front_end.as_dict(),
            "settings": self.settings.as_dict(),
            "options": asdict(self.options),
            "measurements": self.measurements.as_dict(),
            "secondary": self.measurements.as_dict(SECONDARY),
            "levels": self.measurements.levels(),
            "reference": self.measurements.reference,
            "accounting": self.accounting.as_dict(),
            "realtime_factor": self.realtime_factor,
            "incomplete": self.incomplete or None,
        }


def piled_up(light: Trace, settings: Settings, front_end: FrontEnd) -> bool:
    """Whether photons that came too soon after others are missing from counted light, in a number that matters.

    Nothing in a trace is corrected for them. A dead time that is not known is taken to be long.
    """
    if not settings.counting or not light.pulses:
        return False
    dead_time = front_end.dead_time
    longest = LONGEST_DEAD_TIME if dead_time is None else dead_time
    with np.errstate(over="ignore", invalid="ignore"):  # a file may hold any number
        counts = np.where(np.isfinite(light.y), light.y, 0.0) * settings.bin * light.pulses
        return pile_up(counts, settings.bin, light.pulses, longest) > PILE_UP_LIMIT


def with_errors(light: Trace, settings: Settings) -> Trace:
    """Counted light with a standard error in every bin: where no photon ever came, that of one."""
    one = 1 / (settings.bin * np.maximum(settings.counts(light.pulses)[0], 1))
    return replace(light, se=np.where(light.se > 0, light.se, one))


def histogram(recording: Recording) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Photons by bin (n,), and the bins' edges (n + 1,) in s from the drive edge as commanded."""
    settings = recording.settings
    edges = settings.window_start + settings.bin * np.arange(settings.bins + 1)
    looked = settings.counts(recording.accounting.pulses_averaged)[0]
    return np.asarray(np.rint(recording.light.y * settings.bin * looked)), np.asarray(edges)
