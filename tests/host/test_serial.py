"""The serial link over a pseudo-terminal, with an emulated board or a bare file descriptor at the other end."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from trelscope.gateware import protocol
from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.instrument import Instrument, InstrumentError
from trelscope.host.cli import main
from trelscope.host.errors import UserError
from trelscope.host.link import LinkError, ports
from trelscope.host.link import serial as serial_module
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.link.serial import SerialLink
from trelscope.host.link.urls import open_link
from trelscope.host.planning import CaptureRequest
from trelscope.host.settings import Settings

from .pty_board import PtyBoard, Stepped


@pytest.fixture(autouse=True)
def uncalibrated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever this machine's user has calibrated."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture
def end() -> Iterator[PtyBoard]:
    end = PtyBoard()
    yield end
    end.close()


def usb(device: str, serial: str | None = "A1", pid: int = 0x6015) -> SimpleNamespace:
    """What pyserial knows of a port."""
    return SimpleNamespace(
        device=device,
        vid=0x0403,
        pid=pid,
        serial_number=serial,
        product="FT231X",
        description="",
        hwid="USB",
    )


def plugged(monkeypatch: pytest.MonkeyPatch, *found: SimpleNamespace) -> None:
    monkeypatch.setattr(ports.list_ports, "comports", lambda: list(found))


def settings(depth: int) -> Settings:
    return CaptureRequest(pulses=256, width=6e-6, window=(-0.2e-6, 8e-6), frame_pulses=8).plan(
        depth
    )


def test_a_capture_over_a_serial_port_is_a_capture(end: PtyBoard) -> None:
    link = Stepped(end)
    before = len(end.sent) - len(link.received)
    result = capture(link, settings)
    assert end.sent[before:].startswith(link.received)
    assert set(link.received) == set(range(256)), (
        "every byte must have had its chance to be changed"
    )
    account = result.accounting
    assert account.pulses_emitted == account.pulses_averaged == 256
    assert account.frames_lost == account.crc_errors == 0
    assert result.board == "EMULATOR"
    direct = capture(EmulatorLink("hr-1mm2", seed=2, paced=False), settings)
    assert result.front_end == direct.front_end
    there, here = (each.measurements.as_dict()["response"] for each in (result, direct))
    assert abs(there["value"] - here["value"]) < 4 * (there["se"] + here["se"])


def test_at_3_megabaud_frames_are_longer_and_no_pulse_is_lost() -> None:
    """16 kB a frame take 55 ms, in which some 550 pulses come."""
    end = PtyBoard(baud=3_000_000)
    whole = CaptureRequest(width=6e-6, pulses=800, window=(-0.2e-6, 2.048e-6)).plan(16384)
    acquisition = Acquisition(Instrument(Stepped(end)), whole)
    pulses = []
    while not acquisition.done:
        pulses += [frame.pulses for frame in acquisition.poll(0.1)]
    end.close()
    account = acquisition.accounting
    assert account.pulses_emitted == account.pulses_averaged == sum(pulses) == 800
    assert account.frames_lost == account.crc_errors == 0
    assert 500 < max(pulses) < 580


def test_an_unplugged_board_is_one_line_and_can_be_opened_again(end: PtyBoard) -> None:
    link = Stepped(end)
    Instrument(link)
    end.unplug()
    for use in (lambda: SerialLink.read(link, 0.1), lambda: link.write(b"hello")):
        with pytest.raises(LinkError, match="the connection is lost: the port has gone") as error:
            use()
        assert "\n" not in str(error.value)
        assert str(error.value).startswith(link.name)
    link.close()
    link.close()
    end.plug_in()
    again = Stepped(end)
    assert capture(again, settings).accounting.pulses_averaged == 256


def test_a_serial_number_finds_the_device_under_whatever_name(
    end: PtyBoard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ttyUSB0", "ttyUSB3"):
        device = tmp_path / name
        device.symlink_to(end.device)
        plugged(monkeypatch, usb("/dev/other", "B2"), usb(str(device)))
        link = Stepped(end, "serial:A1")
        assert link.name == "serial:A1"
        assert Instrument(link).identity.board == "EMULATOR"
        end.unplug()
        device.unlink()
        with pytest.raises(LinkError, match="serial:A1: the connection is lost"):
            SerialLink.read(link, 0.1)
        plugged(monkeypatch)
        with pytest.raises(LinkError, match="no USB device of the serial number 'A1'"):
            Stepped(end, "serial:A1")
        link.close()
        end.plug_in()


@pytest.mark.parametrize(("pid", "others"), [(0x6010, 1), (0x6011, 3)])
def test_of_a_chip_with_several_ports_the_link_is_the_last(
    pid: int, others: int, end: PtyBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = [usb(f"/dev/{n}", pid=pid) for n in range(others)]
    plugged(monkeypatch, usb(end.device, pid=pid), *earlier)
    link = Stepped(end, "serial:A1")
    assert link.baud == 12_000_000
    link.close()


class DeafAt(SerialLink):
    """An instrument that speaks at one baud alone."""

    speaks = 12_000_000

    def __init__(self, url: str) -> None:
        self.tried: list[int] = []
        super().__init__(url)

    def write(self, data: bytes) -> None:
        super().write(data)
        self.tried.append(self._port.baudrate)
        if self._port.baudrate == self.speaks:
            reply = protocol.REPLY.pack(sequence=0, address=0, outcome=0, value=protocol.MAGIC)
            self.waiting = protocol.encode_frame(protocol.Kind.REPLY, 0, reply)
        else:
            self.waiting = b"\xa5\x5a\x00\xff" * 8

    def read(self, timeout: float) -> bytes:
        self.now = self.clock() + timeout
        data, self.waiting = self.waiting, b""
        return data

    def clock(self) -> float:
        return getattr(self, "now", 0.0)


def test_the_bauds_of_all_boards_are_tried_in_turn(end: PtyBoard) -> None:
    link = DeafAt(f"serial:{end.device}")
    assert link.baud == 12_000_000
    assert list(dict.fromkeys(link.tried)) == [3_000_000, 12_000_000]
    link.close()


def test_only_the_bauds_of_the_boards_it_may_be_are_tried(
    end: PtyBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged(monkeypatch, usb(end.device))
    with pytest.raises(LinkError, match=r"no instrument answers at 3 000 000 baud; is the board"):
        DeafAt("serial:A1")


def test_a_baud_that_was_asked_for_is_the_only_one(end: PtyBoard) -> None:
    link = Stepped(end, f"serial:{end.device}?baud=115200")
    assert link.baud == 115_200
    assert link._port.baudrate == 115_200
    link.close()
    with pytest.raises(LinkError, match="no instrument answers at 115 200 baud"):
        DeafAt(f"serial:{end.device}?baud=115200")
    with serial.Serial(end.device, exclusive=True):
        pass  # it has been let go of


def test_another_protocol_version_is_refused_in_words(
    end: PtyBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "VERSION", protocol.VERSION + 1)
    with pytest.raises(InstrumentError, match="update the older of the two"):
        Instrument(Stepped(end))


def test_the_url_says_what_front_end_there_is(end: PtyBoard) -> None:
    link = Stepped(end, f"serial:{end.device}?detector_delay=2n")
    assert link.front_end.detector_delay == 2e-9
    link.close()


def test_busy(end: PtyBoard) -> None:
    other = os.open(end.device, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(LinkError, match=r"in use by another program; close that"):
        SerialLink(f"serial:{end.device}")
    os.close(other)


def test_an_end_that_takes_nothing_is_given_up(
    end: PtyBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_module, "WRITE_TIMEOUT", 0.05)
    link = Stepped(end)
    with pytest.raises(LinkError, match="taken nothing"):
        link.write(bytes(1 << 20))
    link.close()


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EACCES, "sudo usermod -aG dialout"),
        (errno.EBUSY, "in use by another program"),
        (errno.ENXIO, "there is no port /dev/ttyUSB7; attached: /dev/ttyUSB0 (A1)"),
        (errno.EIO, "cannot be opened"),
    ],
)
def test_what_the_system_refuses(
    number: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(device: str, *_: object, **__: object) -> None:
        raise serial.SerialException(number, f"could not open port {device}")

    monkeypatch.setattr(serial, "Serial", refuse)
    plugged(monkeypatch, usb("/dev/ttyUSB0"))
    assert main(["capture", "serial:/dev/ttyUSB7"]) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert says in err
    assert "serial:/dev/ttyUSB7" in err


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("serial:", "not serial:PORT"),
        ("serial:/dev/no-such-port", "there is no port /dev/no-such-port; no serial port is"),
        ("serial:/dev/null", "/dev/null is not a serial port"),
        ("serial:Z9", "no USB device of the serial number 'Z9' is attached; no serial port is"),
        ("serial:/dev/ttyUSB0?baud=fast", "baud: not a number"),
        ("serial:/dev/ttyUSB0?baud=0", "must be a whole number"),
        ("serial:/dev/ttyUSB0?colour=red", "unknown parameter 'colour'"),
    ],
)
def test_bad_sources_are_refused_in_one_line(
    source: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged(monkeypatch)
    with pytest.raises(UserError, match=says) as error:
        open_link(source)
    assert "\n" not in str(error.value)


def test_the_command_captures_from_a_port(capsys: pytest.CaptureFixture[str]) -> None:
    end = PtyBoard(speed=1.0)
    end.start()
    try:
        source = f"serial:{end.device}"
        assert main(["capture", source, "--pulses", "256", "--window=-0.2u:4u", "--json"]) == 0
    finally:
        end.close()
    about = json.loads(capsys.readouterr().out)
    assert about["source"] == source
    assert about["accounting"]["pulses_averaged"] == 256
    assert about["realtime_factor"] is None
