"""Digests of source files. The gateware's digest identifies a build in the `digest` register and in caches."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path


def tree_digest(root: Path) -> str:
    """SHA-256 (hex) of the names and contents of all files below a folder, except Python's caches."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def gateware_digest() -> str:
    """SHA-256 (hex) of the gateware's source files and of the version of Amaranth."""
    versioned = metadata.version("amaranth") + tree_digest(Path(__file__).parent)
    return hashlib.sha256(versioned.encode()).hexdigest()


def digest_word() -> int:
    """Value of the `digest` register: the first 32 bits of the gateware's digest."""
    return int(gateware_digest()[:8], 16)
