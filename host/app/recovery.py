"""Recovery of averages from the journals of windows that were killed."""

from pathlib import Path

from trelscope.host.errors import UserError
from trelscope.host.files import journal, recovery


def recover_averages(journals: Path, folder: Path) -> tuple[list[Path], list[str]]:
    """Turn every journal left behind in `journals` into a recording in `folder`.

    Returns the recordings that `folder` holds now, newest first, and a line for each journal that tells the user
    what became of it.
    """
    messages = []
    for path in journal.left_behind(journals):
        target = folder / recovery.recording_name(path)
        try:
            recovery.make(folder)
            recording = recovery.rescue(path, target)
            if recording is not None:
                pulses = recording.accounting.pulses_averaged
                messages.append(f"an average of {pulses} pulses was recovered: {target}")
        except UserError as error:
            messages.append(f"not recovered: {error}; see trelscope recover --help")
    try:
        found = sorted(folder.glob("recovered-*.h5"), reverse=True)
    except OSError:
        found = []
    return found, messages
