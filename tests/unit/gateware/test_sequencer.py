"""Sequencer: trains, and their division into frames."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from trelscope.gateware.protocol import MAX_FRAME_PULSES, REGISTERS, Access, Mode, TraceFlag
from trelscope.gateware.pulse import PulseTrain
from trelscope.gateware.sequencer import Sequencer

from .testbench import simulate

DEPTH = 16
CHANNELS = 2
PERIOD = 6  # the least that leaves what is worked out ahead its time
FLAGS = TraceFlag(0)
PLAIN = {r.name: r.init for r in REGISTERS.values() if r.access is Access.SETTING} | {
    "period": PERIOD,
    "width": 2,
    "dither": 1,
    "count": 10,
    "frame_pulses": 4,
    "window_start": -24,
    "window_bins": 5,
}


class Trains(wiring.Component):
    """A sequencer and the pulse train that it controls."""

    def __init__(self):
        self.sequencer = Sequencer(DEPTH, CHANNELS)
        self.train = PulseTrain()
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.sequencer, m.submodules.train = q, t = self.sequencer, self.train
        m.d.comb += [t.settings.eq(q.settings), t.start.eq(q.start), t.stop.eq(q.stop)]
        m.d.comb += t.prepare.eq(q.prepare)
        m.d.comb += t.phase_ready.eq(1)
        for name in ("boundary", "last", "round", "pulses"):
            m.d.comb += getattr(q, name).eq(getattr(t, name))
        return m


@dataclass
class Seen:
    """Result of a run: the heads in order, and for each period the setting `period`, the buffer and whether it was
    kept."""

    heads: list[dict[str, int]] = field(default_factory=list)
    periods: list[tuple[int, int]] = field(default_factory=list)
    settings: set[bytes] = field(default_factory=set)
    finished: list[int] = field(default_factory=list)
    missed: int = 0


@dataclass
class Bench:
    """Drives the inputs in a testbench."""

    ctx: Any
    q: Sequencer
    train: PulseTrain
    seen: Seen

    def stage(self, **setup: int) -> None:
        self.ctx.set(self.q.staged, PLAIN | setup)

    async def restart(self) -> None:
        self.ctx.set(self.q.run, 1)
        self.ctx.set(self.q.restart, 1)
        await self.ctx.tick()
        self.ctx.set(self.q.restart, 0)

    async def until_idle(self, patience: int = 20_000) -> None:
        for _ in range(patience):
            await self.ctx.tick()
            if self.ctx.get(self.q.idle):
                return
        raise AssertionError("never idle")

    async def after_pulses(self, count: int) -> None:
        while self.ctx.get(self.train.pulses) < count:
            await self.ctx.tick()


def run(script: Callable, shipping: Callable[[int], int] = lambda frame: 0) -> Seen:
    """Run `script(bench)` after the sweep. The n-th frame takes `shipping(n)` cycles to be sent."""
    dut = Trains()
    q, train = dut.sequencer, dut.train
    seen = Seen()

    async def readout(ctx):
        while True:
            *_, ship = await ctx.tick().sample(q.ship)
            if ship:
                ctx.set(q.shipping, 1)
                head = _head(ctx, q)
                await ctx.tick().repeat(1 + shipping(len(seen.heads)))
                assert _head(ctx, q) == head, "stable while shipping"
                seen.heads.append(head)
                ctx.set(q.shipping, 0)

    async def watch(ctx):
        cycle = 0
        ports = (train.boundary, q.buffer, q.keep, q.finished)
        async for _, _, boundary, buffer, keep, finished in ctx.tick().sample(*ports):
            cycle += 1
            if boundary:
                seen.periods.append((buffer, keep))
            if finished:
                seen.finished.append(cycle)

    async def bench(ctx):
        ctx.set(q.settled, 1)
        b = Bench(ctx, q, train, seen)
        b.stage()
        await ctx.tick().repeat(DEPTH)
        await script(b)
        for _ in range(10 + shipping(len(seen.heads))):
            await ctx.tick()
        seen.missed = ctx.get(q.missed)

    simulate(dut, bench, background=[readout, watch])
    return seen


def _head(ctx, q):
    head = ctx.get(q.head)
    return {name: getattr(head, name) for name in head.shape().members}


def pick(seen, *names):
    return [tuple(head[name] for name in names) for head in seen.heads]


def accounting(seen, pulses):
    """Every pulse launched is in exactly one frame or counted as missed."""
    assert sum(head["pulses"] for head in seen.heads) + seen.heads[-1]["missed"] == pulses
    assert seen.heads[-1]["missed"] == seen.missed
    assert seen.missed == sum(not kept for _, kept in seen.periods)
    assert [head["frame"] for head in seen.heads] == list(range(len(seen.heads)))
    *others, end = [TraceFlag(head["flags"]) for head in seen.heads]
    assert TraceFlag.END in end
    assert not any(TraceFlag.END in flags for flags in others)


def test_frames_close_when_they_are_full():
    async def script(b):
        await b.restart()
        await b.until_idle()

    seen = run(script)
    assert pick(seen, "frame", "first_pulse", "pulses", "missed") == [
        (0, 0, 4, 0),
        (1, 4, 4, 0),
        (2, 8, 2, 0),
    ]
    assert (
        pick(seen, "train", "window_start", "bins", "bin_shift", "dither")
        == [(1, -24 & 0xFFFFFFFF, 5, 0, 1)] * 3
    )
    assert seen.periods == [(0, 1)] * 4 + [(1, 1)] * 4 + [(0, 1)] * 2
    assert len(seen.finished) == 1
    accounting(seen, 10)


@pytest.mark.parametrize("settle", [0, 1, 2, 50])
def test_a_train_waits_until_its_level_has_settled(settle):
    async def script(b):
        b.ctx.set(b.q.settle, settle)
        b.stage(level=7000)
        await b.restart()
        cycles = 0
        while b.ctx.get(b.q.settings).level != 7000:
            await b.ctx.tick()
            cycles += 1
        latched = cycles
        assert b.ctx.get(b.q.train) == 1, "counted as soon as it has its settings"
        while not b.ctx.get(b.q.prepare):
            assert not b.ctx.get(b.q.idle)
            await b.ctx.tick()
            cycles += 1
        assert cycles - latched == settle
        await b.until_idle()

    accounting(run(script), 10)


@pytest.mark.parametrize("cause", ["stopped", "tripped", "restarted"])
@pytest.mark.parametrize("waited", [1, 20])
def test_a_train_that_is_to_end_while_its_level_settles_launches_nothing(cause, waited):
    async def script(b):
        await b.restart()
        await b.until_idle()  # a train before, whose numbers must not show
        b.ctx.set(b.q.settle, 50)
        await b.restart()
        await b.ctx.tick().repeat(3 + waited)
        if cause == "stopped":
            b.ctx.set(b.q.run, 0)
        elif cause == "tripped":
            b.ctx.set(b.q.tripped, 1)
        else:
            b.ctx.set(b.q.settle, 0)
            await b.restart()
        await b.until_idle()

    seen = run(script)
    heads = [head for head in seen.heads if head["train"] == 2]
    assert [(h["frame"], h["first_pulse"], h["pulses"], h["missed"]) for h in heads] == [(0,) * 4]
    flags = TraceFlag(heads[0]["flags"])
    assert TraceFlag.END in flags
    assert (TraceFlag.TRIPPED in flags) == (cause == "tripped")
    assert sum(h["pulses"] for h in seen.heads if h["train"] == 3) == 10 * (cause == "restarted")


def test_a_trip_in_the_train_before_does_not_end_the_next():
    async def script(b):
        await b.restart()
        await b.after_pulses(2)
        b.ctx.set(b.q.tripped, 1)
        await b.until_idle()
        b.ctx.set(b.q.tripped, 0)
        b.ctx.set(b.q.settle, 5)
        await b.restart()
        await b.until_idle()

    seen = run(script)
    assert sum(head["pulses"] for head in seen.heads if head["train"] == 2) == 10


def test_frames_close_only_on_whole_rounds():
    async def script(b):
        b.stage(dither=3, frame_pulses=4, count=20)
        await b.restart()
        await b.until_idle()

    seen = run(script)
    assert pick(seen, "first_pulse", "pulses") == [(0, 6), (6, 6), (12, 6), (18, 2)]
    accounting(seen, 20)


def test_a_slow_link_makes_longer_frames():
    async def script(b):
        b.stage(count=100)
        await b.restart()
        await b.until_idle()

    seen = run(script, shipping=lambda n: 10 * PERIOD)
    accounting(seen, 100)
    assert seen.missed == 0
    assert {pulses for (pulses,) in pick(seen, "pulses")[1:-1]} == {11}


@pytest.mark.parametrize(("shift", "dither"), [(10, 1), (10, 7), (9, 16)])
def test_what_does_not_fit_is_missed_and_counted(shift, dither):
    capacity = MAX_FRAME_PULSES >> (shift - 3)
    fits = capacity // dither * dither
    count = 2 * capacity + 3 * dither
    stuck = (capacity + 500) * PERIOD

    async def script(b):
        b.stage(count=count, bin_shift=shift, dither=dither, frame_pulses=dither)
        await b.restart()
        await b.until_idle(count * PERIOD * 2)

    seen = run(script, shipping=lambda n: stuck if n == 0 else 0)
    accounting(seen, count)
    sizes = [pulses for (pulses,) in pick(seen, "pulses")]
    assert sizes[0] == dither
    assert max(sizes) == sizes[1] == fits
    assert 0 < seen.missed < 501 + 2 * dither
    assert seen.missed % dither == 0, "whole rounds are left out"
    assert seen.heads[2]["first_pulse"] == dither + fits + seen.missed


def test_a_frame_is_sent_when_no_more_fits_whatever_was_asked():
    """If `frame_pulses` exceeds what the sums can hold, frames have the largest size and no pulse is missed."""
    capacity = MAX_FRAME_PULSES >> 7

    async def script(b):
        b.stage(count=2 * capacity + 5, bin_shift=10, frame_pulses=capacity + 1)
        await b.restart()
        await b.until_idle(3 * capacity * PERIOD)

    seen = run(script)
    accounting(seen, 2 * capacity + 5)
    assert pick(seen, "pulses") == [(capacity,), (capacity,), (5,)]
    assert seen.missed == 0


def test_settings_are_latched_at_the_start_of_a_train():
    async def script(b):
        await b.restart()
        await b.after_pulses(2)
        b.stage(period=17, dither=4, bin_shift=2, window_bins=9)
        await b.until_idle()
        assert b.ctx.get(b.q.settings.period) == PERIOD
        await b.restart()
        await b.until_idle()
        assert b.ctx.get(b.q.settings.period) == 17

    seen = run(script)
    assert pick(seen, "train", "dither", "bin_shift", "bins", "pulses") == [
        *[(1, 1, 0, 5, n) for n in (4, 4, 2)],
        *[(2, 4, 2, 9, n) for n in (4, 4, 2)],
    ]


def test_stop_ends_the_train_with_the_frame_it_has():
    async def script(b):
        b.stage(count=0)
        await b.restart()
        await b.after_pulses(7)
        b.ctx.set(b.q.run, 0)
        await b.until_idle()

    seen = run(script)
    assert pick(seen, "pulses", "flags") == [(4, FLAGS), (3, TraceFlag.END)]
    accounting(seen, 7)


def test_restart_ends_one_train_and_begins_the_next():
    async def script(b):
        b.stage(count=0)
        await b.restart()
        await b.after_pulses(6)
        b.stage(count=3)
        await b.restart()
        await b.until_idle()

    seen = run(script, shipping=lambda n: 50)
    assert pick(seen, "train", "frame", "first_pulse", "pulses", "flags") == [
        (1, 0, 0, 4, FLAGS),
        (1, 1, 4, 2, TraceFlag.END),
        (2, 0, 0, 3, TraceFlag.END),
    ]
    assert len(seen.finished) == 1, "the first train did not end by itself"


def test_a_trip_ends_the_train_and_marks_its_last_frame():
    async def script(b):
        b.stage(count=0)
        await b.restart()
        await b.after_pulses(6)
        b.ctx.set(b.q.tripped, 1)
        await b.ctx.tick()
        b.ctx.set(b.q.tripped, 0)
        await b.until_idle()
        b.stage(count=2)
        await b.restart()
        await b.until_idle()

    seen = run(script)
    assert pick(seen, "pulses", "flags") == [
        (4, FLAGS),
        (2, TraceFlag.END | TraceFlag.TRIPPED),
        (2, TraceFlag.END),
    ]


def test_the_last_frame_waits_until_memory_has_settled():
    async def script(b):
        b.ctx.set(b.q.settled, 0)
        await b.restart()
        await b.ctx.tick().repeat(30 * PERIOD)
        assert not b.ctx.get(b.q.idle)
        assert len(b.seen.heads) == 2
        b.ctx.set(b.q.settled, 1)
        await b.until_idle()

    accounting(run(script), 10)


def test_clipped_samples_and_ceilings_belong_to_their_buffer():
    async def script(b):
        ctx, q = b.ctx, b.q
        await b.restart()
        for frame, (light, drive) in enumerate(((3, 0), (0, 2), (5, 1))):
            await b.after_pulses(4 * frame + 1)
            ctx.set(q.clipped_buffer, ctx.get(q.buffer))
            for n in range(max(light, drive)):
                ctx.set(q.clipped, (n < light) | (n < drive) << 1)
                await ctx.tick()
            ctx.set(q.clipped, 0)

    seen = run(script)
    # The third frame has two pulses only; its counts were given in time all the same.
    assert pick(seen, "light_clipped", "drive_clipped") == [(3, 0), (0, 2), (5, 1)]


def test_saturation_flags_come_from_the_shipped_buffer():
    async def script(b):
        b.ctx.set(b.q.saturated, [0b01, 0b10])
        await b.restart()
        await b.until_idle()

    seen = run(script)
    light, drive = TraceFlag.SATURATED_LIGHT, TraceFlag.SATURATED_DRIVE
    assert pick(seen, "flags") == [(light,), (drive,), (light | TraceFlag.END,)]


def test_the_buffer_to_be_filled_is_cleared_of_its_saturation():
    seen_clears = []

    async def script(b):
        await b.restart()
        while not b.ctx.get(b.q.idle):
            *_, clear, buffer = await b.ctx.tick().sample(b.q.clear_saturated, b.q.buffer)
            if clear:
                seen_clears.append((clear, buffer))

    run(script)
    assert seen_clears == [(0b10, 0), (0b01, 1), (0b10, 0)]


def test_counting_mode_is_told():
    async def script(b):
        b.stage(mode=Mode.COUNTING, count=1)
        await b.restart()
        await b.until_idle()

    assert pick(run(script), "flags") == [(TraceFlag.END | TraceFlag.COUNTING,)]


def test_memory_is_swept_once_after_reset():
    dut = Trains()
    swept = []

    async def bench(ctx):
        ctx.set(dut.sequencer.settled, 1)
        for _ in range(3 * DEPTH):
            if ctx.get(dut.sequencer.sweep):
                assert not ctx.get(dut.sequencer.idle)
                swept.append(ctx.get(dut.sequencer.sweep_bin))
            await ctx.tick()
        assert ctx.get(dut.sequencer.idle)

    simulate(dut, bench)
    assert swept == list(range(DEPTH))


def test_no_train_starts_on_settings_it_cannot_have():
    """Settings may be spoilt after `restart`, while the train before still runs. The new one waits until they are
    mended, or `run` is cleared."""

    async def script(b):
        trains = []
        for mended in (True, False):
            b.stage(count=0)
            await b.restart()
            await b.ctx.tick().repeat(10)
            await b.restart()
            b.ctx.set(b.q.startable, 0)
            await b.ctx.tick().repeat(20 * PERIOD)
            assert not b.ctx.get(b.train.running)
            assert not b.ctx.get(b.q.idle)
            b.stage(count=3)
            b.ctx.set(b.q.startable, mended)
            b.ctx.set(b.q.run, mended)
            await b.until_idle()
            b.ctx.set(b.q.startable, 1)
            trains.append(b.ctx.get(b.q.train))
        assert trains == [2, 3]

    seen = run(script)
    assert [head["pulses"] for head in seen.heads if head["train"] == 2] == [3]
    assert len(seen.finished) == 1, "of the three trains, one ended with no restart pending"
