"""The emulator's fast-forward port: how a block says how far nothing can happen.

Every block that counts time takes `skip`, the clock cycles to jump over on top of the ordinary one, and offers a
`Horizon`. `calm` means that the block's next cycle does nothing but count; `left` counters each reach zero in the cycle
in which something happens, so a jump over `skip` cycles is the same as that many plain ones while
`skip < min(left)`. tests/formal/fast_forward proves it for every state. Hardware builds carry none of this.
"""

from collections.abc import Iterable
from functools import reduce

from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

SKIP_BITS = 24
FOREVER = (1 << SKIP_BITS) - 1


class Horizon(wiring.Signature):
    """`calm`: only counters move this cycle. `left`: cycles until that ends, saturated at `FOREVER`."""

    def __init__(self) -> None:
        super().__init__({"calm": Out(1), "left": Out(SKIP_BITS)})


class Port(wiring.Signature):
    """Between harness and instrument: jump `skip` extra cycles whenever `quiet`, at most `horizon`."""

    def __init__(self) -> None:
        super().__init__({"skip": In(SKIP_BITS), "quiet": Out(1), "horizon": Out(SKIP_BITS)})


def step(skip: Value | None) -> Value:
    """Cycles that pass in this clock cycle: 1 in hardware, `skip + 1` under fast-forward."""
    return Const(1, 1) if skip is None else skip + 1


def saturate(active: Value, cycles: Value) -> Value:
    """`cycles` if `active`, else forever, in SKIP_BITS."""
    return Mux(active & (cycles < FOREVER), cycles[:SKIP_BITS], FOREVER)


def least(*cycles: Value) -> Value:
    """The smallest of several cycle counts."""
    return reduce(lambda a, b: Mux(a < b, a, b), cycles)


def settled(registers: Iterable[tuple[Value, Value]]) -> Value:
    """Every one of these registers, which follow a value all the time, has reached it."""
    return Cat(((register ^ value)[: len(register)] == 0) for register, value in registers).all()
