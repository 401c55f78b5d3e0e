"""What a user says of a file of another instrument, where the file does not or is not to be believed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """light, drive: names of channels, or their numbers from 1 on. unit: of the light. time_unit: of a time column.

    interval: s from one sample to the next, instead of a time column. edge: s on the file's own time axis, with its
    standard error edge_se; width: s, of the drive pulse. invert: the light's signal goes down when there is more light.
    """

    light: str | None = None
    drive: str | None = None
    unit: str | None = None
    time_unit: str | None = None
    interval: float | None = None
    edge: float | None = None
    edge_se: float = 0.0
    width: float | None = None
    invert: bool = False


NOTHING_SAID = Choices()
