"""Simple dual-port block RAM with an output register."""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out


class BlockRam(wiring.Component):
    """Block RAM with one synchronous read port and one synchronous write port.

    Reading an address in the cycle in which it is written gives an undefined word; the instrument never does so. A
    platform can override the implementation by a method `block_ram(component)`, which returns a module with the same
    members and timing.

    Parameters
    ----------
    depth : int
        Number of words.
    width : int
        Bits per word.

    Members
    -------
    read : In(1)
        Strobe. Reads a word.
    read_address : In(range(depth))
        Address of the word to read.
    read_data : Out(width)
        Word that was read. Valid 2 cycles after `read`, until the word of the next read.
    write : In(1)
        Strobe. Writes a word.
    write_address : In(range(depth))
        Address of the word to write.
    write_data : In(width)
        Word to write.
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
