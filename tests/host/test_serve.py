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
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import garbage, read, write
from trelscope.gateware import protocol
from trelscope.gateware.protocol import Kind, TraceFlag, Trip
from trelscope.host.acquisition import instrument as instrument_module
from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.instrument import SILENCE, Instrument
from trelscope.host.cli import main
from trelscope.host.link import LinkError, tcp
from trelscope.host.link.codec import Decoder, Packet
from trelscope.host.link.tcp import TcpLink
from trelscope.host.link.token import answer
from trelscope.host.link.urls import open_link
from trelscope.host.planning import CaptureRequest
from trelscope.host.serve.entry import Entry, Stranger, WrongToken
from trelscope.host.serve.faults import Faults
from trelscope.host.serve.server import ServeError, Server
from trelscope.host.settings import Settings
from trelscope.sim.emulator import EmulatedBoard
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
    board = EmulatedBoard(load_plant("hr-1mm2"), 1)
    return Server(board, host, 0, UNPACED, faults, seed=1, clock=lambda: board.time)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here time is the board's, however long it takes; the system's clock must not end a connection."""
    monkeypatch.setattr(tcp, "UNANSWERED", 3600)


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
    plain, held = EmulatedBoard(load_plant("hr-1mm2"), 1), EmulatedBoard(load_plant("hr-1mm2"), 1)
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
    assert first.read("version") == protocol.VERSION


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


def say(server: Server, words: bytes) -> bytes:
    """What the server says before it hangs up on somebody who begins with `words`; b"?" if it does not hang up."""
    host, port = server.address.removeprefix("tcp://").split(":")
    with socket.create_connection((host, int(port))) as stranger:
        stranger.setblocking(False)
        stranger.sendall(words)
        heard = b""
        for _ in range(20):
            server.turn()
            with suppress(BlockingIOError):
                data = stranger.recv(1000)
                heard += data
                if not data:
                    return heard
        return b"?" + heard


REQUEST = write(0, "level", 14_000)


@pytest.mark.parametrize(
    "words",
    [
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 24\r\n\r\n" + REQUEST,
        b"\x16\x03\x01" + REQUEST,
        b"\0" + REQUEST,
        b"\xa5\x5b",
        bytes(a ^ (n == 4) for n, a in enumerate(REQUEST)),
        protocol.encode_frame(protocol.Kind.REPLY, 0, bytes(16)),
    ],
)
def test_who_does_not_begin_with_a_request_is_sent_away(server: Server, words: bytes) -> None:
    assert say(server, words) == b""
    assert server.strangers == 1
    assert Instrument(Stepped(server)).read("level") == 0


def test_a_request_in_pieces_is_let_in(server: Server) -> None:
    link = Stepped(server)
    for byte in REQUEST:
        link.write(bytes([byte]))
        server.turn()
    assert Instrument(link).read("level") == 14_000
    assert server.strangers == 0


def test_who_says_nothing_keeps_nobody_out(server: Server) -> None:
    silent = [Stepped(server) for _ in range(20)]
    assert Instrument(Stepped(server)).read("version") == protocol.VERSION
    for each in silent:
        each.close()


def test_a_token_is_asked_for() -> None:
    server = Server(
        EmulatedBoard(load_plant("hr-1mm2"), 1), "127.0.0.1", 0, UNPACED, token="the-right-one"
    )
    for words in (REQUEST * 4, b"0" * 64 + b"\n" + REQUEST, b"\n"):
        heard = say(server, words)
        assert heard.startswith(b"trelscope challenge ")
        assert heard.endswith(b"\ntrelscope: wants another token\n")
    run = threading.Thread(target=server.run)
    run.start()
    try:
        address = server.address.removeprefix("tcp://")
        with pytest.raises(LinkError, match="wants another token") as error:
            Instrument(open_link(f"tcp://the-wrong-one@{address}"))
        assert "wrong-one" not in str(error.value)
        link = open_link(f"tcp://the-right-one@{address}")
        instrument = Instrument(link)
        assert instrument.read("level") == 0
        assert link.name == server.address
        instrument.close()
        again = Instrument(open_link(server.address))  # the token is known by now
        assert again.read("level") == 0
        again.close()
    finally:
        server.stop()
        run.join()
        server.close()


def test_no_two_challenges_are_the_same() -> None:
    first, second = Entry("the-right-one"), Entry("the-right-one")
    with pytest.raises(WrongToken):
        second.hear(answer("the-right-one", first.greeting) + REQUEST)
    assert first.hear(answer("the-right-one", first.greeting) + REQUEST) == REQUEST


@given(st.binary(max_size=40) | st.binary(max_size=20).map(lambda tail: REQUEST[:10] + tail))
def test_only_the_head_of_a_request_opens_the_door(words: bytes) -> None:
    entry = Entry(None)
    try:
        let_in = entry.hear(words)
    except Stranger:
        assert not REQUEST.startswith(words[:12])
    else:
        assert let_in in (None, words)
        assert REQUEST.startswith(words[:2])


def test_without_a_client_nothing_holds_the_board_up(server: Server) -> None:
    """It is held cycle by cycle, which is slow; that would let its watchdog bite late."""
    link = Stepped(server)
    acquisition = Acquisition(Instrument(link), settings(pulses=0))
    while not acquisition.accounting.pulses_averaged:
        acquisition.poll(0.1)
    board = server.board

    def part_jumped(turn: Callable[[], object]) -> float:
        until, cycle, jumped = board.time + 0.1, board.cycle, board.jumped
        while board.time < until:
            turn()
        return (board.jumped - jumped) / (board.cycle - cycle)

    read_by_somebody = part_jumped(lambda: acquisition.poll(0.01))
    link.close()
    server.turn()
    assert part_jumped(server.turn) > 0.9 * read_by_somebody
    assert Instrument(Stepped(server)).read("enable") == 1


def test_a_client_that_neither_takes_nor_asks_is_hung_up_on_and_the_output_is_off() -> None:
    now, said = [0.0], []
    board = EmulatedBoard(load_plant("hr-1mm2"), 1)
    server = Server(board, "127.0.0.1", 0, UNPACED, report=said.append, clock=lambda: now[0])
    asleep = Stepped(server)
    Acquisition(Instrument(asleep), settings(pulses=0))
    until = board.time + 0.15
    while board.time < until:
        server.turn()
    now[0] = SILENCE
    server.turn()
    assert not any("has gone" in line for line in said)
    now[0] = SILENCE + 0.1
    server.turn()
    assert "taken and asked nothing for 5 s; the output is off" in said[-1]
    again = Instrument(Stepped(server))
    assert again.read("enable") == 0
    assert Trip(again.read("trip_cause")) == Trip.EXTERNAL
    assert finish(Acquisition(again, settings()))
    server.close()


@pytest.mark.parametrize(("passed", "cause"), [(SILENCE, Trip(0)), (SILENCE + 0.1, Trip.EXTERNAL)])
def test_a_board_that_does_not_keep_up_is_switched_off_in_time(passed: float, cause: Trip) -> None:
    now = [0.0]
    board = EmulatedBoard(load_plant("hr-1mm2"), 1)
    server = Server(board, "127.0.0.1", 0, UNPACED, clock=lambda: now[0])
    gone = Stepped(server)
    Acquisition(Instrument(gone), settings(pulses=0))
    gone.close()
    server.turn()
    now[0] = passed
    server.turn()
    again = Instrument(Stepped(server))
    assert Trip(again.read("trip_cause")) == cause
    assert again.read("enable") == (not cause)
    server.close()


def test_one_that_has_gone_keeps_nobody_out(server: Server) -> None:
    """Its last requests come before its end, and the next client's first one together with both."""
    gone = Stepped(server)
    Instrument(gone)
    gone.write(read(0, "magic") * 1000)
    gone.close()
    next_one = Stepped(server)
    assert Instrument(next_one).read("version") == protocol.VERSION


def test_both_ends_ask_whether_the_other_is_still_there(server: Server) -> None:
    link = Stepped(server)
    Instrument(link)
    for end in (link._socket, server._client):
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            idle, every, count = (
                end.getsockopt(socket.IPPROTO_TCP, each)
                for each in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            )
            assert idle + every * count <= SILENCE


class Forged(Stepped):
    """A client on a wire that changes whole frames, and makes their checks fit."""

    def __init__(self, server: Server, forge: Callable[[Packet], list[Packet]]) -> None:
        super().__init__(server)
        self.forge, self.decoder = forge, Decoder()

    def read(self, timeout: float) -> bytes:
        packets = self.decoder.feed(super().read(timeout))
        return b"".join(
            protocol.encode_frame(forged.kind, forged.sequence, forged.payload)
            for packet in packets
            for forged in self.forge(packet)
        )


def forge_frame(number: int, kind: Kind, change: Callable[[Packet], list[Packet]]):  # type: ignore[no-untyped-def]
    """Changes the first packet of that kind of one frame."""
    left = [True]

    def forge(packet: Packet) -> list[Packet]:
        is_it = packet.kind is kind and int.from_bytes(packet.payload[:4], "little") == number
        if not (is_it and left[0]):
            return [packet]
        left[0] = False
        return change(packet)

    return forge


def with_head(**changes: int) -> Callable[[Packet], list[Packet]]:
    """The head with other fields."""

    def change(packet: Packet) -> list[Packet]:
        fields = protocol.TRACE_HEAD.unpack(packet.payload) | changes
        return [replace(packet, payload=protocol.TRACE_HEAD.pack(**fields))]

    return change


@pytest.mark.parametrize(
    ("kind", "change", "lost"),
    [
        (Kind.TRACE_DATA, lambda p: [replace(p, payload=p.payload[: 6 + 400])], True),
        (Kind.TRACE_DATA, lambda p: [p, p], False),
        (Kind.TRACE_DATA, lambda p: [replace(p, kind=Kind.TIME_TAGS), p], False),
        (Kind.TRACE_DATA, lambda p: [p, replace(p, kind=Kind.WRITE)], False),
        (Kind.TRACE_DATA, lambda p: [p, Packet(Kind.REPLY, 0, 0, bytes(9))], False),
        (Kind.TRACE_DATA, lambda p: [p, Packet(Kind.REPLY, 0, 0, bytes(3))], False),
        (Kind.TRACE_HEAD, with_head(bin_shift=3), True),
        (Kind.TRACE_HEAD, with_head(window_start=0), True),
        (Kind.TRACE_HEAD, with_head(flags=int(TraceFlag.COUNTING)), True),
        (Kind.TRACE_HEAD, with_head(first_pulse=0), True),
        (Kind.TRACE_HEAD, with_head(first_pulse=1 << 40), True),
        (Kind.TRACE_HEAD, with_head(pulses=1 << 20), True),
    ],
)
def test_what_cannot_be_is_dropped_and_counted(
    server: Server, kind: Kind, change: Callable[[Packet], list[Packet]], lost: bool
) -> None:
    acquisition = Acquisition(
        Instrument(Forged(server, forge_frame(2, kind, change))), settings(pulses=64)
    )
    pulses = finish(acquisition)
    account = acquisition.accounting
    assert account.packets_refused == 1
    assert account.crc_errors == 0
    assert account.frames_lost == lost
    assert account.pulses_emitted == 64
    assert account.pulses_lost == 64 - sum(pulses) == 64 - account.pulses_averaged
    assert (account.pulses_lost > 0) == lost


def test_a_repeated_frame_counts_once(server: Server) -> None:
    whole: list[Packet] = []

    def forge(packet: Packet) -> list[Packet]:
        """All of frame 1 again before frame 2."""
        if packet.kind is Kind.REPLY:
            return [packet]
        number = int.from_bytes(packet.payload[:4], "little")
        if number == 1:
            whole.append(packet)
        elif number == 2 and whole:
            again, whole[:] = whole[:], []
            return [*again, packet]
        return [packet]

    acquisition = Acquisition(Instrument(Forged(server, forge)), settings(pulses=64))
    assert sum(finish(acquisition)) == 64
    account = acquisition.accounting
    assert account.pulses_averaged == account.pulses_emitted == 64
    assert (account.packets_refused, account.pulses_lost, account.frames_lost) == (1, 0, 0)


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
    assert Instrument(Stepped(server)).read("version") == protocol.VERSION
    server.close()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--host", "192.0.2.1", "--open"], 1, "no address of this machine"),
        (["--host", "no.such.host.invalid"], 1, "no host of the name"),
        (["tcp://127.0.0.1:1"], 1, "only an emulated board"),
        (["emulator:nonsense"], 1, "bmim3-1mm2"),
        (["--port", "65536"], 2, "not a port"),
        (["--port", "-1"], 2, "port"),
        (["--fault", "rust=1"], 2, "not a fault"),
        (["--host", "0.0.0.0"], 2, "give --token SECRET, or --open"),
        (["--host", "::"], 2, "give --token SECRET, or --open"),
        (["--token", "short"], 2, "a token is 8 to 128"),
        (["--token", "long-enough", "--open"], 2, "not allowed with"),
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
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
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
    assert err.splitlines()[0] == "any program of this machine can drive this board"
