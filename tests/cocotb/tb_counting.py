"""Photon histogram and time tags of the whole instrument; runs inside the simulator of its Verilog."""

from dataclasses import replace
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from trelscope.gateware.protocol import Feature, Mode, TraceFlag

from . import photons
from .board import TraceFrame
from .reference import CYCLE, OUTPUT_DELAY, Settings
from .rig import LENGTH, LitRig, Rig, check_frames, noise, sample_sums

DEPTH = 256
BASE = Settings(
    period=500,
    width=300,
    level=10_000,
    count=24,
    window_bins=DEPTH,
    window_start=-203,
    delay=60,
    frame_pulses=8,
    mode=Mode.COUNTING,
)


def rig(dut: Any, seed: int, rate: float = 0.02, bursts: float = 0.1) -> Rig:
    return Rig(dut, noise(seed), photons.lanes(seed, LENGTH, rate, bursts))


async def measure(
    board: Rig, settings: Settings, readiness: float = 1.0
) -> tuple[list[TraceFrame], int]:
    """Run a train, and check every bin of its frames and every time tag.

    Returns the number of photons without a tag.
    """
    frames = await board.measure(settings, readiness)
    cycles = settings.period_start(settings.count)
    own = board.from_cycle(board.first_cycle(settings), cycles)
    sums, clipped = sample_sums(settings, board.codes[own], board.valid[own])
    counting = Mode.COUNTING in Mode(settings.mode)
    if counting:
        sums[:, 0] = photons.histograms(settings, photons.arrivals(board.lanes[own]))
        assert sums[:, 0].sum() > 20, "a dark window would prove nothing"
    assert all((TraceFlag.COUNTING in f.flags) == counting for f in frames)
    check_frames(frames, settings, sums, clipped)
    expected = []
    if Mode.TIME_TAGS in Mode(settings.mode):
        expected = photons.tags(settings, photons.arrivals(board.lanes[own]))
    lost = photons.check_tags(await board.all_tags(), expected)
    return frames, lost


@cocotb.test()
async def says_that_it_counts(dut):
    board = rig(dut, 1)
    await board.start()
    assert (
        await board.read("features") == Feature.DRIVE_MONITOR | Feature.COUNTING | Feature.TIME_TAGS
    )


@cocotb.test()
@cocotb.parametrize(bin_shift=[0, 1, 2, 3, 5], dither=[8, 1])
async def every_bin(dut, bin_shift, dither):
    """The window begins before the pulse, there are several frames, and the period has a fraction of a cycle."""
    board = rig(dut, 10 + bin_shift)
    await board.start()
    settings = replace(
        BASE, bin_shift=bin_shift, dither=dither, period_num=3, period_den=7, count=21
    )
    frames, _ = await measure(board, settings)
    assert len(frames) > 2


@cocotb.test()
async def the_device_itself(dut):
    """Closed loop: the pulses drive the device, and the histogram of its photons is that of its response."""
    board = LitRig(dut, 5, brightness=40)
    await board.start()
    settings = replace(BASE, bin_shift=3, window_bins=200, width=200, count=48)
    frames, _ = await measure(board, settings)
    counted = sum(f.sums[0].astype(int) for f in frames)
    own = board.from_cycle(board.first_cycle(settings), settings.period_start(settings.count))
    expected = np.zeros(settings.window_bins)
    for k in range(settings.count):
        cycles = np.arange(settings.period_start(k) + 1, settings.period_start(k + 1))
        times = (CYCLE * cycles[:, None] + np.arange(CYCLE)).ravel()
        bins = (times - settings.edge(k) - settings.window_start) >> settings.bin_shift
        inside = (bins >= 0) & (bins < settings.window_bins)
        np.add.at(expected, bins[inside], board.chances[own][cycles].ravel()[inside])
    lit = expected > 5
    assert lit.sum() > 50
    assert expected.max() > 20 * (expected[:25].max() + 1), (
        "dark before the pulse, bright at its end"
    )
    # Poisson: chi squared of as many bins as are lit, within five standard deviations.
    chi2 = ((counted - expected)[lit] ** 2 / expected[lit]).sum()
    assert abs(chi2 - lit.sum()) < 5 * np.sqrt(2 * lit.sum())


@cocotb.test()
async def all_lanes_in_every_cycle(dut):
    """There is no dead time: eight photons per cycle are counted in bins of every width."""
    board = Rig(dut, noise(2), np.full(LENGTH, 0xFF, dtype=np.uint8))
    await board.start()
    for bin_shift in (0, 3, 6):
        await measure(board, replace(BASE, bin_shift=bin_shift, window_bins=64, count=9))


@cocotb.test()
@cocotb.parametrize(bin_shift=[0, 1, 4, 10])
async def window_over_the_whole_period(dut, bin_shift):
    """Windows follow each other without a gap; only the photons in the first cycle of each period are not counted."""
    board = rig(dut, 30 + bin_shift, rate=0.1, bursts=0.5)
    await board.start()
    settings = replace(
        BASE,
        period=64,
        delay=20,
        width=30,
        window_start=-CYCLE * (20 + OUTPUT_DELAY) - 21,
        bin_shift=bin_shift,
        count=40,
        frame_pulses=16,
    )
    await measure(board, settings)


@cocotb.test()
async def slow_link(dut):
    """On a slow link, frames grow and no photon is lost."""
    board = rig(dut, 40)
    await board.start()
    settings = replace(BASE, dither=1, frame_pulses=1, bin_shift=2, window_bins=100, count=60)
    frames, _ = await measure(board, settings, readiness=0.2)
    assert max(f.head["pulses"] for f in frames) > 8


@cocotb.test()
@cocotb.parametrize(dither=[1, 8, 11])
async def time_tags(dut, dither):
    """Every photon from the start of the train to its end has a time tag with its pulse and nanosecond."""
    board = rig(dut, 50 + dither, rate=0.005, bursts=0.01)
    await board.start()
    settings = replace(BASE, mode=Mode.TIME_TAGS, dither=dither, window_bins=16, frame_pulses=64)
    _, lost = await measure(board, settings)
    assert lost == 0
    assert len(await board.all_tags()) > 300


@cocotb.test()
async def time_tags_overflow(dut):
    """If the link is too slow for the photons, those without a tag are counted exactly."""
    board = rig(dut, 60, rate=0.03, bursts=0.3)
    await board.start()
    settings = replace(
        BASE, mode=Mode.TIME_TAGS, window_bins=4, count=40, frame_pulses=64, period=300
    )
    for readiness in (0.05, 0.5, 0.9):
        _, lost = await measure(board, settings, readiness)
        assert lost > 100


@cocotb.test()
async def both_at_once(dut):
    board = rig(dut, 70, rate=0.01)
    await board.start()
    settings = replace(BASE, mode=Mode.COUNTING | Mode.TIME_TAGS, bin_shift=1, period_num=1)
    settings = replace(settings, period_den=3)
    await measure(board, settings)
    _, lost = await measure(board, settings, readiness=0.3)
    assert lost > 0


@cocotb.test()
async def one_train_after_another(dut):
    """No count of a train appears in the next one, whatever their modes."""
    board = rig(dut, 80, rate=0.05)
    await board.start()
    modes = [Mode(m) for m in (2, 3, 0, 1, 2, 1, 0, 3)]
    for number, mode in enumerate(modes):
        settings = replace(
            BASE, mode=mode, count=5 + number, bin_shift=number % 4, delay=40 + 3 * number
        )
        await measure(board, replace(settings, period=200 + number))


@cocotb.test()
async def photons_between_trains_leave_no_trace(dut):
    board = rig(dut, 90, rate=0.2)
    await board.start()
    settings = replace(BASE, mode=Mode.COUNTING | Mode.TIME_TAGS, count=3, bin_shift=2)
    await measure(board, settings)
    before = len(await board.all_tags())
    await ClockCycles(dut.clk, 3000)
    assert len(await board.all_tags()) == before


@cocotb.test()
async def a_restart_waits_until_the_tags_have_been_sent(dut):
    """On a slow link, tags of a train that is ended are still on their way when the next one is to start."""
    board = rig(dut, 95, rate=0.05, bursts=0.2)
    await board.start()
    settings = replace(BASE, mode=Mode.TIME_TAGS, window_bins=4, count=30)
    await board.begin(settings)
    board.readiness = 0.05
    await ClockCycles(dut.clk, 3 * settings.period)
    await board.write("run", 1)
    board.readiness = 0.5
    await board.ended(settings)
    board.frames = []
    await board.ended(settings)
    board.readiness = 1.0
    said = await board.all_tags()
    first, second = board.tags.values()
    assert said is second
    assert max(photon.pulse for photon in first) < 10
    assert min(photon.pulse for photon in second) == 0
    assert max(photon.pulse for photon in second) == settings.count - 1
