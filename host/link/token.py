"""The secret that a board on a network may ask for: kept out of every URL that is shown or saved, and never sent."""

import hmac
import re
from urllib.parse import unquote

CHALLENGE = b"trelscope challenge "
"""How the line begins in which a server that wants a token sends its challenge."""
ANSWER_SIZE = 65
"""Bytes of the line that answers it: a SHA-256 in hexadecimal digits."""

_WITH_TOKEN = re.compile(r"(tcp://)([^?#,\s]*)@([^/?#,\s]*)", re.IGNORECASE)
_ADDRESS = re.compile(r"tcp://([^/?#]*)", re.IGNORECASE)
_known: dict[str, str] = {}  # token by address, until the program ends


def put_away(text: str) -> str:
    """`text` without the tokens of every `tcp://TOKEN@HOST:PORT` in it, which are remembered for these addresses."""

    def without(found: re.Match[str]) -> str:
        scheme, token, address = found.groups()
        if token:
            _known[address.lower()] = unquote(token)
        return scheme + address

    return _WITH_TOKEN.sub(without, text)


def token_of(source: str) -> str | None:
    """The token for the address of `source`, which has none in it; None where none has been given."""
    found = _ADDRESS.match(source)
    return _known.get(found[1].lower()) if found else None


def answer(token: str, challenge: bytes) -> bytes:
    """The line that shows that one knows the token. challenge: the server's whole line, which is another every time."""
    return hmac.digest(token.encode(), challenge, "sha256").hex().encode() + b"\n"
