"""What a connection has to say first before it may drive the board. No I/O."""

import hmac
import secrets

from trelscope.gateware import protocol
from trelscope.gateware.protocol import HEADER, Kind
from trelscope.host.link.token import ANSWER_SIZE, CHALLENGE, answer

_SYNC = protocol.SYNC.to_bytes(2, "little")


class Stranger(Exception):
    """Does not speak the protocol."""


class WrongToken(Exception):
    """Does not know the token."""


class Entry:
    """One connection at the door: the answer to a challenge if there is a token, then the head of a request.

    A web page can have a browser send to any port that it reaches, but not choose the first bytes that it sends.
    """

    def __init__(self, token: str | None) -> None:
        self.greeting = b""
        """What it is sent first."""
        self._answer = b""
        self._said = b""
        if token is not None:
            self.greeting = CHALLENGE + secrets.token_hex(16).encode() + b"\n"
            self._answer = answer(token, self.greeting)

    def hear(self, data: bytes) -> bytes | None:
        """Its first requests, once it has shown that it may come in. Raises Stranger or WrongToken."""
        self._said += data
        if self._answer:
            if len(self._said) < ANSWER_SIZE and b"\n" not in self._said:
                return None
            if not hmac.compare_digest(self._said[:ANSWER_SIZE], self._answer):
                raise WrongToken
            self._said, self._answer = self._said[ANSWER_SIZE:], b""
        head = self._said[: HEADER.size]
        if not head.startswith(_SYNC[: len(head)]):
            raise Stranger
        if len(head) < HEADER.size:
            return None
        fields = HEADER.unpack(head)
        whole = fields["crc"] == protocol.header_crc(head[2:-2])
        if not whole or fields["kind"] not in (Kind.READ, Kind.WRITE):
            raise Stranger
        return self._said
