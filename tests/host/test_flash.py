"""`trelscope flash` and `boards`, with a stand-in for openFPGALoader and an instrument of registers alone on a pty."""

import json
import os
import pty
import select
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from trelscope.gateware import protocol
from trelscope.gateware.digest import gateware_digest
from trelscope.gateware.platform.boards import BOARDS, Programmer
from trelscope.gateware.protocol import REGISTERS, REPLY, REQUEST, Kind
from trelscope.host.cli import main
from trelscope.host.flash import bitstream, flash
from trelscope.host.link import ports
from trelscope.host.link.codec import Decoder

BOARD = BOARDS["ulx3s-85f"]
DIGEST = "deadbeef" + 56 * "0"
DETECTED = "index 0:\n\tidcode 0x{:08x}\n\tmanufacturer lattice\n\tfamily ECP5\n\tmodel  LFE5U-85\n\tirlength 8\n"
NO_JTAG = "JTAG init failed with: unable to open ftdi device\n"
OPEN = "unable to open ftdi device: "
NOT_FOUND = OPEN + "-3 (device not found)\n" + NO_JTAG
NO_PERMISSION = OPEN + "-4 (usb_open() failed)\n" + NO_JTAG
CLAIMED = (
    OPEN
    + "-5 (unable to claim usb device. Make sure the default FTDI driver is not in use)\n"
    + NO_JTAG
)
BAR = "[=========                                         ] 18.00%\r"
LOADED = f"write to ram\nOpen file DONE\nParse file DONE\nLoading: {BAR}Loading: {BAR}\nDone\n"
VERIFIED = "write to flash\nDone\nVerifying write (May take time)\nDone\nRefresh: DONE\n"
NOT_VERIFIED = (
    "write to flash\nVerifying write (May take time)\nFail\nVerification failed at 4096\n"
)

Tool = Callable[..., None]


class Registers:
    """Answers reads of registers on a pseudo-terminal, as an instrument of `board` and `digest` would."""

    def __init__(self, board: int = BOARD.number, digest: int = 0xDEADBEEF) -> None:
        self._values = {
            "magic": protocol.MAGIC,
            "version": protocol.VERSION,
            "board": board,
            "depth": BOARD.depth,
            "features": 7,
            "digest": digest,
        }
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        self._wake, self._end = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        decoder, by_address = Decoder(), {REGISTERS[k].address: v for k, v in self._values.items()}
        while self._wake not in (ready := select.select([self._master, self._wake], [], [])[0]):
            assert ready
            for n, packet in enumerate(decoder.feed(os.read(self._master, 4096))):
                address = REQUEST.unpack(packet.payload)["address"]
                reply = REPLY.pack(
                    sequence=packet.sequence, address=address, outcome=0, value=by_address[address]
                )
                os.write(self._master, protocol.encode_frame(Kind.REPLY, n, reply))

    def close(self) -> None:
        os.write(self._end, b"x")
        self._thread.join()
        for each in (self._master, self._slave, self._wake, self._end):
            os.close(each)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Plugs in an instrument that answers; gives its port."""
    running: list[Registers] = []

    def start(**what: int) -> str:
        running.append(Registers(**what))
        plugged(monkeypatch, *(usb(each.device, f"S{n}") for n, each in enumerate(running)))
        return running[-1].device

    yield start
    for each in running:
        each.close()


def usb(
    device: str, serial: str | None, programmer: Programmer = BOARD.programmers[0]
) -> SimpleNamespace:
    """What pyserial knows of a board's port."""
    vid, pid = programmer.usb
    return SimpleNamespace(
        device=device,
        vid=vid,
        pid=pid,
        serial_number=serial,
        product="ULX3S FPGA 85K",
        description="",
        hwid="USB",
    )


def plugged(monkeypatch: pytest.MonkeyPatch, *attached: SimpleNamespace) -> None:
    monkeypatch.setattr(ports.list_ports, "comports", lambda: list(attached))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No board, no tool, nothing built, and nobody waits for a port."""
    plugged(monkeypatch)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("TRELSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(flash, "PORT_PATIENCE", 0.0)
    monkeypatch.setattr(flash, "PORT_EVERY", 0.0)


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Puts a stand-in for openFPGALoader on the path, which says and returns what it is told."""

    def install(
        detect: str = DETECTED.format(BOARD.idcode), load: str = LOADED, code: int = 0
    ) -> None:
        (tmp_path / "detect").write_text(detect)
        (tmp_path / "load").write_text(load)
        script = tmp_path / "bin" / "openFPGALoader"
        failed = int("idcode" not in detect)
        script.write_text(
            "#!/bin/sh\n"
            f'echo "$@" >> {tmp_path}/asked\n'
            'say() { while IFS= read -r line; do printf "%s\\n" "$line"; done < "$1"; }\n'
            f'case "$*" in *--detect) say {tmp_path}/detect >&2; exit {failed};; esac\n'
            f"say {tmp_path}/load; exit {code}\n"
        )
        script.chmod(0o755)

    return install


def asked(tmp_path: Path) -> list[str]:
    """What the tool has been asked to do."""
    path = tmp_path / "asked"
    return path.read_text().splitlines() if path.exists() else []


def bit(
    path: Path,
    idcode: int = BOARD.idcode,
    end: bytes = bitstream.PROGRAM_DONE + b"\xff\xff\xff\xff",
) -> Path:
    """A file with the head and the tail of what ecppack writes."""
    head = b"\xff\x00Part: LFE5U-85F-6CABGA381\0\xff\xff\xff\xbd\xb3\xff\xff\xff\xff\x3b\0\0\0"
    path.write_bytes(head + b"\xe2\0\0\0" + idcode.to_bytes(4, "big") + bytes(500) + end)
    return path


def manifest(path: Path, **said: str | int) -> None:
    """What a build leaves beside its bitstream."""
    whole = {"board": BOARD.name, "digest": DIGEST, "protocol": protocol.VERSION, **said}
    path.with_suffix(".json").write_text(json.dumps(whole))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    """Runs `trelscope flash`, which must end with one line; gives that."""
    assert main(["flash", "--board", BOARD.name, *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    *said, last = err.splitlines()
    assert last.startswith("trelscope: ")
    assert all(str(BOARD.title) in line or "other gateware" in line for line in said)
    return last


@pytest.mark.parametrize("spi", [False, True])
def test_flashed_and_confirmed(
    spi: bool,
    tool: Tool,
    answering: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tool(load=VERIFIED if spi else LOADED)
    answering()
    path = bit(tmp_path / "top.bit")
    manifest(path)
    where = ["--spi"] if spi else []
    assert main(["flash", "--board", BOARD.name, "--file", str(path), *where]) == 0
    assert asked(tmp_path) == [
        "-b ulx3s --detect",
        f"-b ulx3s {'-f --verify' if spi else '-m'} {path}",
    ]
    assert "digest deadbeef (as built, gate active high)" in capsys.readouterr().out


def test_what_was_built_is_flashed_without_naming_it(
    tool: Tool, answering: Callable[..., str], tmp_path: Path
) -> None:
    tool()
    answering()
    path = bitstream.built(BOARD)
    assert path.is_relative_to(tmp_path)
    path.parent.mkdir(parents=True)
    manifest(bit(path))
    assert main(["flash", "--board", BOARD.name]) == 0
    assert asked(tmp_path)[-1] == f"-b ulx3s -m {path}"


@pytest.mark.parametrize("spi", [False, True])
def test_a_dry_run_prints_the_commands_and_touches_nothing(
    spi: bool, tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool()
    path = bit(tmp_path / "a file.bit")
    where = ["--spi"] if spi else ["--sram"]
    assert main(["flash", "--board", BOARD.name, "--file", str(path), *where, "--dry-run"]) == 0
    how = "-f --verify" if spi else "-m"
    assert capsys.readouterr().out.splitlines() == [
        "openFPGALoader -b ulx3s --detect",
        f"openFPGALoader -b ulx3s {how} '{path}'",
    ]
    assert asked(tmp_path) == []


def test_a_dry_run_needs_neither_tool_nor_build(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flash", "--board", "icepi-zero", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].startswith("openFPGALoader -b icepi-zero -m ")
    assert "trelscope build --board icepi-zero" in err


def test_a_bitstream_of_other_gateware_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bit(tmp_path / "top.bit")
    for digest, says in ((gateware_digest(), False), (DIGEST, True)):
        manifest(path, digest=digest)
        assert main(["flash", "--board", BOARD.name, "--file", str(path), "--dry-run"]) == 0
        assert ("built from other gateware" in capsys.readouterr().err) == says


def test_nothing_built(tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool()
    assert "`trelscope build --board ulx3s-85f`" in refused(capsys)
    assert asked(tmp_path) == []


def test_bad_files_are_refused_before_anything_is_touched(
    tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool()
    names = ("empty", "foreign", "strange", "text")
    empty, foreign, strange, text = (tmp_path / f"{name}.bit" for name in names)
    empty.touch()
    text.write_text("no bitstream at all\n" * 100)
    other = bit(tmp_path / "other.bit")
    manifest(other, board="ulx3s-25f")
    old = bit(tmp_path / "old.bit")
    spoken = protocol.VERSION
    manifest(old, protocol=spoken - 1)
    broken = bit(tmp_path / "broken.bit")
    broken.with_suffix(".json").write_text("{")
    for path, says in (
        (tmp_path / "none.bit", "no such file"),
        (tmp_path, "cannot be read"),
        (empty, "not an ECP5 bitstream"),
        (text, "not an ECP5 bitstream"),
        (bit(foreign, 0x41111043), "is for an LFE5U-25F, the ULX3S 85F has an LFE5U-85F"),
        (bit(strange, 0x12345678), "is for an FPGA of IDCODE 0x12345678"),
        (bit(tmp_path / "short.bit", end=b""), "is cut short"),
        (other, "was built for ulx3s-25f; give --board ulx3s-25f"),
        (
            old,
            f"speaks protocol version {protocol.VERSION - 1}, this program speaks {protocol.VERSION}; build it again",
        ),
        (broken, "not the manifest of a build"),
    ):
        for dry in ([], ["--dry-run"]):
            assert says in refused(capsys, "--file", str(path), *dry)
    assert asked(tmp_path) == []


@pytest.mark.parametrize(
    ("detect", "says"),
    [
        (NOT_FOUND, "no ULX3S 85F is attached; plug it in"),
        (NO_PERMISSION, "sudo cp tools/60-trelscope.rules /etc/udev/rules.d/"),
        (CLAIMED, "in use by another program"),
        ("Error: cannot find board 'ulx3s'\n", "does not know the ULX3S 85F; install a newer one"),
        ("", "no FPGA answers on the ULX3S 85F; is it powered?"),
        (
            DETECTED.format(0x41111043),
            "the board attached has an LFE5U-25F, the ULX3S 85F has an LFE5U-85F; nothing was written;"
            " give --board ulx3s-25f or icepi-zero",
        ),
        (
            DETECTED.format(0x21111043),
            "has an FPGA of IDCODE 0x21111043, the ULX3S 85F has an LFE5U-85F; nothing was written",
        ),
    ],
)
def test_what_is_attached_is_looked_at_first(
    detect: str, says: str, tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool(detect)
    assert says in refused(capsys, "--file", str(bit(tmp_path / "top.bit")))
    assert asked(tmp_path) == ["-b ulx3s --detect"]


def test_no_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "openFPGALoader is not installed" in refused(
        capsys, "--file", str(bit(tmp_path / "top.bit"))
    )


def test_a_tool_that_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "bin" / "openFPGALoader"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    assert "does not start" in refused(capsys, "--file", str(bit(tmp_path / "top.bit")))


@pytest.mark.parametrize(
    ("load", "code", "says"),
    [
        (NOT_VERIFIED, 1, "is not what was written"),
        (NOT_VERIFIED, 0, "is not what was written"),
        ("Loading: 10%\rLoading: 20%\nFail\n", 1, "openFPGALoader failed: Fail"),
        ("", 1, "it did not say why"),
    ],
)
def test_a_write_that_fails(
    load: str,
    code: int,
    says: str,
    tool: Tool,
    answering: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tool(load=load, code=code)
    answering()
    assert says in refused(capsys, "--file", str(bit(tmp_path / "top.bit")), "--spi")


def test_what_the_tool_says_is_shown_as_it_comes(tool: Tool, tmp_path: Path) -> None:
    tool()
    seen: list[str] = []
    job = flash.Job(BOARD, bit(tmp_path / "top.bit"), False, BOARD.programmers[0])
    flash.write(job, seen.append)
    assert "".join(seen) == LOADED


def test_another_digest_afterwards(
    tool: Tool,
    answering: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tool()
    answering(digest=0xBAD)
    path = bit(tmp_path / "top.bit")
    manifest(path)
    says = refused(capsys, "--file", str(path))
    assert "answers with digest 00000bad, the bitstream has deadbeef" in says


def test_another_board_afterwards(
    tool: Tool,
    answering: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tool()
    answering(board=protocol.Board.ICEPI_ZERO)
    says = refused(capsys, "--file", str(bit(tmp_path / "top.bit")))
    assert "the instrument that answers is ICEPI_ZERO, not the ULX3S 85F just flashed" in says


def test_no_port_afterwards(tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool()
    path = str(bit(tmp_path / "top.bit"))
    assert "written, but not confirmed: the ULX3S 85F shows no serial port" in refused(
        capsys, "--file", path
    )
    assert "written, but not confirmed: serial:/dev/no-such" in refused(
        capsys, "--file", path, "--port", "/dev/no-such"
    )


def test_of_several_boards_one_must_be_named(
    tool: Tool,
    answering: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tool()
    first, second = answering(), answering(digest=0x600D)
    path = str(bit(tmp_path / "top.bit"))
    says = refused(capsys, "--file", path)
    assert "several ports may be the board's" in says
    assert first in says
    assert main(["flash", "--board", BOARD.name, "--file", path, "--port", second]) == 0
    assert "digest 0000600d (no manifest to compare it with)" in capsys.readouterr().out
    assert asked(tmp_path)[-1] == f"-b ulx3s --ftdi-serial S1 -m {path}"
    assert main(["flash", "--board", BOARD.name, "--file", path, "--port", "S0"]) == 0
    assert "digest deadbeef" in capsys.readouterr().out


def test_a_board_that_was_made_with_two_usb_chips(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ecpix = BOARDS["ecpix5-85f"]
    older, newer = ecpix.programmers
    path = str(bit(tmp_path / "top.bit", ecpix.idcode))

    def says(*more: str) -> str:
        assert main(["flash", "--board", ecpix.name, "--file", path, "--dry-run", *more]) == 0
        return capsys.readouterr().out

    assert f"-b {older.loader} " in says(), "nothing is attached"
    plugged(monkeypatch, usb("/dev/a", "S1", newer))
    assert f"-b {newer.loader} " in says()
    plugged(monkeypatch, usb("/dev/a", "S1", newer), usb("/dev/b", "S2", older))
    assert f"-b {newer.loader} --ftdi-serial S1" in says("--port", "S1")
    assert f"-b {older.loader} --ftdi-serial S2" in says("--port", "S2")


def test_no_board_named(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["flash"], ["flash", "--board", "abacus"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_boards_says_plainly_when_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards"]) == 0
    assert "no serial port, and so no board, is attached" in capsys.readouterr().out


def test_boards_lists_what_is_attached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = usb("/dev/ttyACM0", None)
    stranger.vid, stranger.pid, stranger.product = 0x2341, 0x0043, "Something else"
    plugged(monkeypatch, stranger)
    assert main(["boards"]) == 0
    out = capsys.readouterr().out
    assert "2341:0043" in out
    assert "none of these looks like a board" in out
    plugged(monkeypatch, usb("/dev/ttyUSB0", "D00123"), stranger)
    assert main(["boards"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("/dev/ttyUSB0"))
    assert lines[at].split() == ["/dev/ttyUSB0", "0403:6015", "D00123", "ULX3S", "FPGA", "85K"]
    assert "ulx3s-85f or ulx3s-25f or icepi-zero" in lines[at + 1]
    assert lines[-1] == "to use one: trelscope capture serial:D00123"
