"""The whole instrument: simulated time over time on the clock."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from trelscope.gateware.protocol import CLOCK_HZ
from trelscope.host.bench import verilated
from trelscope.host.bench.cases import Case, cases
from trelscope.host.bench.compiled import board
from trelscope.host.bench.effort import Effort
from trelscope.host.bench.live import Live, Sample
from trelscope.host.bench.machine import one_core
from trelscope.host.bench.rows import TIMES, BenchError, Report, Row, compared, measured, missing
from trelscope.host.bench.workload import fingerprint
from trelscope.host.units import format_si
from trelscope.sim.emulator import EmulatedBoard

THEIRS = "window"
"""What Verilator does too."""
WAYS = {"fast": "fast-forward", "plain": "every cycle"}


def rows(effort: Effort, report: Report) -> list[Row]:
    """Real-time factors and evaluated cycles of the emulator, and of Verilator in its place. Raises BenchError."""
    found = cases(effort.everywhere)
    with _running(found, effort, report) as (running, why):
        report("instrument: the first frames")
        for live in running.values():
            live.settle(effort.frames)
        notes = {kind: _agreed(running, kind) for kind in found}
        for kind, case in found.items():
            if case.settings.counting:
                rate = format_si(running[f"{kind}.fast"].counts, "counts/s", 3)
                notes[kind] = f"{rate}, {notes[kind]}"
        report("instrument: simulated time over time on the clock")
        samples = _measure(running, effort)
    speeds = {key: [sample.efficiency for sample in found] for key, found in samples.items()}
    rows = []
    for kind, case in found.items():
        for way, name in WAYS.items():
            key = f"{kind}.{way}"
            rows += _rows(key, f"{case.what}, {name}", samples[key], notes[kind])
        ids = f"instrument.{kind}.gain", "  fast-forward over every cycle"
        rows.append(compared(*ids, speeds[f"{kind}.fast"], speeds[f"{kind}.plain"]))
    for way, name in WAYS.items():
        key, ours = f"{THEIRS}.verilator.{way}", speeds[f"{THEIRS}.{way}"]
        what = f"{found[THEIRS].what}, Verilator, {name}"
        ratio = f"instrument.{key}.ratio", f"  emulator over Verilator, {name}"
        if why:
            rows.append(missing(f"instrument.{key}", what, TIMES, why))
            rows.append(missing(*ratio, TIMES, why))
        else:
            rows += _rows(key, what, samples[key], notes[THEIRS])
            rows.append(compared(*ratio, ours, speeds[key]))
    return rows


@contextmanager
def _running(
    cases: Mapping[str, Case], effort: Effort, report: Report
) -> Iterator[tuple[dict[str, Live], str]]:
    """All acquisitions, by kind and way; and why Verilator is not among them, if so."""
    running: dict[str, Live] = {}
    tool = verilated.find()
    why = "" if tool else verilated.HOW
    with ExitStack() as stack:

        def add(key: str, case: Case, board: EmulatedBoard) -> None:
            running[key] = Live(key, case.plant, board, case.settings)
            stack.callback(running[key].close)

        for way in WAYS:
            fast = way == "fast"
            for kind, case in cases.items():
                add(f"{kind}.{way}", case, board(case.plant, fast, report))
            path = tool and verilated.library(tool, fast, report, effort.build)
            if path:
                theirs = verilated.board(path, cases[THEIRS].plant, fast)
                add(f"{THEIRS}.verilator.{way}", cases[THEIRS], theirs)
            elif tool:
                why = verilated.NOT_BUILT
        yield running, why


def _measure(running: Mapping[str, Live], effort: Effort) -> dict[str, list[Sample]]:
    """Samples of all, in turn, on one core."""
    samples: dict[str, list[Sample]] = {key: [] for key in running}
    with one_core():
        for _ in range(effort.samples):
            for key, live in running.items():
                samples[key].append(live.measure(effort.seconds))
    return samples


def _agreed(running: Mapping[str, Live], kind: str) -> str:
    """Fingerprint of the bytes that all boards with these settings have sent. Raises BenchError."""
    streams = {key: live.sent for key, live in running.items() if key.startswith(f"{kind}.")}
    size = min(map(len, streams.values()))
    if len({stream[:size] for stream in streams.values()}) > 1:
        raise BenchError(f"{', '.join(streams)} do not send the same: there is nothing to compare")
    return f"first {size} bytes alike ({fingerprint(next(iter(streams.values()))[:size])})"


def _rows(key: str, what: str, samples: list[Sample], alike: str) -> list[Row]:
    share = sum(s.busy for s in samples) / sum(s.wall for s in samples)
    jumped = 1 - sum(s.cycles for s in samples) / sum(s.board * CLOCK_HZ for s in samples)
    note = f"{share:.0%} of a core, {jumped:.0%} of the cycles jumped over, {alike}"
    return [
        measured(f"instrument.{key}", what, [s.factor for s in samples], TIMES, note),
        measured(
            f"instrument.{key}.cycles", "  cycles evaluated", [s.speed for s in samples], "cycles/s"
        ),
    ]
