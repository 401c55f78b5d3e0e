"""How fluently the window draws while frames are averaged: as fast as hardware makes them, and from the emulator."""

import json
import subprocess
import sys
from collections.abc import Mapping

from trelscope.host.bench.drawing import FRAMES_PER_SECOND, MEMORY, WARM_UP
from trelscope.host.bench.effort import Effort
from trelscope.host.bench.rows import TIMES, Report, Row, measured, missing
from trelscope.host.bench.startup import environment
from trelscope.host.link.urls import DEFAULT_SOURCE

LONGER = 3  # times as long as other figures: this one waits for a screen
PATIENCE = 60.0  # s
FIGURES = {
    "drawn": ("window, pictures of new data drawn", "1/s"),
    "latency": ("window, frame arrived to pixels, median", "s"),
    "worst": ("window, frame arrived to pixels, worst", "s"),
    "averaged": ("window, frames averaged meanwhile", "1/s"),
    "share": ("window, share of a core", "%"),
}
LIVE_FIGURES = {
    "pace": ("window and emulator, board time over wall time", TIMES),
    "drawn": ("window and emulator, pictures of new data drawn", "1/s"),
    "latency": ("window and emulator, frame arrived to pixels, median", "s"),
    "share": ("window and emulator, share of a core for all but the board", "%"),
    "board": ("window and emulator, share of a core for the board", "%"),
}


def rows(effort: Effort, report: Report) -> list[Row]:
    """Of two traces of 100 000 points from memory, and of the default trace from the emulator, without a screen."""
    note = f"two traces of 100 000 points, {FRAMES_PER_SECOND:g} frames/s offered"
    live = "the default trace at the pace of hardware, on all cores"
    return [
        *_figures("window", MEMORY, FIGURES, note, effort, report),
        *_figures("live", DEFAULT_SOURCE, LIVE_FIGURES, live, effort, report),
    ]


def _figures(
    key: str,
    source: str,
    figures: Mapping[str, tuple[str, str]],
    note: str,
    effort: Effort,
    report: Report,
) -> list[Row]:
    """`figures` of what `source` gives."""
    report(f"window: {note}")
    found = [_run(source, effort.seconds * LONGER) for _ in range(effort.samples)]
    runs = [each for each in found if isinstance(each, dict)]
    why = [each for each in found if isinstance(each, str)]
    return [
        missing(f"{key}.{name}", what, unit, why[0])
        if why
        else measured(f"{key}.{name}", what, [run[name] for run in runs], unit, note)
        for name, (what, unit) in figures.items()
    ]


def _run(source: str, seconds: float) -> dict[str, float] | str:
    """Figures, or why there are none."""
    done = subprocess.run(
        [sys.executable, "-m", "trelscope.host.bench.drawing", source, f"{max(seconds, 0.5)}"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE + seconds + WARM_UP,
        check=False,
    )
    try:
        figures: dict[str, float] = json.loads(done.stdout)
    except ValueError:
        return (done.stderr.strip() or "it draws nothing").splitlines()[-1]
    return figures
