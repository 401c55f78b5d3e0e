"""What is plugged in: serial ports, and the boards they may belong to."""

from dataclasses import dataclass

from serial.tools import list_ports

from trelscope.gateware.platform.boards import BOARDS, BoardFacts


@dataclass(frozen=True)
class Port:
    """One serial port. usb: vendor and product, None for a port that is not on USB; serial: USB serial number."""

    device: str
    usb: tuple[int, int] | None
    serial: str | None
    product: str

    @property
    def boards(self) -> tuple[BoardFacts, ...]:
        """Boards that look like this from outside: their USB chip is not theirs alone."""
        return tuple(
            board
            for board in BOARDS.values()
            if any(each.usb == self.usb for each in board.programmers)
        )


def ports() -> list[Port]:
    """All that this system has, by name. Of a chip with several ports the one that carries the link comes last."""
    found = [
        Port(
            each.device,
            None if each.vid is None or each.pid is None else (each.vid, each.pid),
            each.serial_number or None,
            each.product or each.description or "",
        )
        for each in list_ports.comports()
        if each.hwid != "n/a"
    ]
    return sorted(found, key=lambda port: (len(port.device), port.device))


def candidates() -> list[Port]:
    """Those of them that may be a board."""
    return [port for port in ports() if port.boards]


def serial_of(where: str | None) -> str | None:
    """USB serial number of a port, given by its name or by that number itself; None if it has none."""
    return next((port.serial for port in ports() if where in (port.device, port.serial)), None)
