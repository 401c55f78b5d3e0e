"""Where the pulse is in a waveform, and what of the waveform is measured: several are averaged, one is cut out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trelscope.host.files.foreign.choices import Choices
from trelscope.host.files.foreign.pieces import FEWEST, Piece
from trelscope.host.measure import noise
from trelscope.host.measure.reference import Reference
from trelscope.host.measure.stack import anchors, stack
from trelscope.host.measure.train import Span, Train, train_of
from trelscope.host.units import format_si

Array = NDArray[np.float64]

_ALIKE = 0.05  # of the width, and two samples: what pulses of one train may differ by
_BEYOND = (
    1.2  # of what a record shows of a pulse whose end it does not show: the width that it is given
)
_STEADY = 0.3  # of a level's samples: those at its end, whose scatter is its noise
_HALF = 1 / np.sqrt(12)  # of a step: error of an instant between two samples
_DRIVEN = "50 % of the drive, between two samples"
AT_THE_END = "at the pulse's end"
"""How the words about an edge end where the record shows the falling one alone."""
_LIGHT = "found in the light, the foot of its rise"


@dataclass(frozen=True, eq=False)
class Placed:
    """What is measured: times in s from the edge. zero: s, where that edge is on the file's axis.

    width: s; rate: Hz, nan if unknown; volts: height of the drive; pulses: averaged.
    """

    t: Array
    light: Array
    light_se: Array
    drive: Array
    drive_se: Array
    zero: float
    width: float
    rate: float
    volts: float
    pulses: int
    edges: Reference
    how: tuple[str, ...]


def place(piece: Piece, choices: Choices, counted: bool, driven: bool) -> Placed:
    """The pulse in a piece of waveform."""
    upright = counted or choices.invert
    train = train_of(piece.y[1], upright=False) if driven else train_of(piece.y[0], upright)
    nan = np.full(piece.t.size, np.nan)
    whole = Placed(
        t=piece.t,
        light=piece.y[0],
        light_se=piece.se[0],
        drive=piece.y[1] if driven else nan,
        drive_se=piece.se[1] if driven else nan,
        zero=0.0,
        width=np.nan,
        rate=np.nan,
        volts=np.nan,
        pulses=piece.segments,
        edges=Reference(0.0, 0.0, np.nan, 0.0, ""),
        how=(),
    )
    if isinstance(train, str):
        return _unseen(whole, piece, choices, train, counted)
    if driven:
        whole = replace(whole, volts=abs(train.top - train.base))
    whole = replace(whole, rate=_rate(train, piece.dt))
    return _seen(whole, piece, choices, train, counted, driven)


def _rate(train: Train, dt: float) -> float:
    rises = [span.rise for span in train.spans if np.isfinite(span.rise)]
    return 1 / (dt * float(np.median(np.diff(rises)))) if len(rises) > 1 else float("nan")


def _unseen(placed: Placed, piece: Piece, choices: Choices, why: str, counted: bool) -> Placed:
    """No pulse is seen: what is measured is held against the edge as given, or the trigger."""
    zero = choices.edge if choices.edge is not None else 0.0
    if not piece.t[0] <= zero <= piece.t[-1]:
        zero = float(piece.t[0])
    width = choices.width or _BEYOND * float(piece.t[-1] - zero) + piece.dt
    words = (
        "edge as given"
        if choices.edge is not None
        else "trigger of the oscilloscope, for want of a pulse"
    )
    how = f"pulse: {why}; held against the {words}"
    edges = Reference(0.0, choices.edge_se, width, choices.edge_se, words)
    spread = noise.quick(placed.light)
    se = np.where(np.isfinite(placed.light_se), placed.light_se, spread * piece.widen)
    if counted:
        se = np.sqrt(np.maximum(placed.light, 1.0))
    return replace(
        placed, t=piece.t - zero, light_se=se, zero=zero, width=width, edges=edges, how=(how,)
    )


def _seen(
    placed: Placed, piece: Piece, choices: Choices, train: Train, counted: bool, driven: bool
) -> Placed:
    """The pulse that the record shows most of, or all of those averaged."""
    spans = train.best()
    how: list[str] = []
    if len(spans) > 1 and not counted and choices.edge is None:
        spans, words = _alike(spans)
        how.append(words)
    if choices.edge is not None:
        spans = (_nearest(train.spans, (choices.edge - piece.t[0]) / piece.dt),)
    span = spans[0]
    if len(spans) > 1:
        placed, span = _stacked(placed, piece, spans)
        widen = np.ones(placed.t.size)
    else:
        cut = slice(0, piece.t.size) if choices.edge is not None else _cut(span, piece.t.size)
        if counted:
            cut, span = _one_excitation(span, train, piece)
        lost = piece.t.size - (cut.stop - cut.start)
        if lost:
            how.append(f"left out: {lost} samples of other pulses")
        placed = replace(
            placed,
            t=piece.t[cut],
            **{
                name: getattr(placed, name)[cut]
                for name in ("light", "light_se", "drive", "drive_se")
            },
        )
        span = _moved(span, cut.start)
        widen = piece.widen[cut]
    placed, found = _with_edges(placed, span, piece.dt, choices, driven)
    how += found
    if train.down:
        how.append(f"{'drive' if driven else 'light'}: the signal goes down in the pulse")
    if counted:
        return replace(placed, light_se=np.sqrt(np.maximum(placed.light, 1.0)), how=tuple(how))
    if placed.pulses == 1:
        how.append("noise: estimated from the scatter of the levels before, in and after the pulse")
        placed = _with_noise(placed, span, widen, driven)
    return replace(placed, how=tuple(how))


def _cut(span: Span, size: int) -> slice:
    return slice(max(span.left, 0), min(max(span.right, span.left + FEWEST), size))


def _one_excitation(span: Span, train: Train, piece: Piece) -> tuple[slice, Span]:
    """Of a histogram: all bins before the light of another excitation; its light falls from the peak on."""
    later = [other.begin for other in train.spans if other.begin > span.fall]
    stop = max(int(min(later)) - 1, FEWEST) if later else piece.t.size
    first, last = (int(each) if np.isfinite(each) else 0 for each in (span.begin, span.fall))
    peak = first + int(np.argmax(piece.y[0][first : max(last, first) + 1])) if last else stop - 1
    return slice(0, stop), replace(span, stop=float(peak) + 0.5, left=0, right=stop)


def _moved(span: Span, by: int) -> Span:
    return Span(
        begin=span.begin - by,
        rise=span.rise - by,
        stop=span.stop - by,
        fall=span.fall - by,
        left=span.left - by,
        right=span.right - by,
    )


def _nearest(spans: Sequence[Span], at: float) -> Span:
    return min(spans, key=lambda s: abs((s.rise if np.isfinite(s.rise) else s.fall) - at))


def _alike(spans: tuple[Span, ...]) -> tuple[tuple[Span, ...], str]:
    """Those of one train, or the first alone; and which."""
    widths = np.array([span.fall - span.rise for span in spans if span.whole])
    if widths.size == len(spans) and np.ptp(widths) > 2 + _ALIKE * np.median(widths):
        return spans[:1], f"{len(spans)} pulses of different length: the first one is measured"
    return spans, f"{len(spans)} pulses averaged; the noise is their scatter"


def _stacked(placed: Placed, piece: Piece, spans: tuple[Span, ...]) -> tuple[Placed, Span]:
    """Their average, and where the pulse is in it."""
    rising = bool(np.isfinite(spans[0].rise))
    at = anchors([span.rise if rising else span.fall for span in spans])
    whole = np.rint(at)
    before = int(min(w - span.left for w, span in zip(whole, spans, strict=True)))
    after = int(min(span.right - 1 - w for w, span in zip(whole, spans, strict=True)))
    both = stack([piece.y] * len(spans), list(at), before, after)
    t = both.k * piece.dt
    zero = float(piece.t[0] + at[0] * piece.dt)

    def mean(name: str) -> float:
        off = [getattr(s, name) - a for s, a in zip(spans, at, strict=True)]
        return float(np.mean(off) - both.k[0])

    span = Span(mean("begin"), mean("rise"), mean("stop"), mean("fall"), 0, t.size)
    nothing = np.full(t.size, np.nan)
    driven = len(piece.y) > 1
    return replace(
        placed,
        t=t + zero,
        light=both.mean[0],
        light_se=both.se[0],
        drive=both.mean[1] if driven else nothing,
        drive_se=both.se[1] if driven else nothing,
        pulses=len(spans) * placed.pulses,
    ), span


def _with_edges(
    placed: Placed, span: Span, dt: float, choices: Choices, driven: bool
) -> tuple[Placed, list[str]]:
    """With the edges that the pulse is held against, and how they were found."""
    first, n = float(placed.t[0]), placed.t.size
    rise, fall, begin, stop = (
        first + dt * each for each in (span.rise, span.fall, span.begin, span.stop)
    )
    seen_up, seen_down = np.isfinite(rise), np.isfinite(fall)
    by_light = not driven and choices.edge is None
    said = ["drive" if driven else "light"]
    if choices.edge is not None:
        start, se = choices.edge, choices.edge_se
        words = "edge as given"
    elif seen_up:
        start, se = (
            (rise if driven else first + dt * _foot(placed.light, span.begin, span.rise)),
            _HALF * dt,
        )
        words = _DRIVEN if driven else _LIGHT
    else:
        width = choices.width or _BEYOND * (fall - first) + dt
        start, se = fall - width, _HALF * dt
        words = f"{_DRIVEN if driven else 'found in the light'}, {AT_THE_END}"
    if choices.width is not None:
        end = start + choices.width
    elif seen_down:
        end = fall if driven else first + dt * _foot(placed.light, span.stop, span.fall)
    else:
        end = start + _BEYOND * (first + n * dt - start)
    width = end - start
    edges = Reference(
        start=0.0,
        start_se=float(se),
        end=float(end - start),
        end_se=float(max(_HALF * dt, se)) if choices.edge is None else float(se),
        words=words,
        begin=float("nan") if driven else float(begin - start),
        stop=float("nan") if driven else float(stop - start),
        by_light=bool(by_light and seen_up),
    )
    at = "" if edges.by_light else f", at {format_si(float(start), 's')} of the file's time"
    how = [f"edge: {words}{at}"] if seen_up or choices.edge is not None else []
    if not seen_up and choices.edge is None:
        how.append("the record shows the end of a pulse alone")
    if not seen_down and choices.width is None:
        how.append(
            f"the record does not show the end of the pulse in the {said[0]}; say how long it is with --width"
        )
    return replace(
        placed, t=placed.t - start, zero=float(start), width=float(width), edges=edges
    ), how


def _foot(light: Array, leaves: float, half: float) -> float:
    """Where the line through 20 and 50 % of a transition meets the level that it comes from, in samples.

    leaves, half: where the light leaves that level at the earliest, and where it is half-way.
    """
    begin = max(int(leaves), 0)
    level = float(light[max(begin - 3, 0) : begin + 1].mean())
    middle = float(np.interp(half, np.arange(light.size), light))
    fifth = level + 0.4 * (middle - level)
    gone = np.flatnonzero(np.sign(level - middle) * (light[begin : int(half) + 2] - fifth) < 0)
    at = begin + float(gone[0]) if gone.size else half
    return min(max(half - (half - at) / 0.6, leaves), half)


def _with_noise(placed: Placed, span: Span, widen: Array, driven: bool) -> Placed:
    """With the error of every sample, from how the levels scatter."""
    n = placed.t.size
    up, down = span.rise, span.fall
    dark = [slice(0, int(span.begin))] if np.isfinite(up) else []
    if np.isfinite(down):
        dark.append(slice(int(down + _STEADY * (n - down)), n))
    first = up if np.isfinite(up) else 0.0
    last = span.stop if np.isfinite(down) else n
    lit = [slice(int(last - _STEADY * (last - first)), int(last))]
    light_se = _errors(placed.light, dark, lit) * widen
    drive_se = _errors(placed.drive, dark, lit) * widen if driven else placed.drive_se
    known = np.isfinite(placed.light_se)
    return replace(
        placed,
        light_se=np.where(known, placed.light_se, light_se),
        drive_se=np.where(np.isfinite(placed.drive_se), placed.drive_se, drive_se),
    )


def _errors(y: Array, dark: list[slice], lit: list[slice]) -> Array:
    """(n,) in proportion to the signal between the noise of the two levels, or of the one that shows it."""
    levels = []
    for parts in (dark, lit):
        spreads = [(noise.of_level(y[part]), y[part]) for part in parts]
        known = [
            (spread, float(np.median(values))) for spread, values in spreads if np.isfinite(spread)
        ]
        levels.append(known[0] if known else None)
    low, high = levels
    if low is None or high is None or low[1] == high[1]:
        spread = (low or high or (noise.quick(y), 0.0))[0]
        return np.full(y.size, spread)
    part = np.clip((y - low[1]) / (high[1] - low[1]), 0, 1)
    return np.asarray(np.sqrt(low[0] ** 2 + (high[0] ** 2 - low[0] ** 2) * part))
