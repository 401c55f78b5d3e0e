"""replay:FILE: the same results from the bytes of the time, losses and damage included."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from trelscope.gateware import protocol
from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.acquisition.recording import Recording
from trelscope.host.cli import main
from trelscope.host.link import LinkError, framed
from trelscope.host.link.codec import Decoder
from trelscope.host.link.record import RECEIVED, SENT, TIME, RecordedLink
from trelscope.host.link.urls import open_link
from trelscope.host.planning import CaptureRequest
from trelscope.host.serve.faults import parse_faults
from trelscope.host.serve.server import Server
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.presets.presets import load_plant

SOURCE = "emulator:hr-1mm2"
ASKED = CaptureRequest(pulses=512, width=8e-6, window=(-1e-6, 12e-6))
FLAGS = ["--pulses", "512", "--width", "8u", "--window=-1u:12u"]


def recorded(source: str, path: Path) -> Recording:
    """A capture of `source`, with its bytes in `path`."""
    link = RecordedLink(open_link(source, 3, paced=False), path)
    try:
        return capture(link, ASKED.plan)
    finally:
        link.put_away()


def played(path: Path) -> Recording:
    """A capture of the replay."""
    return capture(open_link(f"replay:{path}"), CaptureRequest().plan)


def results(recording: Recording) -> str:
    """Everything that must come out the same."""
    own = ("source", "realtime_factor")
    return json.dumps({k: v for k, v in recording.about().items() if k not in own})


@pytest.fixture
def faulty() -> Iterator[str]:
    """A board on a bad line."""
    faults = parse_faults(["drop=2e-6", "corrupt=2e-6"])
    server = Server(EmulatedBoard(load_plant("hr-1mm2", {}), 5), "127.0.0.1", 0, 3.0, faults, 5)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.address
    server.stop()
    thread.join()
    server.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the emulator."""
    path = tmp_path_factory.mktemp("replay") / "a.trel"
    recorded(SOURCE, path)
    return path


def test_the_command_line_gives_the_same_measurements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.trel"
    assert main(["capture", SOURCE, *FLAGS, "--flat-out", "--record", str(path), "--json"]) == 0
    was = json.loads(capsys.readouterr().out)
    assert main(["capture", f"replay:{path}", "--json"]) == 0
    now = json.loads(capsys.readouterr().out)
    assert now["source"] == f"replay:{path}"
    assert {k for k in was if was[k] != now[k]} == {"source", "realtime_factor"}


def test_losses_and_damage_are_played_back_too(faulty: str, tmp_path: Path) -> None:
    was = recorded(faulty, tmp_path / "a.trel")
    assert was.accounting.frames_lost > 0
    assert was.accounting.crc_errors > 0
    assert results(played(tmp_path / "a.trel")) == results(was)


def test_cut_anywhere_it_says_so_in_one_line(file: Path, tmp_path: Path) -> None:
    data = file.read_bytes()
    cut = tmp_path / "cut.trel"
    for length in (
        0,
        20,
        *range(200, 3000, 100),
        20_000,
        len(data) // 2,
        len(data) - len(data) // 8,
    ):
        cut.write_bytes(data[:length])
        with pytest.raises(LinkError, match=r"cut off|holds no bytes") as refused:
            played(cut)
        assert "\n" not in str(refused.value)


def test_settings_cannot_be_changed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", f"replay:{file}", "--volts", "4"]) == 2
    assert "leave out" in capsys.readouterr().err
    link = open_link(f"replay:{file}")
    with pytest.raises(LinkError, match="cannot change 'level'"):
        Acquisition(Instrument(link), replace(ASKED, volts=4.0).plan(16384))


@pytest.mark.parametrize(
    ("name", "says"), [("none.trel", "cannot be read"), ("other.trel", "holds no bytes")]
)
def test_what_cannot_be_played_is_refused(
    name: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.trel").write_bytes(b"\x89HDF" * 100)
    assert main(["capture", f"replay:{tmp_path / name}"]) == 1
    err = capsys.readouterr().err
    assert says in err
    assert len(err.splitlines()) == 1


def edited(file: Path, path: Path, inserted: bytes, keep: int | None = None) -> Path:
    """The recording with more received right behind the request that starts its train; the first `keep` records."""
    records = list(framed.unpack(file.read_bytes()))
    run = next(
        k
        for k, record in enumerate(records)
        if record[:1] == SENT
        and any(
            protocol.REQUEST.unpack(packet.payload)
            == {"address": protocol.REGISTERS["run"].address, "value": 1}
            for packet in Decoder().feed(record[1 + TIME.size :])
        )
    )
    time = records[run][1 : 1 + TIME.size]
    records.insert(run + 1, RECEIVED + time + inserted)
    path.write_bytes(b"".join(map(framed.pack, records[:keep])))
    return path


def reply(name: str, value: int) -> bytes:
    """What an instrument answers."""
    payload = protocol.REPLY.pack(
        sequence=0, address=protocol.REGISTERS[name].address, outcome=0, value=value
    )
    return protocol.encode_frame(protocol.Kind.REPLY, 0, payload)


def test_damage_before_a_reply_is_counted_as_well(file: Path, tmp_path: Path) -> None:
    damaged = bytearray(reply("train", 1))
    damaged[-1] ^= 1
    path = edited(file, tmp_path / "a.trel", bytes(damaged))
    assert played(file).accounting.crc_errors == 0
    assert played(path).accounting.crc_errors == 1


def test_a_recording_cut_off_while_its_train_ran_does_not_wait_for_ever(
    file: Path, tmp_path: Path
) -> None:
    records = len(list(framed.unpack(file.read_bytes())))
    running = reply("status", protocol.Status.RUNNING)
    path = edited(file, tmp_path / "a.trel", running, keep=records * 3 // 4)
    with pytest.raises(LinkError, match="cut off"):
        played(path)
