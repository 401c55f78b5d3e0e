"""A bitstream into a board, with openFPGALoader, and the question afterwards whether it is there."""

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trelscope.gateware.platform.boards import BOARDS, BoardFacts, Programmer
from trelscope.host.acquisition.instrument import Identity, Instrument
from trelscope.host.errors import UserError
from trelscope.host.flash.bitstream import Manifest, device_name
from trelscope.host.link import LinkError, ports
from trelscope.host.link.urls import open_link

TOOL = "openFPGALoader"
IDCODE = re.compile(r"^\s*idcode\s+0x([0-9a-fA-F]+)", re.MULTILINE)
RULE = "sudo cp tools/60-trelscope.rules /etc/udev/rules.d/ && sudo udevadm control --reload && sudo udevadm trigger"
PORT_PATIENCE, PORT_EVERY = 8.0, 0.2
"""s for which, and apart, the port is looked for: the system takes a while to give it back after the programmer."""

TROUBLES = (
    (
        re.compile(r"-3 \(device not found\)"),
        "no {title} is attached; plug it in and see `trelscope boards`",
    ),
    (
        re.compile(r"inappropriate permissions|usb_open\(\) failed|access denied", re.IGNORECASE),
        f"no permission to use the board's USB device: `{RULE}`, then plug it in again (docs/flashing.md)",
    ),
    (
        re.compile(r"unable to claim usb device"),
        "the board is in use by another program; close that and try again",
    ),
    (
        re.compile(r"cannot find board"),
        f"this {TOOL} does not know the {{title}}; install a newer one (see docs/flashing.md)",
    ),
    (
        re.compile(r"verif\w+ failed|failed to read flash", re.IGNORECASE),
        "what was read back from the flash is not what was written; try again, with a shorter USB cable if it stays",
    ),
)
"""What the tool says, and what that means to the user."""


class FlashError(UserError):
    """The board could not be flashed; the message says why and what to do, in one line."""


@dataclass(frozen=True)
class Job:
    """What is to be done. spi: into the flash, for good; else into the FPGA's memory, until the power goes.

    programmer: the board's USB chip. serial: USB serial number of the board, where several may be attached.
    """

    board: BoardFacts
    path: Path
    spi: bool
    programmer: Programmer
    serial: str | None = None

    @property
    def detect(self) -> list[str]:
        """The command that asks which FPGA is there."""
        return [*self._tool, "--detect"]

    @property
    def load(self) -> list[str]:
        """The command that writes."""
        how = ["-f", "--verify"] if self.spi else ["-m"]
        return [*self._tool, *how, str(self.path)]

    @property
    def _tool(self) -> list[str]:
        which = [] if self.serial is None else ["--ftdi-serial", self.serial]
        return [TOOL, "-b", self.programmer.loader, *which]

    def in_words(self) -> str:
        """Both commands as one would type them."""
        return "\n".join(map(shlex.join, (self.detect, self.load)))


def programmer_of(board: BoardFacts, serial: str | None) -> Programmer:
    """The USB chip of the board that is attached, by its USB serial number if one is given; else its older one."""
    attached = {port.usb for port in ports.candidates() if serial in (None, port.serial)}
    return next((each for each in board.programmers if each.usb in attached), board.programmers[0])


def missing_tool() -> str | None:
    """That the tool is not installed, and how to get it; None if it is there."""
    if shutil.which(TOOL) is None:
        return (
            f"{TOOL} is not installed: `sudo apt install openfpgaloader`, or see docs/flashing.md"
        )
    return None


def write(job: Job, progress: Callable[[str], None]) -> None:
    """Look who is there, then write. `progress` is given what the tool says, as it comes. Raises FlashError."""
    if why := missing_tool():
        raise FlashError(why)
    said, _ = _run(job, job.detect, lambda text: None)
    codes = [int(code, 16) for code in IDCODE.findall(said)]
    if not codes:
        raise FlashError(f"no FPGA answers on the {job.board.title}; is it powered?")
    if job.board.idcode not in codes:
        others = [each.name for each in BOARDS.values() if each.idcode in codes]
        instead = f"; give --board {' or '.join(others)}" if others else ""
        raise FlashError(
            f"the board attached has {device_name(codes[0])}, the {job.board.title} has"
            f" {device_name(job.board.idcode)}; nothing was written{instead}"
        )
    said, code = _run(job, job.load, progress)
    if code:
        raise FlashError(f"{TOOL} failed: {_last_line(said)}; nothing may run on the board now")


def confirm(board: BoardFacts, manifest: Manifest | None, port: str | None) -> Identity:
    """Ask the board over its link what it is now. port: where; None: the one board attached. Raises FlashError."""
    identity = _identify(board, port)
    if identity.board != board.number.name:
        raise FlashError(
            f"the instrument that answers is {identity.board}, not the {board.title} just flashed;"
            " name its port with --port"
        )
    if manifest is not None and identity.digest != manifest.word:
        raise FlashError(
            f"the instrument answers with digest {identity.digest:08x}, the bitstream has {manifest.word:08x}:"
            " it still runs another; switch the board off and on, then flash again"
        )
    return identity


def _identify(board: BoardFacts, port: str | None) -> Identity:
    until = time.monotonic() + PORT_PATIENCE
    while True:
        try:
            link = open_link(f"serial:{port or _port_of(board)}?baud={board.baud}")
            try:
                return Instrument(link).identity
            finally:
                link.close()
        except LinkError as error:
            if time.monotonic() > until:
                raise FlashError(f"written, but not confirmed: {error}") from None
        time.sleep(PORT_EVERY)


def _port_of(board: BoardFacts) -> str:
    """The port of the one board attached that may be this."""
    found = [port for port in ports.candidates() if board in port.boards]
    if len({port.serial for port in found}) > 1:
        names = ", ".join(port.device for port in found)
        raise FlashError(
            f"written, but several ports may be the board's: {names}; name it with --port"
        )
    if not found:
        raise LinkError(
            f"the {board.title} shows no serial port; plug it in again, or name the port with --port"
        )
    return found[-1].device


def _run(job: Job, command: list[str], progress: Callable[[str], None]) -> tuple[str, int]:
    """What the tool said, and its exit code. Raises FlashError for what is known to go wrong."""
    try:
        tool = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise FlashError(f"{TOOL} does not start: {error.strerror}; install it anew") from None
    assert tool.stdout is not None
    said = b""
    with tool:
        while piece := os.read(tool.stdout.fileno(), 4096):
            said += piece
            progress(piece.decode(errors="replace"))
    text = said.decode(errors="replace")
    for pattern, meaning in TROUBLES:
        if pattern.search(text):
            raise FlashError(meaning.format(title=job.board.title))
    return text, tool.returncode


def _last_line(said: str) -> str:
    lines = [line.strip() for line in re.split(r"[\r\n]+", said) if line.strip()]
    return lines[-1] if lines else "it did not say why"
