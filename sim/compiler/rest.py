"""Kinds of rest: what a clock cycle need not compute as long as certain registers have certain values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from trelscope.sim.compiler.cones import Cones
from trelscope.sim.compiler.constants import KnownValues
from trelscope.sim.compiler.netlist import Netlist, NetlistError, Word


@dataclass(frozen=True)
class Rest:
    """A kind of rest: `values` that registers and inputs, by name, have in it, and which registers are `moving`.

    All other registers rest too, unless what they take is worked out from moving ones, inputs or memories: they are not
    computed as long as nothing they depend on has changed.
    """

    values: Mapping[str, int]
    moving: Sequence[str]


class RestState:
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
        moving: Collection[Word] | None = None,
    ) -> None:
        self.name, self.bit, self.fixed = name, bit, fixed
        self.known = KnownValues(netlist, fixed)
        self.constants = self.known.constants()
        self.asleep: set[Word] = set()
        self.watched: set[Word] = set()
        if moving is not None:
            self.asleep, self.watched = _asleep(netlist, self, moving)


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


def words_of(netlist: Netlist, names: Sequence[str]) -> set[Word]:
    """Registers and memories' outputs that hold bits of what is called so, or of anything in a module called so.

    Raises NetlistError for a name that is none.
    """
    holding = {r.output for r in netlist.registers} | {m.output for m in netlist.memories}
    words: set[Word] = set()
    for name in names:
        found = [
            holders & holding
            for called, holders in netlist.holders.items()
            if called == name or called.startswith(f"{name}.")
        ]
        if not any(found):
            raise NetlistError(f"no register or module is called {name!r}")
        words.update(*found)
    return words


def registers_of(netlist: Netlist, names: Sequence[str]) -> set[Word]:
    """The registers among them."""
    return words_of(netlist, names) - {memory.output for memory in netlist.memories}


def _asleep(
    netlist: Netlist, kind: RestState, moving: Collection[Word]
) -> tuple[set[Word], set[Word]]:
    """Registers that take nothing worked out from `moving` ones, inputs or memories, and all that they do take."""
    restless = {*netlist.inputs, *moving, *(memory.output for memory in netlist.memories)}
    cones = Cones.of(netlist, kind.known).taken
    needs = {register.output: cones[register.output] for register in netlist.registers}
    # What is called moving, but follows something at rest, comes to rest too.
    while still := {word for word in restless & needs.keys() if not needs[word] & restless}:
        restless -= still
    asleep = {word for word in needs if word not in {*restless, *kind.fixed}}
    asleep = {word for word in asleep if not needs[word] & restless}
    return asleep, set().union(*(needs[word] for word in asleep))
