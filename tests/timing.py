"""Timing cases of tests/vectors: read, turned into stimulus, and compared cycle by cycle. Knows no simulator.

An engine is whatever plays `Step`s on an instrument and answers with one word a cycle, as `pack` makes it.
tests/vectors/README.md says what the files may contain.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

from trelscope.gateware.protocol import REGISTERS, Access

from . import wire

FOLDER = Path(__file__).parent / "vectors"
ENGINE_DEPTH = 64
"""Bins of trace memory of the instruments that are simulated; what is emulated has what it has."""
SPACING = 40
"""Fewest cycles from one register write to the next: a request, and the reply to the one before."""
INPUTS = {"trip": 0, "phase_ready": 1}
"""Input pins a case may drive, and what they are until it does."""
OUTPUTS = {"gate": 2, "phase": 3, "level": 14, "enable": 1, "sampling": 1}
"""Output pins and their bits, in the order in which an engine packs them into a word, the first one lowest."""
TAKEN = sum(OUTPUTS.values())
"""The bit above them: a byte has been taken from `rx` in this cycle."""


class VectorError(ValueError):
    """A file of tests/vectors says something that has no meaning."""


@dataclass(frozen=True)
class Line:
    """One line of a table: what changes in a cycle."""

    cycle: int
    inputs: dict[str, int] = field(default_factory=dict)
    write: tuple[str, int] | None = None
    outputs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A table, with the registers it holds for. Cycles 0 to `end` - 1 are checked."""

    subject: str
    name: str
    doc: str
    registers: dict[str, int]
    lines: tuple[Line, ...]
    end: int

    def __str__(self) -> str:
        return f"{self.subject}-{self.name}"

    def expected(self) -> list[dict[str, int]]:
        """Every output in every cycle."""
        changes = {line.cycle: line.outputs for line in self.lines}
        now, every = dict.fromkeys(OUTPUTS, 0), []
        for cycle in range(self.end):
            now = now | changes.get(cycle, {})
            every.append(now)
        return every


@dataclass(frozen=True)
class Step:
    """From here on for `cycles`: inputs stay at these levels, `rx` queues up behind what has not been taken yet."""

    cycles: int
    rx: bytes
    inputs: dict[str, int]


@dataclass(frozen=True)
class Stimulus:
    """A case as an instrument sees it from power-up, or from reset. Cycle 0 of the case is its cycle `origin`."""

    steps: tuple[Step, ...]
    origin: int
    bytes_by: dict[int, int]  # of rx, that must have been taken with this cycle of the case


def pack(pins: dict[str, int], taken: bool) -> int:
    """One cycle's word."""
    word = shift = 0
    for name, bits in OUTPUTS.items():
        word |= pins[name] << shift
        shift += bits
    return word | taken << TAKEN


def unpack(word: int) -> dict[str, int]:
    """The output pins of a word."""
    pins = {}
    for name, bits in OUTPUTS.items():
        pins[name] = word & ((1 << bits) - 1)
        word >>= bits
    return pins


def show(name: str, value: int) -> str:
    """A pin's value as it is written in a table: the gate's two half cycles with the earlier one first."""
    return f"{value:02b}"[::-1] if name == "gate" else str(value)


# --- reading -------------------------------------------------------------------------------------
@cache
def load() -> tuple[Case, ...]:
    """All cases, file by file."""
    return tuple(
        case
        for path in sorted(FOLDER.glob("*.toml"))
        for case in parse(path.stem, path.read_text())
    )


@cache
def subjects() -> dict[str, str]:
    """What each file is about."""
    paths = sorted(FOLDER.glob("*.toml"))
    return {path.stem: tomllib.loads(path.read_text())["doc"] for path in paths}


def parse(subject: str, text: str) -> Iterator[Case]:
    """The cases of a file's text. Raises VectorError."""
    content = tomllib.loads(text)
    _only(content, {"doc", "case"}, subject)
    for number, table in enumerate(content["case"]):
        where = f"{subject}.toml, case {table.get('name', number)}"
        _only(table, {"name", "doc", "set", "timing"}, where)
        registers = table.get("set", {})
        for name in registers:
            if name not in REGISTERS or REGISTERS[name].access is Access.READ or name == "run":
                raise VectorError(f"{where}: cannot set {name}")
        lines, end = _timing(table["timing"], where)
        yield Case(subject, table["name"], table["doc"], registers, lines, end)


def _only(table: dict, names: set[str], where: str) -> None:
    if unknown := table.keys() - names:
        raise VectorError(f"{where}: unknown key {', '.join(sorted(unknown))}")


def _timing(text: str, where: str) -> tuple[tuple[Line, ...], int]:
    lines: list[Line] = []
    state = dict.fromkeys(OUTPUTS, 0) | INPUTS
    before, written, end = -1, -SPACING, None
    for number, raw in enumerate(text.strip().splitlines(), 1):
        here = f"{where}, line {number}"
        bare = raw.split("#")[0].strip()
        form = re.fullmatch(r"(\d+):\s*(.*)", bare)
        if form is None:
            raise VectorError(f"{here}: not CYCLE: INPUTS -> OUTPUTS: {bare!r}")
        if end is not None:
            raise VectorError(f"{here}: after the end")
        cycle = int(form[1])
        if cycle <= before:
            raise VectorError(f"{here}: cycle {cycle} does not come after {before}")
        before = cycle
        if form[2] == "end":
            end = cycle
            continue
        left, _, right = form[2].partition("->")
        write, left = _write(left, here)
        if (cycle == 0) != (write == ("run", 1) and not lines):
            raise VectorError(f"{here}: a case begins with 0: write run=1")
        if write:
            if cycle < written + SPACING:
                raise VectorError(f"{here}: less than {SPACING} cycles after the write before")
            written = cycle
        line = Line(cycle, _pins(left, INPUTS, here), write, _pins(right, OUTPUTS, here))
        for name, value in (line.inputs | line.outputs).items():
            if state[name] == value:
                raise VectorError(f"{here}: {name} is {show(name, value)} already")
            state[name] = value
        if not (line.inputs or line.write or line.outputs):
            raise VectorError(f"{here}: nothing happens")
        lines.append(line)
    if end is None:
        raise VectorError(f"{where}: no CYCLE: end")
    return tuple(lines), end


def _write(text: str, here: str) -> tuple[tuple[str, int] | None, str]:
    """A line's register write, and its inputs without it."""
    form = re.search(r"\bwrite\s+(\w+)=(-?\d+)", text)
    if form is None:
        return None, text
    if form[1] not in REGISTERS or REGISTERS[form[1]].access is Access.READ:
        raise VectorError(f"{here}: cannot write {form[1]}")
    return (form[1], int(form[2])), text[: form.start()] + text[form.end() :]


def _pins(text: str, known: dict[str, int], here: str) -> dict[str, int]:
    values = {}
    for item in text.split():
        name, _, value = item.partition("=")
        binary = name == "gate"
        if name not in known or name in values:
            raise VectorError(f"{here}: unexpected {item!r}")
        if not re.fullmatch("[01]{2}" if binary else r"\d+", value):
            raise VectorError(f"{here}: {item!r} has no such value")
        values[name] = int(value[::-1], 2) if binary else int(value)
    return values


# --- playing -------------------------------------------------------------------------------------
def stimulus(case: Case, depth: int) -> Stimulus:
    """What to do with an instrument whose memory has `depth` bins to sweep before the first train."""
    first = {n: v for n, v in case.registers.items() if n != "enable"}
    writes = [(line.cycle, line.write) for line in case.lines if line.write]
    if "enable" in case.registers:  # late, as the watchdog listens from then on
        writes.insert(0, (-SPACING, ("enable", case.registers["enable"])))
    origin = depth + SPACING * (len(first) + 3)

    # What happens in which cycle of the case.
    rx: dict[int, bytes] = {}
    rx[-origin] = b"".join(
        wire.write(n, name, value) for n, (name, value) in enumerate(first.items())
    )
    sent, bytes_by = len(rx[-origin]), {}
    for sequence, (cycle, (name, value)) in enumerate(writes, len(first)):
        # All of a request but its last byte goes ahead, so that this one is not kept waiting.
        request = wire.write(sequence, name, value)
        rx[cycle - SPACING + 1], rx[cycle] = request[:-1], request[-1:]
        sent += len(request)
        bytes_by |= {cycle - 1: sent - 1, cycle: sent}
    inputs = {line.cycle: line.inputs for line in case.lines}

    cycles = sorted({*rx, *(cycle for cycle, changed in inputs.items() if changed), case.end})
    now, steps = dict(INPUTS), []
    for cycle, until in pairwise(cycles):
        now = now | inputs.get(cycle, {})
        steps.append(Step(until - cycle, rx.get(cycle, b""), now))
    return Stimulus(tuple(steps), origin, bytes_by)


def check(case: Case, given: Stimulus, words: Sequence[int]) -> None:
    """Compare what an engine has seen from its power-up on with the table. Raises AssertionError."""
    assert len(words) == given.origin + case.end, (len(words), given.origin + case.end)
    for cycle, count in given.bytes_by.items():
        taken = sum(word >> TAKEN & 1 for word in words[: given.origin + cycle + 1])
        assert taken == count, f"{case}: {taken} bytes taken by cycle {cycle}, not {count}"
    for cycle, expected in enumerate(case.expected()):
        seen = unpack(words[given.origin + cycle])
        wrong = [
            f"{name} is {show(name, seen[name])}, not {show(name, value)}"
            for name, value in expected.items()
            if seen[name] != value
        ]
        assert not wrong, f"{case}, cycle {cycle}: {', '.join(wrong)}"
