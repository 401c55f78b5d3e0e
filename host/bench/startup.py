"""From the start of the program to its first trace."""

import os
import subprocess
import sys
import time
from pathlib import Path

from trelscope.host.bench.effort import Effort
from trelscope.host.bench.rows import BenchError, Report, Row, measured, missing

ROOT = Path(__file__).parents[3]
"""Where `import trelscope` finds this program, for processes of their own."""
PATIENCE = 60.0  # s
STAGES = {"imported": "imports done", "shown": "window shown", "drawn": "first average drawn"}


def rows(effort: Effort, report: Report) -> list[Row]:
    """Seconds from the start of the interpreter to each stage, with the emulator compiled."""
    report("start: the window, without a screen")
    try:
        runs = [_run() for _ in range(effort.samples)]
    except BenchError as error:
        return [missing(f"start.{k}", _what(name), "s", str(error)) for k, name in STAGES.items()]
    return [
        measured(f"start.{stage}", _what(name), [run[stage] for run in runs], "s")
        for stage, name in STAGES.items()
    ]


def _what(stage: str) -> str:
    return f"start, {stage}"


def _run() -> dict[str, float]:
    """When each stage was reached. Raises BenchError."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "trelscope.host.bench.firsttrace"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    reached = {line.strip(): time.perf_counter() - begin for line in process.stdout}
    try:
        _, said = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        said = "it does not end"
    if not reached.keys() >= STAGES.keys():
        why = (said.strip() or "it draws nothing").splitlines()[-1]
        raise BenchError(f"the window does not start here: {why}")
    return reached


def environment() -> dict[str, str]:
    """For a window without a screen, in a process of its own."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": path}
