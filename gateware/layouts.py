"""Amaranth data layouts, derived from the tables in `protocol.py`."""

from amaranth.hdl import Shape
from amaranth.lib import data

from trelscope.gateware import protocol
from trelscope.gateware.protocol import Access, Fields


def fields_layout(fields: Fields) -> data.StructLayout:
    """Layout of a packed message, with the first field in the lowest bits."""
    return data.StructLayout({name: 8 * size for name, size in fields.sizes.items()})


def _registers_layout(access: Access) -> data.StructLayout:
    return data.StructLayout(
        {r.name: Shape(r.bits, r.signed) for r in protocol.REGISTERS.values() if r.access is access}
    )


SETTINGS = _registers_layout(Access.SETTING)
CONTROLS = _registers_layout(Access.CONTROL)
STATUS = _registers_layout(Access.READ)
HEADER = fields_layout(protocol.HEADER)
REQUEST = fields_layout(protocol.REQUEST)
REPLY = fields_layout(protocol.REPLY)
TRACE_HEAD = fields_layout(protocol.TRACE_HEAD)
TRACE_DATA = fields_layout(protocol.TRACE_DATA)

# What a block that sends a packet tells the `Framer` about it.
PACKET = data.StructLayout({"kind": 8, "length": 16})
