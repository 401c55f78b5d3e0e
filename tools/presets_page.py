# ruff: noqa: E501 - the page below is prose, wrapped as it is to be read
"""Writes docs/presets.md from sim/presets/presets.toml: `python tools/presets_page.py > docs/presets.md`."""

from collections.abc import Mapping
from typing import Any

from trelscope.sim.presets.presets import builtin_names, describe
from trelscope.sim.presets.recipe import tables

INTRODUCTION = """# Presets

Made by `tools/presets_page.py` from `sim/presets/presets.toml`, where every number has its unit and its origin: *published* (stated
in the paper, or computed only from numbers stated there, or a physical constant), *fitted* (to the paper's response times) or
*assumed* (neither). [physics.md](physics.md) says what the quantities do.

A source URL names a preset and may change it, by part and by quantity, each in the unit of the tables below:

    trelscope capture "emulator:bmim3-4mm2?area=2.5&detector=apd"
    trelscope capture "emulator:bmim3-1mm2?x_Nt=1.4&overshoot=0.2"

`material`, `geometry` and `detector` name a table below, for photoluminescence `trpl` and `detector`; every other name is a
quantity. Where parts and preset state the same quantity, the one in the URL counts, then the preset's own. A changed preset
can be kept under a name of its own:

    trelscope presets save mine "emulator:bmim3-4mm2?area=2.5&x_Nt=1.4"
    trelscope capture emulator:mine
    trelscope presets
    trelscope presets remove mine

They are in `presets.toml` in the user's configuration directory (`trelscope presets --json` says where), in the
structure of `sim/presets/presets.toml`, and may be edited there.
"""

SECTIONS = {
    "parameters": "What all devices share",
    "options": "Overshoot and ageing",
    "materials": "Materials",
    "geometries": "Geometries",
    "trpl": "Photoluminescence after a laser pulse",
    "detectors": "Detectors",
    "monitor": "Drive monitor (channel B; cannot be changed)",
}


def page() -> str:
    """The whole page."""
    names = [(f"`{name}`", describe(name)) for name in builtin_names()]
    parts = [INTRODUCTION, "## Presets\n", _table(("name", "what it is"), names)]
    for section, title in SECTIONS.items():
        parts.append(f"## {title}\n")
        table = tables()[section]
        if all("value" in entry for entry in table.values()):
            parts.append(_quantities(table))
        else:
            for name, part in table.items():
                parts += [f"### `{name}`: {part['label']}\n", _quantities(part)]
    parts.append("## Ranges\n")
    parts.append("A URL or a preset of the user's own can give these values, both ends included.\n")
    units = _units(tables())
    ranges = [
        (f"`{key}`", f"{low:g}", f"{high:g}", units[key])
        for key, (low, high) in tables()["allowed"].items()
    ]
    parts.append(_table(("quantity", "from", "to", "unit"), ranges))
    return "\n".join(parts)


def _quantities(table: Mapping[str, Any]) -> str:
    rows = [
        (f"`{key}`", repr(q["value"]), q["unit"], q["origin"], q.get("note", ""))
        for key, q in table.items()
        if isinstance(q, dict)
    ]
    return _table(("quantity", "value", "unit", "origin", "note"), rows)


def _units(table: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, entry in table.items():
        if isinstance(entry, dict):
            found |= {key: entry["unit"]} if "unit" in entry else _units(entry)
    return found


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
