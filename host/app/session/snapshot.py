"""What the worker hands to the window: immutable, the newest replaces the one before."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from trelscope.host.acquisition.acquisition import Accounting
from trelscope.host.app.session.history import History
from trelscope.host.app.session.requested_settings import Averaging
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
    """One average as it stands: traces, the light of the last frame alone, what they say.

    number: of the average, from 1; segments: trains it is made of, more than one where the link was lost, and gap: s
    between them. effective: pulses whose plain average would be as good. statistics: over blocks of pulses, by
    quantity. arrived: when the newest frame came, on the performance counter.
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


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All there is to show.

    words: the step in progress, or what went wrong. refusal: why the latest change was not made. board: what the
    instrument calls itself, "" until it has been asked. settings: in force; data: None until the first frame of an
    average. link_rate: bytes/s of traces.
    """

    source: str
    state: SessionState
    words: str = ""
    refusal: str = ""
    board: str = ""
    settings: Settings | None = None
    data: AverageData | None = None
    realtime_factor: float | None = None
    frame_rate: float = 0.0
    link_rate: float = 0.0
