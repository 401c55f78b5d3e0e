"""Averages of a window that was killed, made into recordings."""

from datetime import datetime
from pathlib import Path

from trelscope.host.errors import UserError
from trelscope.host.files import journal, recordings


def rescue(journals: Path, folder: Path) -> tuple[list[Path], list[str]]:
    """Recordings in `folder` of what was left behind in `journals`, newest first; and what was done, in words."""
    words = []
    for path in journal.left_behind(journals):
        when = datetime.fromtimestamp(path.stat().st_mtime)
        try:
            recording = journal.recover(path)
            if recording is not None and recording.accounting.pulses_averaged:
                folder.mkdir(parents=True, exist_ok=True)
                target = folder / f"recovered-{when:%Y%m%d-%H%M%S}-{path.stem[:8]}.h5"
                recordings.save(target, recording)
                pulses = recording.accounting.pulses_averaged
                words.append(f"an average of {pulses} pulses was recovered: {target}")
            path.unlink()
        except (UserError, OSError) as error:
            words.append(str(error))
    try:
        found = sorted(folder.glob("recovered-*.h5"), reverse=True)
    except OSError:
        found = []
    return found, words
