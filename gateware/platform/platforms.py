"""Amaranth platform of each board, extended with the pins of the front end and the block RAM."""

from amaranth.build import Attrs, Pins, Resource
from amaranth.hdl import Module
from amaranth.lib import io
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.ecpix5 import ECPIX585Platform
from amaranth_boards.icepi_zero import IcepiZero1_3Platform
from amaranth_boards.ulx3s import ULX3S_25F_Platform, ULX3S_85F_Platform

from trelscope.gateware.blockram import BlockRam
from trelscope.gateware.platform.blockram import block_ram
from trelscope.gateware.platform.boards import SIGNALS, BoardFacts

_BASES: dict[str, type[LatticeECP5Platform]] = {
    "ulx3s-85f": ULX3S_85F_Platform,
    "ulx3s-25f": ULX3S_25F_Platform,
    "icepi-zero": IcepiZero1_3Platform,
    "ecpix5-85f": ECPIX585Platform,
}
# While an output floats, a weak resistor in the FPGA holds it where the one outside does: low, or high for a gate that
# is active low.
_ATTRIBUTES = {
    "gate": {"PULLMODE": "DOWN", "SLEWRATE": "FAST", "DRIVE": "16"},
    "enable": {"PULLMODE": "DOWN"},
    "interlock": {"PULLMODE": "DOWN"},
    "photon": {"PULLMODE": "DOWN"},
    "adc_clk": {"PULLMODE": "DOWN", "SLEWRATE": "FAST"},
}

# Balls that nothing may pull low, because something else on the board would take that as a request.
_PULLED_UP = {"ulx3s-85f": "L2 F1", "ulx3s-25f": "L2 F1"}


def platform_for(board: BoardFacts) -> LatticeECP5Platform:
    """Platform to build one bitstream of `board` with."""
    base = _BASES[board.name]

    class Platform(base):  # type: ignore[misc]
        """The board, with the front end at its connectors."""

        def front_end(self, signal: str) -> io.PortLike:
            """Port of one of `boards.SIGNALS`."""
            return self.request(signal, 0, dir="-")

        def pull_ups(self) -> io.PortLike | None:
            """Port of the balls that are pulled up and otherwise left alone; None if there are none."""
            return self.request("pulled_up", 0, dir="-") if board.name in _PULLED_UP else None

        def block_ram(self, ram: BlockRam) -> Module:
            """Implementation of `BlockRam` on the ECP5."""
            return block_ram(ram)

    attributes = _ATTRIBUTES
    if board.gate_active_low:
        attributes = attributes | {"gate": attributes["gate"] | {"PULLMODE": "UP"}}
    platform = Platform()
    platform.add_resources(
        Resource(
            signal,
            0,
            Pins(" ".join(board.pins[signal]), dir=direction),
            Attrs(IO_TYPE="LVCMOS33", **attributes.get(signal, {})),
        )
        for signal, (direction, _) in SIGNALS.items()
    )
    if pulled_up := _PULLED_UP.get(board.name):
        up = Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")
        platform.add_resources([Resource("pulled_up", 0, Pins(pulled_up, dir="i"), up)])
    return platform


def ball(platform: LatticeECP5Platform, pin: str) -> str:
    """Ball of the FPGA that a pin of a connector, given as `CONNECTOR:PIN`, is connected to."""
    connector, name = pin.split(":")
    kind, number = connector.split("_")
    return str(platform.connectors[kind, int(number)].mapping[name])
