"""Digests of sources: of the gateware's, which name a build in the identification register and in caches."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path


def tree_digest(root: Path) -> str:
    """SHA-256 (hex) of every source file below a folder: names and contents, not what Python has cached of them."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def gateware_digest() -> str:
    """SHA-256 (hex) of every gateware source file and of the Amaranth version that elaborates them."""
    versioned = metadata.version("amaranth") + tree_digest(Path(__file__).parent)
    return hashlib.sha256(versioned.encode()).hexdigest()


def digest_word() -> int:
    """What the `digest` register holds: the digest's first 32 bits."""
    return int(gateware_digest()[:8], 16)
