"""Link to an instrument behind a TCP port, such as `trelscope serve` opens."""

import socket
import time
from urllib.parse import SplitResult, urlsplit

from trelscope.host.link import LinkError
from trelscope.host.link.front_end import assumed_front_end
from trelscope.host.link.url_options import url_options

CONNECT_TIMEOUT = WRITE_TIMEOUT = 5.0  # s
AT_ONCE = 1 << 16  # bytes taken in one read
SOCKET_BUFFER = (
    1 << 16
)  # bytes the system may hold at either end: more would only make replies late
REFUSAL = b"trelscope: "  # how a server that will not have us begins the one line it sends


class TcpLink:
    """A connection to `tcp://HOST:PORT`, IPv6 addresses in brackets.

    The protocol does not say what the converters' codes mean: the URL may (see `assumed_front_end`).
    """

    def __init__(self, url: str) -> None:
        self.name = url
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
        self._first = b""  # what came first: a server may say there why it hangs up

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
        if len(self._first) < len(REFUSAL):
            self._first += data
        return data

    def clock(self) -> float:
        """The clock on the wall."""
        return time.monotonic()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

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


def _address(url: str, parts: SplitResult) -> tuple[str, int]:
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        port = None
    if not port or not host or parts.path not in ("", "/") or parts.username is not None:
        raise LinkError(
            f"not tcp://HOST:PORT: {url!r}; a port is 1 to 65535, an IPv6 address goes in brackets"
        )
    return host, port
