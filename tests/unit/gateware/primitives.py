"""Models of the ECP5's primitives for pins, written from Lattice's description of their registers.

Sources: the simulation models ODDRX1F ("ECP5U/M, LIFMD") and IDDRX1F of Lattice's simulation library. ODDRX1F takes D0
and D1 at a rising edge and has two more registers for both; its output shows D0 while the clock is high. IDDRX1F takes
the pin at both edges, and passes both samples on together at the next rising edge.
"""

from typing import Any

import pytest
from amaranth.hdl import ClockDomain, ClockSignal, Module, Mux, Signal

from trelscope.gateware.platform import pins


class Pads:
    """Stands in for `Instance` in `pins`: gives a module that does what the primitive does.

    pulled: level to which resistors outside pull a pin that floats.
    """

    def __init__(self, pulled: int = 0) -> None:
        self._pulled = pulled

    def __call__(self, primitive: str, **ports: Any) -> Module:
        m = Module()
        getattr(self, f"_{primitive.lower()}")(m, **ports)
        return m

    def _oddrx1f(self, m: Module, i_SCLK: Any, i_D0: Any, i_D1: Any, o_Q: Any, **_: Any) -> None:
        first, second, third = stages = [Signal(2, name=f"stage{n}") for n in range(3)]
        domain = m.d[i_SCLK.domain]
        domain += [first[0].eq(i_D0), first[1].eq(i_D1), second.eq(stages[0]), third.eq(second)]
        m.d.comb += o_Q.eq(Mux(i_SCLK, third[0], third[1]))

    def _iddrx1f(self, m: Module, i_SCLK: Any, i_D: Any, o_Q0: Any, o_Q1: Any, **_: Any) -> None:
        rose, fell = Signal(), Signal()
        rising, falling = m.d[i_SCLK.domain], m.d[f"{i_SCLK.domain}_fall"]
        falling += fell.eq(i_D)
        rising += [rose.eq(i_D), o_Q0.eq(rose), o_Q1.eq(fell)]

    def _ofs1p3dx(self, m: Module, i_SCLK: Any, i_D: Any, o_Q: Any, **_: Any) -> None:
        domain = m.d[i_SCLK.domain]
        domain += o_Q.eq(i_D)

    _ifs1p3dx = _ofs1p3dx

    def _obz(self, m: Module, i_I: Any, i_T: Any, o_O: Any) -> None:
        m.d.comb += o_O.eq(Mux(i_T, self._pulled, i_I))

    def _ib(self, m: Module, i_I: Any, o_O: Any, **_: Any) -> None:
        m.d.comb += o_O.eq(i_I)

    def _delayf(self, m: Module, i_A: Any, o_Z: Any, **_: Any) -> None:
        m.d.comb += o_Z.eq(i_A)


class Pin:
    """A port of one or more pins."""

    def __init__(self, width: int = 1) -> None:
        self.io = Signal(width)

    def __len__(self) -> int:
        return len(self.io)

    def __getitem__(self, bit: int) -> "Pin":
        one = Pin.__new__(Pin)
        one.io = self.io[bit]  # type: ignore[assignment]
        return one


@pytest.fixture
def pads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models in place of the primitives."""
    monkeypatch.setattr(pins, "Instance", Pads())


def falling(m: Module, *domains: str) -> None:
    """Add the falling edges of some domains, which are added themselves."""
    for name in domains:
        rising = ClockDomain(name, reset_less=True)
        m.domains += [rising, ClockDomain(f"{name}_fall", reset_less=True, clk_edge="neg")]
        m.d.comb += ClockSignal(f"{name}_fall").eq(ClockSignal(name))
