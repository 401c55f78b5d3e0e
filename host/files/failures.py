"""What goes wrong with files, in the words that the user gets."""

from pathlib import Path

from trelscope.host.errors import UserError


class FileError(UserError):
    """The file cannot be written or read; the message says why in one line."""


class ForeignFileError(FileError):
    """The file is nothing of trelscope's."""


def foreign(path: Path) -> ForeignFileError:
    """What to say of a file that something else has written."""
    return ForeignFileError(
        f"{path}: not written by trelscope; give a file of `trelscope capture -o` or the window"
    )


def damaged(path: Path) -> FileError:
    """What to say of a file that is not whole, or not as it was written."""
    return FileError(f"{path}: damaged or cut off; copy it again from its source")


def in_use(path: Path) -> FileError:
    """What to say of a file that another program is writing."""
    return FileError(f"{path}: another program has it open for writing; close it there first")


def unreadable(path: Path, error: OSError) -> FileError:
    """What to say of a file that the system does not give."""
    return FileError(f"{path}: cannot be read ({error.strerror})")
