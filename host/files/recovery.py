"""From the journals that killed programs have left to recordings."""

from datetime import datetime
from pathlib import Path

from trelscope.host.acquisition.recording import Recording
from trelscope.host.files import journal, recordings
from trelscope.host.files.failures import FileError


def recording_name(path: Path) -> str:
    """A name for what a journal holds, by when it was written."""
    when = datetime.fromtimestamp(journal.written(path))
    return f"recovered-{when:%Y%m%d-%H%M%S}-{path.stem[:8]}.h5"


def rescue(path: Path, target: Path) -> Recording | None:
    """Save what a journal holds as the recording `target`, then remove the journal.

    Returns the recording; None where nothing had been averaged. The journal stays where anything fails. Raises
    JournalError, FileError.
    """
    _check_left(path)
    recording = journal.recover(path)
    if recording is not None and recording.accounting.pulses_averaged:
        recordings.save(target, recording)
    else:
        recording = None
    discard(path)
    return recording


def make(folder: Path) -> None:
    """Make a folder for recordings, unless it is there. Raises FileError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder}: cannot be made ({error.strerror})") from None


def discard(path: Path) -> None:
    """Remove a journal. Raises FileError."""
    _check_left(path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"{path}: cannot be removed ({error.strerror})") from None


def _check_left(path: Path) -> None:
    if path.exists() and not journal.is_left(path):
        raise FileError(f"{path}: is not to be had: a program that runs is still writing it")
