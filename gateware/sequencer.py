"""Sequencer: starts trains with the host's settings and divides them into frames."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import fastforward
from trelscope.gateware.fastforward import saturate
from trelscope.gateware.layouts import SETTINGS, TRACE_HEAD
from trelscope.gateware.protocol import (
    MAX_BIN_SHIFT,
    MAX_FRAME_PULSES,
    REGISTERS,
    Mode,
    TraceFlag,
)

SETTLE_BITS = REGISTERS["settle"].bits


class Sequencer(wiring.Component):
    """Starts and ends trains, assigns pulses to buffers and hands full buffers to the readout.

    After reset, all bins of the trace memory are cleared. A train starts by copying all staged settings at once, so all
    pulses of a frame have the same settings. At the end of a round of dithers by which the frame has `frame_pulses`
    pulses, the buffers are swapped if the other one is free, that is, while `shipping` is low. If it is not free, the
    frame grows up to the number of pulses whose sums are certain not to overflow. Further pulses are launched, but not
    kept; they are counted in `missed`. The last frame of a train is closed when all its samples are in memory. It
    carries the flag END and may have any number of pulses.

    After `restart` in an idle cycle, `settings` follows 3 cycles later, `prepare` after `settle` more, and `start` one
    cycle after that. A train that is to end before then launches nothing: it has one frame, without pulses. `ship`
    follows a swap by 1 cycle.

    Parameters
    ----------
    depth : int
        Bins per buffer of the trace memory.
    channels : int
        Number of channels.
    fast_forward : bool
        Whether the block can be fast-forwarded; see `trelscope.gateware.fastforward`.

    Members
    -------
    restart : In(1)
        Strobe. Ends the train in progress, if any, and starts a new one.
    startable : In(1, init=1)
        A train can have the settings that `staged` holds in the next cycle. While low, no train starts: it waits.
    run : In(1)
        The train may go on. While low, the train in progress is ended.
    tripped : In(1)
        The guard has switched the output off. Ends the train and sets a flag in the frame in progress.
    settle : In(SETTLE_BITS)
        Cycles from new settings, and so a new level, to the train.
    staged : In(SETTINGS)
        Settings as written by the host.
    settings : Out(SETTINGS)
        Settings of the train.
    renew : Out(1)
        Strobe. The train before is over: what is counted by the train begins anew.
    prepare : Out(1)
        Strobe. `settings` is valid from this cycle on, at the latest.
    start : Out(1)
        Strobe. Starts the pulse train.
    stop : Out(1)
        Ends the pulse train. One cycle after its cause.
    boundary : In(1)
        Strobe of the pulse train in the last cycle of a period.
    last : In(1)
        Asserted together with `boundary` at the end of the train.
    round : In(1)
        Asserted together with `boundary` at the end of a round of dithers.
    pulses : In(32)
        Pulses launched since the train started.
    clipped : In(channels)
        One strobe per channel. A sample has the lowest or the highest code.
    clipped_buffer : In(1)
        Buffer that the clipped sample belongs to.
    saturated : In(data.ArrayLayout(2, channels))
        Per channel and buffer, whether a sum has saturated.
    clear_saturated : Out(2)
        One strobe per buffer. Clears the bits of that buffer in `saturated`.
    buffer : Out(1)
        Buffer that is being filled.
    keep : Out(1)
        Samples of the current period go to memory.
    missed : Out(32)
        Value of the `missed` register.
    train : Out(32)
        Value of the `train` register.
    settled : In(1)
        All samples taken so far are in memory.
    ship : Out(1)
        Strobe. The other buffer holds a complete frame, which `head` describes.
    shipping : In(1)
        The readout is sending the other buffer.
    head : Out(TRACE_HEAD)
        Head of the frame in the other buffer. Stable from `ship` until `shipping` falls, except for the flags and the
        numbers of clipped samples: samples that were in the pipeline at the swap may still change them.
    sweep : Out(1)
        Strobe. Clears a bin in both buffers of all memories.
    sweep_bin : Out(range(depth))
        Bin to clear.
    finished : Out(1)
        Strobe. The train has ended and no restart is pending.
    idle : Out(1)
        No train is in progress and none is about to start.
    skip : In(fastforward.SKIP_BITS)
        Cycles to advance in addition to the ordinary one. Present with `fast_forward`.
    horizon : Out(fastforward.Horizon())
        How far the block can be fast-forwarded. Present with `fast_forward`.
    """

    def __init__(self, depth: int, channels: int, fast_forward: bool = False) -> None:
        self._depth = depth
        self._channels = channels
        self._fast_forward = fast_forward
        ports = {
            "restart": In(1),
            "startable": In(1, init=1),
            "run": In(1),
            "tripped": In(1),
            "settle": In(SETTLE_BITS),
            "staged": In(SETTINGS),
            "settings": Out(SETTINGS),
            "renew": Out(1),
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
        }
        if fast_forward:
            ports |= {"skip": In(fastforward.SKIP_BITS), "horizon": Out(fastforward.Horizon())}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self.settings
        step = fastforward.step(self.skip if self._fast_forward else None)
        frame = Signal(32)
        first_pulse = Signal(32)
        kept = Signal(range(MAX_FRAME_PULSES + 1))  # pulses in the frame, without the current one
        # Totals after the current period are computed ahead; their terms change only at the start of a period.
        would_keep = Signal.like(kept)
        would_miss = Signal(32)
        with_round = Signal(range(2 * MAX_FRAME_PULSES))
        enough = Signal()
        ready = Signal()  # the frame can end with this round: the other buffer was free a cycle ago
        full_round = Signal()  # the frame has no room for another round
        clipped = [
            Array(Signal(32, name=f"clipped{n}{b}") for b in range(2))
            for n in range(self._channels)
        ]
        fits = Signal(range(MAX_FRAME_PULSES + 1))  # pulses whose sums are certain not to overflow
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

        again = Signal()  # a restart is waiting for the current train to end
        tripped = Signal()  # the guard has ended this train
        with m.If(self.restart):
            m.d.sync += again.eq(1)
        with m.Elif(~self.run):
            m.d.sync += again.eq(0)
        with m.If(self.tripped):
            m.d.sync += tripped.eq(1)
        stops = [(self.stop, again | ~self.run | tripped)]
        m.d.sync += [register.eq(value) for register, value in stops]

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
            # The buffer to be filled next has been read out; its flags belong to the frame that was in it.
            m.d.comb += self.clear_saturated.eq(Mux(self.buffer, 0b01, 0b10))
        m.d.sync += self.ship.eq(swap)
        pulses_then = Signal(32)
        kept_then = Signal.like(kept)
        missed_then = Signal(32)
        then = [
            (pulses_then, self.pulses),
            (kept_then, Mux(self.boundary, would_keep, kept)),
            (missed_then, Mux(self.boundary, would_miss, self.missed)),
        ]
        m.d.sync += [register.eq(value) for register, value in then]
        steady = Signal()
        m.d.comb += steady.eq(fastforward.settled([*ahead, *stops, *then]))
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
        # Samples that were in the pipeline at the swap can still increment the counts of the frame being shipped.
        for n, name in enumerate(("light_clipped", "drive_clipped")[: self._channels]):
            m.d.comb += self.head[name].eq(clipped[n][~self.buffer])

        complete = Signal()  # the train's last frame
        swept = Signal.like(self.sweep_bin)
        all_swept = Signal()  # with this one
        m.d.sync += self.sweep.eq(0)
        to_settle = Signal(SETTLE_BITS)  # cycles left to wait after the current one
        settling = Signal()
        waiting = Signal()  # for the train's next boundary, or for its level
        latch = Signal()  # a register of its own because of its high fan-out
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
                with m.If(again & self.startable):
                    m.d.sync += [again.eq(0), tripped.eq(self.tripped), latch.eq(1)]
                    m.next = "LATCH"
            with m.State("LATCH"):
                m.d.comb += self.renew.eq(1)
                m.d.sync += [
                    latch.eq(0),
                    self.train.eq(self.train + 1),
                    frame.eq(0),
                    first_pulse.eq(0),
                    kept.eq(0),
                    self.missed.eq(0),
                    self.keep.eq(1),
                    to_settle.eq(self.settle - 1),
                ]
                m.next = "SETTLE"
                with m.If(self.settle == 0):
                    m.next = "PREPARE"
            with m.State("SETTLE"):
                m.d.comb += [
                    settling.eq(1),
                    waiting.eq(~self.stop & (to_settle != 0)),
                ]
                m.d.sync += to_settle.eq(to_settle - step)
                with m.If(self.stop):
                    m.next = "CLOSE"
                with m.Elif(to_settle == 0):
                    m.next = "PREPARE"
            with m.State("PREPARE"):
                m.d.comb += self.prepare.eq(1)
                m.d.sync += self.start.eq(1)
                m.next = "START"
            with m.State("START"):
                m.d.sync += self.start.eq(0)
                m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += waiting.eq(1)
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

        if self._fast_forward:
            m.d.comb += [
                self.horizon.calm.eq((waiting | self.idle) & ~self.ship & steady),
                self.horizon.left.eq(saturate(settling, to_settle)),
            ]
        return m
