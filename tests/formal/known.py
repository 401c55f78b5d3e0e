"""Questions that z3 has already answered.

Whether there is a counterexample depends on the text of the question and on z3 alone, and finding that there is none
takes minutes. So the digests of questions without one are kept in the cache, as compiled emulators are. Any change of
the gateware, of a claim or of z3 makes another question. With TRELSCOPE_PROVE_ANEW set, as `make soak` does, every
question is asked.
"""

import contextlib
import hashlib
import os
from pathlib import Path

import z3

from trelscope.sim.cache import cache_folder

ANEW = "TRELSCOPE_PROVE_ANEW"


def is_refuted(query: str) -> bool:
    """Whether it is known that nothing satisfies `query`."""
    return not os.environ.get(ANEW) and _path(query).is_file()


def keep(query: str) -> None:
    """Remember that nothing satisfies `query`; a cache that cannot be written costs only time."""
    path = _path(query)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _path(query: str) -> Path:
    text = f"{z3.get_full_version()}\n{query}"
    return cache_folder() / "proofs" / hashlib.sha256(text.encode()).hexdigest()
