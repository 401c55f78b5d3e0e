"""Link to an instrument on a serial port."""

import errno
import time
from urllib.parse import urlsplit

import serial

from trelscope.gateware import protocol
from trelscope.gateware.platform.boards import BOARDS
from trelscope.gateware.protocol import REGISTERS, REQUEST, Kind
from trelscope.host.calibration import saved
from trelscope.host.link import LinkError, ports
from trelscope.host.link.codec import Decoder
from trelscope.host.link.front_end import assumed_front_end
from trelscope.host.link.url_options import url_options
from trelscope.host.units import parse_si

try:
    from termios import error as TermiosError
except ImportError:  # not on Windows

    class TermiosError(Exception):  # type: ignore[no-redef]
        """Raised by nobody there."""


WRITE_TIMEOUT = 5.0  # s
PROBE_TIMEOUT = 0.5  # s until an instrument that is there has answered
PROBES = 2  # at each baud: what came before the first may have made the instrument miss it
TICK = 0.02  # s, the longest that a read lasts beyond its time
BAUD = "baud"

PERMISSION = (
    "you may not use it: `sudo usermod -aG dialout $USER` and log in again,"
    " or install the udev rule of docs/flashing.md"
)


class SerialLink:
    """A connection to `serial:PORT`, or to the USB device of a serial number, whatever port that has today.

    Tries the bauds of the boards that it may be, or only the one that the URL asks for, until something answers.
    The protocol does not say what the converters' codes mean: the URL may (see `assumed_front_end`). The calibrations
    of drive level and ADC are those kept for the USB serial number.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        parts = urlsplit(url)
        options = url_options(url)
        asked = options.pop(BAUD, None)
        assumed_front_end(options)  # refuses what makes no sense before a port is looked for
        port = self._find(parts.path)
        self.front_end = assumed_front_end(
            options, saved.load(port.serial), saved.load_adc_delay(port.serial)
        )
        bauds = port_bauds(port) if asked is None else [self._baud(asked)]
        self._port = self._open(port.device, bauds[0])
        self.baud = self._negotiate(bauds)

    @property
    def realtime_factor(self) -> None:
        """Nobody knows here: the clock is ours."""
        return None

    def restart_clock(self) -> None:
        """Nothing to measure."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            raise self._lost(f"it has taken nothing for {WRITE_TIMEOUT:g} s") from None
        except (OSError, TermiosError):
            raise self._lost("the port has gone") from None

    def read(self, timeout: float) -> bytes:
        """Whatever has arrived, waiting up to `timeout` seconds for the first byte."""
        until = self.clock() + timeout
        try:
            while True:
                data = bytes(self._port.read(1 if self.clock() < until else 0))
                data += bytes(self._port.read(self._port.in_waiting))
                if data or self.clock() >= until:
                    return data
        except (OSError, TermiosError):  # `is_open` stays true when the device goes
            raise self._lost("the port has gone") from None

    def clock(self) -> float:
        """The clock on the wall."""
        return time.monotonic()

    def close(self) -> None:
        """Let go of the port."""
        self._port.close()

    def _find(self, where: str) -> ports.Port:
        if not where:
            raise LinkError(
                f"not serial:PORT: {self.name!r}; give a port such as serial:/dev/ttyUSB0, or a USB serial number"
                " (see `trelscope boards`)"
            )
        known = ports.ports()
        # Of several ports with one serial number the link is the last.
        for port in reversed(known):
            if where in (port.device, port.serial):
                return port
        if "/" in where or where.upper().startswith("COM"):
            return ports.Port(where, None, None, "")  # a link to a port, or a pseudo-terminal
        raise LinkError(
            f"{self.name}: no USB device of the serial number {where!r} is attached; {_instead(known)}"
        )

    def _baud(self, text: str) -> int:
        try:
            baud = parse_si(text)
        except ValueError as error:
            raise LinkError(f"{self.name}: {BAUD}: {error}") from None
        if not 1 <= baud <= 1e8 or baud != int(baud):
            raise LinkError(f"{self.name}: baud must be a whole number, e.g. 3M, not {text!r}")
        return int(baud)

    def _open(self, device: str, baud: int) -> serial.Serial:
        try:
            return serial.Serial(
                device, baud, timeout=TICK, write_timeout=WRITE_TIMEOUT, exclusive=True
            )
        except (OSError, ValueError, TermiosError) as error:
            raise LinkError(f"{self.name}: {_why_not(device, error)}") from None

    def _negotiate(self, bauds: list[int]) -> int:
        """The first of `bauds` at which something that speaks the protocol answers."""
        try:
            for baud in bauds:
                try:
                    self._port.baudrate = baud
                except (OSError, ValueError, TermiosError):
                    continue  # the port has no such baud; or has gone, as the next line will find
                self._port.reset_input_buffer()
                if self._answers():
                    return baud
        except (OSError, TermiosError):
            self.close()
            raise self._lost("the port has gone") from None
        except LinkError:
            self.close()
            raise
        self.close()
        tried = " or ".join(f"{baud:,}".replace(",", " ") for baud in bauds)
        raise LinkError(
            f"{self.name}: no instrument answers at {tried} baud;"
            " is the board powered, and flashed (`trelscope flash`)?"
        )

    def _answers(self) -> bool:
        request = REQUEST.pack(address=REGISTERS["magic"].address, value=0)
        decoder = Decoder()
        for sequence in range(PROBES):
            self.write(protocol.encode_frame(Kind.READ, sequence, request))
            until = self.clock() + PROBE_TIMEOUT
            while (left := until - self.clock()) > 0:
                if any(True for _ in decoder.feed(self.read(left))):
                    return True
        return False

    def _lost(self, why: str) -> LinkError:
        return LinkError(
            f"{self.name}: the connection is lost: {why}; plug it in and open it again"
        )


def port_bauds(port: ports.Port) -> list[int]:
    """Bauds worth trying at a port, the likeliest first."""
    known = {board.baud: None for board in port.boards or BOARDS.values()}
    return sorted(known)


def _instead(known: list[ports.Port]) -> str:
    """What could be opened, in words."""
    names = [port.device + (f" ({port.serial})" if port.serial else "") for port in known]
    if not names:
        return "no serial port is; plug the board in (see `trelscope boards`)"
    return f"attached: {', '.join(names)}"


def _why_not(device: str, error: Exception) -> str:
    # pyserial passes on what the terminal calls say in words alone.
    number = getattr(error, "errno", None) or next(
        iter(getattr(error.__context__, "args", ())), None
    )
    if number in (errno.EACCES, errno.EPERM):
        return PERMISSION
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return f"there is no port {device}; {_instead(ports.ports())}"
    if number in (errno.EBUSY, errno.EAGAIN):
        return "in use by another program; close that (another trelscope, a terminal, ModemManager)"
    if number in (errno.ENOTTY, errno.EINVAL):
        return f"{device} is not a serial port; {_instead(ports.ports())}"
    return f"cannot be opened: {' '.join(str(error).split())}"
