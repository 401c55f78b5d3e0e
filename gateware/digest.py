"""Digest of the gateware's sources: names a build, in the identification register and in caches."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def gateware_digest() -> str:
    """SHA-256 (hex) of every gateware source file and of the Amaranth version that elaborates them."""
    root = Path(__file__).parent
    digest = hashlib.sha256(metadata.version("amaranth").encode())
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def digest_word() -> int:
    """What the `digest` register holds: the digest's first 32 bits."""
    return int(gateware_digest()[:8], 16)
