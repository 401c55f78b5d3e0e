"""Gateware as Verilog that simulators understand."""

import re

CONSTANT_BITS = re.compile(r"always @\*(\s+\S+ = \d+'[bdh][0-9a-f]+;)")
"""Yosys' assignment to bits of a signal that never change: it waits for an event that never comes."""


def verilog(component: object, name: str, reset: bool = True) -> str:
    """The component as a module `name`, with or without an input that resets it."""
    from amaranth.back import verilog  # takes a second to import: only when compiling
    from amaranth.hdl import ClockDomain

    text = verilog.convert(
        component,
        name=name,
        emit_src=False,
        strip_internal_attrs=True,
        missing_domain=lambda name: ClockDomain(name, reset_less=not reset),
    )
    return CONSTANT_BITS.sub(r"initial\1", text)
