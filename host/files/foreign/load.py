"""Opens a file of another instrument, whatever it is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trelscope.host.acquisition.recording import Recording
from trelscope.host.files.failures import FileError, unreadable
from trelscope.host.files.foreign import matlab, readers
from trelscope.host.files.foreign.choices import NOTHING_SAID, Choices
from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.recording import recording
from trelscope.host.files.foreign.table import table
from trelscope.host.files.foreign.waveforms import Waveforms
from trelscope.host.units import format_si

LARGEST = 200_000_000
"""Bytes: a text of some ten million samples, which takes a minute. What is larger is not read."""

_BINARIES: dict[str, Callable[[Path, bytes], Waveforms]] = {
    **dict.fromkeys(readers.SUFFIXES, readers.read),
    ".mat": matlab.read,
}

SUFFIXES = (".csv", ".txt", ".asc", ".dat", ".tsv", *_BINARIES)
"""Of files that are surely meant to be opened."""


def load(path: Path, choices: Choices = NOTHING_SAID) -> Recording:
    """The recording in a file that trelscope has not written. Raises FileError, in one line."""
    try:
        return recording(read(path, choices), choices, path.name)
    except Unreadable as problem:
        raise FileError(f"{path}: {problem}") from None


def read(path: Path, choices: Choices = NOTHING_SAID) -> Waveforms:
    """What the file holds. Raises FileError, Unreadable."""
    content = _content(path)
    read_binary = _BINARIES.get(path.suffix.lower())
    if read_binary is None or (path.suffix.lower() == ".bin" and content[:1].isdigit()):
        return table(content, choices)
    found = read_binary(path, content)
    if choices.interval is not None and found.t is not None:
        steps = choices.interval
        t = found.t[0] + steps * (found.t - found.t[0]) / (found.t[1] - found.t[0])
        said = f"time: samples {format_si(steps, 's')} apart, as given"
        found = replace(found, t=t, how=(*found.how, said))
    return found


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise FileError(f"{path}: is a folder; give the files in it")
    if path.exists() and not path.is_file():
        raise FileError(f"{path}: cannot be read (not a file)")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except OSError as error:
        raise unreadable(path, error) from None
    if len(content) > LARGEST:
        size = format_si(path.stat().st_size, "B", 3)
        raise FileError(
            f"{path}: has {size}, at most {format_si(LARGEST, 'B', 3)} are read; save fewer samples, or a part of them"
        )
    return content
