"""Fast-forward port of the emulator: each block reports for how many cycles only its counters will change.

Every block that counts time takes `skip`, the number of clock cycles to advance in addition to the ordinary one, and
offers a `Horizon`: whether the next cycle does nothing but advance the block's counters, and how many cycles are left
until one of these counters causes an event. A clock cycle with `skip` set has the same effect as `skip + 1` ordinary
ones as long as `skip` is less than every block's `left`. tests/formal/spec_fastforward.py proves this for every state.
Bitstreams contain none of this logic.
"""

from collections.abc import Iterable
from functools import reduce

from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

SKIP_BITS = 24
FOREVER = (1 << SKIP_BITS) - 1


class Horizon(wiring.Signature):
    """How far a block can be fast-forwarded.

    Members
    -------
    calm : Out(1)
        Only counters change in this cycle.
    left : Out(SKIP_BITS)
        Cycles until a counter causes an event, saturated at `FOREVER`.
    """

    def __init__(self) -> None:
        super().__init__({"calm": Out(1), "left": Out(SKIP_BITS)})


class Port(wiring.Signature):
    """Fast-forward port of the instrument, driven by the emulator's harness.

    Members
    -------
    skip : In(SKIP_BITS)
        Cycles to advance in addition to the ordinary one. Must be 0 unless `quiet`, and at most `horizon`.
    quiet : Out(1)
        Nothing but counters changes in this cycle.
    horizon : Out(SKIP_BITS)
        Highest value of `skip` that is allowed in this cycle.
    """

    def __init__(self) -> None:
        super().__init__({"skip": In(SKIP_BITS), "quiet": Out(1), "horizon": Out(SKIP_BITS)})


def step(skip: Value | None) -> Value:
    """Cycles by which counters advance in this clock cycle: 1 without a `skip` input, `skip + 1` with it."""
    return Const(1, 1) if skip is None else skip + 1


def saturate(active: Value, cycles: Value) -> Value:
    """`cycles` limited to `FOREVER` if `active`, `FOREVER` if not."""
    return Mux(active & (cycles < FOREVER), cycles[:SKIP_BITS], FOREVER)


def least(*cycles: Value) -> Value:
    """The smallest of several numbers of cycles."""
    return reduce(lambda a, b: Mux(a < b, a, b), cycles)


def settled(registers: Iterable[tuple[Value, Value]]) -> Value:
    """Whether every register already holds the value that it is loaded with in this cycle; takes (register, value)."""
    return Cat(((register ^ value)[: len(register)] == 0) for register, value in registers).all()
