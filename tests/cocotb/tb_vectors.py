"""Plays the timing cases of tests/vectors; runs inside the simulator of the instrument's Verilog."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge

from tests import timing
from tests.timing import Stimulus

CASES = {str(case): case for case in timing.load()}


async def play(dut, given: Stimulus) -> list[int]:
    for name in ("rx__valid", "rx__payload", "samples"):
        getattr(dut, name).value = 0
    for name, value in timing.INPUTS.items():
        getattr(dut, name).value = value
    dut.tx__ready.value = dut.sample_valid.value = dut.rst.value = 1
    Clock(dut.clk, 8, unit="ns").start()
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    pins = {name: getattr(dut, name) for name in timing.OUTPUTS}
    valid, payload, ready = dut.rx__valid, dut.rx__payload, dut.rx__ready
    begins, settled = RisingEdge(dut.clk), FallingEdge(dut.clk)
    words, queue = [], bytearray()
    for step in given.steps:
        queue += step.rx
        for name, value in step.inputs.items():
            getattr(dut, name).value = value
        for _ in range(step.cycles):
            # A cycle lasts from one rising edge to the next; in its middle every output has settled.
            valid.value = bool(queue)
            if queue:
                payload.value = queue[0]
            await settled
            taken = bool(queue) and ready.value == 1
            del queue[:taken]
            seen = {name: int(pin.value) for name, pin in pins.items()}
            words.append(timing.pack(seen, taken))
            await begins
    return words


@cocotb.test()
@cocotb.parametrize(name=list(CASES))
async def case(dut, name):
    given = timing.stimulus(CASES[name], timing.ENGINE_DEPTH)
    timing.check(CASES[name], given, await play(dut, given))
