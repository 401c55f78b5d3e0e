"""How fluently the window draws while frames are averaged as fast as hardware makes them."""

import json
import subprocess
import sys

from trelscope.host.bench.drawing import FRAMES_PER_SECOND, WARM_UP
from trelscope.host.bench.effort import Effort
from trelscope.host.bench.rows import Report, Row, measured, missing
from trelscope.host.bench.startup import environment

LONGER = 3  # times as long as other figures: this one waits for a screen
PATIENCE = 60.0  # s
FIGURES = {
    "drawn": ("window, pictures of new data drawn", "1/s"),
    "latency": ("window, frame arrived to pixels, median", "s"),
    "worst": ("window, frame arrived to pixels, worst", "s"),
    "averaged": ("window, frames averaged meanwhile", "1/s"),
    "share": ("window, share of a core", "%"),
}


def rows(effort: Effort, report: Report) -> list[Row]:
    """Of two traces of 100 000 points, without a screen."""
    report("window: two traces of 100 000 points")
    found = [_run(effort.seconds * LONGER) for _ in range(effort.samples)]
    runs = [each for each in found if isinstance(each, dict)]
    why = [each for each in found if isinstance(each, str)]
    note = f"two traces of 100 000 points, {FRAMES_PER_SECOND:g} frames/s offered"
    return [
        missing(f"window.{key}", what, unit, why[0])
        if why
        else measured(f"window.{key}", what, [run[key] for run in runs], unit, note)
        for key, (what, unit) in FIGURES.items()
    ]


def _run(seconds: float) -> dict[str, float] | str:
    """Figures, or why there are none."""
    done = subprocess.run(
        [sys.executable, "-m", "trelscope.host.bench.drawing", f"{max(seconds, 0.5)}"],
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
