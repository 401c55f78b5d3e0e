"""Trace memory of one channel: two buffers."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

from .blockram import BlockRam
from .boxcar import BURST_BITS
from .protocol import SUM_BITS


def memory_ports(depth: int) -> dict[str, Member]:
    """Ports of a trace memory with `depth` bins a buffer: see `TraceMemory`."""
    return {
        "update": In(1),
        "update_bin": In(range(depth)),
        "update_buffer": In(1),
        "addend": In(BURST_BITS),
        "read": In(1),
        "read_bin": In(range(depth)),
        "read_buffer": In(1),
        "read_data": Out(SUM_BITS),
        "sweep": In(1),
        "sweep_bin": In(range(depth)),
        "saturated": Out(2),
        "clear_saturated": In(2),
        "busy": Out(1),
    }


class TraceMemory(wiring.Component):
    """Adds updates to one buffer while the other is read out and cleared.

    Ports
        update, update_bin, update_buffer, addend: add to a bin; one a cycle. The same bin must not come again within
        `LATENCY` cycles (`Boxcar` sees to it).
        read, read_bin, read_buffer: read a bin and clear it, from a buffer that has no update under way;
        `read_data` is ready `READ_LATENCY` cycles later and holds.
        sweep, sweep_bin: clear a bin in both buffers.
        saturated: one bit a buffer, a sum has reached its ceiling and stayed there; `clear_saturated` clears a bit.
        busy: updates are on their way.
    """

    LATENCY = 4
    READ_LATENCY = 3

    def __init__(self, depth: int) -> None:
        self._depth = depth
        super().__init__(memory_ports(depth))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Stages of an update: 0 read issued, 1 block RAM, 2 its output register, 3 sum written.
        stages = [(self.update, self.update_bin, self.update_buffer, self.addend)]
        for n in (1, 2):
            stage = tuple(
                Signal.like(signal, name=f"{name}{n}")
                for name, signal in zip(
                    ("update", "bin", "buffer", "addend"), stages[-1], strict=True
                )
            )
            before = stages[-1]
            m.d.sync += stage[0].eq(before[0])
            with m.If(before[0]):
                m.d.sync += [now.eq(then) for now, then in zip(stage[1:], before[1:], strict=True)]
            stages.append(stage)
        valid, bin_, buffer, addend = stages[-1]
        write = Signal()
        write_bin = Signal.like(bin_)
        write_buffer = Signal()
        total = Signal(SUM_BITS)

        clear = Signal()
        clear_bin = Signal.like(bin_)
        clear_buffer = Signal()
        m.d.sync += clear.eq(self.read)
        with m.If(self.read):
            m.d.sync += [clear_bin.eq(self.read_bin), clear_buffer.eq(self.read_buffer)]
        read_ready = Signal()
        m.d.sync += read_ready.eq(clear)

        old, fetched = Signal(SUM_BITS), Signal(SUM_BITS)
        for side in range(2):
            ram = BlockRam(self._depth, SUM_BITS)
            m.submodules[f"ram{side}"] = ram
            updating, writing = Signal(), Signal()
            m.d.comb += [
                updating.eq(self.update & (self.update_buffer == side)),
                writing.eq(write & (write_buffer == side)),
                ram.read.eq(updating | (self.read & (self.read_buffer == side))),
                ram.read_address.eq(Mux(updating, self.update_bin, self.read_bin)),
                ram.write.eq(self.sweep | writing | (clear & (clear_buffer == side))),
                ram.write_address.eq(
                    Mux(self.sweep, self.sweep_bin, Mux(writing, write_bin, clear_bin))
                ),
                ram.write_data.eq(Mux(writing, total, 0)),
            ]
            with m.If(buffer == side):
                m.d.comb += old.eq(ram.read_data)
            with m.If(clear_buffer == side):
                m.d.comb += fetched.eq(ram.read_data)

        # Sums stay at the ceiling instead of wrapping, and the frame says so.
        sum_ = Signal(SUM_BITS + 1)
        m.d.comb += sum_.eq(old + addend)
        m.d.sync += [write.eq(valid), self.saturated.eq(self.saturated & ~self.clear_saturated)]
        with m.If(valid):
            m.d.sync += [
                write_bin.eq(bin_),
                write_buffer.eq(buffer),
                total.eq(sum_[:SUM_BITS] | sum_[-1].replicate(SUM_BITS)),
            ]
            with m.If(sum_[-1]):
                m.d.sync += self.saturated.bit_select(buffer, 1).eq(1)
        with m.If(read_ready):
            m.d.sync += self.read_data.eq(fetched)
        m.d.comb += self.busy.eq(stages[1][0] | stages[2][0] | write | clear | read_ready)
        return m
