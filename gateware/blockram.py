"""Simple dual-port block RAM with an output register."""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out


class BlockRam(wiring.Component):
    """`depth` words of `width` bits, one read and one write a cycle, both synchronous.

    `read_data` follows `read` by 2 cycles and holds until the next read's. Reading an address in the very cycle it is
    written is undefined: nothing here does. A platform may provide `block_ram(component)` to place a primitive with
    the same ports and timing.
    """

    def __init__(self, depth: int, width: int) -> None:
        self.depth, self.width = depth, width
        super().__init__(
            {
                "read": In(1),
                "read_address": In(range(depth)),
                "read_data": Out(width),
                "write": In(1),
                "write_address": In(range(depth)),
                "write_data": In(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        if hasattr(platform, "block_ram"):
            return platform.block_ram(self)
        m = Module()
        m.submodules.memory = ram = memory.Memory(shape=self.width, depth=self.depth, init=[])
        reader, writer = ram.read_port(), ram.write_port()
        fetched = Signal()
        m.d.comb += [
            reader.en.eq(self.read),
            reader.addr.eq(self.read_address),
            writer.en.eq(self.write),
            writer.addr.eq(self.write_address),
            writer.data.eq(self.write_data),
        ]
        m.d.sync += fetched.eq(self.read)
        with m.If(fetched):
            m.d.sync += self.read_data.eq(reader.data)
        return m
