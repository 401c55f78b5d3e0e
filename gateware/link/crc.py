"""Cyclic redundancy checks, a byte a cycle.

A CRC is linear over GF(2): what a byte contributes is the sum of what its two nibbles contribute. Each nibble is looked
up among 16 words, one 4-input LUT an output bit in an FPGA. The words come from the reference functions in `protocol`,
so hardware and host cannot disagree.
"""

import zlib
from collections.abc import Callable

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import protocol

COVERED = protocol.HEADER.size - 4  # a header's bytes between sync and CRC


def _contribution(m: Module, byte: Value, width: int, function: Callable[[int], int]) -> Value:
    """`function` of a byte, linear, `width` bits wide."""
    low = Signal(width)
    high = Signal(width)
    for word, shift in ((low, 0), (high, 4)):
        with m.Switch(byte[shift : shift + 4]):
            for nibble in range(16):
                with m.Case(nibble):
                    m.d.comb += word.eq(function(nibble << shift))
    return low ^ high


class HeaderCheck(wiring.Component):
    """CRC-16 of the latest `COVERED` bytes: each byte that enters is added, each that leaves is taken away.

    Ports
        valid: one byte more. entering: that byte; leaving: the one given COVERED bytes before it (or 0).
        crc: of the bytes now covered, 1 cycle later. restart: forget all bytes.
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

    Ports
        start: begin anew; valid, data: one byte. crc: of the bytes so far, 1 cycle later.
        sound: the last four bytes were the CRC of those before them.
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
        zero = zlib.crc32(b"\0", 0xFFFFFFFF)  # zlib inverts before and after: a register of zeros
        added = _contribution(m, low, 32, lambda b: zlib.crc32(bytes([b]), 0xFFFFFFFF) ^ zero)
        with m.If(self.start):
            m.d.sync += register.eq(register.init)
        with m.Elif(self.valid):
            m.d.sync += register.eq(register[8:] ^ added)
        residue = protocol.payload_crc(protocol.payload_crc(b"").to_bytes(4, "little"))
        m.d.comb += [self.crc.eq(~register), self.sound.eq(self.crc == residue)]
        return m
