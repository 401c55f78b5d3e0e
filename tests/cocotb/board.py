"""Models of everything that surrounds the instrument on a board: clock, device, detector, ADCs and the host's end of
the link."""

import random
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from tests import wire
from trelscope.gateware.protocol import (
    REGISTERS,
    REPLY,
    TRACE_DATA,
    TRACE_HEAD,
    Kind,
    Outcome,
    TraceFlag,
)
from trelscope.sim.presets.presets import load_plant

from .reference import CYCLE, Settings

PRESET = "hr-1mm2"
PATIENCE = 200_000
"""Cycles after which a test stops waiting."""
AHEAD = 32
"""Number of samples that are computed at a time."""


@dataclass
class TraceFrame:
    """One frame, as received over the link."""

    head: dict[str, int]
    chunks: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    @property
    def sums(self) -> Any:
        """Sums, of shape (channel, bin)."""
        data = [b"".join(self.chunks[channel]) for channel in range(2)]
        return np.stack([np.frombuffer(channel, dtype="<u4") for channel in data])

    @property
    def flags(self) -> TraceFlag:
        return TraceFlag(self.head["flags"])


class Board:
    """Drives every input of the instrument. `cycle` counts clock edges, `edges` what the device has been given.

    readiness: how often the link takes a byte, 0 to 1.
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.plant = load_plant(PRESET)
        self.readiness = 1.0
        self.cycle = 0
        self.renew()

    def renew(self) -> None:
        """Start with a device at rest and a host that has sent nothing."""
        self.edges: list[tuple[int, float]] = []  # ns, V
        self.frames: list[TraceFrame] = []
        self._rng = random.Random(1)
        self._sequence = self._heard = 0
        self._replies: list[dict[str, int]] = []
        self._received = bytearray()
        self._segment = self.plant.segment(self.plant.rest(), 0.0)
        self._since = 0
        self._due = 0
        self._codes: dict[int, int] = {}  # of instants to come, until the next edge
        self._gate, self._phase = 0, 0

    async def start(self) -> None:
        """Start the clock, reset the instrument and wait until it has swept its memory."""
        dut = self.dut
        for name in ("rst", "trip", "rx__valid", "rx__payload", "samples", "tx__ready"):
            getattr(dut, name).value = 0
        dut.phase_ready.value = 1
        dut.sample_valid.value = 1
        dut.rx_overrun.value = 0
        Clock(dut.clk, CYCLE, unit="ns").start()
        await self.reset()
        cocotb.start_soon(self._run())

    async def reset(self) -> None:
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 2)
        self.dut.rst.value = 0

    async def _run(self) -> None:
        dut = self.dut
        clock = RisingEdge(dut.clk)
        gate, phase, sampling = dut.gate, dut.phase, dut.sampling
        valid, payload, ready = dut.tx__valid, dut.tx__payload, dut.tx__ready
        ready_now = False
        while True:
            await clock
            # What is read here is what the cycle showed that ends with this edge.
            now = int(gate.value)
            if now or self._gate:
                self._watch_gate(now, int(phase.value))
            else:
                self._phase = int(phase.value)
            if sampling.value == 1:
                dut.samples.value = self._convert(CYCLE * self.cycle)
            if ready_now and valid.value == 1:
                self._received.append(int(payload.value))
                self._take_frames()
            wanted = self.readiness >= 1.0 or self._rng.random() < self.readiness
            if wanted != ready_now:
                ready.value = wanted
                ready_now = wanted
            self.cycle += 1

    def _watch_gate(self, now: int, phase: int) -> None:
        assert phase == self._phase or not now | self._gate, "the phase changed with the gate"
        level = self._gate >> 1
        for half in range(2):
            if (now >> half & 1) != level:
                level ^= 1
                volts = int(self.dut.level.value) * 0.5e-3 if level else 0.0
                self.edges.append((CYCLE * self.cycle + 4 * half + phase, volts))
        self._gate = now

    def _follow(self, instant: int) -> None:
        """Switch to the response to the latest edge before `instant` (ns)."""
        while self._due < len(self.edges) and self.edges[self._due][0] <= instant:
            edge, volts = self.edges[self._due]
            state = self._segment.state_after((edge - self._since) * 1e-9)
            self._segment, self._since = self.plant.segment(state, volts), edge
            self._due += 1
            self._codes = {}

    def _convert(self, instant: int) -> int:
        """Codes of both ADCs for an instant (ns)."""
        self._follow(instant)
        if instant not in self._codes:
            ahead = range(instant, instant + CYCLE * AHEAD, CYCLE)
            t = (np.array(ahead) - self._since) * 1e-9
            light = self.plant.detector.codes(self.plant.light_at(self._segment, t))
            drive = self.plant.monitor.codes(self.plant.drive_at(self._segment, t))
            self._codes = dict(zip(ahead, (light | drive << 14).tolist(), strict=True))
        return self._codes[instant]

    def _take_frames(self) -> None:
        while (frame := wire.take_frame(self._received)) is not None:
            assert frame.sequence == self._heard & 0xFFFF
            self._heard += 1
            if frame.kind is Kind.REPLY:
                self._replies.append(REPLY.unpack(frame.payload))
            elif frame.kind is Kind.TRACE_HEAD:
                self.frames.append(TraceFrame(TRACE_HEAD.unpack(frame.payload)))
            else:
                assert frame.kind is Kind.TRACE_DATA
                data = TRACE_DATA.unpack(frame.payload)
                last = self.frames[-1]
                chunks = last.chunks[data["channel"]]
                assert (data["frame"], data["chunk"]) == (last.head["frame"], len(chunks))
                chunks.append(frame.payload[TRACE_DATA.size :])

    async def send(self, data: bytes) -> None:
        """Send bytes to the instrument as fast as it takes them."""
        dut = self.dut
        clock = RisingEdge(dut.clk)
        dut.rx__valid.value = 1
        for byte in data:
            dut.rx__payload.value = byte
            await clock
            while dut.rx__ready.value != 1:
                await clock
        dut.rx__valid.value = 0

    async def _request(self, kind: Kind, name: str, value: int = 0) -> int:
        address, sequence = REGISTERS[name].address, self._sequence & 0xFFFF
        self._sequence += 1
        await self.send(wire.request(kind, sequence, address, value))
        for _ in range(PATIENCE):
            if self._replies:
                break
            await RisingEdge(self.dut.clk)
        reply = self._replies.pop()
        assert reply["outcome"] == Outcome.DONE
        assert (reply["sequence"], reply["address"]) == (sequence, address)
        return reply["value"]

    async def write(self, name: str, value: int) -> None:
        await self._request(Kind.WRITE, name, value)

    async def read(self, name: str) -> int:
        return await self._request(Kind.READ, name)

    async def begin(self, settings: Settings) -> None:
        """Stage the settings and start the train with the output on."""
        for name, value in asdict(settings).items():
            await self.write(name, value)
        await self.write("enable", 1)
        await self.write("run", 1)

    async def ended(self, settings: Settings) -> list[TraceFrame]:
        """Receive all frames of the train, up to and including the last one."""
        whole = 4 * settings.window_bins
        for _ in range(0, PATIENCE, 50):
            last = self.frames[-1] if self.frames else None
            if last and TraceFlag.END in last.flags and sum(map(len, last.chunks[1])) == whole:
                return self.frames
            await ClockCycles(self.dut.clk, 50)
        raise AssertionError("the train does not end")
