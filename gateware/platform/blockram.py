"""`BlockRam` built from the ECP5's block RAM primitive DP16KD and its output register."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal

from trelscope.gateware.blockram import BlockRam

SHAPES = {16384: 1, 8192: 2, 4096: 4, 2048: 9, 1024: 18}
"""The aspect ratios of a DP16KD: number of words, and bits per word."""
ADDRESS_BITS = 14  # the address pins address single bits, whatever the aspect ratio


def shape(depth: int) -> tuple[int, int]:
    """Words and bits per word of the narrowest DP16KD that holds `depth` words. Raises ValueError if none does."""
    words = min((words for words in SHAPES if words >= depth), default=None)
    if words is None:
        raise ValueError(f"no DP16KD has {depth} words; the most are {max(SHAPES)}")
    return words, SHAPES[words]


def block_ram(ram: BlockRam, primitive: Callable[..., Any] = Instance) -> Module:
    """Implementation of `ram` on an ECP5.

    Parameters
    ----------
    ram : BlockRam
        Component to implement; the module drives its members.
    primitive : Callable
        Instantiates a DP16KD. The tests pass a simulation model.
    """
    m = Module()
    words, bits = shape(ram.depth)
    unused = ADDRESS_BITS - (words - 1).bit_length()
    # With 18 bits per word, the two lowest address pins are byte enables instead.
    low = Const(0b11 if bits == 18 else 0, unused)
    write_address, read_address = (
        Cat(low, port, Const(0, ADDRESS_BITS - unused - len(port)))
        for port in (ram.write_address, ram.read_address)
    )
    # The port reads in every cycle; the output register is enabled only for words that were requested.
    fetched = Signal()
    m.d.sync += fetched.eq(ram.read)
    for first in range(0, ram.width, bits):
        used = min(bits, ram.width - first)
        out = Signal(18)
        m.d.comb += ram.read_data[first : first + used].eq(out)
        data = Cat(ram.write_data[first : first + used], Const(0, 18 - used))
        m.submodules[f"bits{first}"] = primitive(
            "DP16KD",
            p_DATA_WIDTH_A=bits,
            p_DATA_WIDTH_B=bits,
            p_REGMODE_A="OUTREG",
            p_REGMODE_B="OUTREG",
            p_RESETMODE="SYNC",
            p_ASYNC_RESET_RELEASE="SYNC",
            p_WRITEMODE_A="NORMAL",
            p_WRITEMODE_B="NORMAL",
            p_CSDECODE_A="0b000",
            p_CSDECODE_B="0b000",
            p_CLKAMUX="CLKA",
            p_CLKBMUX="CLKB",
            p_GSR="DISABLED",
            i_CLKA=ClockSignal(),
            i_CEA=Const(1),
            i_OCEA=Const(1),
            i_WEA=ram.write,
            i_RSTA=Const(0),
            i_CLKB=ClockSignal(),
            i_CEB=Const(1),
            i_OCEB=fetched,
            i_WEB=Const(0),
            i_RSTB=Const(0),
            **{f"i_CS{port}{n}": Const(0) for port in "AB" for n in range(3)},
            **{f"i_ADA{n}": write_address[n] for n in range(ADDRESS_BITS)},
            **{f"i_ADB{n}": read_address[n] for n in range(ADDRESS_BITS)},
            **{f"i_DIA{n}": data[n] for n in range(18)},
            **{f"i_DIB{n}": Const(0) for n in range(18)},
            **{f"o_DOB{n}": out[n] for n in range(18)},
        )
    return m
