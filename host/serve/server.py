"""An emulated board on a TCP port, byte for byte what a real one sends."""

import errno
import ipaddress
import math
import os
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trelscope.host.acquisition.instrument import SILENCE
from trelscope.host.errors import UserError
from trelscope.host.link.emulator import BATCH, REPLY_BATCH
from trelscope.host.link.realtime import SLACK, RealTime
from trelscope.host.link.tcp import REFUSAL, SOCKET_BUFFER, notice_when_gone
from trelscope.host.serve.entry import Entry, Stranger, WrongToken
from trelscope.host.serve.faults import Damage, Faults, Wire
from trelscope.sim.emulator import EmulatedBoard

ON_THE_WAY = 1 << 18  # bytes the board sends before it must wait: more than a frame of any size
REQUESTS = 1 << 12  # bytes of requests held for the board
MUCH = 1 << 20  # bytes of requests, after which one that goes on asking is there
WAITING = 8  # clients at the door, or being sent away, at the same time


class ServeError(UserError):
    """The port cannot be opened; the message says why in one line."""


@dataclass
class _Newcomer:
    """A connection that has yet to show what it is."""

    socket: socket.socket
    who: str
    entry: Entry


class Server:
    """`board` on HOST:PORT (0: any free port), for one client at a time.

    The board runs whether or not there is a client. What a client does not take in time holds the board's sender up:
    its frames grow, and nothing is lost. What is on its way to a client that leaves goes with it, and without a client
    nobody holds the sender up. A board that is held, or that this machine is too slow for, does not keep time, so its
    watchdog would bite late. A client that holds it and neither takes nor asks anything for the watchdog's time is hung
    up on, and in both cases the interlock switches the output off.

    speed: of the board, at most, against the clock on the wall. report: told who comes and goes. token: what a client
    has to know; None: nothing. clock: s, on the wall. Raises ServeError.
    """

    def __init__(
        self,
        board: EmulatedBoard,
        host: str,
        port: int,
        speed: float = 1.0,
        faults: Faults | None = None,
        seed: int = 0,
        report: Callable[[str], None] = lambda line: None,
        token: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.board = board
        self.strangers = 0
        """Connections closed since they did not speak the protocol."""
        self._listener = _listen(host, port)
        self._pace = RealTime(board.time, speed)
        self._wire = Wire(faults or Faults(), seed)
        self._requests = Damage(faults or Faults(), seed, 1)
        self._report = report
        self._token = token
        self._clock = clock
        self._client: socket.socket | None = None
        self._who = ""
        self._heard = (
            math.inf
        )  # when the client last asked something; that of one that is long gone does not count
        self._board_heard = 0.0  # the same, by the board's clock
        self._newcomers: list[_Newcomer] = []
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
        waiting = (newcomer.socket for newcomer in self._newcomers)
        for each in (self._client, *waiting, *self._refused, self._listener):
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
        batch = REPLY_BATCH if self._rx else BATCH
        if self._client is None:
            if self._clock() - self._heard > SILENCE + SLACK:
                if self.board.time - self._board_heard < SILENCE:  # it does not keep up
                    self._switch_off()
                self._heard = math.inf
            self.board.run(batch)
            return
        room = max(ON_THE_WAY - self._wire.waiting - len(self._tx), 0)
        if not room and self._clock() - self._heard > SILENCE:
            self._switch_off()
            self._hang_up(f"it has taken and asked nothing for {SILENCE:g} s; the output is off")
            return
        sent, taken = self.board.run(batch, self._rx, room)
        self._rx = self._rx[taken:]
        self._wire.put(sent)
        if not self._tx:
            self._tx = self._wire.take(self.board.time)
            if self._wire.cut and not self._tx:
                self._hang_up("cut off by a fault that was asked for")

    def _note_request(self) -> None:
        self._heard, self._board_heard = self._clock(), self.board.time

    def _switch_off(self) -> None:
        self.board.trip(True)
        self.board.run(BATCH)
        self.board.trip(False)

    def _serve_network(self, patience: float) -> None:
        """Whatever can be done now; waits `patience` seconds for the first of it."""
        client = self._client
        readers = [self._listener, *self._refused, *(each.socket for each in self._newcomers)]
        if client is not None and len(self._rx) < REQUESTS:
            readers.append(client)
        writers = [client] if client is not None and self._tx else []
        readable, writable, _ = select.select(readers, writers, [], patience)
        if client is not None and client in writable:
            self._send(client)
        if self._client is not None and self._client in readable:
            self._receive(self._client)
        for each in self._refused[:]:
            if each in readable:
                self._send_away(each)
        for newcomer in self._newcomers[:]:
            if newcomer.socket in readable:
                self._hear(newcomer)
        if self._listener in readable:
            self._accept()

    def _send(self, client: socket.socket) -> None:
        try:
            self._tx = self._tx[client.send(self._tx) :]
        except BlockingIOError:
            pass
        except OSError as error:
            self._hang_up(error.strerror)

    def _receive(self, client: socket.socket) -> bool:
        """Take in what the client has sent; False when there is nothing more."""
        try:
            data = client.recv(REQUESTS)
        except BlockingIOError:
            return False
        except OSError as error:
            self._hang_up(error.strerror)
            return False
        if not data:
            self._hang_up(None)
            return False
        self._rx += self._requests.pass_on(data)
        self._note_request()
        return True

    def _accept(self) -> None:
        try:
            connection, peer = self._listener.accept()
        except OSError:  # gone already
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        notice_when_gone(connection)
        newcomer = _Newcomer(connection, _name(peer), Entry(self._token))
        self._newcomers.append(newcomer)
        if len(self._newcomers) > WAITING:
            self._newcomers.pop(0).socket.close()
        try:
            connection.send(newcomer.entry.greeting)
        except OSError:
            self._newcomers.remove(newcomer)
            connection.close()

    def _hear(self, newcomer: _Newcomer) -> None:
        """Let the newcomer in if what it says first is right."""
        try:
            data = newcomer.socket.recv(REQUESTS)
            requests = newcomer.entry.hear(data) if data else None
        except BlockingIOError:
            return
        except WrongToken:
            self._newcomers.remove(newcomer)
            self._refuse(newcomer, "does not know the token", "wants another token")
            return
        except (OSError, Stranger) as error:
            data = b""
            if isinstance(error, Stranger):
                self.strangers += 1
                self._report(
                    f"{newcomer.who} was sent away: it does not speak the protocol ({self.strangers} so far)"
                )
        if not data:
            self._newcomers.remove(newcomer)
            newcomer.socket.close()
        elif requests is not None:
            self._newcomers.remove(newcomer)
            self._let_in(newcomer, requests)

    def _let_in(self, newcomer: _Newcomer, requests: bytes) -> None:
        # One that has gone may have left requests behind, and is only then seen to have gone.
        while self._client is not None and len(self._rx) < MUCH and self._receive(self._client):
            pass
        if self._client is not None:
            self._refuse(
                newcomer,
                f"{self._who} is connected",
                f"in use by {self._who}; one client at a time",
            )
            return
        self._client, self._who = newcomer.socket, newcomer.who
        self._rx = self._requests.pass_on(requests)
        self._note_request()
        self._report(f"{self._who} is connected")

    def _refuse(self, newcomer: _Newcomer, why: str, words: str) -> None:
        """Say why, and listen until it has gone: hanging up on what it has already sent would make it miss that."""
        self._report(f"{newcomer.who} was refused: {why}")
        self._refused.append(newcomer.socket)
        try:
            newcomer.socket.send(REFUSAL + f"{words}\n".encode())
            newcomer.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._forget(newcomer.socket)
        if len(self._refused) > WAITING:
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


def is_local(host: str) -> bool:
    """Whether only programs of this machine reach `host`. Raises ServeError if there is no such host."""
    address = str(_resolved(host, 0)[3][0]).partition("%")[0]
    return ipaddress.ip_address(address).is_loopback


def _resolved(host: str, port: int) -> tuple[int, int, int, tuple[Any, ...]]:
    """Family, type, protocol and address to listen on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise ServeError(_why_not(host, port, error)) from None
    return family, kind, protocol, address


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, address = _resolved(host, port)
    listener = None
    try:
        listener = socket.socket(family, kind, protocol)
        if os.name == "posix":  # elsewhere it lets two programs have the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
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
