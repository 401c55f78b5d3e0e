"""A measured response from a file: a recording of counted photons, or two columns."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trelscope.host.acquisition.recording import histogram
from trelscope.host.decay import MeasuredResponse, measured
from trelscope.host.errors import UserError
from trelscope.host.files import formats, recordings
from trelscope.host.files.failures import ForeignFileError
from trelscope.host.files.foreign import load as foreign
from trelscope.host.files.foreign.choices import NOTHING_SAID, Choices
from trelscope.host.files.foreign.problems import Unreadable
from trelscope.host.files.foreign.roles import roles
from trelscope.host.measure.train import train_of
from trelscope.host.units import format_si, parse_si

LONGEST = 1e-3  # s: what seems to be longer has its time in another unit
HEADING = "name the unit in a heading, as in: time (ns), counts"

_UNIT = re.compile(r"(?:^|[(\[/_ ])([pnuµμm]?s)(?:[)\]]|$)")  # (ns), [ns], t/ns, t_ns, ns

Array = NDArray[np.float64]


class ResponseError(UserError):
    """A file holds no response; the message says why in one line."""


def read(path: Path, said: Choices = NOTHING_SAID) -> MeasuredResponse:
    """The response in a file. Raises FileError, ResponseError.

    said: of a file of a photon counter, what it does not say itself.

    That is a recording of photons counted after a drive edge, or a text of two columns, middle of each bin and counts,
    separated by commas, semicolons or blanks. Its time is in s, or in the unit that a heading names. The decimal sign
    is a point, or a comma where something else separates.
    """
    counts, edges = _recorded(path) or _foreign(path, said)
    found = measured(counts, edges)
    if isinstance(found, str):
        raise ResponseError(f"{path}: {found}")
    return found


def _recorded(path: Path) -> tuple[Array, Array] | None:
    """Counts by bin, and edges in s, of a recording; None of a text that is none."""
    if not formats.is_known(path):
        return None
    try:
        found = recordings.load(path)
    except ForeignFileError:
        if path.suffix.lower() == ".csv":
            return None
        raise
    if not found.settings.counting:
        raise ResponseError(
            f"{path}: its light was sampled, not counted; record a response with --mode counting"
        )
    return histogram(found)


def _foreign(path: Path, said: Choices) -> tuple[Array, Array]:
    """Of a file that a photon counter has written, or two columns."""
    plain = path.suffix.lower() in ("", ".csv", ".txt", ".dat")
    if plain and (said.time_unit, said.interval) == (None, None):
        return _columns(path)
    try:
        found = foreign.read(path, said)
        curve, _, _ = roles(found.channels, said)
    except Unreadable as problem:
        ask = (
            str(problem).replace("--light", "--irf-curve").partition(", and which one the drive")[0]
        )
        raise ResponseError(f"{path}: {ask}") from None
    assert found.t is not None
    known = np.isfinite(curve.values)
    counts, t = curve.values[known], found.t[known]
    train = train_of(counts, upright=True)
    if (
        not isinstance(train, str) and len(train.spans) > 1
    ):  # of a laser that came again within the record
        stop = int(train.spans[1].left)
        counts, t = counts[:stop], t[:stop]
    return counts, _edges(t)


def _edges(middle: Array) -> Array:
    """Borders of bins (n + 1,) with these middles (n,)."""
    between = (middle[1:] + middle[:-1]) / 2
    ends = 2 * middle[:1] - between[:1], 2 * middle[-1:] - between[-1:]
    return np.concatenate((ends[0], between, ends[1]))


def _columns(path: Path) -> tuple[Array, Array]:
    try:
        lines = formats.content(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ResponseError(f"{path}: not a text file") from None
    rows: list[list[float]] = []
    unit = advice = ""
    for number, line in enumerate(lines, 1):
        heading = _UNIT.search(re.split(r"[,;\t]", line.strip("# "))[0].strip())
        words = _split(line.partition("#")[0].strip())
        try:
            row = [float(word) for word in words if word]
        except ValueError:
            if rows:
                raise ResponseError(f"{path}, line {number}: not two numbers") from None
            row = []  # a heading
        if row and len(row) != 2:
            if len(row) in (3, 4):
                advice = "; with decimal commas, separate the columns by ;"
            raise ResponseError(f"{path}, line {number}: not two numbers{advice}")
        if heading and not rows:
            unit = heading[1]
        rows += [row] if row else []
    if len(rows) < 2:
        raise ResponseError(f"{path}: no two columns of time in s and counts")
    middle, counts = np.array(rows).T
    middle = middle * (parse_si(f"1 {unit}", "s") if unit else 1.0)
    span = float(np.ptp(middle))
    if span > LONGEST:
        raise ResponseError(f"{path}: spans {format_si(span, 's')}, no response does; {HEADING}")
    return counts, _edges(middle)


def _split(line: str) -> list[str]:
    """The fields of a line, with decimal points."""
    if ";" in line:
        fields = line.split(";")
    elif len(fields := re.split(r"\s*,\s+|\s+", line)) == 1:
        return line.split(",")
    return [field.strip().replace(",", ".") for field in fields]
