"""Boxcar: the samples of one bin, summed before they go to memory."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .protocol import MAX_BIN_SHIFT, SAMPLE_BITS

BURST_BITS = SAMPLE_BITS + MAX_BIN_SHIFT - 3  # samples of one 1024 ns bin, one every 8 ns


class Boxcar(wiring.Component):
    """Merges consecutive samples of one bin into a single update, for all channels at once.

    Bins only ever grow within a pulse, so each bin is handed on once a pulse: the memory behind may take several
    cycles to read, add and write without meeting the same bin again.

    Ports
        valid, bin, buffer, samples: one sample of every channel, for `bin` of memory `buffer`.
        fresh: it is the first of its pulse, even if the last one of the pulse before fell into the same bin.
        flush: no sample of the present pulse will follow.
        update, update_bin, update_buffer, sums: strobe, one finished bin. Latency: until the next bin's first sample,
        or one cycle after `flush`. Throughput: one sample a cycle.
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
        held = Signal()
        same = Signal()
        m.d.comb += [
            same.eq(
                held
                & ~self.fresh
                & (self.bin == self.update_bin)
                & (self.buffer == self.update_buffer)
            ),
            self.empty.eq(~held),
            self.update.eq(held & ((self.valid & ~same) | (~self.valid & self.flush))),
        ]
        with m.If(self.valid):
            m.d.sync += [
                held.eq(1),
                self.update_bin.eq(self.bin),
                self.update_buffer.eq(self.buffer),
            ]
            for channel in range(self._channels):
                with m.If(same):
                    m.d.sync += self.sums[channel].eq(self.sums[channel] + self.samples[channel])
                with m.Else():
                    m.d.sync += self.sums[channel].eq(self.samples[channel])
        with m.Elif(self.flush):
            m.d.sync += held.eq(0)
        return m
