"""Measures an averaged light pulse: every quantity of `trelscope.host.measure.quantities`, with standard errors.

`Estimator.FAST` finds instants by local polynomials (`local.py`), `Estimator.BEST` by the pulse shapes
that hold (`by_shape.py`). docs/measuring.md says which is how precise.
"""

from dataclasses import replace

import numpy as np

from trelscope.host.measure.by_shape import ShapeCache, ShapeEstimator
from trelscope.host.measure.found import NOISY, Found
from trelscope.host.measure.levels import NoLevels
from trelscope.host.measure.local import LocalEstimator
from trelscope.host.measure.pulse import Pulse
from trelscope.host.measure.quantities import (
    DEFINITIONS,
    PRIMARY,
    SECONDARY,
    Estimator,
    Flag,
    Measurements,
    MeasureOptions,
    Quantity,
    Top,
)
from trelscope.host.measure.reference import Reference, reference
from trelscope.host.measure.trace import Trace, unfit
from trelscope.host.measure.unresolved import unresolved

__all__ = [
    "DEFINITIONS",
    "PRIMARY",
    "SECONDARY",
    "Estimator",
    "Flag",
    "MeasureOptions",
    "Measurements",
    "Quantity",
    "ShapeCache",
    "Top",
    "measure",
]

DEFAULTS = MeasureOptions()
IS_THE_EDGE = "the foot of the light's own rise is taken for the edge, for want of a drive channel"

_VAGUE = 0.1  # se above this part of the transition: LOW_SNR
TEN_TO_NINETY = float(np.log(9))  # rise of one pole, in time constants
_SLOW = 4.0  # times the detector's own rise; a faster transition is 3 % or more the detector's: BANDWIDTH_LIMITED
_SHAPED_BY = {"rise": ("onset", "delay", "response", "settling"), "fall": ("decay",)}
_FROM_START = ("onset", "delay", "response", "settling")
_FROM_END = ("decay",)


def measure(
    light: Trace,
    width: float,
    drive: Trace | None = None,
    options: MeasureOptions = DEFAULTS,
    detector_delay: float = 0.0,
    clipped: int = 0,
    dropped: int = 0,
    shapes: ShapeCache | None = None,
    spacing: float = 0.0,
    piled_up: bool = False,
    known: Reference | None = None,
) -> Measurements:
    """Measure one pulse of commanded `width` (s).

    light: detector trace, evenly spaced bins that begin before the pulse. drive: monitor of the
    drive voltage; without it t0 is t = 0, by definition, and where it shows no edge the commanded edge,
    with an error and a flag of its own. detector_delay: s, delay of the light channel against
    the drive, the time constant of its pole; it is subtracted from what is held against a drive edge, and leaves
    rise and fall as they are. clipped, dropped: samples at the converter's end stops and pulses lost; any at all is
    flagged. shapes: those of one average that grows, which make the best estimator fast and tell when an error widens.
    spacing: s between the sample instants that a bin is the mean over; 0: a continuum. piled_up: whether photons are
    missing that came too soon after others. known: the edges of the drive, where it was not recorded or shows none.
    """
    flags = [Flag.CLIPPED] * (clipped > 0) + [Flag.DROPPED] * (dropped > 0)
    flags += [Flag.PILE_UP] * piled_up
    edges = reference(width, drive, spacing, known)
    results = dict.fromkeys(DEFINITIONS, Found(reason=unfit(light, width)))
    levels = np.nan, np.nan, np.nan
    marks: tuple[float, ...] = np.nan, np.nan
    dt = np.nan
    if not unfit(light, width):
        try:
            pulse = Pulse.of(light, width, edges, options, detector_delay)
        except NoLevels as problem:
            levels = problem.levels
            flags += problem.flags
            results = dict.fromkeys(DEFINITIONS, Found(reason=problem.reason))
        else:
            flags += pulse.flags
            dt = pulse.layout.dt
            levels = pulse.levels.baseline, pulse.levels.top, pulse.levels.amplitude_se
            local = LocalEstimator(pulse)
            best = options.estimator is Estimator.BEST
            results = ShapeEstimator(pulse, local, shapes).found() if best else local.found()
            if (
                known is not None
            ):  # samples are instants, where bins are means that show a part of an edge
                results |= unresolved(pulse)
            marks = tuple(
                float(light.t[0] + (pulse.layout.u0 + results[name].value) * dt)
                for name in ("onset", "response")
            )
    results = {name: _in_seconds(found, name, dt) for name, found in results.items()}
    if edges.by_light:
        edges = _with_foot(edges, results["delay"], results["onset"])
        results["delay"] = replace(results["delay"], value=np.nan, se=np.nan, reason=IS_THE_EDGE)
    quantities = {}
    for name, found in results.items():
        if name in _FROM_START:
            found = replace(found, value=found.value - (edges.start - edges.first))
            found = _held_against(found, detector_delay, edges.start_se, edges.start_seen)
        elif name in _FROM_END:
            found = replace(found, value=found.value - (edges.end - edges.last))
            found = _held_against(found, detector_delay, edges.end_se, edges.end_seen)
        if edges.by_light and name in _FROM_START + _FROM_END:
            found = replace(found, flags=(*found.flags, Flag.LIGHT_EDGE))
        quantities[name] = _quantity(found, flags)
    for transition, others in _SHAPED_BY.items():
        if quantities[transition].value < _SLOW * TEN_TO_NINETY * detector_delay:
            quantities |= {name: _limited(quantities[name]) for name in (transition, *others)}
    if shapes is not None:
        quantities = shapes.errors.flagged(quantities, options)
    return Measurements(
        **quantities,
        baseline=levels[0],
        top=levels[1],
        amplitude_se=levels[2],
        t0=edges.start,
        reference=edges.words,
        t_low=marks[0],
        t_high=marks[1],
        pulses=light.pulses,
        options=options,
        detector_delay=detector_delay,
    )


def _held_against(found: Found, delay: float, se: float, seen: bool) -> Found:
    """What was found from a drive edge, with that edge's standard error (s) and without the detector's delay (s)."""
    flags = found.flags if seen else (*found.flags, Flag.COMMANDED_EDGE)
    return replace(found, value=found.value - delay, se=float(np.hypot(found.se, se)), flags=flags)


def _in_seconds(found: Found, name: str, dt: float) -> Found:
    """What was found in bins of `dt` (s), in s, unless it is a part of A."""
    if not DEFINITIONS[name].unit:
        return found
    return replace(
        found,
        value=found.value * dt,
        se=found.se * dt,
        scale=found.scale * dt,
        most=None if found.most is None else found.most * dt,
        bound=found.bound * dt,
    )


def _with_foot(edges: Reference, delay: Found, onset: Found) -> Reference:
    """The edges with the foot of the light's rise as the start, where it was found.

    The light may have begun at any time that is no farther from the foot than the onset is.
    """
    if not np.isfinite(delay.value):
        return edges
    doubt = abs(onset.value - delay.value) / np.sqrt(3) if np.isfinite(onset.value) else 0.0
    se = float(np.hypot(delay.se, doubt))
    return replace(edges, begin=edges.first, start=edges.first + delay.value, start_se=se)


def _limited(q: Quantity) -> Quantity:
    """Of a transition that the detector shapes."""
    if Flag.BANDWIDTH_LIMITED in q.flags:
        return q
    return replace(q, flags=(*q.flags, Flag.BANDWIDTH_LIMITED))


def _quantity(found: Found, common: list[Flag]) -> Quantity:
    """Adds LOW_SNR where the error is too large."""
    flags = [*common, *(flag for flag in found.flags if flag not in common)]
    known = bool(np.isfinite(found.value))
    vague = known and (found.se > _VAGUE * found.scale or not found.steep)
    noisy = not known and found.reason.startswith(NOISY)
    if (noisy or (vague and Flag.BANDWIDTH_LIMITED not in flags)) and Flag.LOW_SNR not in flags:
        flags.append(Flag.LOW_SNR)
    return Quantity(
        found.value, found.se, tuple(flags), found.reason, found.method, found.most, found.bound
    )
