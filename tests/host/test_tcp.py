"""The TCP link against a bare socket at the other end."""

import hashlib
import hmac
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread

import pytest

from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.cli import main
from trelscope.host.errors import UserError
from trelscope.host.link import LinkError, tcp
from trelscope.host.link.front_end import query_for
from trelscope.host.link.tcp import TcpLink
from trelscope.host.link.token import ANSWER_SIZE, put_away, token_of
from trelscope.host.link.urls import open_link
from trelscope.sim.presets.presets import load_plant

PATIENCE = 30.0  # s


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def url(listener: socket.socket, query: str = "") -> str:
    return f"tcp://127.0.0.1:{listener.getsockname()[1]}{query}"


@pytest.fixture
def ends(listener: socket.socket) -> Iterator[tuple[TcpLink, socket.socket]]:
    link = TcpLink(url(listener))
    peer, _ = listener.accept()
    with peer:
        yield link, peer
    link.close()


def read(link: TcpLink, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = link.read(PATIENCE)
        assert part
        data += part
    return data


def test_bytes_go_both_ways_in_whatever_pieces(ends: tuple[TcpLink, socket.socket]) -> None:
    link, peer = ends
    link.write(b"request")
    assert peer.recv(7, socket.MSG_WAITALL) == b"request"
    for byte in b"reply":
        peer.sendall(bytes([byte]))
    assert read(link, 5) == b"reply"
    assert link.read(0) == b""
    assert link.read(0.001) == b""
    assert link.realtime_factor is None


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_lost_connection_is_one_line(ends: tuple[TcpLink, socket.socket], how: str) -> None:
    link, peer = ends
    peer.sendall(b"last words")
    assert read(link, 10) == b"last words"
    if how == "reset":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    with pytest.raises(LinkError, match="the connection is lost") as error:
        link.read(PATIENCE)
    assert "\n" not in str(error.value)
    assert link.name in str(error.value)
    link.close()
    link.close()
    with pytest.raises(LinkError):
        link.write(b"more")


def test_a_refusal_is_passed_on_in_the_servers_words(ends: tuple[TcpLink, socket.socket]) -> None:
    link, peer = ends
    peer.sendall(b"trelscope: in use by somebody\n")
    peer.close()
    read(link, 30)
    with pytest.raises(LinkError, match=r"tcp://.*: in use by somebody$"):
        link.read(PATIENCE)


def test_an_end_that_takes_nothing_is_given_up(
    ends: tuple[TcpLink, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "WRITE_TIMEOUT", 0.05)
    link, _ = ends
    with pytest.raises(LinkError, match="taken nothing"):
        link.write(bytes(1 << 28))  # more than any system keeps for the other end


def test_nobody_there(listener: socket.socket) -> None:
    where = url(listener)
    listener.close()
    with pytest.raises(LinkError, match=r"nobody listens there; is `trelscope serve` running"):
        open_link(where)


def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def silence(address: tuple[str, int], timeout: float) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silence)
    with pytest.raises(LinkError, match="no answer for 5 s"):
        open_link("tcp://127.0.0.1:1")


def test_ipv6_in_brackets() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with listener:
        link = open_link(f"tcp://[::1]:{listener.getsockname()[1]}")
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"six")
            assert link.read(PATIENCE) == b"six"
        link.close()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("tcp://127.0.0.1", "not tcp://HOST:PORT"),
        ("tcp://127.0.0.1:0", "a port is 1 to 65535"),
        ("tcp://127.0.0.1:65536", "a port is 1 to 65535"),
        ("tcp://127.0.0.1:scpi", "not tcp://HOST:PORT"),
        ("tcp://:8735", "not tcp://HOST:PORT"),
        ("tcp://::1:8735", "brackets"),
        ("tcp://[::1", "not a source"),
        ("tcp://no,token@127.0.0.1:8735", "TOKEN@HOST:PORT: 'tcp://127.0.0.1:8735'"),
        ("tcp://127.0.0.1:8735/instrument", "not tcp://HOST:PORT"),
        ("tcp:127.0.0.1:8735", "not tcp://HOST:PORT"),
        ("tcp://no.such.host.invalid:8735", "no host of the name"),
        ("tcp://a..b:8735", "no host of the name"),
        ("tcp://127.0.0.1:8735?detector=eye", "unknown detector 'eye'; known: pin"),
        ("tcp://127.0.0.1:8735?colour=red", "unknown parameter 'colour'; known: detector, light"),
        ("tcp://127.0.0.1:8735?detector_delay=2V", "detector_delay: not a number in s"),
        ("tcp://127.0.0.1:8735?detector_delay=1n&detector_delay=2n", "is there twice"),
        ("tcp://127.0.0.1:8735?detector_delay=", "says nothing; write key=value"),
    ],
)
def test_bad_sources_are_refused_in_one_line(source: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        open_link(source)
    assert "\n" not in str(error.value)


def challenged(listener: socket.socket, says: bytes, wanted: int) -> tuple[Future[bytes], Thread]:
    """A server that says something to the next client and takes down what it answers."""
    heard: Future[bytes] = Future()

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(says)
            heard.set_result(peer.recv(wanted, socket.MSG_WAITALL))

    thread = Thread(target=serve)
    thread.start()
    return heard, thread


def test_a_challenge_is_answered_with_the_hmac_of_it(listener: socket.socket) -> None:
    line = b"trelscope challenge 0123456789abcdef\n"
    heard, thread = challenged(listener, line, ANSWER_SIZE)
    address = url(listener).removeprefix("tcp://")
    link = open_link(f"tcp://a-secret-%7e@{address}")
    assert link.name == f"tcp://{address}"
    wanted = hmac.new(b"a-secret-~", line, hashlib.sha256).hexdigest().encode() + b"\n"
    assert heard.result(PATIENCE) == wanted
    thread.join()
    link.close()


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"trelscope: in use by somebody\n", r"tcp://127\.0\.0\.1:\d+: in use by somebody$"),
        (b"220 a mail server\n", "is no trelscope server"),
        (b"x" * 1000, "is no trelscope server"),
        (b"", "the other end has hung up"),
    ],
)
def test_who_does_not_challenge_gets_no_answer(
    listener: socket.socket, says: bytes, words: str
) -> None:
    _, thread = challenged(listener, says, 0)
    with pytest.raises(LinkError, match=words) as error:
        open_link(url(listener).replace("//", "//a-secret-of-mine@"))
    assert "secret" not in str(error.value)
    thread.join()


def test_a_token_that_nobody_asks_for_is_said(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "CONNECT_TIMEOUT", 0.05)
    with pytest.raises(LinkError, match="asks for no token; leave it out"):
        open_link(url(listener).replace("//", "//a-secret-of-mine@"))


def test_tokens_are_put_away_wherever_a_url_is() -> None:
    assert put_away("tcp://h:1,tcp://secret-1@h:2,tcp://secret-2@[::1]:3/?a=b@c") == (
        "tcp://h:1,tcp://h:2,tcp://[::1]:3/?a=b@c"
    )
    known = [token_of(f"tcp://{address}?detector=pin") for address in ("h:1", "h:2", "[::1]:3")]
    assert known == [None, "secret-1", "secret-2"]
    assert put_away("tcp://@h:4") == "tcp://h:4"
    assert token_of("tcp://h:4") is None
    for other in ("emulator:hr-1mm2?area=2", "replay:a@b.trel", "me@h"):
        assert put_away(other) == other


def test_a_missing_token_is_said(ends: tuple[TcpLink, socket.socket]) -> None:
    link, peer = ends
    peer.sendall(b"trelscope challenge 0123456789abcdef\n")
    with pytest.raises(LinkError, match="wants a token; open tcp://TOKEN@HOST:PORT"):
        read(link, 1)


@pytest.mark.parametrize(
    "source",
    [
        "tcp://SECRET@:1",
        "tcp://SECRET@h",
        "tcp://SECRET@h:1/x",
        "TCP://SEC/RET@h:x",
        "tcp://S@SECRET@h:0",
        "tcp://SECRET@h:1?colour=red",
        "tcp://SECRET@h:1#x",
        "tcp://SECRET@[::1",
        "tcp://SECRET:SECRET@h:1?x",
    ],
)
def test_no_message_shows_a_token(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError) as error:
        open_link(source)
    assert "SEC" not in str(error.value)
    for arguments in (
        [source],
        ["capture", source],
        ["serve", source],
        ["capture", "--volts", source],
    ):
        with suppress(SystemExit):
            main(arguments)
    out, err = capsys.readouterr()
    assert err.count("trelscope: ") == 4
    assert "SEC" not in out + err


def test_the_front_end_is_the_presets_unless_the_url_says_otherwise(
    listener: socket.socket,
) -> None:
    plant = load_plant("hr-1mm2")
    known = TcpLink(url(listener)).front_end
    assert known.light_volts_per_code == plant.detector.full_scale / 2**14
    assert known.detector_delay == plant.detector.tau
    assert TcpLink(url(listener, "?detector=pin")).front_end == known
    other = TcpLink(url(listener, "?detector_delay=2n&drive_volts_at_zero=-50m")).front_end
    assert other.detector_delay == 2e-9
    assert other.drive_volts_at_zero == -0.05
    assert other.light_volts_per_code == known.light_volts_per_code


def test_a_front_end_goes_through_a_url_unchanged(listener: socket.socket) -> None:
    usual = TcpLink(url(listener)).front_end
    assert query_for(usual) == ""
    other = FrontEnd(1 / 3e5, usual.drive_volts_per_code, -0.2 / 7, 1e-9 / 3)
    query = query_for(other)
    assert "drive_volts_per_code" not in query
    assert TcpLink(url(listener, f"?{query}")).front_end == other
