"""What the worker hands to the window: immutable, the newest replaces the one before."""

import enum
from dataclasses import dataclass

from host.acquire import Accounting
from host.measure import Measurements
from host.settings import Settings
from host.trace import Trace


class State(enum.Enum):
    """What the session is doing."""

    OPENING = enum.auto()
    RUNNING = enum.auto()
    STOPPED = enum.auto()
    FAILED = enum.auto()


@dataclass(frozen=True, eq=False)
class Data:
    """One acquisition as it stands: averages, the light of the last frame alone, what they say."""

    settings: Settings
    light: Trace
    drive: Trace
    last_light: Trace
    measurements: Measurements
    accounting: Accounting


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All there is to show.

    words: the step in progress, or what went wrong. refusal: why the latest change was not made.
    settings: in force; data: None until the first frame of an acquisition.
    """

    source: str
    state: State
    words: str = ""
    refusal: str = ""
    settings: Settings | None = None
    data: Data | None = None
    realtime_factor: float | None = None
    frame_rate: float = 0.0
