"""Boxcar: the samples of one bin, summed before they go to memory."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import MAX_BIN_SHIFT, SAMPLE_BITS

BURST_BITS = SAMPLE_BITS + MAX_BIN_SHIFT - 3  # samples of one 1024 ns bin, one every 8 ns


class Boxcar(wiring.Component):
    """Merges consecutive samples of one bin into a single update, for all channels at once.

    Bins only ever grow within a pulse, so each bin is handed on once a pulse: the memory behind may take several
    cycles to read, add and write without meeting the same bin again.

    Ports
        valid, bin, buffer, samples: one sample of every channel, for `bin` of memory `buffer`.
        fresh: it is the first of its pulse, even if the last one of the pulse before fell into the same bin.
        flush: no sample of the present pulse will follow.
        update, update_bin, update_buffer, sums: strobe, one finished bin. Latency: a cycle after the next bin's first
        sample, or two cycles after `flush`. Throughput: one sample a cycle.
        empty: nothing is held back.
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
        # A sample first meets the one before it, to see whether they share a bin.
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
        # A cycle ahead, so that the way to memories far apart begins with a register.
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
