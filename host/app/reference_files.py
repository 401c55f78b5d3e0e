"""The references of a window, kept as recordings from one start to the next."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from trelscope.host.acquisition.recording import Recording
from trelscope.host.app.references import Reference
from trelscope.host.app.session.recorded import as_recording
from trelscope.host.errors import UserError
from trelscope.host.files import recordings
from trelscope.host.measure.trace import Trace

PATTERN = "reference-*.h5"


class ReferenceFiles:
    """One file in `folder` for each reference, in the order of their names."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        """tell: is given a line about each file that cannot be read or written."""
        self._folder, self._tell = folder, tell
        # By the light, which a reference keeps when it is measured again.
        self._written: list[tuple[Trace, Path]] = []

    def load(self) -> list[Recording]:
        """The references that were kept; a file that cannot be read stays where it is."""
        found = []
        for path in sorted(self._folder.glob(PATTERN)):
            try:
                recording = recordings.load(path)
            except UserError as error:
                self._tell(f"a reference is not shown again: {error}")
                continue
            self._written.append((recording.light, path))
            found.append(recording)
        return found

    def keep(self, references: Iterable[Reference], coming: Iterable[Recording] = ()) -> None:
        """Write those that are new, and remove those that are neither kept nor `coming`, being measured as yet."""
        kept = [(each.data.light, each) for each in references]
        wanted = [light for light, _ in kept] + [each.light for each in coming]
        before, self._written = self._written, []
        for light, path in before:
            if any(light is each for each in wanted):
                self._written.append((light, path))
                continue
            with suppress(OSError):
                path.unlink()
        for light, reference in kept:
            if not any(light is each for each, _ in self._written):
                self._write(reference)

    def _write(self, reference: Reference) -> None:
        path = self._folder / f"reference-{time.time_ns()}.h5"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            recordings.save(path, as_recording(reference.data))
        except (UserError, OSError) as error:
            self._tell(f"a reference cannot be kept for the next start: {error}")
            return
        self._written.append((reference.data.light, path))
