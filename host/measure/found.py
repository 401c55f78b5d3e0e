"""What an estimator says of one quantity, before it has a unit."""

from dataclasses import dataclass

from trelscope.host.measure.quantities import Flag

NOISY = "too noisy"
"""What a reason begins with when fewer averages are to blame."""


@dataclass(frozen=True)
class Found:
    """value and se in bins, or as a part of A; nan with a reason if not found.

    scale: bins, what a duration's se is held against. steep: whether its error is still linear in the noise.
    most: bins, what the value is at most where the bins show no more.
    bound: the least se that anybody could reach who knows which shape the light has; nan without a shape.
    """

    value: float = float("nan")
    se: float = float("nan")
    reason: str = ""
    flags: tuple[Flag, ...] = ()
    scale: float = float("inf")
    steep: bool = True
    method: str = ""
    most: float | None = None
    bound: float = float("nan")
