"""The gateware alone, under several engines: plain cycles, each engine in its usual way."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from trelscope.host.bench import icarus, verilated
from trelscope.host.bench.compiled import Compiled, blind_plant, board
from trelscope.host.bench.effort import Effort
from trelscope.host.bench.engine import Engine
from trelscope.host.bench.machine import one_core
from trelscope.host.bench.pysim import PySim
from trelscope.host.bench.rows import TIMES, BenchError, Report, Row, compared, measured, missing
from trelscope.host.bench.workload import fingerprint

UNIT = "cycles/s"
WARM_UP = 2  # blocks


def rows(effort: Effort, report: Report) -> list[Row]:
    """Cycles per second of each engine, and how many times faster the emulator is. Raises BenchError."""
    with _engines(effort, report) as (engines, absent):
        report("gateware: the same outputs everywhere?")
        prints = agreed(engines, effort.watched)
        report("gateware: cycles per second")
        speeds = _speeds(engines, effort)
    same = f"same outputs in the first {effort.watched} cycles ({prints})"
    rows = []
    for engine in engines:
        key, speed = f"gateware.{engine.key}", speeds[engine.key]
        rows.append(measured(key, f"gateware, {engine.name}", speed, UNIT, same))
        if engine is not engines[0]:
            what = f"  emulator over {engine.name}"
            rows.append(compared(f"{key}.ratio", what, speeds[engines[0].key], speed))
    for key, (name, why) in absent.items():
        rows.append(missing(f"gateware.{key}", f"gateware, {name}", UNIT, why))
        rows.append(missing(f"gateware.{key}.ratio", f"  emulator over {name}", TIMES, why))
    return rows


def agreed(engines: Sequence[Engine], cycles: int) -> str:
    """Fingerprint of what all of them show in their next `cycles`. Raises BenchError if they do not show the same."""
    first = engines[0].watch(cycles)
    for engine in engines[1:]:
        wrong = np.flatnonzero(engine.watch(cycles) != first)
        if wrong.size:
            raise BenchError(
                f"{engine.name} and {engines[0].name} differ from cycle {wrong[0]} on: there is nothing to compare"
            )
    return fingerprint(first.astype("<u4").tobytes())


@contextmanager
def _engines(
    effort: Effort, report: Report
) -> Iterator[tuple[list[Engine], dict[str, tuple[str, str]]]]:
    """The engines there are, the emulator first; and of the others, by key, the name and what is missing."""
    plant = blind_plant()
    absent = {}
    with ExitStack() as stack:
        engines: list[Engine] = [Compiled("emulator", "the emulator", board(plant, False, report))]
        stack.callback(engines[0].close)
        tool = verilated.find()
        library = tool and verilated.library(tool, False, report, effort.build)
        if library:
            verilator = verilated.board(library, plant, fast_forward=False)
            engines.append(Compiled("verilator", "Verilator", verilator))
            stack.callback(engines[-1].close)
        else:
            absent["verilator"] = "Verilator", verilated.NOT_BUILT if tool else verilated.HOW
        if lacking := icarus.missing_tool():
            absent[icarus.Icarus.key] = icarus.Icarus.name, lacking
        else:
            report("gateware: starting Icarus")
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            with one_core():
                engines.append(icarus.Icarus(Path(folder)))
            stack.callback(engines[-1].close)
        engines.append(PySim())
        yield engines, absent


def _speeds(engines: Sequence[Engine], effort: Effort) -> dict[str, list[float]]:
    speeds: dict[str, list[float]] = {engine.key: [] for engine in engines}
    with one_core():
        if effort.build:
            for engine in engines:
                engine.run(WARM_UP * engine.block)
        for _ in range(effort.samples):
            for engine in engines:
                # In --quick, what a slow engine does in a few milliseconds.
                block = engine.block if effort.build else engine.block // 20
                cycles, seconds = 0, 0.0
                while seconds < effort.seconds:
                    seconds += engine.run(block)
                    cycles += block
                speeds[engine.key].append(cycles / seconds)
    return speeds
