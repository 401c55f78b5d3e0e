"""What the window shows: immutable snapshots, each of which replaces the one before."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.app.session.history import Course, History
from trelscope.host.app.session.requested_settings import Averaging, RequestedSettings
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.measure.measure import Measurements
from trelscope.host.measure.statistics import Summary
from trelscope.host.measure.trace import Trace
from trelscope.host.settings import Settings


class SessionState(enum.Enum):
    """What the session is doing."""

    OPENING = enum.auto()
    RUNNING = enum.auto()
    STOPPED = enum.auto()
    LOST = enum.auto()
    FAILED = enum.auto()


@dataclass(frozen=True, eq=False)
class AverageData:
    """One average as it stands: traces, what was measured on them, and where every pulse went.

    last_light: light of the last frame alone.
    statistics: of blocks of pulses, by quantity.
    number: of the average, from 1.
    segments: trains that the average is made of, more than one if the link was lost; gap: s between them.
    effective: number of pulses whose plain average would be as precise.
    course: of its standard errors.
    arrived: time at which the newest frame came, on the performance counter.
    incomplete, metadata: of a recording.
    """

    source: str
    board: str
    front_end: FrontEnd
    settings: Settings
    averaging: Averaging
    light: Trace
    drive: Trace
    last_light: Trace
    measurements: Measurements
    accounting: Accounting
    statistics: Mapping[str, Summary]
    history: History
    number: int
    segments: int
    gap: float
    effective: float
    arrived: float
    course: Course = field(default_factory=Course)
    incomplete: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, int, str]:
        """The same while an average grows, and another for every other one: source, number, time of its beginning."""
        return self.source, self.number, str(self.metadata.get("when", ""))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything that the window shows.

    message: the step in progress, or what went wrong.
    refusal: why the latest change of settings was refused. requested: the settings that were accepted last.
    board: the name that the instrument gives itself, "" until it has been asked.
    settings: the settings in force.
    data: None until the first frame of an average.
    link_rate: bytes of traces per second.
    """

    source: str
    state: SessionState
    message: str = ""
    refusal: str = ""
    board: str = ""
    requested: RequestedSettings | None = None
    settings: Settings | None = None
    data: AverageData | None = None
    realtime_factor: float | None = None
    frame_rate: float = 0.0
    link_rate: float = 0.0
