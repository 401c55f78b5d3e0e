"""Pulse train: times at which the gate goes high and low."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trelscope.gateware.protocol import REGISTERS, Access
from trelscope.gateware.pulse import PulseTrain

from .testbench import simulate

PLAIN = {r.name: r.init for r in REGISTERS.values() if r.access is Access.SETTING} | {
    "period": 100,
    "width": 40,
    "dither": 1,
}


@dataclass
class Record:
    """Record of a train by cycle; cycle 0 is the first cycle of its first period."""

    gate: list[int] = field(default_factory=list)  # half cycles
    phase: list[int] = field(default_factory=list)
    boundary: list[int] = field(default_factory=list)
    round: list[int] = field(default_factory=list)
    begin: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    pulses: list[int] = field(default_factory=list)
    fault: list[int] = field(default_factory=list)

    @property
    def starts(self) -> list[int]:
        """First cycle of every period, and the cycle after the end of the train."""
        return [0] + [n + 1 for n, high in enumerate(self.boundary) if high]

    def edges(self) -> tuple[list[int], list[int]]:
        """Half cycles in which the gate rises, and in which it falls."""
        level = [0, *self.gate]
        changes = [(n, now) for n, (before, now) in enumerate(pairwise(level)) if now != before]
        return [n for n, now in changes if now], [n for n, now in changes if not now]


NAMES = ("phase", "boundary", "round", "begin", "running", "pulses", "fault")


def run(
    cycles: int,
    setup: dict[str, int],
    stop: Callable[[int], bool] = lambda n: False,
    ready: Callable[[int], bool] = lambda n: True,
    starts: Iterable[int] = (-1,),
) -> Record:
    dut = PulseTrain()
    record = Record()

    async def bench(ctx):
        ctx.set(dut.settings, PLAIN | setup)
        await ctx.tick()
        inputs = (dut.renew, dut.prepare, dut.start, dut.stop, dut.phase_ready)
        now = (0, 0, 0, 0, 0)
        outputs = (dut.gate, dut.phase, dut.boundary, dut.round)
        outputs += (dut.begin, dut.running, dut.pulses, dut.phase_fault)
        ticks = aiter(ctx.tick().sample(*outputs))
        for n in range(-2, cycles):
            wanted = (n + 1 in starts, n + 1 in starts, n in starts, stop(n), ready(n))
            if wanted != now:
                for signal, value in zip(inputs, wanted, strict=True):
                    ctx.set(signal, value)
                now = wanted
            _, _, gate, *rest = await anext(ticks)
            if n >= 0:
                record.gate += [gate & 1, gate >> 1]
                for name, value in zip(NAMES, rest, strict=True):
                    getattr(record, name).append(value)

    simulate(dut, bench)
    return record


def expected_start(k: int, period: Fraction) -> int:
    """First cycle of period k. The first period is rounded down to whole cycles; from then on, fractions accumulate."""
    whole = int(period)
    return k * whole + max(k - 1, 0) * (period - whole) // 1 if k else 0


def test_15_khz_is_exact():
    record = run(5 * 8334, {"period": 8333, "period_num": 1, "period_den": 3, "width": 8333})
    lengths = [b - a for a, b in pairwise(record.starts)]
    assert lengths[:5] == [8333, 8333, 8333, 8334, 8333]
    rises, falls = record.edges()
    assert [b - a for a, b in pairwise(rises)][:4] == [2 * n for n in lengths[:4]]
    assert {b - a for a, b in zip(rises, falls, strict=False)} == {8333}


@settings(max_examples=20, deadline=None)
@given(
    st.integers(20, 60),
    st.integers(1, 2**32 - 1).flatmap(lambda den: st.tuples(st.integers(0, den - 1), st.just(den))),
)
def test_periods_keep_every_rational_mean(whole, fraction):
    num, den = fraction
    record = run(30 * whole, {"period": whole, "period_num": num, "period_den": den, "width": 9})
    period = whole + Fraction(num, den)
    starts = record.starts
    assert len(starts) >= 29
    assert starts == [expected_start(k, period) for k in range(len(starts))]


def test_mean_period_is_exact_over_one_cycle_of_the_fraction():
    record = run(40 * 31, {"period": 30, "period_num": 7, "period_den": 19, "width": 9})
    assert record.starts[20] - record.starts[1] == 19 * 30 + 7


@pytest.mark.parametrize("delay", [0, 1, 37])
@pytest.mark.parametrize("width", [0, 1, 2, 3, 10, 41])
def test_delay_and_width(delay, width):
    record = run(350, {"delay": delay, "width": width, "dither": 1})
    rises, falls = record.edges()
    due = [2 * (start + delay + PulseTrain.LATENCY) for start in (0, 100, 200, 300)]
    assert rises == (due if width else [])[: len(rises)]
    assert len(rises) >= (3 if width else 0)
    assert falls[:3] == ([n + width for n in due[:3]] if width else [])
    assert record.pulses[-1] == 4 - (delay + 300 > 349)


@pytest.mark.parametrize("dither", [1, 2, 5, 8, 17, 64])
def test_dither_in_phase_and_whole_cycles(dither):
    pulses = 2 * dither + 1
    record = run(100 * pulses, {"dither": dither, "delay": 3, "width": 31})
    rises, falls = record.edges()
    steps = [k % dither for k in range(pulses)]
    rise_ns = [4 * half + record.phase[half // 2] for half in rises]
    fall_ns = [4 * half + record.phase[(half - 1) // 2] for half in falls]
    assert rise_ns == [
        8 * (100 * k + 3 + PulseTrain.LATENCY) + step for k, step in enumerate(steps)
    ]
    assert fall_ns == [ns + 4 * 31 for ns in rise_ns]
    rounds = [k for k, start in enumerate(record.starts[1:]) if record.round[start - 1]]
    assert rounds == [k for k in range(pulses) if k % dither == dither - 1]


def test_phase_changes_only_while_the_gate_is_low():
    # The pulse would outlast its period. A register behind the gate delays it by a cycle, and may not matter.
    record = run(1000, {"delay": 90, "width": 60, "dither": 8})
    changes = [n for n in range(1, 1000) if record.phase[n] != record.phase[n - 1]]
    assert len(changes) == 9
    for n in changes:
        assert not any(record.gate[2 * (n - 2) : 2 * (n + 1)])
    rises, falls = record.edges()
    assert [n // 2 for n in falls] == [100 * k - 2 for k in range(1, len(falls) + 1)]
    assert len(rises) == 10


def test_count_ends_the_train():
    record = run(1000, {"count": 5})
    assert record.starts == [0, 100, 200, 300, 400, 500]
    assert record.running == [1] * 500 + [0] * 500
    assert len(record.edges()[0]) == record.pulses[-1] == 5
    assert sum(record.begin) == 4
    assert not any(record.gate[1000:])


@pytest.mark.parametrize("moment", [199, 250, 298])
def test_stop_ends_the_train_with_the_period(moment):
    record = run(600, {"delay": 20}, stop=lambda n: n >= moment)
    assert record.running == [1] * 300 + [0] * 300
    rises, falls = record.edges()
    assert len(rises) == record.pulses[-1] == 3
    assert falls[-1] - rises[-1] == 40, "the last pulse is whole"


def test_a_new_train_starts_afresh():
    record = run(
        1000,
        {"count": 3, "dither": 8, "period_num": 1, "period_den": 2},
        starts=(-1, 399),
    )
    assert record.starts[:4] == [0, 100, 200, 301]
    assert [n - 400 for n in record.starts[4:]] == [100, 200, 301]
    assert record.pulses[350] == record.pulses[-1] == 3
    assert record.pulses[400] == 0
    rises, _ = record.edges()
    assert [n - 800 for n in rises[3:]] == rises[:3]
    assert [record.phase[n // 2] for n in rises] == [0, 1, 2, 0, 1, 2]


def test_a_launch_with_unsettled_phase_is_a_fault_and_no_pulse():
    record = run(400, {"delay": 10, "dither": 8}, ready=lambda n: n != 110)
    assert [n for n, fault in enumerate(record.fault) if fault] == [110]
    assert [n // 200 for n in record.edges()[0]] == [0, 2, 3]
    assert record.pulses[-1] == 3


def test_phase_ready_matters_only_at_a_launch():
    record = run(400, {"delay": 10, "dither": 8}, ready=lambda n: n % 100 == 10)
    assert not any(record.fault)
    assert len(record.edges()[0]) == 4
