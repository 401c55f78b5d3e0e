"""Recovery of averages from the journals of windows that were killed."""

from datetime import datetime
from pathlib import Path

from trelscope.host.errors import UserError
from trelscope.host.files import journal, recordings


def recover_averages(journals: Path, folder: Path) -> tuple[list[Path], list[str]]:
    """Turn every journal left behind in `journals` into a recording in `folder`.

    Returns the recordings that `folder` holds now, newest first, and a line for each journal that tells the user
    what became of it.
    """
    messages = []
    for path in journal.left_behind(journals):
        when = datetime.fromtimestamp(path.stat().st_mtime)
        try:
            recording = journal.recover(path)
            if recording is not None and recording.accounting.pulses_averaged:
                folder.mkdir(parents=True, exist_ok=True)
                target = folder / f"recovered-{when:%Y%m%d-%H%M%S}-{path.stem[:8]}.h5"
                recordings.save(target, recording)
                pulses = recording.accounting.pulses_averaged
                messages.append(f"an average of {pulses} pulses was recovered: {target}")
            path.unlink()
        except (UserError, OSError) as error:
            messages.append(str(error))
    try:
        found = sorted(folder.glob("recovered-*.h5"), reverse=True)
    except OSError:
        found = []
    return found, messages
