"""Sequencer: from settings to trains, from trains to frames."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import fastforward
from trelscope.gateware.layouts import SETTINGS, TRACE_HEAD
from trelscope.gateware.protocol import MAX_BIN_SHIFT, MAX_FRAME_PULSES, Mode, TraceFlag


class Sequencer(wiring.Component):
    """Starts and ends trains, gives each pulse its buffer and each full buffer to the readout.

    After reset it sweeps the trace memory clean. A train starts with all staged settings at once (`latch`), so no
    frame ever mixes two. At the end of a round of launch steps in which `frame_pulses` are reached, the buffers swap if
    the other one is free (`shipping` low); if not, the frame grows to the most its sums can hold, and pulses that do
    not fit are launched, not kept, and counted in `missed`. The train's last frame is closed when all its samples are
    in memory; it carries END and whatever pulses there are.

    Ports
        restart: strobe, begin a train (ending one in progress); run: level, low ends the train; tripped: likewise, and
        the frame in progress is marked.
        staged -> settings: copied on a train's start; prepare: strobe, the cycle after.
        start, stop: to `PulseTrain`, stop a cycle after its reason; boundary, last, round, pulses: from it.
        clipped, clipped_buffer: one strobe a channel, and for which buffer.
        saturated, clear_saturated: of `TraceMemory`, one bit a channel and buffer.
        missed, train: as in the registers.
        buffer: the one being filled; keep: the period's samples go to memory; settled: memory has taken them all.
        ship: strobe, `head` describes the frame in the other buffer, stable until `shipping` falls.
        sweep, sweep_bin: to `TraceMemory`; finished: strobe, the train has ended by itself.
        idle: no train, nothing pending; waiting: in a train, nothing to do but wait for its next boundary;
        steady: what is worked out ahead of that is.

    From a restart while idle to `settings` and `prepare` 3 cycles, to `start` 4; from a swap to `ship` 1 cycle.
    """

    def __init__(self, depth: int, channels: int) -> None:
        self._depth = depth
        self._channels = channels
        super().__init__(
            {
                "restart": In(1),
                "run": In(1),
                "tripped": In(1),
                "staged": In(SETTINGS),
                "settings": Out(SETTINGS),
                "prepare": Out(1),
                "start": Out(1),
                "stop": Out(1),
                "boundary": In(1),
                "last": In(1),
                "round": In(1),
                "pulses": In(32),
                "clipped": In(channels),
                "clipped_buffer": In(1),
                "saturated": In(data.ArrayLayout(2, channels)),
                "clear_saturated": Out(2),
                "buffer": Out(1),
                "keep": Out(1),
                "missed": Out(32),
                "train": Out(32),
                "settled": In(1),
                "ship": Out(1),
                "shipping": In(1),
                "head": Out(TRACE_HEAD),
                "sweep": Out(1),
                "sweep_bin": Out(range(depth)),
                "finished": Out(1),
                "idle": Out(1),
                "waiting": Out(1),
                "steady": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self.settings
        frame = Signal(32)
        first_pulse = Signal(32)
        kept = Signal(range(MAX_FRAME_PULSES + 1))  # pulses in the frame, before the present one
        # What a period adds up to is known soon after it has begun, and long before its end.
        would_keep = Signal.like(kept)
        would_miss = Signal(32)
        with_round = Signal(range(2 * MAX_FRAME_PULSES))
        enough = Signal()
        ready = Signal()  # to be sent after this round, and the other buffer was free a cycle ago
        full_round = Signal()  # the frame has no room for another whole round
        clipped = [
            Array(Signal(32, name=f"clipped{n}{b}") for b in range(2))
            for n in range(self._channels)
        ]
        fits = Signal(range(MAX_FRAME_PULSES + 1))  # pulses whose sums fit for certain
        capacity = Signal.like(fits)
        free = ~self.ship & ~self.shipping
        with m.Switch(s.bin_shift):
            for shift in range(4, MAX_BIN_SHIFT + 1):
                with m.Case(shift):
                    m.d.comb += fits.eq(MAX_FRAME_PULSES >> (shift - 3))
            with m.Default():
                m.d.comb += fits.eq(MAX_FRAME_PULSES)
        ahead = [
            (capacity, fits),
            (would_keep, kept + self.keep),
            (would_miss, self.missed + ~self.keep),
            (with_round, would_keep + s.dither),
            (enough, would_keep >= s.frame_pulses),
            (full_round, capacity < with_round),
            (ready, (enough | full_round) & free),
        ]
        m.d.sync += [register.eq(value) for register, value in ahead]
        m.d.comb += self.steady.eq(fastforward.settled(ahead))

        again = Signal()  # a restart is waiting for the present train to end
        tripped = Signal()  # this train has been cut off by the guard
        with m.If(self.restart):
            m.d.sync += again.eq(1)
        with m.Elif(~self.run):
            m.d.sync += again.eq(0)
        with m.If(self.tripped):
            m.d.sync += tripped.eq(1)
        m.d.sync += self.stop.eq(again | ~self.run | tripped)

        with m.If(self.boundary):
            m.d.sync += [kept.eq(would_keep), self.missed.eq(would_miss)]
        for n, counts in enumerate(clipped):
            for buffer, clips in enumerate(counts):
                with m.If(self.clipped[n] & (self.clipped_buffer == buffer)):
                    m.d.sync += clips.eq(clips + 1)

        swap = Signal()
        end = Signal()
        cause = Signal(8)
        for n, flag in enumerate((TraceFlag.SATURATED_LIGHT, TraceFlag.SATURATED_DRIVE)):
            if n < self._channels:
                bit = flag.value.bit_length() - 1
                m.d.comb += self.head.flags[bit].eq(self.saturated[n].bit_select(~self.buffer, 1))
        for flag, condition in {
            TraceFlag.END: end,
            TraceFlag.TRIPPED: tripped,
            TraceFlag.COUNTING: (s.mode & Mode.COUNTING) != 0,
        }.items():
            bit = flag.value.bit_length() - 1
            with m.If(swap):
                m.d.sync += cause[bit].eq(condition)
            m.d.comb += self.head.flags[bit].eq(cause[bit])
        with m.If(swap):
            m.d.sync += self.buffer.eq(~self.buffer)
            # The buffer now to be filled has been read out: what was noted of it starts afresh.
            m.d.comb += self.clear_saturated.eq(Mux(self.buffer, 0b01, 0b10))
        m.d.sync += self.ship.eq(swap)
        pulses_then = Signal(32)
        kept_then = Signal.like(kept)
        missed_then = Signal(32)
        m.d.sync += [
            pulses_then.eq(self.pulses),
            kept_then.eq(Mux(self.boundary, would_keep, kept)),
            missed_then.eq(Mux(self.boundary, would_miss, self.missed)),
        ]
        with m.If(self.ship):
            # A cycle after the swap, as things were then.
            m.d.sync += [
                kept.eq(0),
                frame.eq(frame + 1),
                first_pulse.eq(pulses_then),
                self.head.first_pulse.eq(first_pulse),
                self.head.pulses.eq(kept_then),
                self.head.missed.eq(missed_then),
                self.head.frame.eq(frame),
                self.head.train.eq(self.train),
                self.head.window_start.eq(s.window_start),
                self.head.bins.eq(s.window_bins),
                self.head.bin_shift.eq(s.bin_shift),
                self.head.dither.eq(s.dither),
            ]
            m.d.sync += [counts[self.buffer].eq(0) for counts in clipped]
        # These of the frame being shipped may still be set by samples under way at the swap.
        for n, name in enumerate(("light_clipped", "drive_clipped")[: self._channels]):
            m.d.comb += self.head[name].eq(clipped[n][~self.buffer])

        complete = Signal()  # the train's last frame
        swept = Signal.like(self.sweep_bin)
        all_swept = Signal()  # with this one
        m.d.sync += self.sweep.eq(0)
        latch = Signal()  # a register of its own: it enables many
        with m.If(latch):
            m.d.sync += s.eq(self.staged)

        with m.FSM():
            with m.State("SWEEP"):
                m.d.sync += [self.sweep.eq(1), self.sweep_bin.eq(swept), swept.eq(swept + 1)]
                m.d.sync += all_swept.eq(swept == self._depth - 2)
                with m.If(all_swept):
                    m.next = "IDLE"
            with m.State("IDLE"):
                m.d.comb += self.idle.eq(~again & ~self.restart & ~self.sweep)
                with m.If(again):
                    m.d.sync += [again.eq(0), latch.eq(1)]
                    m.next = "LATCH"
            with m.State("LATCH"):
                m.d.sync += latch.eq(0)
                m.next = "PREPARE"
            with m.State("PREPARE"):
                m.d.comb += self.prepare.eq(1)
                m.d.sync += [
                    self.train.eq(self.train + 1),
                    frame.eq(0),
                    first_pulse.eq(0),
                    kept.eq(0),
                    self.missed.eq(0),
                    tripped.eq(self.tripped),
                    self.keep.eq(1),
                    self.start.eq(1),
                ]
                m.next = "START"
            with m.State("START"):
                m.d.sync += self.start.eq(0)
                m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += self.waiting.eq(1)
                with m.If(self.last):
                    m.next = "CLOSE"
                with m.Elif(self.round):
                    m.d.sync += self.keep.eq(~full_round)
                    with m.If(ready & ~self.ship):
                        m.d.comb += swap.eq(1)
                        m.d.sync += self.keep.eq(1)
            with m.State("CLOSE"):
                m.d.sync += complete.eq(self.settled & free & ~complete)
                with m.If(complete):
                    m.d.comb += [swap.eq(1), end.eq(1)]
                    m.next = "IDLE"
                    with m.If(~again & ~self.restart):
                        m.d.comb += self.finished.eq(1)
        return m
