"""Text for terminals that do not know every sign."""

import codecs
import sys
from io import TextIOWrapper

PLAIN = {
    "µ": "u",
    "μ": "u",
    "Ω": "Ohm",
    "°": "deg",
    "±": "+-",
    "×": "x",
    "·": "*",
    "²": "^2",
    "–": "-",
    "−": "-",
    "…": "...",
    "→": "->",
    "≥": ">=",
    "≤": "<=",
}
"""What is written where a sign cannot be; for any other it is a question mark."""

_HANDLER = "trelscope.plain"


def tolerate() -> None:
    """Let what is printed from now on have `PLAIN` signs where the terminal's encoding lacks them."""
    codecs.register_error(_HANDLER, _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # a test or another program may have put something else there
            stream.reconfigure(errors=_HANDLER)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign, "?") for sign in text), error.end
