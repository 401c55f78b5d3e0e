"""A netlist as C++: functions on its state, with no more work in a clock cycle than that cycle needs.

Most of an instrument is at rest in most cycles. So what only one register bank takes is computed inside that bank's
`if (enable)`, and what only one choice of a multiplexer takes inside that choice. Everything else is straight-line code
on 64-bit integers, each a word of the netlist with its upper bits clear. Beside that there is a second version of every
function for when chosen registers are at rest, written as constants: the compiler then leaves out what hangs on them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from sim.netlist import (
    REDUCTIONS,
    Cell,
    Memory,
    Netlist,
    NetlistError,
    Operand,
    Register,
    Word,
    parts_of,
    width_of,
)

WORTH_A_BRANCH = 3
"""Cells a choice must hold to itself before it is made with a branch instead of being computed and dropped."""

BINARY = {
    **{"$and": "&", "$or": "|", "$xor": "^", "$add": "+", "$sub": "-", "$mul": "*"},
    **{"$eq": "==", "$ne": "!=", "$lt": "<", "$le": "<=", "$gt": ">", "$ge": ">="},
}

_Where: TypeAlias = "tuple[object, ...]"  # a block: the path of the branches that lead to it
_Block: TypeAlias = "Callable[[_Where], list[str]]"


@dataclass(frozen=True)
class Rest:
    """A kind of rest: `values` that registers and inputs, by name, have in it, and which registers are `moving`.

    All other registers rest too, unless what they take is worked out from moving ones, inputs or memories: they are not
    computed as long as nothing they depend on has changed.
    """

    values: Mapping[str, int]
    moving: Sequence[str]


def translate(
    netlist: Netlist,
    views: Mapping[str, Sequence[str]],
    jumps: Mapping[str, Sequence[str]],
    rests: Mapping[str, Rest],
) -> str:
    """C++ for `netlist`: struct State (with `clear()`), Inputs, Outputs, and functions on them.

    Each of `views` gives the outputs it names. `cycle(state, in, out)` gives all others and takes the clock edge. Each
    of `jumps` does so too, but of that the inputs it names are 0 everywhere.

    rests: kinds of rest. Every cycle returns the sum of the constants `KIND` for those of which nothing that must not
    change has changed in it; `KIND_rests(state, in)` then tells whether the values are those of that kind. As long as
    both hold, `KIND_cycle` and the views beginning with `KIND_` are the same as the others, only faster. `KIND_cycle`
    returns `KIND` if both hold after it, or 0; the inputs among the values are for the caller to look at.

    Raises NetlistError for a name that is none.
    """
    viewed = {output for outputs in views.values() for output in outputs}
    others = {name: bits for name, bits in netlist.outputs.items() if name not in viewed}
    chosen = {
        view: {name: netlist.outputs[name] for name in outputs} for view, outputs in views.items()
    }
    jumping = {name for names in jumps.values() for name in names}
    still = _named(netlist, dict.fromkeys(jumping, 0))
    lines = ["#include <stdint.h>", "#include <string.h>", "", "namespace gateware {", ""]
    lines += _structs(netlist)
    for name in jumps:
        lines += _Function(netlist, others, {}, edge=True).source(name)
    kinds = []
    for bit, (name, rest) in enumerate(rests.items()):
        fixed = {**still, **_named(netlist, rest.values)}
        asleep, watched = _asleep(netlist, fixed, _moving(netlist, rest.moving))
        kinds.append(_Kind(name, 1 << bit, fixed, asleep, watched))
        lines += [f"const unsigned {name} = {1 << bit};", ""]
    awake = _Kind("", 0, still, set(), set())
    for kind in (awake, *kinds):
        before = f"{kind.name}_" if kind.name else ""
        function = partial(_Function, netlist, fixed=kind.fixed, asleep=kind.asleep)
        for view, outputs in chosen.items():
            lines += function(outputs).source(before + view)
        next_ = [kind] if kind.name else kinds
        lines += function(others, edge=True, kinds=next_).source(before + "cycle")
        if kind.name:
            lines += _rests(
                netlist, before, {w: v for w, v in kind.fixed.items() if w not in still}
            )
    return "\n".join([*lines, "}  // namespace gateware", ""])


@dataclass(frozen=True)
class _Kind:
    """A kind of rest: what is constant in it, which registers are asleep, and what must not change for them to be."""

    name: str
    bit: int
    fixed: Mapping[Word, int]
    asleep: Collection[Word]
    watched: Collection[Word]


def _named(netlist: Netlist, values: Mapping[str, int]) -> dict[Word, int]:
    words = {word.name: {word} for word in netlist.inputs}
    for register in netlist.registers:
        for name in register.names:
            words.setdefault(name, set()).add(register.output)
    for name in values:
        if len(words.get(name, ())) != 1:
            raise NetlistError(f"no input or register, or not only one, is called {name!r}")
    return {next(iter(words[name])): value for name, value in values.items()}


def _rests(netlist: Netlist, before: str, fixed: Mapping[Word, int]) -> list[str]:
    inputs = set(netlist.inputs)
    tests = [
        f"{'in' if word in inputs else 'state'}.{word.name} == {_constant(value)}"
        for word, value in fixed.items()
    ]
    return [
        f"static inline bool {before}rests(const State &state, const Inputs &in) {{",
        f"  return {' && '.join(tests) or 'true'};",
        "}",
        "",
    ]


def _structs(netlist: Netlist) -> list[str]:
    registers = [register.output for register in netlist.registers]
    reads = [memory.output for memory in netlist.memories]
    init = [r for r in netlist.registers if r.init]
    memories = [f"  uint64_t {_memory(m)}[{m.size}];" for m in netlist.memories]
    return [
        "struct State {",
        *(f"  uint64_t {word.name};" for word in (*registers, *reads)),
        *memories,
        "  void clear() {",
        "    memset((void *)this, 0, sizeof *this);",
        *(f"    {r.output.name} = {_constant(r.init)};" for r in init),
        "  }",
        "};",
        "struct Inputs {",
        *(f"  uint64_t {word.name};" for word in netlist.inputs if word.name != "clk"),
        "};",
        "struct Outputs {",
        *(f"  uint64_t {name};" for name in netlist.outputs),
        "};",
        *(
            f"static const uint64_t {_table(cell)}[] = {{{', '.join(map(_constant, cell.table))}}};"
            for cell in netlist.cells
            if cell.kind == "$rom"
        ),
        "",
    ]


def _moving(netlist: Netlist, names: Sequence[str]) -> set[Word]:
    """Registers that hold bits of what is called so, or of anything in a module called so."""
    registers = {register.output for register in netlist.registers}
    words: set[Word] = set()
    for name in names:
        found = [
            holders & registers
            for called, holders in netlist.holders.items()
            if called == name or called.startswith(f"{name}.")
        ]
        if not any(found):
            raise NetlistError(f"no register or module is called {name!r}")
        words.update(*found)
    return words


def _asleep(
    netlist: Netlist, fixed: Mapping[Word, int], moving: Collection[Word]
) -> tuple[set[Word], set[Word]]:
    """Registers that take nothing worked out from `moving` ones, inputs or memories, and all that they do take."""
    restless = {*netlist.inputs, *moving, *(memory.output for memory in netlist.memories)}
    sources: dict[Word, set[Word]] = {}  # of the outputs of cells

    def taken(operands: Iterable[Operand]) -> set[Word]:
        found: set[Word] = set()
        for operand in operands:
            for chunk in operand:
                if chunk.word is not None and chunk.word not in fixed:
                    found |= sources.get(chunk.word, {chunk.word})
        return found

    for cell in netlist.cells:
        sources[cell.output] = taken(cell.inputs.values())
    needs: dict[Word, set[Word]] = {}
    for register in netlist.registers:
        controls = [control[0] for control in (register.enable, register.reset) if control]
        needs[register.output] = taken([register.data, *controls])
    # What is called moving, but follows something at rest, comes to rest too.
    while still := {word for word in restless & needs.keys() if not needs[word] & restless}:
        restless -= still
    asleep = {word for word in needs if word not in {*restless, *fixed}}
    asleep = {word for word in asleep if not needs[word] & restless}
    return asleep, set().union(*(needs[word] for word in asleep))


@dataclass
class _Function:
    """One function: of the outputs, and with `edge` of what the clock edge does.

    fixed: words that are constants; asleep: registers that would take what they have; kinds: of rest, after the edge.
    """

    netlist: Netlist
    outputs: Mapping[str, Operand]
    fixed: Mapping[Word, int]
    asleep: Collection[Word] = ()
    edge: bool = False
    kinds: Sequence[_Kind] = ()
    banks: dict[str, list[Register]] = field(default_factory=dict)  # by when they change
    place: dict[Cell, _Where] = field(default_factory=dict)
    branching: set[tuple[Cell, str]] = field(default_factory=set)
    stored: dict[Word, str] = field(default_factory=dict)

    def source(self, name: str) -> list[str]:
        self.stored = {word: f"in.{word.name}" for word in self.netlist.inputs}
        kept = [r.output for r in self.netlist.registers] + [
            m.output for m in self.netlist.memories
        ]
        self.stored.update((word, f"state.{word.name}") for word in kept)
        self.stored.update((word, _constant(value)) for word, value in self.fixed.items())
        asleep = [r for r in self.netlist.registers if r.output in self.asleep]
        for register in asleep:
            self._known(register)
        for register in self.netlist.registers if self.edge else ():
            if register.output not in self.asleep:
                self.banks.setdefault(self._enable(register), []).append(register)
        self._settle()
        state = "unsigned {}(State &state" if self.edge else "void {}(const State &state"
        return [
            f"static inline {state.format(name)}, const Inputs &in, Outputs &out) {{",
            *_indent(self._body()),
            "}",
            "",
        ]

    def _known(self, register: Register) -> None:
        """What a register asleep would take is there already."""
        if register.enable or register.reset or len(register.data) != 1:
            return
        chunk = register.data[0]
        if chunk.word is not None and chunk.width == chunk.word.width:
            self.stored.setdefault(chunk.word, f"state.{register.output.name}")

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
        for memory in self.netlist.memories if self.edge else ():
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
        lines += [f"out.{name} = {self._value(operand)};" for name, operand in self.outputs.items()]
        if self.edge:
            lines += self._edge(block)
        return lines

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
            lines += _indent(block((*where, (cell, port))))
            lines.append(f"  {name} = {self._value(cell.inputs[port])};")
        return [*lines, "}"]

    def _edge(self, block: _Block) -> list[str]:
        """What the registers take is computed before any of them takes it."""
        compute, take = [], []
        for memory in self.netlist.memories:
            array, name = f"state.{_memory(memory)}", memory.output.name
            compute += [
                f"const bool read_{name} = {self._value(memory.read_enable)};",
                f"uint64_t next_{name};",
                f"if (read_{name}) {{",
                *_indent(block(((memory, "read"),))),
                f"  next_{name} = {array}[{self._value(memory.read_address)}];",
                "}",
                f"if ({self._value(memory.write_enable)}) {{",
                *_indent(block(((memory, "write"),))),
                f"  {array}[{self._value(memory.write_address)}] = {self._value(memory.write_data)};",
                "}",
            ]
            take.append(f"if (read_{name}) state.{name} = next_{name};")
        for number, (enable, registers) in enumerate(self.banks.items()):
            names = [f"next_{register.output.name}" for register in registers]
            compute.append(f"uint64_t {', '.join(names)};")
            inner, outer = [], []
            for register, name in zip(registers, names, strict=True):
                inner.append(f"{name} = {self._next(register)};")
                outer += self._watch(register.output, name)
                outer.append(f"state.{register.output.name} = {name};")
            if enable:
                flag = f"enable{number}"
                compute += [f"const bool {flag} = {enable};", f"if ({flag}) {{"]
                compute += [*_indent(block((enable,))), *_indent(inner), "}"]
                take += [f"if ({flag}) {{", *_indent(outer), "}"]
            else:
                compute += inner
                take += outer
        return [*compute, *self._staying(), *take, "return staying;"]

    def _staying(self) -> list[str]:
        """Before anything is taken: all kinds of rest whose inputs are as they must be."""
        lines = [f"unsigned staying = {sum(kind.bit for kind in self.kinds)};"]
        for kind in self.kinds:
            lines += [
                f"if (in.{word.name} != {_constant(kind.fixed[word])}) staying &= ~{kind.bit}u;"
                for word in self.netlist.inputs
                if word in kind.fixed and word not in self.fixed
            ]
        return lines

    def _watch(self, word: Word, name: str) -> list[str]:
        """Ends the kinds of rest that a register's change ends."""
        ends = sum(kind.bit for kind in self.kinds if word in kind.watched or word in kind.fixed)
        if not ends:
            return []
        now = self.stored[word]
        return [f"staying &= {name} == {now} ? ~0u : ~{ends}u;"]

    def _enable(self, register: Register) -> str:
        """The condition under which it may change; "" if there is none."""
        if not register.enable:
            return ""
        enable = self._control(*register.enable)
        if register.reset and not register.gated:
            return f"({enable} | {self._control(*register.reset)})"
        return enable

    def _next(self, register: Register) -> str:
        value = self._value(register.data)
        if register.reset:
            reset = self._control(*register.reset)
            return f"{reset} ? {_constant(register.reset_value)} : {value}"
        return value

    def _control(self, operand: Operand, active: bool) -> str:
        value = self._value(operand)
        return value if active else f"!{value}"

    def _value(self, operand: Operand) -> str:
        """The operand as a number, its upper bits clear."""
        parts, shift = [], 0
        for chunk in operand:
            if chunk.word is None:
                if chunk.low:
                    parts.append(_constant(chunk.low << shift))
            else:
                text = self.stored.get(chunk.word, chunk.word.name)
                if chunk.low:
                    text = f"({text} >> {chunk.low})"
                if chunk.low + chunk.width < chunk.word.width:
                    text = f"({text} & {_constant((1 << chunk.width) - 1)})"
                parts.append(f"({text} << {shift})" if shift else text)
            shift += chunk.width
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
                return " & ".join(f"({text} == {_constant((1 << n) - 1)})" for text, n in parts)
            if kind == "$logic_not":
                return " & ".join(f"!{text}" for text, _ in parts)
            return " | ".join(f"({text} != 0)" for text, _ in parts)
        number = self._signed if cell.signed else self._value
        a = number(inputs["A"])
        mask = _constant((1 << cell.output.width) - 1)
        if kind == "$rom":
            return f"{_table(cell)}[{a}]"
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
        kind, mask = cell.kind, _constant((1 << cell.output.width) - 1)
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


def _common(one: _Where, other: _Where) -> _Where:
    n = 0
    while n < min(len(one), len(other)) and one[n] == other[n]:
        n += 1
    return one[:n]


def _indent(lines: Iterable[str]) -> list[str]:
    return ["  " + line for line in lines]


def _constant(value: int) -> str:
    return f"{value:#x}ull"


def _memory(memory: Memory) -> str:
    return f"memory_{memory.output.name}"


def _table(cell: Cell) -> str:
    return f"table_{cell.output.name}"
