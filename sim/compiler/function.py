"""One C++ function of a netlist, with no more work in it than a clock cycle needs.

What only one register bank takes is computed inside that bank's `if (enable)`, and what only one choice of a
multiplexer takes inside that choice. Everything else is straight-line code on 64-bit integers, each a word of the
netlist with its upper bits clear.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

from trelscope.sim.compiler.netlist import (
    REDUCTIONS,
    Cell,
    Chunk,
    MemoryCell,
    Netlist,
    Operand,
    RegisterCell,
    Word,
    parts_of,
    width_of,
)
from trelscope.sim.compiler.rest import RestState

WORTH_A_BRANCH = 3
"""Cells a choice must hold to itself before it is made with a branch instead of being computed and dropped."""

BINARY = {
    **{"$and": "&", "$or": "|", "$xor": "^", "$add": "+", "$sub": "-", "$mul": "*"},
    **{"$eq": "==", "$ne": "!=", "$lt": "<", "$le": "<=", "$gt": ">", "$ge": ">="},
}

_Where: TypeAlias = "tuple[object, ...]"  # a block: the path of the branches that lead to it
_Block: TypeAlias = "Callable[[_Where], list[str]]"


@dataclass
class Function:
    """One function: of the outputs, and with `edge` of what the clock edge does.

    kind: of rest, in which it is used; ends: kinds that may end with the edge.
    """

    netlist: Netlist
    outputs: Mapping[str, Operand]
    kind: RestState
    edge: bool = False
    ends: Sequence[RestState] = ()
    banks: dict[str, list[RegisterCell]] = field(default_factory=dict)
    """Registers by their enable."""
    place: dict[Cell, _Where] = field(default_factory=dict)
    branching: set[tuple[Cell, str]] = field(default_factory=set)
    stored: dict[Word, str] = field(default_factory=dict)

    def _place(self) -> None:
        """Names for what is there, and a place for what is to be computed."""
        self.stored = {word: f"in.{word.name}" for word in self.netlist.inputs}
        self.stored.update((word, self._held(word)) for word in self._kept())
        self.stored.update((word, constant(value)) for word, value in self.kind.constants.items())
        asleep = [r for r in self.netlist.registers if r.output in self.kind.asleep]
        for register in asleep:
            self._known(register)
        for register in self._taking() if self.edge else ():
            if register.output not in self.kind.asleep and self.kind.known.enabled(register):
                self.banks.setdefault(self._enable(register), []).append(register)
        self._settle()

    def _kept(self) -> list[Word]:
        """All that a clock edge may change, but the memories' words."""
        registers, memories = self.netlist.registers, self.netlist.memories
        return [*(r.output for r in registers), *(m.output for m in memories)]

    def _taking(self) -> list[RegisterCell]:
        """The registers that take something at the edge."""
        return self.netlist.registers

    def _accessed(self) -> list[MemoryCell]:
        """The memories that are read and written at the edge."""
        return self.netlist.memories

    def _held(self, word: Word) -> str:
        """What a register or a memory's output is called."""
        return f"state.{word.name}"

    def source(self, name: str) -> list[str]:
        """Its lines, under this name."""
        self._place()
        state = "unsigned {}(State &state" if self.edge else "void {}(const State &state"
        return [
            f"static inline {state.format(name)}, const Inputs &in, Outputs &out) {{",
            *indent(self._body()),
            "}",
            "",
        ]

    def _known(self, register: RegisterCell) -> None:
        """What a register asleep would take is there already."""
        if register.enable or register.reset or len(register.data) != 1:
            return
        chunk = register.data[0]
        if chunk.word is not None and chunk.width == chunk.word.width:
            self.stored.setdefault(chunk.word, self._held(register.output))

    # Where each cell is computed: in the innermost block that holds all its users.

    def _settle(self) -> None:
        """Branches first wherever a choice has any cell to itself; then those that hold too little are given up."""
        choices = [cell for cell in self.netlist.cells if cell.kind == "$pmux"]
        self.branching = {
            (cell, port) for cell in choices for port in cell.inputs if not port.startswith("S")
        }
        self._locate()
        while True:
            held: dict[tuple[Cell, str], int] = defaultdict(int)
            for where in self.place.values():
                for step in self.branching.intersection(where):
                    held[step] += 1
            worth = {step for step in self.branching if held[step] >= WORTH_A_BRANCH}
            # A choice is one chain of branches: any that is worth it takes the others along.
            cells = {cell for cell, _ in worth}
            kept = {step for step in self.branching if step[0] in cells}
            if kept == self.branching:
                return
            self.branching = kept
            self._locate()

    def _locate(self) -> None:
        needs: dict[Word, _Where] = {}

        def need(operand: Operand, where: _Where) -> None:
            for chunk in operand:
                if chunk.word is not None and chunk.word not in self.stored:
                    before = needs.get(chunk.word)
                    needs[chunk.word] = where if before is None else _common(before, where)

        for operand in self.outputs.values():
            need(operand, ())
        for enable, registers in self.banks.items():
            for register in registers:
                for control in (register.enable, register.reset):
                    if control:
                        need(control[0], ())
                need(register.data, (enable,) if enable else ())
        for memory in self._accessed() if self.edge else ():
            need(memory.read_enable, ())
            need(memory.write_enable, ())
            need(memory.read_address, ((memory, "read"),))
            need(memory.write_address, ((memory, "write"),))
            need(memory.write_data, ((memory, "write"),))
        self.place = {}
        for cell in reversed(self.netlist.cells):
            where = needs.get(cell.output)
            if where is None:
                continue
            self.place[cell] = where
            for port, operand in cell.inputs.items():
                branch = ((cell, port),) if (cell, port) in self.branching else ()
                need(operand, where + branch)

    # Code.

    def _body(self) -> list[str]:
        blocks: dict[_Where, list[Cell]] = defaultdict(list)
        for cell in self.netlist.cells:
            if cell in self.place:
                blocks[self.place[cell]].append(cell)

        def block(where: _Where) -> list[str]:
            lines = []
            for cell in blocks[where]:
                lines += self._cell(cell, where, block)
            return lines

        lines = block(())
        lines += self._give()
        if self.edge:
            lines += self._edge(block)
        return lines

    def _give(self) -> list[str]:
        """What becomes of the outputs."""
        return [f"out.{name} = {self._value(operand)};" for name, operand in self.outputs.items()]

    def _take(self, word: Word, name: str) -> list[str]:
        return [f"state.{word.name} = {name};"]

    def _cell(self, cell: Cell, where: _Where, block: _Block) -> list[str]:
        name = cell.output.name
        if cell.kind != "$pmux":
            return [f"const uint64_t {name} = {self._operation(cell)};"]
        selects = [port for port in cell.inputs if port.startswith("S")]
        if (cell, "A") not in self.branching:
            text = self._value(cell.inputs["A"])
            for select in reversed(selects):
                value = self._value(cell.inputs["B" + select[1:]])
                text = f"{self._value(cell.inputs[select])} ? {value} : {text}"
            return [f"const uint64_t {name} = {text};"]
        lines = [f"uint64_t {name};"]
        for n, port in enumerate([*("B" + select[1:] for select in selects), "A"]):
            chosen = f"if ({self._value(cell.inputs[selects[n]])}) " if n < len(selects) else ""
            lines.append(("} else " if n else "") + chosen + "{")
            lines += indent(block((*where, (cell, port))))
            lines.append(f"  {name} = {self._value(cell.inputs[port])};")
        return [*lines, "}"]

    def _edge(self, block: _Block) -> list[str]:
        """What the registers take is computed before any of them takes it."""
        compute, take = [], []
        for memory in self._accessed():
            array, name = f"state.{memory_name(memory)}", memory.output.name
            compute += [
                f"const bool read_{name} = {self._value(memory.read_enable)};",
                f"uint64_t next_{name};",
                f"if (read_{name}) {{",
                *indent(block(((memory, "read"),))),
                f"  next_{name} = {array}[{self._value(memory.read_address)}];",
                "}",
                f"if ({self._value(memory.write_enable)}) {{",
                *indent(block(((memory, "write"),))),
                f"  {array}[{self._value(memory.write_address)}] = {self._value(memory.write_data)};",
                "}",
            ]
            took = self._take(memory.output, f"next_{name}")
            take += [f"if (read_{name}) {{", *indent(took), "}"]
        for number, enable in enumerate(self.banks):
            now, then = self._bank(number, enable, block)
            compute += now
            take += then
        return [*compute, *self._staying(), *take, *self._finish()]

    def _bank(self, number: int, enable: str, block: _Block) -> tuple[list[str], list[str]]:
        """Code that works out what a bank's registers take, and code that makes them take it."""
        names = [f"next_{register.output.name}" for register in self.banks[enable]]
        inner, outer = [], []
        for register, name in zip(self.banks[enable], names, strict=True):
            inner.append(f"{name} = {self._next(register)};")
            outer += self._ending(register.output, name)
            outer += self._take(register.output, name)
        declared = f"uint64_t {', '.join(names)};"
        if not enable:
            return [declared, *inner], outer
        inner = [*block((enable,)), *inner]
        return (
            [
                declared,
                f"const bool enable{number} = {enable};",
                f"if (enable{number}) {{",
                *indent(inner),
                "}",
            ],
            [f"if (enable{number}) {{", *indent(outer), "}"],
        )

    def _finish(self) -> list[str]:
        """After everything is taken."""
        return ["return staying;"]

    def _staying(self) -> list[str]:
        """Before anything is taken: all kinds of rest whose inputs are as they must be."""
        lines = [f"unsigned staying = {sum(kind.bit for kind in self.ends)};"]
        for kind in self.ends:
            lines += [
                f"if (in.{word.name} != {constant(kind.fixed[word])}) staying &= ~{kind.bit}u;"
                for word in self.netlist.inputs
                if word in kind.fixed and word not in self.kind.fixed
            ]
        return lines

    def _ending(self, word: Word, name: str) -> list[str]:
        """Ends the kinds of rest that a register's change ends."""
        ends = sum(kind.bit for kind in self.ends if word in kind.watched or word in kind.fixed)
        if not ends:
            return []
        now = self.stored[word]
        return [f"staying &= {name} == {now} ? ~0u : ~{ends}u;"]

    def _enable(self, register: RegisterCell) -> str:
        """The condition under which it may change; "" if there is none."""
        if not register.enable:
            return ""
        enable = self._control(*register.enable)
        if register.reset and not register.gated:
            return f"({enable} | {self._control(*register.reset)})"
        return enable

    def _next(self, register: RegisterCell) -> str:
        value = self._value(register.data)
        if register.reset:
            reset = self._control(*register.reset)
            return f"{reset} ? {constant(register.reset_value)} : {value}"
        return value

    def _control(self, operand: Operand, active: bool) -> str:
        value = self._value(operand)
        return value if active else f"!{value}"

    def _value(self, operand: Operand) -> str:
        """The operand as a number, its upper bits clear."""
        parts, shift = [], 0
        for chunk, repeats in _runs(operand):
            if repeats > 1:
                bit = self._value((chunk,))
                bits = f"(-{bit} & {constant((1 << repeats) - 1)})"
                parts.append(f"({bits} << {shift})" if shift else bits)
            elif chunk.word is None:
                if chunk.low:
                    parts.append(constant(chunk.low << shift))
            else:
                text = self.stored.get(chunk.word, chunk.word.name)
                if chunk.low:
                    text = f"({text} >> {chunk.low})"
                if chunk.low + chunk.width < chunk.word.width:
                    text = f"({text} & {constant((1 << chunk.width) - 1)})"
                parts.append(f"({text} << {shift})" if shift else text)
            shift += chunk.width * repeats
        if not parts:
            return "uint64_t(0)"
        return parts[0] if len(parts) == 1 else f"({' | '.join(parts)})"

    def _signed(self, operand: Operand) -> str:
        room = 64 - width_of(operand)
        return f"((int64_t)({self._value(operand)} << {room}) >> {room})"

    def _operation(self, cell: Cell) -> str:
        kind, inputs = cell.kind, cell.inputs
        if kind in REDUCTIONS:
            parts = [(self._value(part), width_of(part)) for part in parts_of(inputs["A"])]
            if kind == "$reduce_and":
                return " & ".join(f"({text} == {constant((1 << n) - 1)})" for text, n in parts)
            if kind == "$logic_not":
                return " & ".join(f"!{text}" for text, _ in parts)
            return " | ".join(f"({text} != 0)" for text, _ in parts)
        number = self._signed if cell.signed else self._value
        a = number(inputs["A"])
        mask = constant((1 << cell.output.width) - 1)
        if kind == "$rom":
            return f"{table_name(cell)}[{a}]"
        if kind == "$not":
            return f"~{a} & {mask}"
        if kind == "$neg":
            return f"-(uint64_t){a} & {mask}"
        if kind == "$reduce_xor":
            return f"__builtin_parityll({a})"
        if kind in ("$shl", "$shr", "$sshl", "$sshr", "$shift", "$shiftx"):
            return self._shift(cell)
        b = number(inputs["B"])
        if kind == "$xnor":
            return f"~({a} ^ {b}) & {mask}"
        if kind in ("$logic_and", "$logic_or"):
            return f"{a} {'&&' if kind == '$logic_and' else '||'} {b}"
        operator = BINARY[kind]
        if kind in ("$and", "$or", "$xor", "$add", "$sub", "$mul"):
            return f"((uint64_t){a} {operator} (uint64_t){b}) & {mask}"
        return f"{a} {operator} {b}"

    def _shift(self, cell: Cell) -> str:
        """Shifts of 64 and more, which C++ leaves undefined, leave nothing."""
        kind, mask = cell.kind, constant((1 << cell.output.width) - 1)
        by = self._value(cell.inputs["B"])
        if kind in ("$shift", "$shiftx"):
            a = self._value(cell.inputs["A"])
            if not cell.signed:
                return f"({by} < 64 ? {a} >> {by} : 0) & {mask}"
            by = self._signed(cell.inputs["B"])
            return (
                f"({by} <= -64 || {by} >= 64 ? 0 : {by} < 0 ? {a} << -{by} : {a} >> {by}) & {mask}"
            )
        a = self._signed(cell.inputs["A"]) if cell.signed else self._value(cell.inputs["A"])
        if kind in ("$shl", "$sshl"):
            return f"({by} < 64 ? (uint64_t){a} << {by} : 0) & {mask}"
        return (
            f"(uint64_t)({a} >> ({by} < 63 ? {by} : 63)) & {mask}"
            if cell.signed
            else (f"({by} < 64 ? {a} >> {by} : 0) & {mask}")
        )


@dataclass(kw_only=True)
class PartialFunction(Function):
    """A clock edge of some registers and memories alone, `inside`; all others keep what they have."""

    inside: Collection[Word]

    def source(self, name: str) -> list[str]:
        """Its lines, under this name."""
        self._place()
        return [
            f"static inline unsigned {name}(State &state, const Inputs &in) {{",
            *indent(self._body()),
            "}",
            "",
        ]

    def _taking(self) -> list[RegisterCell]:
        return [r for r in self.netlist.registers if r.output in self.inside]

    def _accessed(self) -> list[MemoryCell]:
        return [m for m in self.netlist.memories if m.output in self.inside]


def _common(one: _Where, other: _Where) -> _Where:
    n = 0
    while n < min(len(one), len(other)) and one[n] == other[n]:
        n += 1
    return one[:n]


def _runs(operand: Operand) -> Iterator[tuple[Chunk, int]]:
    """Chunks and how many times each stands there in a row: only single bits do so more than once."""
    for chunk, same in groupby(operand):
        repeats = len(list(same))
        if chunk.word is not None and chunk.width == 1:
            yield chunk, repeats
        else:
            yield from [(chunk, 1)] * repeats


def indent(lines: Iterable[str]) -> list[str]:
    """Lines one level deeper."""
    return ["  " + line for line in lines]


def constant(value: int) -> str:
    """A number in C++."""
    return f"{value:#x}ull"


def tests(netlist: Netlist, name: str, values: Mapping[Word, int]) -> list[str]:
    """Code of `{name}_rests`: whether registers and inputs have these values."""
    inputs = set(netlist.inputs)
    conditions = [
        f"{'in' if word in inputs else 'state'}.{word.name} == {constant(value)}"
        for word, value in values.items()
    ]
    return [
        f"static inline bool {name}_rests(const State &state, const Inputs &in) {{",
        f"  return {' && '.join(conditions) or 'true'};",
        "}",
        "",
    ]


def memory_name(memory: MemoryCell) -> str:
    """What the array of a memory's words is called."""
    return f"memory_{memory.output.name}"


def table_name(cell: Cell) -> str:
    """What the table of a "$rom" is called."""
    return f"table_{cell.output.name}"
