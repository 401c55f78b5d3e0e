"""The emulator's fast-forward port: how a block says how far nothing can happen that cannot be foreseen.

Every block that counts time takes `skip`, the clock cycles to jump over on top of the ordinary one, and offers a
`Horizon`. `calm` means that the block's next cycle does nothing but count; `left` counters each reach zero in the cycle
in which something happens, so a jump over `skip` cycles is the same as that many plain ones while
`skip < min(left)`. Two things may go on meanwhile, which the harness sees to (docs/emulator.md): a sample for the
window in every cycle, which it adds to the trace memory itself, and the sending half of the link, which it evaluates
apart from the rest. tests/formal/spec_fastforward.py proves what can be left out. Hardware builds carry none of this.
"""

from collections.abc import Iterable
from functools import reduce

from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.protocol import MAX_BIN_SHIFT

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


LEAD = 16
"""Samples on end after which all stages between window and memory have what they will have from sample to sample."""


class Port(wiring.Signature):
    """Fast-forward port of the instrument, driven by the emulator's harness.

    Members
    -------
    skip : In(SKIP_BITS)
        Cycles to advance in addition to the ordinary one. Must be 0 unless `still` or `streaming`, and at most
        `horizon`.
    still : Out(1)
        Nothing changes in this cycle but counters, and the sending half of the link if it is `sending`.
    streaming : Out(1)
        The same, but there is a sample for the window, as there was in the LEAD cycles before.
    sending : Out(1)
        The sending half of the link is at work.
    horizon : Out(SKIP_BITS)
        Highest value of `skip` that is allowed in this cycle.
    bin, buffer : Out(16), Out(1)
        Where the sample of this cycle goes.
    shift, place : Out(4), Out(MAX_BIN_SHIFT)
        A bin is 2**`shift` ns wide, and the sample comes `place` ns after the beginning of its bin.
    counting, tagging : Out(1), Out(1)
        Photons in the window are counted; every photon gets a time tag.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "skip": In(SKIP_BITS),
                "still": Out(1),
                "streaming": Out(1),
                "sending": Out(1),
                "horizon": Out(SKIP_BITS),
                "bin": Out(16),
                "place": Out(MAX_BIN_SHIFT),
                "shift": Out(4),
                "buffer": Out(1),
                "counting": Out(1),
                "tagging": Out(1),
            }
        )


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
