"""A part of the design that is evaluated apart from the rest, cycle after cycle, while the rest is jumped over.

That is allowed only where neither takes anything from the other that moves meanwhile: see `independent`, which is asked
before any code is written.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from trelscope.sim.compiler.cones import Cones
from trelscope.sim.compiler.constants import KnownValues
from trelscope.sim.compiler.function import PartialFunction, constant, indent, tests
from trelscope.sim.compiler.netlist import Netlist, Word
from trelscope.sim.compiler.rest import RestState, named, words_of


class DependenceError(Exception):
    """What should be evaluated apart is not independent of the rest; the message names who takes what."""


@dataclass(frozen=True)
class DetachedPart:
    """A part of the design, by names of registers, inputs, and modules.

    inside: registers and memories of the part, without those of `outside`; values: what registers and inputs have
    meanwhile; moving: what else moves meanwhile; unseen: registers that take something from the part all the same, but
    which nothing else takes then; cases: values that, one or the other, whatever outside can have meanwhile comes down
    to; often: further values with which most of its cycles go by, and which get a version of
    their own; valid, payload: outputs that give a byte and say when.
    """

    inside: Sequence[str]
    outside: Sequence[str]
    values: Mapping[str, int]
    moving: Sequence[str]
    unseen: Sequence[str]
    cases: Sequence[Mapping[str, int]]
    often: Mapping[str, int]
    valid: str
    payload: str


def part(
    netlist: Netlist, apart: DetachedPart, kind: RestState, jumping: Collection[Word]
) -> set[Word]:
    """The registers and memories' outputs that the part must evaluate, if it can stand for itself.

    kind: with the values of `apart`; jumping: what a jump counts on. Raises DependenceError.
    """
    cones = Cones.of(netlist, kind.known)
    called = words_of(netlist, apart.inside) - words_of(netlist, apart.outside)
    # What has its value as long as the part may run needs no evaluation.
    inside = {word for word in called if cones.taken[word] and word not in kind.fixed}
    moving = {*jumping, *words_of(netlist, apart.moving), *netlist.inputs} - inside
    unseen = words_of(netlist, apart.unseen)
    held = called & kind.fixed.keys()
    # What nothing takes but others of its kind may take anything.
    for taker, sources in cones.taken.items():
        if seen := sources & unseen if taker not in unseen else set():
            raise _taken(netlist, taker, seen, "is said to be unseen")
    for case in apart.cases:
        known = KnownValues(netlist, {**kind.fixed, **named(netlist, case)})
        independent(netlist, known, inside, moving, unseen | held | _idle(netlist, known))
    return inside


def _idle(netlist: Netlist, known: KnownValues) -> set[Word]:
    """Registers with an address for a memory that will neither be read nor written there."""
    registers = {register.output: register for register in netlist.registers}
    idle = set()
    for memory in netlist.memories:
        for enable, address in (
            (memory.read_enable, memory.read_address),
            (memory.write_enable, memory.write_address),
        ):
            words = [operand[0].word for operand in (enable, address) if len(operand) == 1]
            if len(words) < 2 or words[0] not in registers or words[1] is None:
                continue
            if known.next(registers[words[0]]).value == 0:
                idle.add(words[1])
    return idle


def independent(
    netlist: Netlist, known: KnownValues, inside: set[Word], moving: set[Word], free: set[Word]
) -> None:
    """Raises DependenceError where what is inside takes something that moves outside, or the other way round.

    free: registers outside that may take something from inside.
    """
    cones = Cones.of(netlist, known)
    memories = {memory.output for memory in netlist.memories}
    for taker, sources in [*cones.taken.items(), *cones.writes.items()]:
        if taker in inside:
            wrong = sources & (moving | (memories - inside))
        else:
            wrong = set() if taker in free else sources & inside
        if wrong:
            where = "outside" if taker in inside else "inside"
            raise _taken(netlist, taker, wrong, f"moves {where} the part that is evaluated apart")


def _taken(netlist: Netlist, taker: Word, sources: set[Word], why: str) -> DependenceError:
    def called(word: Word) -> str:
        return min(
            (name for name, words in netlist.holders.items() if word in words), default=word.name
        )

    return DependenceError(f"{called(taker)} takes {min(map(called, sources))}, which {why}")


@dataclass(kw_only=True)
class Loop(PartialFunction):
    """Clock edges of the part, one after another, on C++ variables.

    leave: values with which it begins and without which it ends, or, where there are none, `until`: those with which it
    ends.
    """

    apart: DetachedPart
    leave: Mapping[Word, int]
    until: Mapping[Word, int]

    def source(self, name: str) -> list[str]:
        """Code of a function that returns how many cycles it has run, at most `cycles` and at least one."""
        self._place()
        reached = [f"now_{word.name} == {constant(value)}" for word, value in self.until.items()]
        done = " && ".join(reached) or "changed"
        lines = [
            *(f"uint64_t now_{word.name} = state.{word.name};" for word in self._ours()),
            "uint8_t *given = tx;",
            "uint64_t changed = 0;",
            "int n = 0;",
            "do {",
            *indent(self._body()),
            "  n++;",
            f"}} while (n < cycles && !({done}));",
            *(f"state.{word.name} = now_{word.name};" for word in self._ours()),
            "tx = given;",
            "return n;",
        ]
        return [
            f"static int {name}(State &__restrict state, const Inputs &in, int cycles, uint8_t *&tx) {{",
            *indent(lines),
            "}",
            "",
        ]

    def _ours(self) -> list[Word]:
        return [word for word in self._kept() if word in self.inside]

    def _held(self, word: Word) -> str:
        return f"now_{word.name}" if word in self.inside else super()._held(word)

    def _give(self) -> list[str]:
        valid, payload = (
            self._value(self.outputs[name]) for name in (self.apart.valid, self.apart.payload)
        )
        return [f"*given = (uint8_t){payload};", f"given += {valid};"]

    def _take(self, word: Word, name: str) -> list[str]:
        return [f"now_{word.name} = {name};"]

    def _staying(self) -> list[str]:
        return []

    def _finish(self) -> list[str]:
        return []

    def _ending(self, word: Word, name: str) -> list[str]:
        return [f"changed |= {name} ^ {constant(self.leave[word])};"] if word in self.leave else []


def source(
    netlist: Netlist, name: str, apart: DetachedPart, jumping: Collection[Word]
) -> list[str]:
    """Code of `{name}_rests` and `{name}`, as `translate` describes them. Raises DependenceError."""
    fixed, often = named(netlist, apart.values), named(netlist, apart.often)
    outputs = {output: netlist.outputs[output] for output in (apart.valid, apart.payload)}
    lines: list[str] = []
    inside: set[Word] = set()
    for called, kind, leave, until in (
        (name, RestState(netlist, name, 0, fixed), {}, often),
        (f"{name}_often", RestState(netlist, name, 0, {**fixed, **often}), often, {}),
    ):
        inside = inside or part(netlist, apart, kind, jumping)
        loop = Loop(
            netlist,
            outputs,
            kind,
            edge=True,
            inside=inside,
            apart=apart,
            leave=leave,
            until=until,
        )
        lines += [*tests(netlist, called, kind.fixed), *loop.source(f"{called}_run")]
    call = "(state, in, cycles, tx)"
    return [
        *lines,
        f"static void {name}(State &state, const Inputs &in, int cycles, uint8_t *&tx) {{",
        "  while (cycles > 0)",
        f"    cycles -= {name}_often_rests(state, in) ? {name}_often_run{call} : {name}_run{call};",
        "}",
        "",
    ]
