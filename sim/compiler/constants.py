"""What is known of a netlist's words once some of them are constants."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass

from trelscope.sim.compiler.netlist import (
    REDUCTIONS,
    Cell,
    Chunk,
    Netlist,
    Operand,
    RegisterCell,
    Word,
)

COMPARISONS = {"$lt": operator.lt, "$le": operator.le, "$gt": operator.gt, "$ge": operator.ge}


@dataclass(frozen=True)
class KnownBits:
    """Of so many bits, those known to be 1 and those known to be 0."""

    width: int
    ones: int
    zeros: int

    @property
    def all(self) -> int:
        """Mask of all bits."""
        return (1 << self.width) - 1

    @property
    def value(self) -> int | None:
        """The number, if every bit is known."""
        return self.ones if self.ones | self.zeros == self.all else None

    @property
    def truth(self) -> bool | None:
        """Whether any bit is 1, if that is known."""
        return True if self.ones else False if self.zeros == self.all else None


def number(value: int, width: int) -> KnownBits:
    """All bits known."""
    mask = (1 << width) - 1
    return KnownBits(width, value & mask, ~value & mask)


def nothing(width: int) -> KnownBits:
    """No bit known."""
    return KnownBits(width, 0, 0)


class KnownValues:
    """What is known of each word of `netlist` if registers and inputs have the values `fixed`."""

    def __init__(self, netlist: Netlist, fixed: Mapping[Word, int]) -> None:
        self._words = {word: number(value, word.width) for word, value in fixed.items()}
        self._cells = {cell.output: cell for cell in netlist.cells}
        for cell in netlist.cells:
            self._words[cell.output] = self._output(cell)

    def constants(self) -> dict[Word, int]:
        """The words of which every bit is known, with their values."""
        values = {word: bits.value for word, bits in self._words.items()}
        return {word: value for word, value in values.items() if value is not None}

    def bits(self, operand: Operand) -> KnownBits:
        """What is known of an operand."""
        ones = zeros = shift = 0
        for chunk in operand:
            mask = (1 << chunk.width) - 1
            if chunk.word is None:
                one, zero = chunk.low, ~chunk.low
            else:
                bits = self._words.get(chunk.word, nothing(chunk.word.width))
                one, zero = bits.ones >> chunk.low, bits.zeros >> chunk.low
            ones |= (one & mask) << shift
            zeros |= (zero & mask) << shift
            shift += chunk.width
        return KnownBits(shift, ones, zeros)

    def choices(self, cell: Cell) -> list[Operand]:
        """What a choice may come to: the data inputs that what is known of its selects leaves possible."""
        possible = []
        for port, select in cell.inputs.items():
            if port.startswith("S"):
                truth = self.bits(select).truth
                if truth is not False:
                    possible.append(cell.inputs["B" + port[1:]])
                if truth:
                    return possible
        return [*possible, cell.inputs["A"]]

    def enabled(self, register: RegisterCell) -> bool:
        """Whether it may take anything."""
        controls = [register.enable]
        if register.reset and not register.gated:
            controls.append(register.reset)
        return any(control is None or self._active(control) is not False for control in controls)

    def inputs(self, register: RegisterCell) -> list[Operand]:
        """What decides on its next value, if it may take anything."""
        controls = [control[0] for control in (register.enable, register.reset) if control]
        if register.reset and self._active(register.reset):
            return controls if register.gated else []
        return [register.data, *controls]

    def next(self, register: RegisterCell) -> KnownBits:
        """What is known of what it takes when it takes anything."""
        reset = self._active(register.reset) if register.reset else False
        clear = number(register.reset_value, register.output.width)
        if reset:
            return clear
        data = self._if_enabled(register)
        return data if reset is False else _either([data, clear])

    def _if_enabled(self, register: RegisterCell) -> KnownBits:
        """What is known of the data once the enable is active: which choice was made may follow from that."""
        sure = self._one(register.enable[0]) if register.enable and register.enable[1] else None
        cell = self._driver(register.data[0])
        if sure and cell and cell.kind == "$pmux" and len(register.data) == 1:
            selects = [port for port in cell.inputs if port.startswith("S")]
            possible = [port for port in selects if self.bits(cell.inputs[port]).truth is not False]
            if possible and cell.inputs[possible[0]] == (sure,):
                chosen, chunk = self.bits(cell.inputs["B" + possible[0][1:]]), register.data[0]
                mask = (1 << chunk.width) - 1
                ones, zeros = (bits >> chunk.low & mask for bits in (chosen.ones, chosen.zeros))
                return KnownBits(chunk.width, ones, zeros)
        return self.bits(register.data)

    def _one(self, operand: Operand) -> Chunk | None:
        """The one bit that must be 1 if any of the operand's is."""
        unknown = [chunk for chunk in operand if self.bits((chunk,)).truth is None]
        if len(unknown) != 1 or unknown[0].width != 1 or self.bits(operand).ones:
            return None
        cell = self._driver(unknown[0])
        if cell and cell.kind in ("$reduce_or", "$reduce_bool"):
            return self._one(cell.inputs["A"])
        return unknown[0]

    def _driver(self, chunk: Chunk) -> Cell | None:
        return self._cells.get(chunk.word) if chunk.word else None

    def _active(self, control: tuple[Operand, bool]) -> bool | None:
        truth = self.bits(control[0]).truth
        return None if truth is None else truth == control[1]

    def _output(self, cell: Cell) -> KnownBits:
        kind, width = cell.kind, cell.output.width
        if kind == "$pmux":
            return _either([self.bits(choice) for choice in self.choices(cell)])
        a = self.bits(cell.inputs["A"])
        if kind in REDUCTIONS:
            if kind == "$reduce_and":
                a = KnownBits(a.width, a.zeros, a.ones)
            truth = a.truth
            if kind in ("$reduce_and", "$logic_not"):
                truth = None if truth is None else not truth
            return nothing(width) if truth is None else number(truth, width)
        if kind == "$not":
            return _resized(KnownBits(a.width, a.zeros, a.ones), width)
        if "B" not in cell.inputs:
            return nothing(width)
        return self._of_two(cell, a, self.bits(cell.inputs["B"]))

    def _of_two(self, cell: Cell, a: KnownBits, b: KnownBits) -> KnownBits:
        kind, width = cell.kind, cell.output.width
        if kind in ("$logic_and", "$logic_or"):
            truths = (a.truth, b.truth)
            decisive = kind == "$logic_or"
            if decisive in truths:
                return number(decisive, width)
            return nothing(width) if None in truths else number(not decisive, width)
        if kind in ("$eq", "$ne"):
            size = max(a.width, b.width)
            x, y = (_extended(bits, size, cell.signed) for bits in (a, b))
            if x.ones & y.zeros or x.zeros & y.ones:
                return number(kind == "$ne", width)
            same = x.value is not None and x.value == y.value
            return number(kind == "$eq", width) if same else nothing(width)
        if kind in COMPARISONS:
            size = max(a.width, b.width)
            values = [_extended(bits, size, cell.signed).value for bits in (a, b)]
            if cell.signed:
                values = [v if v is None else v - (v >> size - 1 << size) for v in values]
            left, right = values
            if left is None or right is None:
                return nothing(width)
            return number(COMPARISONS[kind](left, right), width)
        if kind in ("$and", "$or", "$xor", "$add", "$sub"):
            x, y = (_extended(bits, width, cell.signed) for bits in (a, b))
            if kind == "$and":
                return KnownBits(width, x.ones & y.ones, x.zeros | y.zeros)
            if kind == "$or":
                return KnownBits(width, x.ones | y.ones, x.zeros & y.zeros)
            if kind == "$xor":
                return KnownBits(
                    width, x.ones & y.zeros | x.zeros & y.ones, x.ones & y.ones | x.zeros & y.zeros
                )
            if x.value is not None and y.value is not None:
                return number(x.value + (-y.value if kind == "$sub" else y.value), width)
        if kind in ("$shl", "$shr", "$shift", "$shiftx") and a.value == 0:
            return number(0, width)
        return nothing(width)


def _either(choices: list[KnownBits]) -> KnownBits:
    ones = zeros = choices[0].all
    for bits in choices:
        ones &= bits.ones
        zeros &= bits.zeros
    return KnownBits(choices[0].width, ones, zeros)


def _extended(bits: KnownBits, width: int, signed: bool) -> KnownBits:
    if bits.width >= width:
        return _resized(bits, width)
    above = (1 << width) - 1 ^ bits.all
    top = bits.width - 1
    if not signed:
        return KnownBits(width, bits.ones, bits.zeros | above)
    return KnownBits(
        width,
        bits.ones | (above if bits.ones >> top & 1 else 0),
        bits.zeros | (above if bits.zeros >> top & 1 else 0),
    )


def _resized(bits: KnownBits, width: int) -> KnownBits:
    mask = (1 << width) - 1
    if width > bits.width:  # what lies above is for the user of it to say
        return KnownBits(width, bits.ones, bits.zeros)
    return KnownBits(width, bits.ones & mask, bits.zeros & mask)
