"""Trace memory of one channel: two buffers, one of which is filled while the other is read out."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

from trelscope.gateware.blockram import BlockRam
from trelscope.gateware.boxcar import BURST_BITS
from trelscope.gateware.protocol import SUM_BITS


def memory_ports(depth: int) -> dict[str, Member]:
    """Members of a trace memory with `depth` bins per buffer; `TraceMemory` describes them."""
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
        "updating": Out(1),
    }


class TraceMemory(wiring.Component):
    """Adds to the bins of one buffer while the other buffer is read out and cleared.

    An update adds a number to one bin. One update can start in every cycle, but the same bin must not be updated again
    within `LATENCY` cycles; `Boxcar` ensures that. A read returns the sum in one bin and clears it; it must not address
    a buffer that has updates in progress. Sums saturate at their highest value instead of wrapping.

    Parameters
    ----------
    depth : int
        Bins per buffer.

    Members
    -------
    update : In(1)
        Strobe. Adds `addend` to a bin.
    update_bin : In(range(depth))
        Bin to add to.
    update_buffer : In(1)
        Buffer to add to.
    addend : In(BURST_BITS)
        Number to add.
    read : In(1)
        Strobe. Reads a bin and clears it.
    read_bin : In(range(depth))
        Bin to read.
    read_buffer : In(1)
        Buffer to read.
    read_data : Out(SUM_BITS)
        Sum in the bin that was read. Valid `READ_LATENCY` cycles after `read`, until the data of the next read.
    sweep : In(1)
        Strobe. Clears a bin in both buffers; takes effect 2 cycles later.
    sweep_bin : In(range(depth))
        Bin to clear.
    saturated : Out(2)
        One bit per buffer. Set once a sum in that buffer has saturated.
    clear_saturated : In(2)
        One strobe per buffer. Clears the bit of that buffer in `saturated`, 2 cycles later.
    busy : Out(1)
        Updates or reads are in progress, or were in the previous cycle. Rises one cycle after an update has been
        requested, and two cycles after a read.
    updating : Out(1)
        Updates are in progress, or were in the previous cycle. For the emulator alone.
    """

    LATENCY = 7
    READ_LATENCY = 4

    def __init__(self, depth: int) -> None:
        self._depth = depth
        super().__init__(memory_ports(depth))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Stages of an update: 1 read issued; 2 block RAM; 3 its output register; 4 the sum so far; 5 raised; 6 written.
        stages = [(self.update, self.update_bin, self.update_buffer, self.addend)]
        for n in (1, 2, 3, 4):
            stage = tuple(
                Signal.like(signal, name=f"{name}{n}")
                for name, signal in zip(
                    ("update", "bin", "buffer", "addend"), stages[-1], strict=True
                )
            )
            before = stages[-1]
            m.d.sync += stage[0].eq(before[0])
            # The first stage follows what comes from far away without asking whether it is wanted.
            with m.If(before[0] if n > 1 else 1):
                m.d.sync += [now.eq(then) for now, then in zip(stage[1:], before[1:], strict=True)]
            stages.append(stage)
        fetched = stages[3][0]
        valid, bin_, buffer, addend = stages[4]
        store = Signal()
        store_bin = Signal.like(bin_)
        store_buffer = Signal()
        total = Signal(SUM_BITS + 1)

        # Stages of a read: 1 issued; 2 block RAM; 3 at its output register, and the bin cleared.
        fetch = Signal()
        fetch_bin = Signal.like(bin_)
        fetch_buffer = Signal()
        clear = Signal()
        clear_bin = Signal.like(bin_)
        clear_buffer = Signal()
        read_ready = Signal()
        m.d.sync += [
            fetch.eq(self.read),
            fetch_bin.eq(self.read_bin),
            fetch_buffer.eq(self.read_buffer),
            clear.eq(fetch),
            read_ready.eq(clear),
        ]
        with m.If(fetch):
            m.d.sync += [clear_bin.eq(fetch_bin), clear_buffer.eq(fetch_buffer)]
        forget = Signal(2)
        m.d.sync += forget.eq(self.clear_saturated)

        cleared = Signal(SUM_BITS)
        found = [Signal(SUM_BITS, name=f"found{side}") for side in range(2)]
        for side in range(2):
            ram = BlockRam(self._depth, SUM_BITS)
            m.submodules[f"ram{side}"] = ram
            updating = Signal()
            writing = Signal()
            m.d.comb += [
                updating.eq(self.update & (self.update_buffer == side)),
                writing.eq(store & (store_buffer == side)),
            ]
            # Registers right in front of it: it is made of many, far apart.
            m.d.sync += [
                ram.read.eq(updating | (self.read & (self.read_buffer == side))),
                ram.read_address.eq(Mux(updating, self.update_bin, self.read_bin)),
                ram.write.eq(self.sweep | writing | (clear & (clear_buffer == side))),
                ram.write_address.eq(
                    Mux(self.sweep, self.sweep_bin, Mux(writing, store_bin, clear_bin))
                ),
                # Sums stay at the ceiling instead of wrapping, and the frame says so.
                ram.write_data.eq(
                    Mux(writing, total[:SUM_BITS] | total[-1].replicate(SUM_BITS), 0)
                ),
            ]
            with m.If(fetched):
                m.d.sync += found[side].eq(ram.read_data)
            with m.If(clear_buffer == side):
                m.d.comb += cleared.eq(ram.read_data)
        m.d.sync += [store.eq(valid), self.saturated.eq(self.saturated & ~forget)]
        sum_so_far = Mux(buffer, found[1], found[0])
        with m.If(valid):
            m.d.sync += [store_bin.eq(bin_), store_buffer.eq(buffer), total.eq(sum_so_far + addend)]
        with m.If(store & total[-1]):
            m.d.sync += self.saturated.bit_select(store_buffer, 1).eq(1)
        with m.If(read_ready):
            m.d.sync += self.read_data.eq(cleared)
        under_way = [*(stage[0] for stage in stages), store, fetch, clear, read_ready]
        m.d.sync += self.busy.eq(Cat(under_way).any())
        stored = Signal()
        m.d.sync += stored.eq(store)
        updates = [*(stage[0] for stage in stages), store, stored]
        m.d.comb += self.updating.eq(Cat(updates).any())
        return m
