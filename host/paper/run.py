"""Capturing the conditions, each once: what is done is kept on disk, so that a broken run goes on where it stopped."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trelscope.gateware.digest import gateware_digest, tree_digest
from trelscope.host.acquisition.acquisition import DRIVE, LIGHT, Acquisition, new_average
from trelscope.host.acquisition.average import Block
from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.recording import Recording
from trelscope.host.files import formats
from trelscope.host.link import Link
from trelscope.host.link.urls import open_link
from trelscope.host.measure.measure import Estimator, Measurements, MeasureOptions, measure
from trelscope.host.measure.trace import Trace
from trelscope.host.paper.conditions import Condition
from trelscope.host.planning import CaptureRequest

PULSES = 4096
WINDOW = -2e-6, 16e-6  # s: all of a rise and 90 % well inside, in the finest bins
FINE = 8  # times as many pulses in that window
WHOLE = 1.0  # s of pulses that make the top there
FIRST = 16  # times fewer first pulses
REST = 2e-3  # s without a pulse before a first one: over 100 deep-trap time constants
POINTS = 1200  # of a trace kept for the figures
LIMIT_PERCENT = 2.0
PROCEDURE = 3  # raise when what is done with a capture changes: kept results are then not taken


@dataclass(frozen=True)
class Row:
    """A condition as measured: times in s; None where the paper gives no target. t, y: its trace, normalised."""

    id: str
    figure: str
    condition: str
    quantity: str
    target: float | None
    measured: float
    se: float
    error_percent: float | None
    flags: list[str]
    doubt: str
    volts: float
    rate: float
    pulses: int
    t: list[float]
    y: list[float]

    def as_dict(self) -> dict[str, Any]:
        """Everything but the trace, as JSON takes it."""
        values = {key: value for key, value in asdict(self).items() if key not in ("t", "y")}
        for key in ("measured", "se", "error_percent"):
            if values[key] is not None and not math.isfinite(values[key]):
                values[key] = None
        return values


def run(
    conditions: Iterable[Condition],
    store: Path,
    seed: int,
    pulses: int,
    progress: Callable[[Condition, float], None],
    report: Callable[[str], None],
) -> list[Row]:
    """Rows of all `conditions`; those that `store` holds already are taken from there.

    pulses: averaged in each (fewer of slow ones). progress: told the condition at work and the part of it that is done.
    """
    store.mkdir(parents=True, exist_ok=True)
    rows = []
    for condition in conditions:
        kept = store / f"{_key(condition, seed, pulses)}.json"
        row = _load(kept)
        if row is None:
            row = _measure(condition, seed, pulses, progress, report)
            _save(kept, row)
        progress(condition, 1.0)
        rows.append(row)
    return rows


def worst_percent(rows: Iterable[Row]) -> float:
    """The largest distance from a target; nan if a time with a target could not be measured."""
    errors = [abs(row.error_percent) for row in rows if row.error_percent is not None]
    return float(np.max(errors)) if errors else math.nan


def _key(condition: Condition, seed: int, pulses: int) -> str:
    inputs = (asdict(condition), seed, pulses, PROCEDURE, gateware_digest(), _model())
    return f"{condition.id}-{hashlib.sha256(repr(inputs).encode()).hexdigest()[:16]}"


def _model() -> str:
    """What the emulated bench is: a change of it must be measured anew."""
    root = Path(__file__).parents[2]
    return tree_digest(root / "sim") + tree_digest(root / "host")


def _load(path: Path) -> Row | None:
    try:
        return Row(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None  # not there, or from a run that was cut off while writing


def _save(path: Path, row: Row) -> None:
    formats.store(path, json.dumps(asdict(row)))


def _measure(
    condition: Condition,
    seed: int,
    pulses: int,
    progress: Callable[[Condition, float], None],
    report: Callable[[str], None],
) -> Row:
    def at(part: float) -> None:
        progress(condition, part)

    bench = _Bench(condition, seed, report)
    if condition.first:
        pulses //= FIRST
        light, result = _first_pulses(bench, pulses, at)
    elif condition.fine:
        pulses *= FINE
        light, result = _fine(bench, pulses, at)
    else:
        done = bench.capture(pulses, None, at)
        light, result = done.light, done.measurements
    quantity = getattr(result, condition.quantity)
    t, y = _normalised(light, result)
    target = condition.target
    return Row(
        id=condition.id,
        figure=condition.figure,
        condition=condition.words,
        quantity=condition.quantity,
        target=target,
        measured=quantity.value,
        se=quantity.se,
        error_percent=None if target is None else 100.0 * (quantity.value / target - 1.0),
        flags=[str(flag) for flag in quantity.flags],
        doubt=condition.doubt,
        volts=condition.volts,
        rate=condition.rate,
        pulses=pulses,
        t=t,
        y=y,
    )


@dataclass(frozen=True)
class _Bench:
    """The emulated bench of one condition, powered up afresh for each use."""

    condition: Condition
    seed: int
    report: Callable[[str], None]

    def link(self, use: int = 0) -> Link:
        """Each `use` with noise of its own."""
        source = f"emulator:{self.condition.preset}"
        return open_link(source, 2 * self.seed + use, paced=False, report=self.report)

    def capture(
        self,
        pulses: int,
        window: tuple[float, float] | None,
        progress: Callable[[float], None],
        use: int = 0,
    ) -> Recording:
        volts, rate = self.condition.volts, self.condition.rate
        link = self.link(use)
        try:
            return capture(
                link,
                CaptureRequest(volts=volts, rate=rate, pulses=pulses, window=window).plan,
                lambda done, of: progress(done / of),
            )
        finally:
            link.close()


def _fine(
    bench: _Bench, pulses: int, progress: Callable[[float], None]
) -> tuple[Trace, Measurements]:
    """The rise in the finest bins, its top from a capture of the whole pulse: one window cannot hold both."""
    count = round(WHOLE * bench.condition.rate)
    whole = bench.capture(count, None, lambda part: progress(part / 2), use=1)
    part = bench.capture(pulses, WINDOW, lambda part: progress(0.5 + part / 2))
    top = whole.measurements.top, whole.measurements.amplitude_se
    account = part.accounting
    result = measure(
        part.light,
        part.settings.width,
        part.drive,
        MeasureOptions(top=top, estimator=Estimator.BEST),
        part.front_end.detector_delay,
        account.clipped,
        account.dropped,
        spacing=part.settings.spacing,
    )
    return part.light, result


def _first_pulses(
    bench: _Bench, count: int, progress: Callable[[float], None]
) -> tuple[Trace, Measurements]:
    """Average of `count` trains of one pulse each, with a rest before every one."""
    volts, rate = bench.condition.volts, bench.condition.rate
    link = bench.link()
    try:
        instrument = Instrument(link)
        settings = CaptureRequest(volts=volts, rate=rate, pulses=1, interleave=False).plan(
            instrument.identity.depth
        )
        front_end = link.front_end
        average = new_average(settings, front_end)
        for n in range(count):
            rested = link.clock() + REST
            while link.clock() < rested:
                instrument.frames(REST)
            train = Acquisition(instrument, settings)
            while not train.done:
                for frame in train.poll(0.1):
                    average.add(Block(frame.sums, settings.counts(frame.pulses), frame.pulses))
            progress((n + 1) / count)
    finally:
        link.close()
    light, drive = average.trace(LIGHT), average.trace(DRIVE)
    options = MeasureOptions(estimator=Estimator.BEST)
    delay = front_end.detector_delay
    return light, measure(light, settings.width, drive, options, delay, spacing=settings.spacing)


def _normalised(light: Trace, result: Measurements) -> tuple[list[float], list[float]]:
    """Time from the drive edge, s, and the light as a part of its amplitude, thinned out for a figure."""
    amplitude = result.top - result.baseline
    step = -(-light.t.size // POINTS)
    t = light.t[::step] - result.t0
    y = (light.y[::step] - result.baseline) / amplitude
    return [round(v, 10) for v in t.tolist()], [round(v, 5) for v in y.tolist()]
