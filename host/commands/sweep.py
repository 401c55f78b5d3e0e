"""`trelscope sweep`: a capture for each of several voltages, rates or devices."""

import argparse
import json
import math
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from trelscope.host.acquisition import sweep
from trelscope.host.acquisition.sweep import UNITS, Axis, Point, Progress, Sweep
from trelscope.host.commands.common import (
    FORCE,
    JSON,
    OUTPUT,
    SEED,
    Commands,
    add_settings,
    number,
    requested,
    say,
)
from trelscope.host.files import sweeps
from trelscope.host.link.urls import DEFAULT_SOURCE, as_typed
from trelscope.host.measure.quantities import DEFINITIONS, PRIMARY
from trelscope.host.planning import SettingsError
from trelscope.host.units import format_si, format_with_error

MOST = 1000  # points


def add(commands: Commands) -> None:
    """Add the command."""
    p = commands.add_parser(
        "sweep",
        help="captures over a range of voltages, rates or devices",
        parents=[SEED, OUTPUT, JSON, FORCE],
    )
    p.set_defaults(command=_sweep)
    p.add_argument("axis", type=str, choices=[str(axis) for axis in Axis], help="what is swept")
    p.add_argument(
        "values",
        metavar="VALUES",
        help="START:STOP:STEP or a list: 3:7:0.5, 500,1k,10k, bmim3-1mm2,hr-1mm2",
    )
    p.add_argument(
        "source", nargs="?", type=as_typed, metavar="SOURCE", help=f"default {DEFAULT_SOURCE}"
    )
    add_settings(p)


def _sweep(options: argparse.Namespace) -> int:
    plan = _plan(options)
    if options.output:
        sweeps.check(options.output, options.force)
    plan.check()
    done: list[Point] = []
    tell = _ProgressDisplay(plan)
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        try:
            with closing(sweep.points(plan, executor)) as points:
                for point in points:
                    done.append(point)
                    tell(point)
        except KeyboardInterrupt:
            pass  # what has been captured is kept
    try:  # a table that cannot be printed is saved, and one that cannot be saved is printed
        shown = json.dumps(sweeps.as_dict(plan, done)) if options.json else _table(plan, done)
        print(shown, flush=True)
    finally:
        if options.output and done:
            sweeps.save(options.output, plan, done)
    missing = len(plan.values) - len(done)
    failed = sum(point.recording is None for point in done)
    if missing:
        say(f"trelscope: interrupted; {missing} of {len(plan.values)} points were not captured")
    elif failed:
        say(f"trelscope: {failed} of {len(plan.values)} points failed; the others are above")
    return 1 if missing or failed else 0


def _plan(options: argparse.Namespace) -> Sweep:
    axis = Axis(options.axis)
    if axis is Axis.DEVICE:
        if options.source:
            raise SettingsError(
                f"a sweep of devices takes no other source: leave out {options.source!r}"
            )
        values: tuple[float | str, ...] = _devices(options.values)
    else:
        if getattr(options, str(axis)) is not None:
            raise SettingsError(f"--{axis} is what is swept: leave it out")
        values = _numbers(options.values, UNITS[axis])
    return Sweep(axis, values, options.source or DEFAULT_SOURCE, requested(options), options.seed)


def _devices(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise SettingsError(f"not a list of devices: {text!r} (write e.g. bmim3-1mm2,hr-1mm2)")
    return tuple(name if ":" in name else f"emulator:{name}" for name in names)


def _numbers(text: str, unit: str) -> tuple[float, ...]:
    try:
        if ":" in text:
            return _range(text, [number(part, unit) for part in text.split(":")])
        return tuple(number(part, unit) for part in text.split(","))
    except argparse.ArgumentTypeError as error:
        raise SettingsError(str(error)) from None


def _range(text: str, parts: list[float]) -> tuple[float, ...]:
    if len(parts) != 3:
        raise SettingsError(f"not START:STOP:STEP: {text!r} (write e.g. 3:7:0.5)")
    start, stop, step = parts
    steps = (stop - start) / step if step else -1.0
    if not 0 <= steps < MOST:
        raise SettingsError(f"{text!r} is not 1 to {MOST} steps from START to STOP")
    # As written in decimals, not as steps of a binary fraction add up.
    return tuple(float(f"{start + k * step:.12g}") for k in range(math.floor(steps + 1e-9) + 1))


class _ProgressDisplay:
    """Points done and time left: in one line where somebody is watching, in a line each elsewhere."""

    def __init__(self, plan: Sweep) -> None:
        self._progress = Progress(plan)
        self._axis = plan.axis
        self._live = sys.stderr.isatty()

    def __call__(self, point: Point) -> None:
        progress = self._progress
        progress.add(point)
        where = f"{progress.done}/{progress.total}"
        finished = progress.done == progress.total
        left = "done" if finished else f"about {math.ceil(progress.left or 0)} s left"
        if point.error or not self._live:
            say(f"{where} {_value(self._axis, point)}: {point.error or left}")
        if self._live:
            end = "\n" if finished else ""
            print(f"\r{where} points, {left:<24}", end=end, file=sys.stderr, flush=True)


def _value(axis: Axis, point: Point) -> str:
    if isinstance(point.value, str):
        return point.value
    return format_si(point.value, UNITS[axis])


def _table(plan: Sweep, done: list[Point]) -> str:
    """A line for each point, in the order of the values."""
    done = sorted(done, key=lambda point: point.index)
    head = [str(plan.axis), *(DEFINITIONS[name].title for name in PRIMARY), "flags"]
    rows = [[_value(plan.axis, point), *_cells(point)] for point in done]
    widths = [
        max(len(row[n]) for row in [head, *rows] if len(row) > 2 or not n) for n in range(len(head))
    ]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in [head, *rows]
    )


def _cells(point: Point) -> list[str]:
    if point.recording is None:
        return [point.error]
    results = [getattr(point.recording.measurements, name) for name in PRIMARY]
    flags = sorted({str(flag) for q in results for flag in q.flags})
    texts = ["–" if q.reason else format_with_error(q.value, q.se, "s") for q in results]
    return [*texts, " ".join(flags)]
