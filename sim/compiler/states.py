"""Numbers of the states of a block's state machine, which Amaranth gives out in the order of first mention."""

from amaranth.hdl import Elaboratable, Fragment


def number(block: Elaboratable, state: str) -> int:
    """The value of the block's `fsm_state` in that state. Raises KeyError if it has no such state."""
    statements = Fragment.get(block, None).statements.values()
    driven = (signal for some in statements for one in some for signal in one._lhs_signals())
    register = next(signal for signal in driven if signal.name == "fsm_state")
    return next(n for n in range(1 << len(register)) if register.decoder(n) == f"{state}/{n}")
