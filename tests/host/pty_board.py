"""An emulated board behind a pseudo-terminal: what a program sees of a serial port."""

import os
import pty
import threading
import tty
from contextlib import suppress
from types import SimpleNamespace

import pytest

from trelscope.gateware.protocol import CLOCK_HZ
from trelscope.host.link import ports
from trelscope.host.link.emulator import BATCH, REPLY_BATCH
from trelscope.host.link.realtime import RealTime
from trelscope.host.link.serial import SerialLink
from trelscope.host.serve.server import ON_THE_WAY
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.presets.presets import load_plant

UNPACED = 1e9


class PtyBoard:
    """`turn` moves bytes and lets the board run; after `start` a thread does. `sent`: all that the board has said.

    baud: at which it sends, on its own time; None: as fast as the other end takes it.
    """

    def __init__(
        self,
        preset: str = "hr-1mm2",
        seed: int = 1,
        speed: float = UNPACED,
        baud: int | None = None,
    ) -> None:
        self._baud = baud
        self.board = EmulatedBoard(load_plant(preset), seed)
        self.sent = bytearray()
        self._pace = RealTime(self.board.time, speed)
        self._rx = self._tx = b""
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.plug_in()

    def plug_in(self) -> None:
        """A new pseudo-terminal, with a name of its own."""
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.device = os.ttyname(self._slave)

    def unplug(self) -> None:
        os.close(self._master)
        os.close(self._slave)
        self._rx = self._tx = b""

    def turn(self) -> None:
        with suppress(BlockingIOError):
            self._rx += os.read(self._master, 4096)
        if self._pace.ahead(self.board.time) <= 0.05:
            batch = REPLY_BATCH if self._rx else BATCH
            room = ON_THE_WAY - len(self._tx)
            if self._baud is not None:
                room = min(room, batch * self._baud // (10 * CLOCK_HZ))
            sent, taken = self.board.run(batch, self._rx, room)
            self._rx = self._rx[taken:]
            self._tx += sent
            self.sent += sent
        with suppress(BlockingIOError):
            self._tx = self._tx[os.write(self._master, self._tx) :]

    def start(self) -> None:
        """Run in a thread of its own."""

        def run() -> None:
            while not self._stopping:
                self.turn()

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def close(self) -> None:
        self._stopping = True
        if self._thread is not None:
            self._thread.join()
        self.unplug()
        self.board.close()


class Stepped(SerialLink):
    """A link in whose reads the board runs, on the board's time. `received`: all that has come."""

    def __init__(self, end: PtyBoard, url: str = "") -> None:
        self.end = end
        self.received = bytearray()
        super().__init__(url or f"serial:{end.device}")

    def read(self, timeout: float) -> bytes:
        until = self.clock() + timeout
        while True:
            self.end.turn()
            data = super().read(0)
            self.received += data
            if data or self.clock() > until:
                return data

    def clock(self) -> float:
        return self.end.board.time


def plugged_in(monkeypatch: pytest.MonkeyPatch, serial: str) -> PtyBoard:
    """A board that is the only one attached, as an FT231X with a serial number would show it."""
    board = PtyBoard()
    port = SimpleNamespace(
        device=board.device,
        vid=0x0403,
        pid=0x6015,
        serial_number=serial,
        product="",
        description="",
        hwid="USB",
    )
    monkeypatch.setattr(ports.list_ports, "comports", lambda: [port])
    return board
