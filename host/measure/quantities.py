"""What is measured of a light pulse: definitions, options, results. How is in `trelscope.host.measure.measure`.

IEEE Std 181-2011 words where it has them. t0 is the 50 % instant of the monitored drive edge, or the commanded
edge. Baseline B: mean before t0. Top T: mean over the last part of the pulse, or as `MeasureOptions.top_method` says.
A = T - B; t10, t90: where light passes B + 0.1 A and B + 0.9 A.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Flag(StrEnum):
    """What a reader of a quantity must know."""

    LOW_SNR = "LOW_SNR"
    UNSETTLED = "UNSETTLED"
    DRIFT = "DRIFT"
    CLIPPED = "CLIPPED"
    INVERTED = "INVERTED"
    DROPPED = "DROPPED"
    BANDWIDTH_LIMITED = "BANDWIDTH_LIMITED"
    COMMANDED_EDGE = "COMMANDED_EDGE"
    PILE_UP = "PILE_UP"
    WINDOW_LEVEL = "WINDOW_LEVEL"
    WIDER = "WIDER"
    LIGHT_EDGE = "LIGHT_EDGE"
    UPPER_BOUND = "UPPER_BOUND"


NONE = "none"
"""How the reason begins where there is no such thing in the light, which is no fault."""


class Top(StrEnum):
    """How the level of the top is found."""

    MEAN = "mean"  # of the last part of the pulse
    HISTOGRAM = "histogram"  # the commonest level of the pulse (IEEE Std 181, 5.2.1, the shorth for the mode)
    EXTREME = "extreme"  # the highest sample


class Estimator(StrEnum):
    """How instants are found."""

    FAST = "fast"  # local polynomials, for every frame
    BEST = "best"  # pulse shapes that hold, or else the same as FAST


@dataclass(frozen=True)
class MeasureOptions:
    """How to measure.

    top_fraction: last part of the pulse that makes the top. top_method: see `Top`.
    top, baseline: V and its standard error, instead of what the trace shows: of a window without the end of the
    pulse, or without what is before it.
    low, high: levels of A between which rise and fall run.
    tangent: levels of A through which the line that defines the delay is laid.
    settle_band: half width of the settling band, part of A.
    """

    top_fraction: float = 0.1
    top_method: Top = Top.MEAN
    top: tuple[float, float] | None = None
    baseline: tuple[float, float] | None = None
    low: float = 0.1
    high: float = 0.9
    tangent: tuple[float, float] = (0.2, 0.5)
    settle_band: float = 0.02
    estimator: Estimator = Estimator.FAST

    def levels(self) -> str:
        """Baseline and top, in words."""
        if self.top is not None:
            top = "as given"
        elif self.top_method is Top.MEAN:
            top = f"mean of the pulse's last {self.top_fraction:.0%}"
        elif self.top_method is Top.HISTOGRAM:
            top = "commonest level of the pulse"
        else:
            top = "highest sample of the pulse"
        baseline = "mean before the pulse" if self.baseline is None else "as given"
        return f"top: {top}; baseline: {baseline}".replace("%", " %")


@dataclass(frozen=True)
class Definition:
    """Name in the field's words, unit (s, or none: a part of A), and what exactly under given options."""

    title: str
    unit: str
    words: Callable[[MeasureOptions], str]


def _percent(part: float) -> str:
    return f"{100 * part:g}"


DEFINITIONS: dict[str, Definition] = {
    "onset": Definition("Onset", "s", lambda o: f"drive edge to {_percent(o.low)} %"),
    "delay": Definition(
        "Delay",
        "s",
        lambda o: (
            "drive edge to the foot of the line through"
            f" {_percent(o.tangent[0])} and {_percent(o.tangent[1])} %"
        ),
    ),
    "rise": Definition("Rise", "s", lambda o: f"{_percent(o.low)} to {_percent(o.high)} %"),
    "response": Definition("Response", "s", lambda o: f"drive edge to {_percent(o.high)} %"),
    "settling": Definition(
        "Settling", "s", lambda o: f"drive edge to within ±{_percent(o.settle_band)} % of the top"
    ),
    "fall": Definition("Fall", "s", lambda o: f"{_percent(o.high)} to {_percent(o.low)} %"),
    "decay": Definition("Decay", "s", lambda o: "drive's falling edge to 1/e"),
    "overshoot": Definition(
        "Overshoot", "", lambda o: "highest point above the top, as a part of the amplitude"
    ),
    "spike": Definition(
        "Turn-off spike",
        "",
        lambda o: "highest point above the top after the falling edge, as a part of the amplitude",
    ),
}


PRIMARY = ("onset", "rise", "response", "settling", "fall")
"""What every capture is about; the others are SECONDARY."""
SECONDARY = tuple(name for name in DEFINITIONS if name not in PRIMARY)


@dataclass(frozen=True)
class Quantity:
    """Value and standard error in the definition's unit; nan with a reason in words if not measured.

    method: how it was found, and why not otherwise. most: what the value is at most, where no more is known of it.
    bound: the Cramér–Rao bound of se from the light alone, for who knows that the shape that fits best is the light's,
    but none of its parameters (S. M. Kay, Fundamentals of Statistical Signal Processing, vol. 1, 1993, ch. 3); nan
    where no shape holds.
    """

    value: float
    se: float
    flags: tuple[Flag, ...]
    reason: str = ""
    method: str = ""
    most: float | None = None
    bound: float = np.nan


@dataclass(frozen=True)
class Measurements:
    """Everything read from one pulse.

    baseline, top, amplitude_se: V (amplitude = top - baseline, negative when INVERTED).
    t0: s, reference instant, on the trace's time axis; reference: which edge it is.
    t_low, t_high: s, instants on the trace where the rise passes its levels; nan if unknown.
    detector_delay: s, subtracted from what is held against a drive edge.
    """

    onset: Quantity
    delay: Quantity
    rise: Quantity
    response: Quantity
    settling: Quantity
    fall: Quantity
    decay: Quantity
    overshoot: Quantity
    spike: Quantity
    baseline: float
    top: float
    amplitude_se: float
    t0: float
    reference: str
    t_low: float
    t_high: float
    pulses: int
    options: MeasureOptions
    detector_delay: float

    def levels(self) -> str:
        """Baseline, top and what is subtracted, in words."""
        words = self.options.levels()
        if Flag.WINDOW_LEVEL in self.rise.flags:
            words += "; of what the window does not show, the mean at its end instead"
        if self.detector_delay:
            words += f"; detector's delay of {self.detector_delay * 1e9:.3g} ns subtracted"
        return words

    def quantities(self) -> dict[str, Quantity]:
        """All of them by name."""
        return {name: getattr(self, name) for name in DEFINITIONS}

    def as_dict(self, names: Iterable[str] = PRIMARY) -> dict[str, dict[str, object]]:
        """Quantities by name: definition, value and se (None if not measured), flags, method, reason if any."""
        result: dict[str, dict[str, object]] = {}
        for name in names:
            q: Quantity = getattr(self, name)
            known = bool(np.isfinite(q.value))
            result[name] = {
                "definition": DEFINITIONS[name].words(self.options),
                "value": q.value if known else None,
                "se": q.se if np.isfinite(q.se) else None,
                "flags": [str(flag) for flag in q.flags],
                "method": q.method,
            }
            if not known:
                result[name]["reason"] = q.reason
            if q.most is not None:
                result[name]["upper_bound"] = q.most
        return result
