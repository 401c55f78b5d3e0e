"""Boxcar integration: the samples of one bin are summed before they go to memory."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import MAX_BIN_SHIFT, SAMPLE_BITS

BURST_BITS = SAMPLE_BITS + MAX_BIN_SHIFT - 3  # sum of the samples of a 1024 ns bin, one every 8 ns


class Boxcar(wiring.Component):
    """Merges consecutive samples of one bin into a single update, for all channels at once.

    Within a pulse, bin numbers only increase, so each bin is updated once per pulse. The memory that follows can
    therefore take several cycles to read, add and write without meeting the same bin again. One sample per channel is
    accepted in every cycle. A bin's update comes one cycle after the first sample of the next bin, or two cycles after
    `flush`.

    Parameters
    ----------
    depth : int
        Bins per buffer of the trace memory.
    channels : int
        Number of channels.

    Members
    -------
    valid : In(1)
        `samples` holds a sample of every channel.
    bin : In(range(depth))
        Bin of the samples.
    buffer : In(1)
        Buffer of the trace memory to add them to.
    fresh : In(1)
        The samples are the first of a pulse; they are not merged with those of the previous pulse, even if both fall
        into the same bin.
    samples : In(data.ArrayLayout(SAMPLE_BITS, channels))
        Sample of every channel.
    flush : In(1)
        No sample of the current pulse will follow.
    update : Out(1)
        Strobe. A bin is complete.
    update_bin : Out(range(depth))
        Bin that is complete.
    update_buffer : Out(1)
        Buffer of the trace memory to add it to.
    sums : Out(data.ArrayLayout(BURST_BITS, channels))
        Sum of the bin's samples in every channel.
    empty : Out(1)
        No sample is held that has not been handed on.
    """

    def __init__(self, depth: int, channels: int) -> None:
        self._channels = channels
        super().__init__(
            {
                "valid": In(1),
                "bin": In(range(depth)),
                "buffer": In(1),
                "fresh": In(1),
                "samples": In(data.ArrayLayout(SAMPLE_BITS, channels)),
                "flush": In(1),
                "update": Out(1),
                "update_bin": Out(range(depth)),
                "update_buffer": Out(1),
                "sums": Out(data.ArrayLayout(BURST_BITS, channels)),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # First stage: compare the bin of each sample with the bin of the previous one.
        valid = Signal()
        flushing = Signal(init=1)
        again = Signal()
        bin_ = Signal.like(self.bin)
        buffer = Signal()
        samples = Signal.like(self.samples)
        other = ~((self.bin == bin_) & (self.buffer == buffer))
        m.d.sync += [valid.eq(self.valid), flushing.eq(self.flush)]
        with m.If(self.valid):
            m.d.sync += [
                bin_.eq(self.bin),
                buffer.eq(self.buffer),
                samples.eq(self.samples),
                again.eq(~self.fresh & ~other),
            ]
        held = Signal()
        held_next = Signal()
        same = Signal()
        m.d.comb += [
            same.eq(held & again),
            held_next.eq(valid | (held & ~flushing)),
            self.empty.eq(~held & ~valid & (flushing == self.flush)),
        ]
        # Computed one cycle ahead, so that the long routes to the memories start at a register.
        m.d.sync += self.update.eq(held_next & Mux(self.valid, self.fresh | other, self.flush))
        m.d.sync += held.eq(held_next)
        with m.If(valid):
            m.d.sync += [
                self.update_bin.eq(bin_),
                self.update_buffer.eq(buffer),
            ]
            for channel in range(self._channels):
                with m.If(same):
                    m.d.sync += self.sums[channel].eq(self.sums[channel] + samples[channel])
                with m.Else():
                    m.d.sync += self.sums[channel].eq(samples[channel])
        return m
