"""What the lines around a block of numbers say: names and units of its columns, and all else as metadata."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trelscope.host.files.foreign.block import Block
from trelscope.host.files.foreign.cells import number
from trelscope.host.files.foreign.units import parse_unit, split_name

TIME_NAMES = {
    "time",
    "t",
    "x",
    "x-axis",
    "xaxis",
    "second",
    "seconds",
    "source",
    "delay",
    "time axis",
    "x_value",
}
INDEX_NAMES = {
    *("sequence", "sample", "samples", "index", "point", "points", "#", "n", "no", "no."),
    *("chan", "channel", "channels", "bin", "bins", "sample number"),
}
VALUES = {"value", "values", "ampl", "amplitude"}
"""What stands in the place of a unit, and says none."""
_PAIR = re.compile(r"\s*([^=:]+?)\s*[=:]\s*(.*?)\s*")
_COMMENT = "#%;!'"


@dataclass(frozen=True)
class Headings:
    """names, units: of each column of the block, as written, "" where there are none. metadata: the rest."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    metadata: dict[str, str]


def headings_of(block: Block) -> Headings:
    """What stands around the block."""
    rows = [_plain(row) for row in block.head]
    rows = [row for row in rows if any(row)]
    places = block.places
    units_row = names_row = None
    rest = list(rows)
    if rest and _is_units(rest[-1], places):
        units_row = rest.pop()
    if rest and _is_names(
        rest[-1], places, alone=len(rest) == 1, above_units=units_row is not None
    ):
        names_row = rest.pop()
    names, units = [], []
    for place in places:
        name, unit = split_name(_at(names_row, place))
        names.append(name)
        said = _at(units_row, place)
        units.append(unit if said.lower() in VALUES else said or unit)
    metadata = _metadata(rest) | _over_units(names_row, units_row, places) | _metadata(block.beside)
    metadata |= {key: value for key, value in _metadata(block.foot).items() if key not in metadata}
    return Headings(tuple(names), tuple(units), metadata)


def _plain(cells: Sequence[str]) -> list[str]:
    """Without the sign of a comment before the first."""
    return [cells[0].lstrip(_COMMENT).strip(), *cells[1:]] if cells else []


def _at(row: Sequence[str] | None, place: int) -> str:
    return row[place] if row is not None and place < len(row) else ""


def _is_units(row: Sequence[str], places: Sequence[int]) -> bool:
    """Whether a row says units and nothing else: second,Volt."""
    said = [cell for place in places if (cell := _at(row, place))]
    nothing = INDEX_NAMES | VALUES
    known = [bool(parse_unit(cell)) or cell.lower() in nothing for cell in said]
    return (
        bool(said)
        and all(known)
        and any(map(parse_unit, said))
        and (len(places) > 1 or len(row) <= 1)
    )


def _is_names(row: Sequence[str], places: Sequence[int], alone: bool, above_units: bool) -> bool:
    """Whether a row names the columns. Of two columns it looks like metadata, a key and its value."""
    said = [_at(row, place) for place in places]
    filled = sum(map(bool, said))
    if filled == 0 or (
        filled < len(places) and not (len(places) > 2 and filled == len(places) - 1)
    ):
        return False
    if all(number(cell) is not None for cell in said if cell):
        return False
    if len(places) == 1 and any(row[: places[0]]):
        return False  # a key with its value
    if len(places) == 1:
        return not _PAIR.fullmatch(said[0]) or bool(split_name(said[0])[1])
    first, unit = split_name(said[0])
    value = number(said[1])
    if value is not None and not said[1].isdigit():
        return False  # a channel may be called 1, but not 0.00001
    if above_units or len(places) > 2 or unit or first.lower() in TIME_NAMES | INDEX_NAMES:
        return True
    return alone and bool(parse_unit(said[0]) or number(said[1]) is None)


def _over_units(
    names: Sequence[str] | None, units: Sequence[str] | None, places: Sequence[int]
) -> dict[str, str]:
    """What is said in the rows of names and units where there are no data below: Rigol's start and increment."""
    said = {}
    for place, cell in enumerate(names or ()):
        if place in places or not cell:
            continue
        pair = _PAIR.fullmatch(cell)
        if pair:
            said[pair[1]] = pair[2]
        elif _at(units, place):
            said[cell] = _at(units, place)
    return said


def _metadata(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """Keys and values, one a row."""
    said: dict[str, str] = {}
    filled = [[cell for cell in row if cell] for row in rows]
    for above, cells in zip([[], *filled], filled, strict=False):
        if not cells:
            continue
        if len(above) == 1 and number(above[0]) is None and number(cells[0]) is not None:
            said[above[0]] = ", ".join(cells)  # a key, and its value in the next line
        key, value = cells[0], ", ".join(cells[1:])
        if len(cells) == 1:
            pair = _PAIR.fullmatch(key)
            key, value = (pair[1], pair[2]) if pair else ("comment", key)
        key = key.rstrip(":= ")
        if key == "comment" and key in said:
            value = f"{said[key]}; {value}"
        said[key or "comment"] = value
    return said
