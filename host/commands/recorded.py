"""What commands about recordings share: opening one."""

from pathlib import Path

from trelscope.host.acquisition.recording import Recording
from trelscope.host.errors import UserError
from trelscope.host.files import journal, recordings
from trelscope.host.files.formats import FORMATS

KINDS = f"{', '.join(FORMATS)}, or a {journal.SUFFIX} that `trelscope recover` lists"


def load(path: Path) -> Recording:
    """The recording in a file, or what a journal has saved. Raises UserError."""
    if path.suffix.lower() != journal.SUFFIX:
        return recordings.load(path)
    found = journal.recover(path)
    if found is None:
        raise UserError(f"{path}: nothing had been averaged yet; there is nothing to recover")
    return found
