"""The secret that a board on a network may ask for: kept out of every URL that is shown or saved, and never sent."""

import hmac
import re
from urllib.parse import unquote

CHALLENGE = b"trelscope challenge "
"""How the line begins in which a server that wants a token sends its challenge."""
ANSWER_SIZE = 65
"""Bytes of the line that answers it: a SHA-256 in hexadecimal digits."""

_WITH_TOKEN = re.compile(r"(tcp://)([^?#]*)@(.*)", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(r"[^/?#]*")
_known: dict[str, str] = {}  # token by address, until the program ends


def put_away(source: str) -> str:
    """`source` without the token that `tcp://TOKEN@HOST:PORT` has in it, which is remembered for that address."""
    match = _WITH_TOKEN.fullmatch(source)
    if match is None:
        return source
    scheme, token, rest = match.groups()
    _known[_address(rest)] = unquote(token)
    return scheme + rest


def token_of(source: str) -> str | None:
    """The token for the address of `source`, which has none in it; None where none has been given."""
    return _known.get(_address(source.partition("//")[2]))


def answer(token: str, challenge: bytes) -> bytes:
    """The line that shows that one knows the token. challenge: the server's whole line, which is another every time."""
    return hmac.digest(token.encode(), challenge, "sha256").hex().encode() + b"\n"


def _address(rest: str) -> str:
    found = _ADDRESS.match(rest)
    assert found is not None
    return found[0].lower()
