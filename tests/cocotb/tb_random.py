"""Random settings, samples and back pressure; runs inside the simulator of the instrument's Verilog."""

import random
from dataclasses import replace

import cocotb

from trelscope.gateware.protocol import LEVEL_MAX, LEVEL_MIN, MIN_PERIOD

from .reference import CYCLE, OUTPUT_DELAY, Settings
from .rig import Rig, check_frames, noise, sample_sums

DEPTH = 256
CASES = 20
CYCLES = 12_000
"""Approximate length of a train."""


def choose(rng: random.Random) -> Settings:
    """Random settings from all that the instrument allows; unusual ones are more frequent than with the host."""
    period = rng.choice([MIN_PERIOD, rng.randint(MIN_PERIOD, 300), rng.randint(300, 1500)])
    dither = rng.choice([1, 8, rng.randint(1, 16)])
    denominator = rng.choice([1, rng.randint(2, 50)])
    delay = rng.choice([0, rng.randint(0, period // 2), rng.randint(0, period - 20)])
    bin_shift = rng.randint(0, 6)
    first = -CYCLE * (delay + OUTPUT_DELAY)  # of the period, from its launch
    start = rng.choice([first - rng.randint(0, 100), rng.randint(first, first + 8 * period - 100)])
    return Settings(
        period=period,
        width=rng.choice([1, rng.randint(1, 2 * period), rng.randint(1, 40)]),
        level=rng.randint(LEVEL_MIN, LEVEL_MAX),
        count=rng.randint(2, max(CYCLES // period, 3)),
        window_bins=rng.choice([1, DEPTH, rng.randint(1, DEPTH)]),
        window_start=start,
        bin_shift=bin_shift,
        dither=dither,
        delay=delay,
        period_num=rng.randrange(denominator),
        period_den=denominator,
        frame_pulses=rng.choice([1, dither, rng.randint(1, 40)]),
    )


async def check(board: Rig, settings: Settings, readiness: float) -> int:
    frames = await board.measure(settings, readiness)
    cycles = settings.period_start(settings.count)
    own = board.from_cycle(board.first_cycle(settings), cycles)
    sums, clipped = sample_sums(settings, board.codes[own], board.valid[own])
    check_frames(frames, settings, sums, clipped)
    assert await board.read("pulses") == settings.count
    assert await board.read("missed") == 0
    return len(frames)


@cocotb.test()
@cocotb.parametrize(seed=list(range(CASES)))
async def case(dut, seed):
    rng = random.Random(seed)
    board = Rig(dut, noise(seed), sample_every=rng.choice([1, 1, 2]))
    await board.start()
    settings = choose(rng)
    readiness = rng.choice([1.0, rng.uniform(0.2, 1.0)])
    dut._log.info("%s, readiness %.2f", settings, readiness)
    await check(board, settings, readiness)
    # And at once another train, with other settings, on what the first has left behind.
    again = choose(rng)
    dut._log.info("%s", again)
    await check(board, replace(again, count=min(again.count, 20)), 1.0)


@cocotb.test()
@cocotb.parametrize(sample_every=[1, 2])
async def one_bin_over_whole_periods(dut, sample_every):
    """The last sample of each pulse and the first one of the next are in the same bin, whose sum is handed on once per
    pulse."""
    board = Rig(dut, noise(3), sample_every=sample_every)
    await board.start()
    settings = Settings(
        period=MIN_PERIOD,
        width=40,
        level=LEVEL_MAX,
        count=40,
        window_bins=1,
        window_start=-CYCLE * (10 + OUTPUT_DELAY) - 20,
        bin_shift=10,
        delay=10,
        frame_pulses=16,
    )
    await check(board, settings, 1.0)
