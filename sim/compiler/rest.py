"""Kinds of rest: what a clock cycle need not compute as long as certain registers have certain values."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trelscope.sim.compiler.constants import Known, lasting
from trelscope.sim.compiler.netlist import Netlist, NetlistError, Operand, Word


@dataclass(frozen=True)
class Rest:
    """A kind of rest: `values` that registers and inputs, by name, have in it, and which registers are `moving`.

    All other registers rest too, unless what they take is worked out from moving ones, inputs or memories: they are not
    computed as long as nothing they depend on has changed.
    """

    values: Mapping[str, int]
    moving: Sequence[str]


@dataclass(frozen=True)
class Stretch:
    """A kind of rest, `within` another, in which `cycles` are run in one go.

    values: those it has besides; held: registers that keep the value they have; clear: modules in which all is 0 that,
    once it is, stays so. The input `stream` is given cycle by cycle, all others stay as they are. In each cycle the
    outputs `outputs` have these values, and the outputs `steady` those of the first.
    """

    within: str
    values: Mapping[str, int]
    held: Sequence[str]
    clear: Sequence[str]
    cycles: int
    stream: str
    outputs: Mapping[str, int]
    steady: Sequence[str]


class Kind:
    """A kind of rest: what is constant in it, which registers are asleep, and what must not change for them to be.

    name, bit: what it is called, and its bit among those that tell which kinds have lasted; fixed: the values that
    registers and inputs have in it. Without `moving` no register is asleep.
    """

    def __init__(
        self,
        netlist: Netlist,
        name: str,
        bit: int,
        fixed: Mapping[Word, int],
        naps: Mapping[str, Sequence[str]],
        moving: Collection[Word] | None = None,
    ) -> None:
        self.name, self.bit, self.fixed = name, bit, fixed
        self.known = Known(netlist, fixed)
        self.constants = self.known.constants()
        self.asleep: set[Word] = set()
        self.watched: set[Word] = set()
        if moving is not None:
            self.asleep, self.watched = _asleep(netlist, self, moving)
        self.naps = [Nap.of(netlist, fixed, *nap) for nap in naps.items()]


@dataclass(frozen=True)
class Nap:
    """`registers` that keep what they have in every cycle in which all words of `zero` are 0, however it came about."""

    zero: Sequence[Word]
    registers: Collection[Word]

    @staticmethod
    def of(
        netlist: Netlist, fixed: Mapping[Word, int], module: str, triggers: Sequence[str]
    ) -> "Nap":
        """Of a module, while nothing comes that the registers and inputs `triggers` announce."""
        causes = {word for word in named(netlist, dict.fromkeys(triggers, 0)) if word not in fixed}
        dark = {**fixed, **dict.fromkeys(causes, 0)}
        among = registers_of(netlist, [module])
        zero = lasting(netlist, dark, among)
        known = Known(netlist, {**dark, **zero})
        held = {r.output for r in netlist.registers if r.output in among and not known.enabled(r)}
        return Nap([*causes, *zero], {*zero, *held})


def named(netlist: Netlist, values: Mapping[str, int]) -> dict[Word, int]:
    """Values by word instead of by name. Raises NetlistError for a name that is none."""
    words = {word.name: {word} for word in netlist.inputs}
    for register in netlist.registers:
        for name in register.names:
            words.setdefault(name, set()).add(register.output)
    for name in values:
        if len(words.get(name, ())) != 1:
            raise NetlistError(f"no input or register, or not only one, is called {name!r}")
    return {next(iter(words[name])): value for name, value in values.items()}


def registers_of(netlist: Netlist, names: Sequence[str]) -> set[Word]:
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


def _asleep(netlist: Netlist, kind: Kind, moving: Collection[Word]) -> tuple[set[Word], set[Word]]:
    """Registers that take nothing worked out from `moving` ones, inputs or memories, and all that they do take."""
    restless = {*netlist.inputs, *moving, *(memory.output for memory in netlist.memories)}
    sources: dict[Word, set[Word]] = {}  # of the outputs of cells

    def taken(operands: Iterable[Operand]) -> set[Word]:
        found: set[Word] = set()
        for operand in operands:
            for chunk in operand:
                if chunk.word is not None and chunk.word not in kind.constants:
                    found |= sources.get(chunk.word, {chunk.word})
        return found

    for cell in netlist.cells:
        operands = list(cell.inputs.values())
        if cell.kind == "$pmux":
            operands = [operand for port, operand in cell.inputs.items() if port.startswith("S")]
            operands += kind.known.choices(cell)
        sources[cell.output] = taken(operands)
    needs: dict[Word, set[Word]] = {}
    for register in netlist.registers:
        controls = [control[0] for control in (register.enable, register.reset) if control]
        able = kind.known.enabled(register)
        needs[register.output] = taken([register.data, *controls]) if able else set()
    # What is called moving, but follows something at rest, comes to rest too.
    while still := {word for word in restless & needs.keys() if not needs[word] & restless}:
        restless -= still
    asleep = {word for word in needs if word not in {*restless, *kind.fixed}}
    asleep = {word for word in asleep if not needs[word] & restless}
    return asleep, set().union(*(needs[word] for word in asleep))
