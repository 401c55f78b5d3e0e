"""Instrument and UART, with a bit-level model of the host's UART at the other end; runs inside the simulator."""

from typing import Any

import cocotb
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, Timer, with_timeout

from tests import wire
from trelscope.gateware import protocol
from trelscope.gateware.instrument import Instrument
from trelscope.gateware.link.uart import Uart
from trelscope.gateware.protocol import REGISTERS, REPLY, TRACE_DATA, TRACE_HEAD, Kind, TraceFlag

from .reference import CYCLE

DEPTH, DIGEST = 64, 0x1234ABCD
CODES = 1234, 15_000
BAUD = 12_000_000
BIT = round(1e9 / BAUD)
"""ns: 83, half a percent less than the instrument's."""
PATIENCE = 2_000_000
"""Time in ns within which a frame must come."""


class Serial(wiring.Component):
    """Instrument and UART of a board. The ADCs show CODES all the time, and the other inputs are constant."""

    def __init__(self) -> None:
        super().__init__({"rx_pin": In(1, init=1), "tx_pin": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.uart = uart = Uart(BAUD)
        m.submodules.core = core = Instrument(depth=DEPTH, digest=DIGEST)
        wiring.connect(m, uart.rx, core.rx)
        wiring.connect(m, core.tx, uart.tx)
        m.d.comb += [
            *(core.samples[n].eq(code) for n, code in enumerate(CODES)),
            core.rx_overrun.eq(uart.rx_overrun),
            uart.rx_pin.eq(self.rx_pin),
            self.tx_pin.eq(uart.tx_pin),
        ]
        return m


class Host:
    """Model of the host's UART."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self._received = bytearray()
        self._sequence = 0

    async def start(self) -> None:
        """Start the clock, reset the instrument and start to receive."""
        dut = self.dut
        dut.rst.value, dut.rx_pin.value = 1, 1
        Clock(dut.clk, CYCLE, unit="ns").start()
        await ClockCycles(dut.clk, 2)
        dut.rst.value = 0
        await ClockCycles(dut.clk, 2 * DEPTH)  # it sweeps its memory
        cocotb.start_soon(self._listen())

    async def _listen(self) -> None:
        while True:
            await FallingEdge(self.dut.tx_pin)
            await Timer(BIT // 2, "ns")
            assert self.dut.tx_pin.value == 0, "a start bit lasts a bit"
            byte = 0
            for n in range(8):
                await Timer(BIT, "ns")
                byte |= int(self.dut.tx_pin.value) << n
            await Timer(BIT, "ns")
            assert self.dut.tx_pin.value == 1, "no stop bit"
            self._received.append(byte)

    async def send(self, data: bytes, stop: int = 1) -> None:
        """Send bytes without gaps; `stop` is the level of their stop bits."""
        for byte in data:
            for level in (0, *(byte >> n & 1 for n in range(8)), stop):
                self.dut.rx_pin.value = level
                await Timer(BIT, "ns")
        self.dut.rx_pin.value = 1

    async def frame(self) -> wire.Frame:
        """Receive the next frame."""

        async def wait() -> wire.Frame:
            while (frame := wire.take_frame(self._received)) is None:
                await Timer(10 * BIT, "ns")
            return frame

        return await with_timeout(wait(), PATIENCE, "ns")

    async def request(self, kind: Kind, name: str, value: int = 0) -> int:
        """Read or write a register while no train runs."""
        sequence = self._sequence
        self._sequence += 1
        await self.send(wire.request(kind, sequence, REGISTERS[name].address, value))
        frame = await self.frame()
        assert frame.kind is Kind.REPLY
        reply = REPLY.unpack(frame.payload)
        assert (reply["sequence"], reply["address"]) == (sequence, REGISTERS[name].address)
        return reply["value"]


@cocotb.test()
async def identifies_itself_over_two_wires(dut):
    host = Host(dut)
    await host.start()
    assert await host.request(Kind.READ, "magic") == protocol.MAGIC
    assert await host.request(Kind.READ, "version") == protocol.VERSION
    assert await host.request(Kind.READ, "digest") == DIGEST
    assert await host.request(Kind.READ, "overruns") == 0


@cocotb.test()
async def a_byte_without_a_stop_bit_is_counted_and_the_next_request_answered(dut):
    host = Host(dut)
    await host.start()
    await host.send(b"\x5a", stop=0)
    await Timer(BIT, "ns")
    assert await host.request(Kind.READ, "magic") == protocol.MAGIC
    assert await host.request(Kind.READ, "overruns") == 1
    assert await host.request(Kind.READ, "bad_headers") == 0


@cocotb.test()
async def a_train_and_its_frame(dut):
    host = Host(dut)
    await host.start()
    settings = {"period": 400, "width": 100, "count": 8, "window_bins": DEPTH, "frame_pulses": 8}
    for name, value in {**settings, "level": 10_000, "enable": 1}.items():
        assert await host.request(Kind.WRITE, name, value) == value
    await host.request(Kind.WRITE, "run", 1)
    head = TRACE_HEAD.unpack((await host.frame()).payload)
    assert (head["pulses"], head["missed"], head["bins"]) == (8, 0, DEPTH)
    assert TraceFlag.END in TraceFlag(head["flags"])
    for channel in range(2):
        frame = await host.frame()
        assert frame.kind is Kind.TRACE_DATA
        assert TRACE_DATA.unpack(frame.payload)["channel"] == channel
        sums = frame.payload[TRACE_DATA.size :]
        assert sums == DEPTH * CODES[channel].to_bytes(4, "little")  # eight pulses, one a bin
    assert await host.request(Kind.READ, "pulses") == 8
