"""Link to an instrument behind a TCP port, such as `trelscope serve` opens."""

import socket
import time
from urllib.parse import SplitResult, urlsplit

from trelscope.host.link import LinkError
from trelscope.host.link.front_end import assumed_front_end
from trelscope.host.link.token import CHALLENGE, answer, put_away, token_of
from trelscope.host.link.url_options import url_options

CONNECT_TIMEOUT = WRITE_TIMEOUT = 5.0  # s
AT_ONCE = 1 << 16  # bytes taken in one read
SOCKET_BUFFER = (
    1 << 16
)  # bytes the system may hold at either end: more would only make replies late
LONGEST_LINE = 256  # bytes that a server may say before the first frame
KEEPALIVE = (
    2  # s of silence on the wire before the other end is asked, every second, whether it is there
)
UNANSWERED = 10  # s that what was sent may stay unanswered by the system at the other end
REFUSAL = b"trelscope: "  # how a server that will not have us begins the one line it sends


class TcpLink:
    """A connection to `tcp://HOST:PORT`, or `tcp://TOKEN@HOST:PORT`, IPv6 addresses in brackets.

    The token is in no name or message. The protocol does not say what the converters' codes mean: the URL may (see
    `assumed_front_end`).
    """

    def __init__(self, url: str) -> None:
        self.name = url = put_away(url)
        parts = urlsplit(url)
        host, port = _address(url, parts)
        self.front_end = assumed_front_end(url_options(url))
        try:
            self._socket = socket.create_connection((host, port), CONNECT_TIMEOUT)
        except (socket.gaierror, UnicodeError):
            raise LinkError(f"{url}: no host of the name {host!r} is known here") from None
        except ConnectionRefusedError:
            raise LinkError(
                f"{url}: nobody listens there; is `trelscope serve` running on that machine and port?"
            ) from None
        except TimeoutError:
            raise LinkError(
                f"{url}: no answer for {CONNECT_TIMEOUT:g} s; check address, network and firewall"
            ) from None
        except OSError as error:
            raise LinkError(f"{url}: cannot connect: {error.strerror or error}") from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        notice_when_gone(self._socket)
        self._first = b""  # what came first: a server may say there why it hangs up
        if (token := token_of(url)) is not None:
            try:
                self._show(token)
            except LinkError:
                self.close()
                raise

    @property
    def realtime_factor(self) -> None:
        """Nobody knows here: the clock is ours."""
        return None

    def restart_clock(self) -> None:
        """Nothing to measure."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._socket.settimeout(WRITE_TIMEOUT)
            self._socket.sendall(data)
        except OSError as error:
            raise self._lost(error) from None

    def read(self, timeout: float) -> bytes:
        """Whatever has arrived, waiting up to `timeout` seconds for the first byte."""
        try:
            self._socket.settimeout(timeout)
            data = self._socket.recv(AT_ONCE)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise self._lost(error) from None
        if not data:
            raise self._lost(None)
        if len(self._first) < len(CHALLENGE):
            self._first += data
            if self._first.startswith(CHALLENGE):
                raise LinkError(f"{self.name}: wants a token; open tcp://TOKEN@HOST:PORT")
        return data

    def clock(self) -> float:
        """The clock on the wall."""
        return time.monotonic()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _show(self, token: str) -> None:
        """Answer the server's challenge. Raises LinkError."""
        line, until = b"", self.clock() + CONNECT_TIMEOUT
        while not line.endswith(b"\n") and len(line) < LONGEST_LINE:
            line += self._socket_read(until - self.clock())
            self._first = line
        if line.startswith(REFUSAL):
            raise self._lost(None)
        if not line.startswith(CHALLENGE):
            raise LinkError(f"{self.name}: is no trelscope server")
        self.write(answer(token, line))
        self._first = b""

    def _socket_read(self, timeout: float) -> bytes:
        try:
            self._socket.settimeout(max(timeout, 0.0))
            data = self._socket.recv(1)
        except (TimeoutError, BlockingIOError):
            raise LinkError(f"{self.name}: asks for no token; leave it out of the URL") from None
        except OSError as error:
            raise self._lost(error) from None
        if not data:
            raise self._lost(None)
        return data

    def _lost(self, error: OSError | None) -> LinkError:
        if self._first.startswith(REFUSAL):
            said = self._first.removeprefix(REFUSAL).decode(errors="replace").strip()
            return LinkError(f"{self.name}: {said}")
        if isinstance(error, TimeoutError):
            why = f"it has taken nothing for {WRITE_TIMEOUT:g} s"
        elif error is None:
            why = "the other end has hung up"
        else:
            why = error.strerror or str(error)
        return LinkError(f"{self.name}: the connection is lost: {why}; open it again")


def notice_when_gone(connection: socket.socket) -> None:
    """Have the system ask within seconds whether the other end is still there, when nothing is said."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wanted = {"TCP_KEEPIDLE": KEEPALIVE, "TCP_KEEPALIVE": KEEPALIVE, "TCP_KEEPINTVL": 1}
    wanted |= {"TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 1000 * UNANSWERED}
    for name, value in wanted.items():
        if hasattr(socket, name):  # each system has some of them
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _address(url: str, parts: SplitResult) -> tuple[str, int]:
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        port = None
    if not port or not host or parts.path not in ("", "/") or parts.username is not None:
        without = "tcp://" + url.partition("://")[2].rpartition("@")[2]
        raise LinkError(
            f"not tcp://HOST:PORT, or tcp://TOKEN@HOST:PORT: {without!r}; a port is 1 to 65535, an IPv6 address goes in"
            " brackets"
        )
    return host, port
