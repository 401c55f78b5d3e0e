"""Cyclic redundancy checks, computed at one byte per cycle.

A CRC is linear over GF(2): the contribution of a byte is the sum of the contributions of its two nibbles. Each nibble
selects one of 16 words, which takes one 4-input LUT per output bit. The words come from the reference functions in
`protocol`, so hardware and host cannot disagree.
"""

import zlib
from collections.abc import Callable

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import protocol

COVERED = protocol.HEADER.size - 4  # bytes of a header between sync and CRC


def _contribution(m: Module, byte: Value, width: int, function: Callable[[int], int]) -> Value:
    """`function` of a byte, which must be linear over GF(2), in `width` bits."""
    low = Signal(width)
    high = Signal(width)
    for word, shift in ((low, 0), (high, 4)):
        with m.Switch(byte[shift : shift + 4]):
            for nibble in range(16):
                with m.Case(nibble):
                    m.d.comb += word.eq(function(nibble << shift))
    return low ^ high


class HeaderCheck(wiring.Component):
    """CRC-16 of the latest `COVERED` bytes of a stream.

    The contribution of each new byte is added, and that of the byte that drops out is subtracted.

    Members
    -------
    restart : In(1)
        Strobe. Start over without any bytes.
    valid : In(1)
        Strobe. There is a new byte.
    entering : In(8)
        New byte.
    leaving : In(8)
        Byte that came COVERED bytes earlier; 0 if there was none.
    crc : Out(16)
        CRC of the covered bytes. One cycle after `valid`.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "restart": In(1),
                "valid": In(1),
                "entering": In(8),
                "leaving": In(8),
                "crc": Out(16),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        top = Signal(8)
        m.d.comb += top.eq(self.crc[8:] ^ self.entering)
        added = _contribution(m, top, 16, lambda b: protocol.header_crc(bytes([b])))
        removed = _contribution(
            m, self.leaving, 16, lambda b: protocol.header_crc(bytes([b, *bytes(COVERED)]))
        )
        with m.If(self.restart):
            m.d.sync += self.crc.eq(0)
        with m.Elif(self.valid):
            m.d.sync += self.crc.eq(Cat(Const(0, 8), self.crc[:8]) ^ added ^ removed)
        return m


class PayloadCheck(wiring.Component):
    """CRC-32 of the bytes since `start`.

    Members
    -------
    start : In(1)
        Strobe. Start over without any bytes.
    valid : In(1)
        Strobe. There is a new byte.
    data : In(8)
        New byte.
    crc : Out(32)
        CRC of the bytes so far. One cycle after `valid`.
    sound : Out(1)
        The last four bytes are the CRC of the bytes before them. One cycle after `valid`.
    """

    def __init__(self) -> None:
        super().__init__(
            {"start": In(1), "valid": In(1), "data": In(8), "crc": Out(32), "sound": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        register = Signal(32, init=0xFFFFFFFF)
        low = Signal(8)
        m.d.comb += low.eq(register[:8] ^ self.data)
        # zlib inverts the register before and after, so this start value makes it a register of zeros.
        zero = zlib.crc32(b"\0", 0xFFFFFFFF)
        added = _contribution(m, low, 32, lambda b: zlib.crc32(bytes([b]), 0xFFFFFFFF) ^ zero)
        with m.If(self.start):
            m.d.sync += register.eq(register.init)
        with m.Elif(self.valid):
            m.d.sync += register.eq(register[8:] ^ added)
        residue = protocol.payload_crc(protocol.payload_crc(b"").to_bytes(4, "little"))
        m.d.comb += [self.crc.eq(~register), self.sound.eq(self.crc == residue)]
        return m
