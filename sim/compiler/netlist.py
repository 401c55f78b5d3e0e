"""A synthesised design as words and cells, from the JSON netlist that yosys writes.

yosys names every bit; here each bit is a place in a *word*: an input, a register, a memory's read data or the output
of a cell. What a cell or a register takes is a list of *chunks*, slices of words and constants, lowest first.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, TypeAlias

MAX_WIDTH = 64


class NetlistError(Exception):
    """The netlist holds something that is not understood; the message names it."""


@dataclass(eq=False)
class Word:
    """Bits that belong together, at most MAX_WIDTH of them."""

    name: str
    width: int


@dataclass(frozen=True)
class Chunk:
    """`width` bits from bit `low` of `word`, or, where there is no word, of the number `low`."""

    word: Word | None
    low: int
    width: int


Operand: TypeAlias = tuple[Chunk, ...]


def parts_of(operand: Operand) -> list[Operand]:
    """The same bits in operands of at most MAX_WIDTH of them."""
    parts: list[list[Chunk]] = [[]]
    room = MAX_WIDTH
    for chunk in operand:
        word, low, left = chunk.word, chunk.low, chunk.width
        while left:
            taken = min(left, room)
            bits = low if word is not None else low & (1 << taken) - 1
            parts[-1].append(Chunk(word, bits, taken))
            low = low + taken if word is not None else low >> taken
            left, room = left - taken, room - taken
            if not room:
                parts.append([])
                room = MAX_WIDTH
    return [tuple(part) for part in parts if part]


def width_of(operand: Operand) -> int:
    """Bits in all chunks."""
    return sum(chunk.width for chunk in operand)


@dataclass(eq=False)
class Cell:
    """`output` is a function of `inputs`, by port name; `signed`: ports A and B hold signed numbers.

    Kinds are those of yosys, but for "$mux", which is a "$pmux" here, and "$rom", the entry of `table` at A.
    """

    kind: str
    inputs: dict[str, Operand]
    output: Word
    signed: bool = False
    table: Sequence[int] = ()


@dataclass(eq=False)
class RegisterCell:
    """Takes `data` on a clock edge, if `enable` (True: always); `reset` comes first and makes it `reset_value`.

    gated: even the reset waits for the enable. names: what the source calls all of it, with its modules' names before.
    """

    output: Word
    init: int
    data: Operand
    names: frozenset[str]
    enable: tuple[Operand, bool] | None = None
    reset: tuple[Operand, bool] | None = None
    reset_value: int = 0
    gated: bool = False


@dataclass(eq=False)
class MemoryCell:
    """`size` words that power up clear, with one port of each kind.

    A clock edge takes the word at `read_address` to `output` if `read_enable`, and `write_data` to `write_address` if
    `write_enable`; a read where there is a write in the same cycle gives the word before it.
    """

    size: int
    output: Word
    read_address: Operand
    read_enable: Operand
    write_address: Operand
    write_data: Operand
    write_enable: Operand


@dataclass(eq=False)
class Netlist:
    """Registers and memories, the cells between them in an order in which each can be computed, and ports.

    holders: of every name in the source, the words that hold its bits; nets of one name but for a number are one.
    """

    inputs: list[Word]
    outputs: dict[str, Operand]
    cells: list[Cell]
    registers: list[RegisterCell]
    memories: list[MemoryCell]
    holders: dict[str, set[Word]]


BITWISE = {
    "$mux",
    "$pmux",
}  # any slice of the output needs the same slices of the data inputs alone
REDUCTIONS = {"$reduce_and", "$reduce_or", "$reduce_bool", "$logic_not"}  # of any width
OTHERS = {
    *REDUCTIONS,
    *("$and", "$or", "$xor", "$xnor", "$not", "$add", "$sub", "$mul", "$neg"),
    *("$eq", "$ne", "$lt", "$le", "$gt", "$ge", "$logic_and", "$logic_or"),
    "$reduce_xor",
    *("$shl", "$shr", "$sshl", "$sshr", "$shift", "$shiftx"),
}
REGISTERS = {"$dff", "$dffe", "$sdff", "$sdffe", "$sdffce"}

_Bits: TypeAlias = "list[int | str]"


def read(module: Mapping[str, Any]) -> Netlist:
    """The netlist of one flattened module of yosys' JSON with one clock. Raises NetlistError."""
    return _Reader(module).netlist()


def order(cells: Iterable[Cell]) -> list[Cell]:
    """The cells, each after those whose outputs it takes. Raises NetlistError on a combinational loop."""
    sources = {cell.output: cell for cell in cells}
    done: dict[Cell, bool] = {}
    result: list[Cell] = []
    for root in sources.values():
        stack: list[tuple[Cell, Iterator[Cell]]] = []
        if root not in done:
            done[root] = False
            stack.append((root, _before(root, sources)))
        while stack:
            cell, before = stack[-1]
            for other in before:
                if other not in done:
                    done[other] = False
                    stack.append((other, _before(other, sources)))
                    break
                if not done[other]:
                    raise NetlistError(f"combinational loop through {other.output.name}")
            else:
                done[cell] = True
                result.append(cell)
                stack.pop()
    return result


def _before(cell: Cell, sources: Mapping[Word, Cell]) -> Iterator[Cell]:
    for operand in cell.inputs.values():
        for chunk in operand:
            if chunk.word is not None and chunk.word in sources:
                yield sources[chunk.word]


@dataclass
class _Reader:
    module: Mapping[str, Any]
    place: dict[int, tuple[Word, int]] = field(default_factory=dict)  # of every bit that is driven
    count: int = 0

    def netlist(self) -> Netlist:
        ports, cells = self.module["ports"], self.module["cells"]
        cuts = self._cuts()
        inputs = []
        for name, port in ports.items():
            if port["direction"] == "input":
                inputs.append(self._drive(port["bits"], name))
        # Words first, then what drives them: an element may come before what it takes.
        pending: list[Callable[[], Cell | RegisterCell | MemoryCell]] = []
        for name, cell in cells.items():
            kind, connections = cell["type"], cell["connections"]
            if kind == "$scopeinfo":
                continue
            if kind in REGISTERS:
                for word, low in self._split(connections["Q"], cuts):
                    pending.append(partial(self._register, cell, word, low))
            elif kind in BITWISE:
                for word, low in self._split(connections["Y"], cuts):
                    pending.append(partial(self._choice, cell, word, low))
            elif kind in OTHERS:
                pending.append(partial(self._operation, cell, self._drive(connections["Y"])))
            elif kind == "$mem_v2":
                bits = connections["RD_DATA"]
                if len(bits) != _number(cell["parameters"]["WIDTH"]):
                    raise NetlistError(f"memory {name} with two read ports")
                for low in range(0, len(bits), MAX_WIDTH):
                    word = self._drive(bits[low : low + MAX_WIDTH])
                    pending.append(partial(self._memory, cell, word, low, name))
            else:
                raise NetlistError(f"cell {name} of kind {kind} is not understood")
        made = [make() for make in pending]
        return Netlist(
            inputs,
            {
                name: self._operand(port["bits"])
                for name, port in ports.items()
                if port["direction"] == "output"
            },
            order([one for one in made if isinstance(one, Cell)]),
            [one for one in made if isinstance(one, RegisterCell)],
            [one for one in made if isinstance(one, MemoryCell)],
            self._holders(),
        )

    def _holders(self) -> dict[str, set[Word]]:
        holders: dict[str, set[Word]] = {}
        for name, net in self.module["netnames"].items():
            if not net["hide_name"]:
                words = holders.setdefault(_called(name), set())
                words.update(self.place[bit][0] for bit in net["bits"] if bit in self.place)
        return holders

    def _cuts(self) -> set[int]:
        """Bits at which some reader starts or has just ended: where a wide word is best divided."""
        cuts = set()
        for cell in self.module["cells"].values():
            for bits in cell["connections"].values():
                for before, after in pairwise(bits):
                    if isinstance(after, int) and after - 1 != before:
                        cuts.add(after)
                    if isinstance(before, int) and before + 1 != after:
                        cuts.add(before + 1)
                if bits and isinstance(bits[0], int):
                    cuts.add(bits[0])
                if bits and isinstance(bits[-1], int):
                    cuts.add(bits[-1] + 1)
        return cuts

    def _split(self, bits: _Bits, cuts: set[int]) -> list[tuple[Word, int]]:
        """Words for the bits of one output, each with its place in it."""
        if len(bits) <= MAX_WIDTH:
            return [(self._drive(bits), 0)]
        starts = [n for n, bit in enumerate(bits) if n == 0 or bit in cuts]
        parts = []
        for start, end in zip(starts, [*starts[1:], len(bits)], strict=True):
            for low in range(start, end, MAX_WIDTH):
                parts.append((self._drive(bits[low : min(end, low + MAX_WIDTH)]), low))
        return parts

    def _drive(self, bits: _Bits, name: str | None = None) -> Word:
        if len(bits) > MAX_WIDTH:
            raise NetlistError(f"{name or 'a word'} of {len(bits)} bits")
        self.count += name is None
        word = Word(name or f"w{self.count}", len(bits))
        for index, bit in enumerate(bits):
            if isinstance(bit, int):
                self.place[bit] = word, index
        return word

    def _operand(self, bits: _Bits) -> Operand:
        chunks: list[Chunk] = []
        for bit in bits:
            if isinstance(bit, int):
                if bit not in self.place:
                    raise NetlistError(f"net {bit} has no driver")
                word, index = self.place[bit]
                last = chunks[-1] if chunks else None
                if last and last.word is word and last.low + last.width == index:
                    chunks[-1] = Chunk(word, last.low, last.width + 1)
                else:
                    chunks.append(Chunk(word, index, 1))
            else:  # "0", "1", or "x": nothing depends on it
                value = int(bit == "1")
                last = chunks[-1] if chunks else None
                if last and last.word is None:
                    chunks[-1] = Chunk(None, last.low | value << last.width, last.width + 1)
                else:
                    chunks.append(Chunk(None, value, 1))
        return tuple(chunks)

    def _operation(self, cell: Mapping[str, Any], word: Word) -> Cell:
        connections, parameters = cell["connections"], cell["parameters"]
        inputs = {port: self._operand(connections[port]) for port in "AB" if port in connections}
        kind = cell["type"]
        widest = max(map(width_of, inputs.values()))
        if widest > MAX_WIDTH and kind not in REDUCTIONS:
            raise NetlistError(f"{kind} of {widest} bits")
        signed = bool(_number(parameters["A_SIGNED"]))
        if kind in ("$shift", "$shiftx"):
            if signed and word.width > width_of(inputs["A"]):
                raise NetlistError(f"{kind} that extends a signed operand")
            signed = bool(_number(parameters["B_SIGNED"]))
        return Cell(kind, inputs, word, signed)

    def _choice(self, cell: Mapping[str, Any], word: Word, low: int) -> Cell:
        """One part of a $mux or $pmux as inputs A, B0, B1, …, and S0, S1, … that choose among them."""
        connections = cell["connections"]
        width = len(connections["Y"])
        part = slice(low, low + word.width)
        inputs = {"A": self._operand(connections["A"][part])}
        for n, select in enumerate(connections["S"]):
            inputs[f"S{n}"] = self._operand([select])
            inputs[f"B{n}"] = self._operand(connections["B"][n * width : (n + 1) * width][part])
        return Cell("$pmux", inputs, word)

    def _register(self, cell: Mapping[str, Any], word: Word, low: int) -> RegisterCell:
        connections, parameters = cell["connections"], cell["parameters"]
        part = slice(low, low + word.width)
        init = self._inits
        bits = connections["Q"][part]
        result = RegisterCell(
            word,
            sum(init.get(bit, 0) << n for n, bit in enumerate(bits)),
            self._operand(connections["D"][part]),
            frozenset(self._names.get(tuple(bits), ())),
            gated=cell["type"] == "$sdffce",
        )
        if "EN" in connections:
            result.enable = (
                self._operand(connections["EN"]),
                bool(_number(parameters["EN_POLARITY"])),
            )
        if "SRST" in connections:
            polarity = bool(_number(parameters["SRST_POLARITY"]))
            result.reset = self._operand(connections["SRST"]), polarity
            value = _number(parameters["SRST_VALUE"])
            result.reset_value = value >> low & (1 << word.width) - 1
        return result

    @cached_property
    def _inits(self) -> dict[int | str, int]:
        """What each bit of a register powers up as, where that is said."""
        inits: dict[int | str, int] = {}
        for net in self.module["netnames"].values():
            text = net["attributes"].get("init", "")
            inits.update(
                zip(net["bits"], (int(bit == "1") for bit in reversed(text)), strict=False)
            )
        return inits

    @cached_property
    def _names(self) -> dict[tuple[int | str, ...], list[str]]:
        """What the source calls each group of bits; each bit of NAME alone is NAME[n]."""
        names: dict[tuple[int | str, ...], list[str]] = {}
        for name, net in self.module["netnames"].items():
            if not net["hide_name"]:
                bits, called = net["bits"], _called(name)
                names.setdefault(tuple(bits), []).append(called)
                for n, bit in enumerate(bits if len(bits) > 1 else ()):
                    names.setdefault((bit,), []).append(f"{called}[{n}]")
        return names

    def _memory(
        self, cell: Mapping[str, Any], word: Word, low: int, name: str
    ) -> MemoryCell | Cell:
        """The part of a memory that holds `word`, from bit `low` of each of its words on."""
        parameters, connections = cell["parameters"], cell["connections"]
        size, width = _number(parameters["SIZE"]), _number(parameters["WIDTH"])
        init = _number(parameters["INIT"]) if "1" in parameters["INIT"] else 0
        address = self._operand(connections["RD_ADDR"])
        writes, clocked = _number(parameters["WR_PORTS"]), _number(parameters["RD_CLK_ENABLE"])
        if not writes and not clocked:
            mask = (1 << word.width) - 1
            table = [init >> n * width + low & mask for n in range(size)]
            return Cell("$rom", {"A": address}, word, table=table)
        enables = set(connections["WR_EN"])
        transparent = _number(parameters["RD_TRANSPARENCY_MASK"])
        if writes != 1 or not clocked or init or transparent or len(enables) != 1:
            raise NetlistError(f"memory {name} is none with a clocked read and a whole write")
        return MemoryCell(
            size,
            word,
            address,
            self._operand(connections["RD_EN"]),
            self._operand(connections["WR_ADDR"]),
            self._operand(connections["WR_DATA"][low : low + word.width]),
            self._operand([enables.pop()]),
        )


def _called(name: str) -> str:
    """Without the numbers that tell it from others of the same name."""
    return re.sub(r"\$\d+", "", name)


def _number(bits: str) -> int:
    return int(bits.replace("x", "0") or "0", 2)
