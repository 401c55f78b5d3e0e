"""Block RAM made of DP16KD: behaves like the default implementation of `BlockRam` in every cycle."""

import random
from typing import Any

import pytest
from amaranth.hdl import Cat, Fragment, Instance, Module, Signal, Value
from amaranth.lib import memory
from amaranth.sim import Simulator

from trelscope.gateware.blockram import BlockRam
from trelscope.gateware.platform.blockram import block_ram, shape

from .testbench import CLOCK_PERIOD

BITS = 16384
"""Bits of a DP16KD that can be addressed individually; the ninth bit of each byte is not among them."""


def dp16kd(kind: str, **arguments: Any) -> Module:
    """A model of the primitive in the mode that is used: port A writes, port B reads through its output register.

    In a width of 18 bits the two lowest address pins are byte enables, in the narrower ones the lowest ones of a word's
    address do not count.
    """
    assert kind == "DP16KD"
    given = {n[2:]: v for n, v in arguments.items()}
    width = given["DATA_WIDTH_A"]
    assert width == given["DATA_WIDTH_B"]
    assert (given["REGMODE_A"], given["REGMODE_B"]) == ("OUTREG", "OUTREG")
    assert {given[f"CS{port}{n}"].value for port in "AB" for n in range(3)} == {0}
    assert given["CEA"].value == given["CEB"].value == 1
    low = {1: 0, 2: 1, 4: 2, 9: 3, 18: 4}[width]
    pins = {port: Cat(given[f"AD{port}{n}"] for n in range(14)) for port in "AB"}
    m = Module()
    words = BITS // {9: 8, 18: 16}.get(width, width)
    m.submodules.memory = ram = memory.Memory(shape=width, depth=words, init=[])
    writer = ram.write_port(granularity=9 if width == 18 else None)
    reader = ram.read_port()
    enable: Value = given["WEA"]
    if width == 18:
        enable = Cat(enable & pins["A"][0], enable & pins["A"][1])
    m.d.comb += [
        writer.addr.eq(pins["A"][low:]),
        writer.data.eq(Cat(given[f"DIA{n}"] for n in range(width))),
        writer.en.eq(enable),
        reader.addr.eq(pins["B"][low:]),
        reader.en.eq(1),
    ]
    out = Signal(18)
    with m.If(given["OCEB"]):
        m.d.sync += out.eq(reader.data)
    m.d.comb += [given[f"DOB{n}"].eq(out[n]) for n in range(18)]
    return m


class Primitives:
    """A platform with the primitive DP16KD or a model of it."""

    def block_ram(self, ram: BlockRam) -> Module:
        return block_ram(ram, dp16kd)


@pytest.mark.parametrize(
    ("depth", "width"), [(512, 74), (1000, 20), (2048, 32), (4096, 32), (5000, 5), (16384, 3)]
)
def test_the_same_as_the_model(depth: int, width: int) -> None:
    rng = random.Random(depth)
    m = Module()
    m.submodules.ours = ours = BlockRam(depth, width)
    reference = BlockRam(depth, width)
    m.submodules.reference = Fragment.get(reference, None)
    inputs = ("read", "read_address", "write", "write_address", "write_data")
    compared = []

    async def bench(ctx: Any) -> None:
        seen = [rng.randrange(depth) for _ in range(40)]
        for n in range(3000):
            values = dict.fromkeys(inputs, 0)
            values["read"], values["write"] = rng.random() < 0.5, rng.random() < 0.5
            values["read_address"], values["write_address"] = rng.sample(sorted(set(seen)), 2)
            values["write_data"] = rng.getrandbits(width)
            for name, value in values.items():
                ctx.set(getattr(ours, name), value)
                ctx.set(getattr(reference, name), value)
            *_, a, b = await ctx.tick().sample(ours.read_data, reference.read_data)
            assert a == b, n
            compared.append(a)

    simulator = Simulator(Fragment.get(m, Primitives()))
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(set(compared)) > 5


def test_the_fewest_primitives_are_taken() -> None:
    class Counting:
        def __init__(self) -> None:
            self.made = 0

        def block_ram(self, ram: BlockRam) -> Module:
            def primitive(*kind: str, **arguments: Any) -> Instance:
                self.made += 1
                return Instance(*kind, **arguments)

            return block_ram(ram, primitive)

    for depth, width, expected in ((16384, 32, 32), (4096, 32, 8), (2048, 32, 4), (512, 32, 2)):
        platform = Counting()
        Fragment.get(BlockRam(depth, width), platform)
        assert platform.made == expected


def test_what_no_primitive_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="no DP16KD has 16385 words"):
        shape(16385)
