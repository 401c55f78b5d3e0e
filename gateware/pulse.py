"""Pulse train: decides when the gate goes high and low."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import fastforward
from trelscope.gateware.fastforward import least, saturate
from trelscope.gateware.layouts import SETTINGS


class PulseTrain(wiring.Component):
    """Launches one pulse per period, with a dither that interleaves the samples of successive pulses.

    A period lasts `period` cycles plus the fraction `period_num / period_den`, distributed evenly by first-order
    accumulation of the remainder from the second period on; the mean rate is exact for every rational rate. The dither
    of pulse k is (k mod `settings.dither`) ns: the pulse is launched `delay` cycles and `dither` ns into its period.
    Whole cycles of that time are counted; `phase` delays the gate by the rest.

    The gate goes high `LATENCY` cycles after a launch falls due. A gate that is still high in the last two cycles of a
    period is cut off there, so that it has been low for one cycle when `phase` changes, even behind one more register.

    Parameters
    ----------
    fast_forward : bool
        Whether the block can be fast-forwarded; see `trelscope.gateware.fastforward`.

    Members
    -------
    settings : In(SETTINGS)
        Settings of the train. Must be stable from the cycle before `start` to the end of the train.
    renew : In(1)
        Strobe. Pulses are counted from 0. Comes before `prepare`.
    prepare : In(1)
        Strobe. `start` comes in the next cycle.
    start : In(1)
        Strobe. The first period begins in the next cycle. Must not be asserted while `running`.
    stop : In(1)
        The train ends with the period that is in progress in the next cycle.
    phase_ready : In(1)
        The delay of the gate has settled at `phase`. A launch while it has not raises `phase_fault` instead.
    running : Out(1)
        A train is in progress.
    pulses : Out(32)
        Pulses launched since `renew`.
    dither : Out(7)
        Dither of the period in progress, in ns.
    begin : Out(1)
        Strobe. The next cycle is the first one of a period.
    next_dither : Out(7)
        Dither of the next period, in ns. Valid from 3 cycles before that period.
    boundary : Out(1)
        Strobe. This is the last cycle of a period.
    last : Out(1)
        Asserted together with `boundary` at the end of the train.
    round : Out(1)
        Asserted together with `boundary` at the end of a round, in which every dither has occurred once.
    gate : Out(2)
        Gate in the two half cycles of this cycle, the earlier one in bit 0.
    phase : Out(3)
        Delay of the gate in ns. Changes only between periods, while the gate is low.
    phase_fault : Out(1)
        Strobe. A launch has been omitted because `phase_ready` was low.
    skip : In(fastforward.SKIP_BITS)
        Cycles to advance in addition to the ordinary one. Present with `fast_forward`.
    horizon : Out(fastforward.Horizon())
        How far the block can be fast-forwarded. Present with `fast_forward`.
    """

    LATENCY = 1

    def __init__(self, fast_forward: bool = False) -> None:
        ports = {
            "settings": In(SETTINGS),
            "renew": In(1),
            "prepare": In(1),
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

        # Comparisons and sums are computed one or more cycles ahead, in flags next to the counters and in `…_next`
        # signals, so that every decision depends on registers only.
        cycles = Signal(32)  # cycles left in this period after the current one
        ends = Signal()  # running, and cycles == 0
        ends_next = Signal()
        stops_next = Signal()  # if the period ends in the next cycle, so does the train
        ending = Signal(init=1)  # cycles < 2: the last two cycles of a period
        armed = Signal()  # the launch of this period is still to come
        launch = Signal(32)  # cycles until the launch is due
        due = Signal(init=1)  # launch == 0
        halves = Signal(32)  # half cycles for which the gate stays high
        some = Signal()  # halves != 0
        more = Signal()  # halves >= 2
        remainder = Signal(signed(34))  # accumulated fraction of a cycle, minus its denominator
        left = Signal(32)  # launches left until the train has `count` pulses
        single = Signal()
        one_left = Signal()
        counted = Signal()  # the train has `count` pulses
        counted_next = Signal()

        advanced = Signal(signed(34))
        remainder_next = Signal(signed(34))
        longer = Signal()  # the next period lasts one cycle longer
        m.d.comb += longer.eq(~advanced[-1])
        # Values to load into the counters and their flags: for the next period, for the first period, and at a launch.
        cycles_next = Signal(32)
        over_next = Signal(init=1)  # the next period lasts a single cycle
        ending_next = Signal(init=1)
        cycles_first = Signal(32)
        over_first = Signal(init=1)
        ending_first = Signal(init=1)
        launch_next = Signal(32)
        due_next = Signal(init=1)
        launch_first = Signal(32)
        due_first = Signal(init=1)
        width = Signal(32)
        some_width = Signal()
        more_width = Signal()
        dither_next = Signal(7)
        round_ends = Signal()
        # The sum in `launch_next` is 0 if its low bits are 0 and their carry makes the high bits 0 as well.
        low, high = s.delay[:4] + dither_next[3:], s.delay[4:]
        high_all = Signal()
        high_none = Signal()
        short, low_bits = ~s.period[2:].any(), s.period[:2]
        ahead = [
            (advanced, remainder + s.period_num),
            (remainder_next, advanced - (longer.replicate(32) & s.period_den)),
            (cycles_next, s.period - 1 + longer),
            (over_next, short & (low_bits == Mux(longer, 0, 1))),
            (ending_next, short & ((low_bits == 1) | (low_bits == Mux(longer, 0, 2)))),
            (cycles_first, s.period - 1),
            (over_first, short & (low_bits == 1)),
            (ending_first, short & low_bits.xor()),
            (launch_next, s.delay + (dither_next >> 3)),
            (high_all, high.all()),
            (high_none, ~high.any()),
            (due_next, (low[:4] == 0) & Mux(low[4], high_all, high_none)),
            (launch_first, s.delay),
            (due_first, s.delay == 0),
            (width, s.width),
            (some_width, s.width != 0),
            (more_width, s.width[1:] != 0),
            (single, s.count == 1),
            (one_left, (left == 1) & (s.count != 0)),
            (dither_next, Mux(~self.running | round_ends, 0, self.dither + 1)),
            (round_ends, self.dither + 1 >= s.dither),
        ]
        m.d.sync += [register.eq(value) for register, value in ahead]

        m.d.comb += [
            self.boundary.eq(ends),
            self.gate.eq(Cat(some, more) & ~(self.running & ending).replicate(2)),
            self.next_dither.eq(dither_next),
        ]

        m.d.comb += [
            counted_next.eq(counted),
            ends_next.eq(self.running & ending & ~ends),
            stops_next.eq(self.stop | counted_next),
        ]
        m.d.sync += [
            counted.eq(counted_next),
            ends.eq(ends_next),
            self.last.eq(ends_next & stops_next),
            self.round.eq(ends_next & round_ends),
            self.begin.eq(self.prepare | (ends_next & ~stops_next)),
        ]
        with m.If(self.running):
            m.d.sync += [
                cycles.eq(cycles - step),
                ending.eq((cycles == step) | (cycles == step + 1)),
            ]
        with m.If(~more):
            m.d.sync += [halves.eq(0), some.eq(0)]
        with m.Else():
            m.d.sync += [
                halves.eq(halves - (step << 1)),
                some.eq(halves != step << 1),
                more.eq(halves[1:] != step),
            ]
        with m.If(armed):
            m.d.sync += [launch.eq(launch - step), due.eq(launch == step)]
            with m.If(due):
                m.d.sync += armed.eq(0)
                with m.If(self.phase_ready):
                    m.d.sync += [
                        halves.eq(width),
                        some.eq(some_width),
                        more.eq(more_width),
                        self.pulses.eq(self.pulses + 1),
                        left.eq(left - 1),
                    ]
                    with m.If(one_left):
                        m.d.comb += counted_next.eq(1)
                with m.Else():
                    m.d.comb += self.phase_fault.eq(1)

        with m.If(self.renew):
            m.d.sync += self.pulses.eq(0)
        with m.If(self.start):
            m.d.comb += [counted_next.eq(0), ends_next.eq(over_first)]
            m.d.sync += [
                self.running.eq(1),
                left.eq(s.count),
                one_left.eq(single),
                cycles.eq(cycles_first),
                ending.eq(ending_first),
                remainder.eq(-s.period_den),
            ]
        with m.Elif(self.boundary):
            m.d.comb += ends_next.eq(over_next & ~self.last)
            m.d.sync += [
                cycles.eq(cycles_next),
                ending.eq(ending_next),
                remainder.eq(remainder_next),
                halves.eq(0),
                some.eq(0),
                more.eq(0),
                armed.eq(0),
            ]
            with m.If(self.last):
                m.d.sync += self.running.eq(0)
        with m.If(self.begin):
            m.d.sync += [
                armed.eq(1),
                launch.eq(Mux(self.start, launch_first, launch_next)),
                due.eq(Mux(self.start, due_first, due_next)),
                self.dither.eq(dither_next),
                self.phase.eq(dither_next[:3]),
            ]

        if self._fast_forward:
            event = self.prepare | self.start | ends | (armed & due)
            m.d.comb += [
                self.horizon.calm.eq(~event & (~some | more) & fastforward.settled(ahead)),
                self.horizon.left.eq(
                    least(
                        saturate(self.running, (cycles - 1)[: len(cycles)]),
                        saturate(armed, launch),
                        saturate(halves != 0, halves[1:]),
                    )
                ),
            ]
        return m
