"""The whole instrument in a closed loop with the device; runs inside the simulator of its Verilog."""

import random
from dataclasses import replace

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from tests import wire
from trelscope.gateware import protocol
from trelscope.gateware.protocol import Board as BoardName
from trelscope.gateware.protocol import Status, TraceFlag, Trip
from trelscope.sim.presets.presets import load_plant

from .board import PRESET, Board, TraceFrame
from .reference import CYCLE, OUTPUT_DELAY, Settings, pulse_traces

DEPTH = 256
BASE = Settings(period=1000, width=700, level=10_000, count=24, window_bins=DEPTH)


def check(board: Board, frames: list[TraceFrame], settings: Settings, pulses: int) -> None:
    """Check the pulse counts of a train, its edges and every bit of every frame."""
    assert [f.head["frame"] for f in frames] == list(range(len(frames)))
    assert [TraceFlag.END in f.flags for f in frames] == [False] * (len(frames) - 1) + [True]
    assert len({f.head["train"] for f in frames}) == 1
    averaged = sum(f.head["pulses"] for f in frames)
    assert averaged + frames[-1].head["missed"] == pulses
    assert frames[-1].head["missed"] == 0

    rises = [ns for ns, volts in board.edges if volts]
    falls = [ns for ns, volts in board.edges if not volts]
    origin = rises[0] - settings.edge(0)
    assert [ns - origin for ns in rises] == [settings.edge(k) for k in range(pulses)]
    expected = [min(settings.edge(k) + 4 * settings.width, settings.cut(k)) for k in range(pulses)]
    assert [ns - origin for ns in falls] == expected
    assert {volts for _, volts in board.edges} == {0.0, settings.level * 0.5e-3}

    traces = pulse_traces(load_plant(PRESET), settings, pulses)
    assert np.ptp(traces.sum(axis=0), axis=1).min() > 0, "a flat trace would prove nothing"
    first = 0
    for frame in frames:
        head = frame.head
        assert head["first_pulse"] == first
        assert head["window_start"] == settings.window_start & 0xFFFFFFFF
        for name in ("bins", "bin_shift", "dither"):
            assert head[name] == getattr(settings, {"bins": "window_bins"}.get(name, name))
        assert head["light_clipped"] == head["drive_clipped"] == 0
        expected = traces[first : first + head["pulses"]].sum(axis=0)
        wrong = np.argwhere(frame.sums != expected)
        assert not wrong.size, (head, wrong[:5], frame.sums[*wrong[0]], expected[*wrong[0]])
        first += head["pulses"]


async def measure(
    dut, settings: Settings, readiness: float = 1.0
) -> tuple[Board, list[TraceFrame]]:
    """Run a train from reset and check it."""
    board = Board(dut)
    board.readiness = readiness
    await board.start()
    await board.begin(settings)
    frames = await board.ended(settings)
    check(board, frames, settings, settings.count)
    assert await board.read("pulses") == settings.count
    assert await board.read("missed") == 0
    assert await board.read("run") == 0, "a counted train ends by itself"
    assert await board.read("status") == Status.DRIVING
    return board, frames


@cocotb.test()
async def identifies_itself(dut):
    board = Board(dut)
    await board.start()
    assert await board.read("magic") == protocol.MAGIC
    assert await board.read("version") == protocol.VERSION
    assert await board.read("board") == BoardName.EMULATOR
    assert await board.read("depth") == DEPTH


@cocotb.test()
async def one_nanosecond_bins_before_and_after_the_edge(dut):
    """Eight dithers of 1 ns; the window includes the baseline, and the period has a third of a cycle."""
    settings = replace(BASE, window_start=-40, delay=20, period_num=1, period_den=3)
    _, frames = await measure(dut, settings)
    assert [f.head["pulses"] for f in frames[:-1]] == [8] * (len(frames) - 1)


@cocotb.test()
@cocotb.parametrize(bin_shift=[0, 2, 4])
async def negative_window_start_and_bin_widths(dut, bin_shift):
    start = {0: -37, 2: -203, 4: -1001}[bin_shift]
    await measure(dut, replace(BASE, window_start=start, bin_shift=bin_shift, delay=150, count=17))


@cocotb.test()
async def the_light_itself(dut):
    """Bins of 1 ns where the light rises fastest, an odd width, and dithers of more than a cycle."""
    settings = replace(BASE, window_start=700, width=1001, dither=11, frame_pulses=11, count=23)
    _, frames = await measure(dut, settings)
    light = frames[0].sums[0]
    assert np.ptp(light) > 11 * 100


@cocotb.test()
async def dither_off(dut):
    settings = replace(BASE, dither=1, bin_shift=3, window_start=-64, delay=10, frame_pulses=5)
    await measure(dut, settings)


@cocotb.test()
async def window_over_the_whole_period(dut):
    """Every sample of every period is in a bin; none is lost between pulses or between buffers."""
    settings = replace(
        BASE,
        period=500,
        width=400,
        count=40,
        delay=100,
        bin_shift=4,
        window_start=-CYCLE * (100 + OUTPUT_DELAY) - 8,
        frame_pulses=1,
    )
    _, frames = await measure(dut, settings)
    assert len(frames) > 2


@cocotb.test()
async def slow_link(dut):
    """On a slow link, frames grow and no pulse is lost."""
    settings = replace(BASE, count=40, period=700, width=500, bin_shift=4, dither=1, frame_pulses=1)
    _, frames = await measure(dut, settings, readiness=0.25)
    sizes = [f.head["pulses"] for f in frames]
    assert sizes[0] == 1
    assert max(sizes[1:-1]) > 8


@cocotb.test()
async def garbage_before_every_command(dut):
    rng = random.Random(2)
    board = Board(dut)
    clean = board.send

    async def send(data: bytes) -> None:
        await clean(wire.garbage(rng, rng.randrange(60)))
        await clean(data)

    board.send = send
    await board.start()
    settings = replace(BASE, count=9, window_start=-16, bin_shift=2)
    await board.begin(settings)
    check(board, await board.ended(settings), settings, settings.count)
    assert await board.read("bad_headers") > 10
    for name in ("bad_payloads", "sequence_gaps", "unknown"):
        assert await board.read(name) == 0, name


@cocotb.test()
async def reset_in_mid_pulse(dut):
    board = Board(dut)
    await board.start()
    await board.begin(BASE)
    while dut.gate.value != 3:
        await RisingEdge(dut.gate[0])
    await ClockCycles(dut.clk, 10)
    assert int(dut.level.value) == BASE.level
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    for name in ("gate", "level", "enable", "tx__valid"):
        assert int(getattr(dut, name).value) == 0, name
    dut.rst.value = 0
    await ClockCycles(dut.clk, 3 * BASE.period + DEPTH)
    assert len(board.edges) == 2, "nothing goes on after a reset"
    board.renew()
    assert await board.read("status") == 0
    settings = replace(BASE, count=10, window_start=-16, bin_shift=2)
    await board.begin(settings)
    check(board, await board.ended(settings), settings, settings.count)


@cocotb.test()
async def trip_in_mid_pulse(dut):
    board = Board(dut)
    await board.start()
    await board.begin(BASE)
    while len(board.edges) < 5:
        await ClockCycles(dut.clk, 10)
    dut.trip.value = 1
    await ClockCycles(dut.clk, 2)
    dut.trip.value = 0
    assert int(dut.gate.value) == int(dut.level.value) == int(dut.enable.value) == 0
    frames = await board.ended(BASE)
    assert TraceFlag.TRIPPED in frames[-1].flags
    assert sum(f.head["pulses"] for f in frames) == await board.read("pulses") == 3
    assert len(board.edges) == 6
    assert await board.read("trip_cause") == Trip.EXTERNAL
    assert await board.read("enable") == 0
    await board.write("acknowledge", Trip.EXTERNAL)
    assert await board.read("status") == 0


@cocotb.test()
async def gate_that_outlasts_its_period(dut):
    """A gate longer than the period is cut off, and has been low for one cycle when the launch phase changes."""
    settings = replace(BASE, period=300, width=500, delay=100, count=16, bin_shift=3)
    await measure(dut, settings)
