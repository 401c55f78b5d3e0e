"""Pulse train: when the gate goes high and low."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from . import fastforward
from .fastforward import least, saturate
from .layouts import SETTINGS


class PulseTrain(wiring.Component):
    """Launches one pulse a period, with launch phases that interleave the samples of successive pulses.

    A period lasts `period` cycles plus the fraction `period_num / period_den`, spread evenly (first-order accumulation
    of the remainder, from the second period on), so the mean rate is exact for every rational rate. Pulse k is
    launched `delay` cycles and (k mod `dither`) ns into its period: whole cycles by counting, the rest by `phase`.

    Ports
        settings: stable from `start` to the end of the train.
        start: strobe while not running; the first period begins in the next cycle.
        stop: level; the train ends with the period in progress.
        phase_ready: the launch hardware has taken over `phase`; low at a launch raises `phase_fault` instead.
        running, pulses (launched so far), dither (of the period in progress).
        begin: strobe, the next cycle is the first of a period; `next_dither` is the coming period's.
        boundary: strobe, last cycle of a period; `last` with it ends the train, `round` ends a round of dithers.
        gate: the two half cycles of this cycle, earliest in bit 0, `LATENCY` cycles after the launch is due.
        phase: ns by which the whole gate is late; changes only while the gate is low.

    Latency 1 cycle from a launch falling due to `gate`. One pulse a period; a gate still high in the period's last two
    cycles is cut there, so that behind one more register it has been low for a cycle when `phase` changes.
    """

    LATENCY = 1

    def __init__(self, fast_forward: bool = False) -> None:
        ports = {
            "settings": In(SETTINGS),
            "start": In(1),
            "stop": In(1),
            "phase_ready": In(1),
            "running": Out(1),
            "pulses": Out(32),
            "dither": Out(7),
            "begin": Out(1),
            "next_dither": Out(7),
            "boundary": Out(1),
            "last": Out(1),
            "round": Out(1),
            "gate": Out(2),
            "phase": Out(3),
            "phase_fault": Out(1),
        }
        if fast_forward:
            ports |= {"skip": In(fastforward.SKIP_BITS), "horizon": Out(fastforward.Horizon())}
        self._fast_forward = fast_forward
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self.settings
        step = fastforward.step(self.skip if self._fast_forward else None)

        cycles = Signal(32)  # left in this period after the present cycle
        armed = Signal()  # this period's launch is still to come
        launch = Signal(32)  # cycles until it is due
        halves = Signal(32)  # half cycles the gate stays high
        remainder = Signal(signed(34))  # of the period's fraction, minus its denominator
        advanced = Signal(signed(34))
        longer = Signal()  # the coming period has one cycle more
        ending = Signal()  # the last two cycles of a period

        m.d.comb += [
            self.boundary.eq(self.running & (cycles == 0)),
            self.last.eq(self.boundary & (self.stop | ((s.count != 0) & (self.pulses == s.count)))),
            self.round.eq(self.boundary & (self.dither + 1 >= s.dither)),
            self.begin.eq(self.start | (self.boundary & ~self.last)),
            ending.eq(self.running & (cycles[1:] == 0)),
            self.gate.eq(Cat(halves != 0, halves[1:] != 0) & ~ending.replicate(2)),
            advanced.eq(remainder + s.period_num),
            longer.eq(advanced >= 0),
        ]
        with m.If(~(self.start | self.round)):
            m.d.comb += self.next_dither.eq(self.dither + 1)

        with m.If(self.running):
            m.d.sync += cycles.eq(cycles - step)
        with m.If(halves[1:] == 0):
            m.d.sync += halves.eq(0)
        with m.Else():
            m.d.sync += halves.eq(halves - (step << 1))
        with m.If(armed):
            m.d.sync += launch.eq(launch - step)
            with m.If(launch == 0):
                m.d.sync += armed.eq(0)
                with m.If(self.phase_ready):
                    m.d.sync += [halves.eq(s.width), self.pulses.eq(self.pulses + 1)]
                with m.Else():
                    m.d.comb += self.phase_fault.eq(1)

        with m.If(self.start):
            m.d.sync += [
                self.running.eq(1),
                self.pulses.eq(0),
                cycles.eq(s.period - 1),
                remainder.eq(-s.period_den),
            ]
        with m.Elif(self.boundary):
            m.d.sync += [
                cycles.eq(s.period - 1 + longer),
                remainder.eq(advanced - (longer.replicate(32) & s.period_den)),
                halves.eq(0),
                armed.eq(0),
            ]
            with m.If(self.last):
                m.d.sync += self.running.eq(0)
        with m.If(self.begin):
            m.d.sync += [
                armed.eq(1),
                launch.eq(s.delay + (self.next_dither >> 3)),
                self.dither.eq(self.next_dither),
                self.phase.eq(self.next_dither[:3]),
            ]

        if self._fast_forward:
            event = self.start | (self.running & (cycles == 0)) | (armed & (launch == 0))
            m.d.comb += [
                self.horizon.calm.eq(~event & ((halves == 0) | (halves[1:] != 0))),
                self.horizon.left.eq(
                    least(
                        saturate(self.running, (cycles - (halves != 0))[: len(cycles)]),
                        saturate(armed, launch),
                        saturate(halves != 0, halves[1:]),
                    )
                ),
            ]
        return m
