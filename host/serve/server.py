"""An emulated board on a TCP port, byte for byte what a real one sends."""

import errno
import os
import select
import socket
from collections.abc import Callable

from trelscope.host.errors import UserError
from trelscope.host.link.emulator import BATCH, REPLY_BATCH
from trelscope.host.link.realtime import SLACK, RealTime
from trelscope.host.link.tcp import REFUSAL, SOCKET_BUFFER
from trelscope.host.serve.faults import Damage, Faults, Wire
from trelscope.sim.emulator import Board

ON_THE_WAY = 1 << 18  # bytes the board sends before it must wait: more than a frame of any size
REQUESTS = 1 << 12  # bytes of requests held for the board
REFUSED = 8  # clients being sent away at the same time


class ServeError(UserError):
    """The port cannot be opened; the message says why in one line."""


class Server:
    """`board` on HOST:PORT (0: any free port), for one client at a time.

    The board runs whether or not there is a client. What a client does not take in time holds the board's sender up:
    its frames grow, and nothing is lost. What is on its way to a client that leaves goes with it.
    speed: of the board, at most, against the clock on the wall. report: told who comes and goes. Raises ServeError.
    """

    def __init__(
        self,
        board: Board,
        host: str,
        port: int,
        speed: float = 1.0,
        faults: Faults | None = None,
        seed: int = 0,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.board = board
        self._listener = _listen(host, port)
        self._pace = RealTime(board.time, speed)
        self._wire = Wire(faults or Faults(), seed)
        self._requests = Damage(faults or Faults(), seed, 1)
        self._report = report
        self._client: socket.socket | None = None
        self._who = ""
        self._refused: list[socket.socket] = []
        self._rx = b""  # to the board
        self._tx = b""  # to the client
        self._stopping = False

    @property
    def address(self) -> str:
        """Where it listens, as a source."""
        return f"tcp://{_name(self._listener.getsockname())}"

    def run(self) -> None:
        """Serve until `stop`."""
        while not self._stopping:
            self.turn()

    def stop(self) -> None:
        """End `run` soon; from any thread or a signal's handler."""
        self._stopping = True

    def close(self) -> None:
        """Hang up, give the port back, switch the board off."""
        for each in (self._client, *self._refused, self._listener):
            if each is not None:
                each.close()
        self.board.close()

    def turn(self) -> None:
        """Let the network have its turn, then the board if it is not ahead of its time."""
        ahead = self._pace.ahead(self.board.time)
        self._serve_network(0.0 if self._rx else max(ahead, 0.0))
        # A request need not wait for the board's next turn; many of them must not make it run away.
        if self._pace.ahead(self.board.time) <= (SLACK if self._rx else 0.0):
            self._run_board()

    def _run_board(self) -> None:
        room = max(ON_THE_WAY - self._wire.waiting - len(self._tx), 0)
        sent, taken = self.board.run(REPLY_BATCH if self._rx else BATCH, self._rx, room)
        self._rx = self._rx[taken:]
        self._wire.put(sent)
        if self._client is not None and not self._tx:
            self._tx = self._wire.take(self.board.time)
            if self._wire.cut and not self._tx:
                self._hang_up("cut off by a fault that was asked for")

    def _serve_network(self, patience: float) -> None:
        """Whatever can be done now; waits `patience` seconds for the first of it."""
        client = self._client
        readers = [self._listener, *self._refused]
        if client is not None and len(self._rx) < REQUESTS:
            readers.append(client)
        writers = [client] if client is not None and self._tx else []
        readable, writable, _ = select.select(readers, writers, [], patience)
        if client is not None and client in writable:
            self._send(client)
        if self._client is not None and self._client in readable:
            self._receive(self._client)
        for each in self._refused:
            if each in readable:
                self._send_away(each)
        if self._listener in readable:
            self._accept()

    def _send(self, client: socket.socket) -> None:
        try:
            self._tx = self._tx[client.send(self._tx) :]
        except BlockingIOError:
            pass
        except OSError as error:
            self._hang_up(error.strerror)

    def _receive(self, client: socket.socket) -> None:
        try:
            data = client.recv(REQUESTS)
        except BlockingIOError:
            return
        except OSError as error:
            self._hang_up(error.strerror)
            return
        if data:
            self._rx += self._requests.pass_on(data)
        else:
            self._hang_up(None)

    def _accept(self) -> None:
        try:
            client, peer = self._listener.accept()
        except OSError:  # gone already
            return
        client.setblocking(False)
        if self._client is not None:
            self._refuse(client, _name(peer))
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        self._client, self._who = client, _name(peer)
        self._report(f"{self._who} is connected")

    def _refuse(self, client: socket.socket, who: str) -> None:
        """Say why, and listen until it has gone: hanging up on what it has already sent would make it miss that."""
        self._report(f"{who} was refused: {self._who} is connected")
        self._refused.append(client)
        try:
            client.send(REFUSAL + f"in use by {self._who}; one client at a time\n".encode())
            client.shutdown(socket.SHUT_WR)
        except OSError:
            self._forget(client)
        if len(self._refused) > REFUSED:
            self._forget(self._refused[0])

    def _send_away(self, client: socket.socket) -> None:
        try:
            if client.recv(REQUESTS):
                return
        except OSError:
            pass
        self._forget(client)

    def _forget(self, client: socket.socket) -> None:
        self._refused.remove(client)
        client.close()

    def _hang_up(self, why: str | None) -> None:
        """The client has gone, or must go; nothing meant for it reaches the next one."""
        assert self._client is not None
        self._client.close()
        self._client = None
        self._report(f"{self._who} has gone" + (f": {why}" if why else ""))
        self._rx = self._tx = b""
        self._wire.renew()
        self.board.run(BATCH)  # sends the replies it has in hand


def _listen(host: str, port: int) -> socket.socket:
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        if os.name == "posix":  # elsewhere it lets two programs have the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except (OSError, UnicodeError) as error:
        if listener is not None:
            listener.close()
        raise ServeError(_why_not(host, port, error)) from None
    listener.setblocking(False)
    return listener


def _why_not(host: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return (
            f"no host of the name {host!r} is known here; --host takes an address of this machine"
        )
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use; give another one with --port, or 0 for any that is free"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; give one of its own with --host"
        case errno.EACCES:
            return f"port {port} is reserved for the system; give one above 1023 with --port"
    return f"cannot listen on {host}, port {port}: {error.strerror or error}"


def _name(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
