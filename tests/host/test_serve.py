"""An emulated board on a TCP port.

Most tests let the server have its turns in between their own reads, so that nothing depends on who is scheduled when.
"""

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.wire import garbage, read, write
from trelscope.gateware.protocol import Trip
from trelscope.host.acquisition import instrument as instrument_module
from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.cli import main
from trelscope.host.link import LinkError
from trelscope.host.link.tcp import TcpLink
from trelscope.host.planning import CaptureRequest
from trelscope.host.serve.faults import Faults
from trelscope.host.serve.server import ServeError, Server
from trelscope.host.settings import Settings
from trelscope.sim.emulator import Board
from trelscope.sim.presets.presets import load_plant

ROOT = Path(__file__).parents[2]
UNPACED = 1e9
PATIENCE = 60.0  # s: the first test may have to compile the emulator
SHORT = (-0.2e-6, 4e-6)


class Stepped(TcpLink):
    """A client in whose reads the server runs, on the board's time."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.address)
        self.server = server

    def read(self, timeout: float) -> bytes:
        until = self.clock() + timeout
        while True:
            self.server.turn()
            data = super().read(0)
            if data or self.clock() > until:
                return data

    def clock(self) -> float:
        return self.server.board.time


def serving(faults: Faults | None = None, host: str = "127.0.0.1") -> Server:
    return Server(Board(load_plant("hr-1mm2"), 1), host, 0, UNPACED, faults, seed=1)


@pytest.fixture
def server() -> Iterator[Server]:
    server = serving()
    yield server
    server.close()


def settings(pulses: int = 256, frame_pulses: int = 8) -> Settings:
    return CaptureRequest(pulses=pulses, window=SHORT, frame_pulses=frame_pulses).plan(16384)


def finish(acquisition: Acquisition) -> list[int]:
    """Runs it to its end; the pulses of each frame."""
    pulses = []
    while not acquisition.done:
        pulses += [frame.pulses for frame in acquisition.poll(0.1)]
    return pulses


def adds_up(acquisition: Acquisition, pulses: int = 256) -> bool:
    account = acquisition.accounting
    return (
        account.pulses_emitted
        == account.pulses_averaged + account.pulses_missed + account.pulses_lost
        == pulses
    )


def test_held_by_nothing_a_board_is_the_board() -> None:
    plain, held = Board(load_plant("hr-1mm2"), 1), Board(load_plant("hr-1mm2"), 1)
    requests = garbage(random.Random(1), 400) + write(0, "level", 10_000) + read(1, "magic")
    sent, taken = plain.run(200_000, requests)
    assert held.run(200_000, requests, room=len(sent)) == (sent, taken)
    assert held.cycle == plain.cycle == 200_000


def test_a_capture_over_tcp_is_a_capture(server: Server) -> None:
    result = capture(Stepped(server), lambda depth: settings())
    account = result.accounting
    assert account.pulses_emitted == account.pulses_averaged == 256
    assert account.frames_lost == account.crc_errors == 0
    about = json.loads(json.dumps(result.about()))
    assert about["source"] == server.address
    assert about["board"] == "EMULATOR"
    assert about["realtime_factor"] is None
    assert about["front_end"]["light_volts_per_code"] == 0.1 / 2**14


def test_what_is_not_taken_makes_longer_frames_and_loses_nothing(server: Server) -> None:
    acquisition = Acquisition(Instrument(Stepped(server)), settings(pulses=2048))
    until = server.board.time + 0.15
    while server.board.time < until:
        server.turn()
    pulses = finish(acquisition)
    assert max(pulses) > 512
    assert sum(pulses) == 2048
    assert adds_up(acquisition, 2048)
    assert acquisition.accounting.pulses_averaged == 2048


def test_a_second_client_is_told_who_is_there(server: Server) -> None:
    first = Instrument(Stepped(server))
    with pytest.raises(LinkError, match=r"in use by 127.0.0.1:\d+; one client at a time") as error:
        Instrument(Stepped(server))
    assert "\n" not in str(error.value)
    assert first.read("version") == 1


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_leaves_in_mid_frame_can_come_back(server: Server, how: str) -> None:
    link = Stepped(server)
    acquisition = Acquisition(Instrument(link), settings(pulses=0))
    while not acquisition.accounting.pulses_averaged:
        acquisition.poll(0.1)
    link.write(b"\xa5\x5a\x01")  # and in the middle of a request
    server.turn()
    if how == "reset":
        link._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()
    again = Acquisition(Instrument(Stepped(server)), settings())
    finish(again)
    assert adds_up(again)
    assert again.accounting.pulses_lost == again.accounting.frames_lost == 0


def test_the_board_goes_on_without_a_client_and_notices(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instrument_module, "SILENCE", 0.05)
    link = Stepped(server)
    Acquisition(Instrument(link), settings(pulses=0))
    link.close()
    until = server.board.time + 0.1
    while server.board.time < until:
        server.turn()
    instrument = Instrument(Stepped(server))
    assert Trip(instrument.read("trip_cause")) == Trip.WATCHDOG
    assert instrument.read("enable") == 0


def test_garbage_does_no_harm(server: Server) -> None:
    for seed in range(8):
        link = Stepped(server)
        link.write(np.random.default_rng(seed).bytes(20_000))
        for _ in range(20):
            server.turn()
        link.close()
    acquisition = Acquisition(Instrument(Stepped(server)), settings())
    finish(acquisition)
    assert acquisition.accounting.pulses_averaged == 256


def test_a_fault_ends_the_connection_once() -> None:
    server = serving(Faults(disconnect=50_000))
    with pytest.raises(LinkError, match="the connection is lost"):
        finish(Acquisition(Instrument(Stepped(server)), settings()))
    again = Acquisition(Instrument(Stepped(server)), settings())
    finish(again)
    assert again.accounting.pulses_averaged == 256
    server.close()


@pytest.mark.parametrize("faults", [Faults(drop=1e-5), Faults(corrupt=1e-5)])
def test_faults_are_counted(faults: Faults) -> None:
    server = serving(faults)
    acquisition = Acquisition(Instrument(Stepped(server)), settings())
    finish(acquisition)
    assert adds_up(acquisition)
    account = acquisition.accounting
    assert 0 < account.frames_lost < account.pulses_lost < 256
    assert account.crc_errors > 0
    server.close()


def test_a_slow_wire_makes_longer_frames() -> None:
    server = serving(Faults(slow=20_000))
    acquisition = Acquisition(Instrument(Stepped(server)), settings(pulses=1024))
    pulses = finish(acquisition)
    assert adds_up(acquisition, 1024)
    assert sum(pulses) == 1024
    assert max(pulses) > 8
    server.close()


def test_a_stall_costs_nothing() -> None:
    server = serving(Faults(stall=(50_000, 0.2)))
    acquisition = Acquisition(Instrument(Stepped(server)), settings(pulses=2048))
    pulses = finish(acquisition)
    assert adds_up(acquisition, 2048)
    assert sum(pulses) == 2048
    assert max(pulses) > 512
    server.close()


def test_ipv6() -> None:
    try:
        server = serving(host="::1")
    except ServeError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    assert server.address.startswith("tcp://[::1]:")
    assert Instrument(Stepped(server)).read("version") == 1
    server.close()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--host", "192.0.2.1"], 1, "no address of this machine"),
        (["--host", "no.such.host.invalid"], 1, "no host of the name"),
        (["tcp://127.0.0.1:1"], 1, "only an emulated board"),
        (["emulator:nonsense"], 1, "bmim3-1mm2"),
        (["--port", "65536"], 2, "not a port"),
        (["--port", "-1"], 2, "port"),
        (["--fault", "rust=1"], 2, "not a fault"),
    ],
)
def test_user_errors_are_one_line(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        exit_code = main(["serve", *arguments])
    except SystemExit as stopped:
        exit_code = stopped.code
    out, err = capsys.readouterr()
    assert exit_code == code
    assert out == ""
    assert len(err.splitlines()) == 1
    assert says in err


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"trelscope: port {port} is in use; give another one with --port, or 0 for any that is free\n"
    )


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("query", ["", "?bandwidth=20"])
def test_two_processes(query: str, end: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "trelscope.host.cli",
            "serve",
            f"emulator:hr-1mm2{query}",
            "--port",
            "0",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        url = process.stdout.readline().strip()
        assert url.startswith("tcp://127.0.0.1:")
        assert ("detector_delay" in url) == bool(query)
        try:
            for _ in range(2):
                arguments = ["--pulses", "512", "--width", "8u", "--window=-1u:12u", "--json"]
                assert main(["capture", url, *arguments]) == 0
                said = json.loads(capsys.readouterr().out)
                assert said["measurements"]["response"]["value"] == pytest.approx(0.70e-6, rel=0.02)
                account = said["accounting"]
                assert account["pulses_emitted"] == account["pulses_averaged"] == 512
                assert account["pulses_lost"] == account["crc_errors"] == 0
                assert said["realtime_factor"] is None
        finally:
            process.send_signal(end)
            out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err
    assert err.count("is connected") == err.count("has gone") == 2
