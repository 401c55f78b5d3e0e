"""Whether a file can be written where the user wants it, and what would be lost: asked before anything is captured."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from trelscope.host.files.failures import FileError


def check_writable(path: Path) -> None:
    """Refuse a path where no file can be made, whatever its kind. Raises FileError."""
    try:
        folder = Path(os.path.realpath(path)).parent  # of what a link points to
        if path.is_dir():
            raise FileError(f"{path}: is a directory; name a file")
        if not folder.is_dir():
            raise FileError(f"{path}: no directory {folder}; create it first")
        if path.exists() and not path.is_file():
            raise FileError(f"{path}: is a device or a pipe; name a file")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FileError(
            f"{path}: cannot write there ({error.strerror}); choose another place"
        ) from None


def check_replaceable(path: Path, kind: str, is_one: Callable[[Path], bool]) -> None:
    """Refuse to replace anything but an empty file or one of the same kind. Raises FileError.

    kind: what the new file will be, with its article. is_one: says whether a file is of that kind.
    """
    try:
        empty = not path.exists() or path.stat().st_size == 0
    except OSError as error:
        raise FileError(f"{path}: cannot be replaced ({error.strerror})") from None
    if not empty and not is_one(path):
        raise FileError(
            f"{path}: exists, and is not {kind}; choose another name, or replace it with --force"
        )


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths name the same file, by links too."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
