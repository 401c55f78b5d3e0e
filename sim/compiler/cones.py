"""What the next value of each register is worked out from."""

from collections.abc import Iterable
from dataclasses import dataclass

from trelscope.sim.compiler.constants import KnownValues
from trelscope.sim.compiler.netlist import MemoryCell, Netlist, Operand, Word


@dataclass(frozen=True)
class Cones:
    """Of every register and every memory's output, the words at the beginning of all paths to what it takes.

    Such words are inputs, registers and memories' outputs, but for those known to be constant. What a register takes
    that is never enabled is nothing. writes: of every memory's output, the words that what is written hangs on.
    """

    taken: dict[Word, set[Word]]
    writes: dict[Word, set[Word]]

    @staticmethod
    def of(netlist: Netlist, known: KnownValues) -> "Cones":
        """With what is known of some words."""
        constants = known.constants()
        # Sets of words as masks, one bit a word: there are many, and large ones.
        bits: dict[Word, int] = {}
        masks: dict[Word, int] = {}  # of the outputs of cells

        def origins(operands: Iterable[Operand]) -> int:
            found = 0
            for operand in operands:
                for chunk in operand:
                    word = chunk.word
                    if word is not None and word not in constants:
                        mask = masks.get(word)
                        found |= 1 << bits.setdefault(word, len(bits)) if mask is None else mask
            return found

        for cell in netlist.cells:
            operands = list(cell.inputs.values())
            if cell.kind == "$pmux":
                selects = (port for port in cell.inputs if port.startswith("S"))
                operands = [*(cell.inputs[port] for port in selects), *known.choices(cell)]
            masks[cell.output] = origins(operands)
        taken = {
            register.output: origins(known.inputs(register)) if known.enabled(register) else 0
            for register in netlist.registers
        }
        taken |= {m.output: origins((m.read_enable, m.read_address)) for m in netlist.memories}
        writes = {m.output: origins(_written(m, known)) for m in netlist.memories}
        words = list(bits)

        def members(masks: dict[Word, int]) -> dict[Word, set[Word]]:
            return {
                taker: {word for n, word in enumerate(words) if mask >> n & 1}
                for taker, mask in masks.items()
            }

        return Cones(members(taken), members(writes))

    def behind(self, word: Word) -> set[Word]:
        """The registers and memories' outputs that take something which hangs on `word`."""
        return {taker for taker, sources in self.taken.items() if word in sources}


def _written(memory: MemoryCell, known: KnownValues) -> tuple[Operand, ...]:
    if known.bits(memory.write_enable).truth is False:
        return ()
    return memory.write_enable, memory.write_address, memory.write_data
