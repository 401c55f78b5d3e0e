"""The whole instrument: simulated time over time on the clock."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from gateware.protocol import CLOCK_HZ
from host.bench import verilated
from host.bench.compiled import PRESET, board
from host.bench.effort import Effort
from host.bench.live import Live, Sample
from host.bench.machine import one_core
from host.bench.rows import TIMES, BenchError, Report, Row, compared, measured, missing
from host.bench.workload import DEPTH, fingerprint
from host.settings import Settings, plan
from host.units import format_si
from sim.emulator import Board
from sim.presets import load_plant

FRAME_RATE = 30  # Hz: the window's
RATE = 10e3
WAYS = {"fast": "fast-forward", "plain": "every cycle"}


def _settings() -> dict[str, Settings]:
    """What is acquired: the pulse in a short window, and the window's default, which covers pulse and decay."""
    frame = round(RATE / FRAME_RATE)
    short = plan(DEPTH, rate=RATE, width=8e-6, pulses=0, window=(-1e-6, 20e-6), frame_pulses=frame)
    return {"window": short, "trace": plan(DEPTH, rate=RATE, pulses=0, frame_pulses=frame)}


def rows(effort: Effort, report: Report) -> list[Row]:
    """Real-time factors and evaluated cycles of the emulator, and of Verilator in its place. Raises BenchError."""
    settings = _settings()
    with _running(settings, effort, report) as (running, why):
        report("instrument: the first frames")
        for live in running.values():
            live.settle(effort.frames)
        alike = {kind: _agreed(running, kind) for kind in settings}
        report("instrument: simulated time over time on the clock")
        samples = _measure(running, effort)
    factors = {key: [sample.factor for sample in found] for key, found in samples.items()}
    rows = []
    for kind, shown in settings.items():
        for way, name in WAYS.items():
            key = f"{kind}.{way}"
            rows += _rows(key, _what(shown, name), samples[key], alike[kind])
        what = _what(shown, "fast-forward over every cycle")
        fast, plain = factors[f"{kind}.fast"], factors[f"{kind}.plain"]
        rows.append(compared(f"instrument.{kind}.gain", what, fast, plain))
    for way, name in WAYS.items():
        key, ours = f"window.verilator.{way}", factors[f"window.{way}"]
        what = _what(settings["window"], f"Verilator, {name}")
        ratio = f"instrument.{key}.ratio", f"  emulator over Verilator, {name}"
        if why:
            rows.append(missing(f"instrument.{key}", what, TIMES, why))
            rows.append(missing(*ratio, TIMES, why))
        else:
            rows += _rows(key, what, samples[key], alike["window"])
            rows.append(compared(*ratio, ours, factors[key]))
    return rows


@contextmanager
def _running(
    settings: Mapping[str, Settings], effort: Effort, report: Report
) -> Iterator[tuple[dict[str, Live], str]]:
    """All acquisitions, by kind and way; and why Verilator is not among them, if so."""
    plant = load_plant(PRESET)
    running: dict[str, Live] = {}
    tool = verilated.find()
    why = "" if tool else verilated.HOW
    with ExitStack() as stack:

        def add(key: str, kind: str, board: Board) -> None:
            running[key] = Live(key, plant, board, settings[kind])
            stack.callback(running[key].close)

        for way in WAYS:
            for kind in settings:
                add(f"{kind}.{way}", kind, board(plant, way == "fast", report))
            path = tool and verilated.library(tool, way == "fast", report, effort.build)
            if path:
                theirs = verilated.board(path, plant, way == "fast")
                add(f"window.verilator.{way}", "window", theirs)
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
    streams = {key: live.sent for key, live in running.items() if key.startswith(kind)}
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


def _what(settings: Settings, way: str) -> str:
    window, bin = format_si(settings.window_length, "s"), format_si(settings.bin, "s")
    return f"{format_si(settings.rate, 'Hz')}, {window} in bins of {bin}, {way}"
