"""The one way to write a file: whole or not at all, whatever happens meanwhile."""

import os
import tempfile
from pathlib import Path

SCRATCH_PREFIX, SCRATCH_SUFFIX = ".", ".part"


def _umask() -> int:
    """The permissions that this process withholds from new files; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


UMASK = _umask()


def write(path: Path, content: bytes | str) -> None:
    """Put `content` (text as UTF-8) in the place of what `path` holds. Raises OSError.

    It is written to a scratch file in the same folder, flushed to the disk and renamed, so that a reader finds the old
    file or the new one, and a failure leaves the old one and nothing else. A link is followed: what it points to is
    replaced. An existing file keeps its permissions.
    """
    target = Path(os.path.realpath(path))
    number, scratch = tempfile.mkstemp(SCRATCH_SUFFIX, SCRATCH_PREFIX, target.parent)
    try:
        with open(number, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(number)
        adopt(Path(scratch), target)
    except BaseException:
        os.unlink(scratch)
        raise


def adopt(scratch: Path, target: Path) -> None:
    """Put a finished scratch file in the place of `target`, with the permissions of that. Raises OSError."""
    os.chmod(scratch, _permissions(target))
    os.replace(scratch, target)


def _permissions(target: Path) -> int:
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o666 & ~UMASK
