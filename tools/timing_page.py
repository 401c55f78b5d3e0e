"""Writes docs/timing.md and its diagrams from tests/vectors: `python tools/timing_page.py`, from the project's root."""

import sys
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import timing
from tests.timing import INPUTS, OUTPUTS, Case, show
from trelscope.gateware.protocol import CYCLE_NS, HALF_CYCLE_NS

DOCS = Path(__file__).parents[1] / "docs"
IMAGES = "images/timing"

INTRODUCTION = """# Timing

Made by `tools/timing_page.py` from `tests/vectors/*.toml`: every table below is a test, which Amaranth's simulator, the
emitted Verilog in Icarus and the compiled emulator all pass, every output in every cycle.

A cycle is 8 ns. Cycle 0 is the one in which the last byte of the request `run = 1` is taken from the link; a write
taken in cycle c is executed in c + 2. `gate` gives a cycle's two halves of 4 ns, the earlier one first. Where there
are launch phases, the diagrams also show the `output`: the gate, late by `phase` ns. Long stretches in which nothing
changes are shortened (≈).
"""

# Pixels. Colours are legible on white and on black.
CYCLE, FOLDED, LONGEST = (
    16,
    4,
    6,
)  # width of a cycle; cycles that more than LONGEST idle ones are drawn as
LEFT, ROW, HIGH, TOP = 96, 30, 16, 14
TEXT, LINE, DRIVEN, GRID = "#767d86", "#2b8ad0", "#c8761a", "#8b929a"


class Axis:
    """From cycles to pixels, with idle stretches folded."""

    def __init__(self, case: Case) -> None:
        self._case = case
        rows = case.expected()
        changes = {line.cycle for line in case.lines}
        # The second half of a pulse's last cycle is a change as well.
        changes |= {n + 1 for n in range(case.end - 1) if rows[n] != rows[n + 1]}
        self.marks = sorted({0, *changes, case.end})
        self.folds: list[float] = []
        x = float(LEFT)
        self._x = {0: x}
        for a, b in pairwise(self.marks):
            folded = b - a > LONGEST
            for n in range(1, b - a + 1):
                # A folded stretch begins with an honest cycle: half cycles and phases must not be squeezed.
                shown = 1 + (FOLDED - 1) * (n - 1) / (b - a - 1) if folded else n
                self._x[a + n] = x + CYCLE * shown
            if folded:
                self.folds.append(x + CYCLE * (FOLDED + 1) / 2)
            x = self._x[b]
        self.width = x

    def __call__(self, cycle: int, ns: int = 0) -> float:
        """Where an instant is, `ns` after the beginning of a cycle."""
        cycle, ns = cycle + ns // CYCLE_NS, ns % CYCLE_NS
        if cycle >= self._case.end:
            return self.width
        return self._x[cycle] + (self._x[cycle + 1] - self._x[cycle]) * ns / CYCLE_NS


def svg(case: Case) -> str:
    """The diagram of a case."""
    axis = Axis(case)
    rows = case.expected()
    parts: list[str] = []
    y = TOP
    written = [(line.cycle, line.write) for line in case.lines if line.write]
    names: list[tuple[str, int]] = []

    ends = [0.0, 0.0]  # of the text in two lines, the second one only where the first has no room
    labels = []
    for cycle, (name, value) in written:
        x, text = axis(cycle), f"{name} = {value}"
        line = 0 if x > ends[0] else 1
        ends[line] = x + 6.8 * len(text)
        labels.append((x, line, text))
    y += 12 * any(line for _, line, _ in labels)
    names.append(("write", y))
    for x, line, text in labels:
        parts.append(_path(f"M{x:g} {y + HIGH}l5 -5h-10z", DRIVEN, fill=DRIVEN))
        parts.append(_text(x - 5, y + HIGH - 8 - 12 * line, text, DRIVEN, size=11))
    y += ROW
    for name, rest in INPUTS.items():
        if any(name in line.inputs for line in case.lines):
            changes = [(axis(n.cycle), n.inputs[name]) for n in case.lines if name in n.inputs]
            names.append((name, y))
            parts.append(_level([(LEFT, rest), *changes], axis.width, y, DRIVEN))
            y += ROW

    gate = [(n, half, row["gate"] >> half & 1) for n, row in enumerate(rows) for half in (0, 1)]
    edges = [(axis(n, HALF_CYCLE_NS * half), high) for n, half, high in gate]
    names.append(("gate", y))
    parts.append(_level(edges, axis.width, y, LINE))
    y += ROW
    if any(row["phase"] for row in rows):
        late = [(axis(n, HALF_CYCLE_NS * half + rows[n]["phase"]), high) for n, half, high in gate]
        names.append(("output", y))
        parts.append(_level([(LEFT, 0), *late], axis.width, y, LINE))
        y += ROW
    for name, bits in OUTPUTS.items():
        values = [(axis(n), row[name]) for n, row in enumerate(rows)]
        if name == "gate" or (name != "level" and not any(value for _, value in values)):
            continue
        names.append((name, y))
        draw = _level if bits == 1 else _bus
        parts.append(draw(values, axis.width, y, LINE))
        y += ROW

    grid, taken = [], [0.0, 0.0]
    for mark in axis.marks:
        x, width = axis(mark), 6.5 * len(str(mark)) + 5
        line = 0 if x - width / 2 >= taken[0] else 1
        grid.append(
            _path(f"M{x:g} {TOP - 8}V{y - 6 + 11 * line}", GRID, extra=' stroke-opacity=".35"')
        )
        if x - width / 2 >= taken[line]:
            taken[line] = x + width / 2
            grid.append(_text(x, y + 6 + 12 * line, str(mark), TEXT, size=10, anchor="middle"))
    folds = [_text(x, y + 5, "≈", TEXT, size=12, anchor="middle") for x in axis.folds]
    legend = [_text(LEFT - 10, at + HIGH - 3, name, TEXT, anchor="end") for name, at in names]
    legend.append(_text(LEFT - 10, y + 6, "cycle", TEXT, size=10, anchor="end"))
    width, height = axis.width + 60, y + 26
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height}" '
            f'viewBox="0 0 {width:g} {height}" font-family="sans-serif">',
            f"<title>{escape(str(case))}</title>",
            *grid,
            *parts,
            *legend,
            *folds,
            "</svg>\n",
        ]
    )


def _level(values: list[tuple[float, int]], end: float, y: float, colour: str) -> str:
    """A wave of one bit, from places where it takes on values."""
    path, now = "", None
    for x, value in values:
        if value != now:
            at = y + (0 if value else HIGH)
            path += f"M{x:g} {at:g}" if now is None else f"H{x:g}V{at:g}"
            now = value
    return _path(f"{path}H{end:g}", colour, extra=' stroke-width="1.6"')


def _bus(values: list[tuple[float, int]], end: float, y: float, colour: str) -> str:
    """A number: boxes with crossing ends."""
    starts = [
        (x, value) for n, (x, value) in enumerate(values) if not n or value != values[n - 1][1]
    ]
    parts = []
    for n, (x, value) in enumerate(starts):
        to = starts[n + 1][0] if n + 1 < len(starts) else end
        slope = min(3.0, (to - x) / 2)
        parts.append(
            _path(
                f"M{x:g} {y + HIGH / 2:g}l{slope:g} {-HIGH / 2:g}H{to - slope:g}l{slope:g} {HIGH / 2:g}"
                f"l{-slope:g} {HIGH / 2:g}H{x + slope:g}z",
                colour,
            )
        )
        if to - x >= 7 * len(str(value)):
            parts.append(
                _text((x + to) / 2, y + HIGH - 4, str(value), colour, size=11, anchor="middle")
            )
    return "\n".join(parts)


def _path(path: str, colour: str, fill: str = "none", extra: str = "") -> str:
    return f'<path d="{path}" stroke="{colour}" fill="{fill}"{extra}/>'


def _text(
    x: float, y: float, text: str, colour: str, size: float = 12, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-size="{size:g}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for subject, doc in timing.subjects().items():
        yield f"## {subject.capitalize()}\n\n{doc}\n"
        for case in timing.load():
            if case.subject == subject:
                yield f"### {case.name.replace('-', ' ').capitalize()}\n\n{case.doc}\n"
                yield f"![{case}]({IMAGES}/{case}.svg)\n"
                settings = (f"`{name}` {value}" for name, value in case.registers.items())
                yield f"Registers: {', '.join(settings)}.\n"
                yield _table(case)


def _table(case: Case) -> str:
    lines = ["| cycle | ns | input | expected output |", "|---:|---:|---|---|"]
    for line in case.lines:
        inputs = [f"write {line.write[0]}={line.write[1]}"] if line.write else []
        inputs += [f"{name}={value}" for name, value in line.inputs.items()]
        outputs = [f"{name}={show(name, value)}" for name, value in line.outputs.items()]
        cells = (line.cycle, line.cycle * CYCLE_NS, " ".join(inputs), " ".join(outputs))
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines.append(f"| {case.end} | {case.end * CYCLE_NS} | | end |")
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Everything made here, by its path under docs/."""
    images = {f"{IMAGES}/{case}.svg": svg(case) for case in timing.load()}
    return {"timing.md": page(), **images}


def main() -> None:
    """Write the files, and remove diagrams of cases that are no more."""
    made = files()
    folder = DOCS / IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        if f"{IMAGES}/{old.name}" not in made:
            old.unlink()
    for path, text in made.items():
        (DOCS / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
