"""A netlist as C++: functions on its state, with no more work in a clock cycle than that cycle needs.

Most of an instrument is at rest in most cycles. So beside the plain version of every function (`function.py`)
there are others for when chosen registers are at rest (`rest.py`), written as constants: what hangs on them
is left out.
Where cycles are jumped over, only what counts them is evaluated, and what cannot be jumped over apart from the rest
(`detached.py`).
"""

from collections.abc import Mapping, Sequence

from trelscope.sim.compiler import detached
from trelscope.sim.compiler.cones import Cones
from trelscope.sim.compiler.constants import KnownValues
from trelscope.sim.compiler.detached import DetachedPart
from trelscope.sim.compiler.function import (
    Function,
    PartialFunction,
    constant,
    memory_name,
    table_name,
    tests,
)
from trelscope.sim.compiler.netlist import Netlist, NetlistError, Word
from trelscope.sim.compiler.rest import Rest, RestState, named, registers_of, words_of


def translate(
    netlist: Netlist,
    views: Mapping[str, Sequence[str]],
    skip: str | None = None,
    rests: Mapping[str, Rest] | None = None,
    parts: Mapping[str, DetachedPart] | None = None,
    arrays: Mapping[str, Sequence[str]] | None = None,
    fields: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """C++ for `netlist`: struct State (with `clear()`), Inputs, Outputs, and functions on them.

    Each of `views` gives the outputs it names. `cycle(state, in, out)` gives all others and takes the clock edge.

    skip: the input that says how many cycles are jumped over; 0 but in `count(state, in)`, a clock edge of those
    registers alone that take something which hangs on it.

    rests: kinds of rest. Every cycle and `count` return the sum of the constants `KIND` for those of which nothing that
    must not change has changed in it; `KIND_rests(state, in)` then tells whether the values are those of that kind. As
    long as both hold, `KIND_cycle` and the views beginning with `KIND_` are the same as the others, only faster.
    `KIND_cycle` returns `KIND`, if both hold after it; the inputs among the values are for the caller to look at.

    parts: evaluated apart while cycles are jumped over. `PART_rests(state, in)` tells whether that may be done;
    `PART(state, in, cycles, tx)` then runs so many cycles of it and moves `tx` on behind the bytes it has given.

    arrays, fields: `ARRAY(state, n)` points to the words of the n-th memory it names, `FIELD(state, n)` is the n-th
    register.

    Raises NetlistError for a name that is none, and DependenceError for a part that is not independent of the rest.
    """
    rests = rests or {}
    viewed = {output for outputs in views.values() for output in outputs}
    others = {name: bits for name, bits in netlist.outputs.items() if name not in viewed}
    chosen = {
        view: {name: netlist.outputs[name] for name in outputs} for view, outputs in views.items()
    }
    lines = ["#include <stdint.h>", "#include <string.h>", "", "namespace gateware {", ""]
    lines += _structs(netlist)
    for name, wanted in (arrays or {}).items():
        lines += _array(netlist, name, wanted)
    for name, wanted in (fields or {}).items():
        words = [next(iter(named(netlist, {one: 0}))) for one in wanted]
        lines += _numbered("uint64_t &", name, [f"state.{word.name}" for word in words])
    still: dict[Word, int] = {}
    counting: set[Word] = set()
    if skip is not None:
        still = named(netlist, {skip: 0})
        counting = jumping(netlist, skip)
    for name, one in (parts or {}).items():
        lines += detached.source(netlist, name, one, counting)
    kinds: dict[str, RestState] = {}
    for name, rest in rests.items():
        fixed = {**still, **named(netlist, rest.values)}
        moving = registers_of(netlist, rest.moving)
        kinds[name] = RestState(netlist, name, 1 << len(kinds), fixed, moving)
    for kind in kinds.values():
        lines += [f"const unsigned {kind.name} = {kind.bit};", ""]
        lines += tests(netlist, kind.name, {w: v for w, v in kind.fixed.items() if w not in still})
    if skip is not None:
        whole = RestState(netlist, "", 0, {})
        count = PartialFunction(netlist, {}, whole, True, list(kinds.values()), inside=counting)
        lines += count.source("count")
    for kind in (RestState(netlist, "", 0, still), *kinds.values()):
        before = f"{kind.name}_" if kind.name else ""
        for view, outputs in chosen.items():
            lines += Function(netlist, outputs, kind).source(before + view)
        ends = [kind] if kind.name else list(kinds.values())
        lines += Function(netlist, others, kind, edge=True, ends=ends).source(before + "cycle")
    return "\n".join([*lines, "}  // namespace gateware", ""])


def jumping(netlist: Netlist, skip: str) -> set[Word]:
    """The registers that take something which hangs on the input `skip`: all that a jump must evaluate."""
    (word,) = named(netlist, {skip: 0})
    return Cones.of(netlist, KnownValues(netlist, {})).behind(word)


def _array(netlist: Netlist, name: str, wanted: Sequence[str]) -> list[str]:
    found = []
    for one in wanted:
        words = words_of(netlist, [one])
        memories = [memory for memory in netlist.memories if memory.output in words]
        if len(memories) != 1:
            raise NetlistError(f"no memory, or not only one, is called {one!r}")
        found += memories
    kind = f"uint{_room(found[0].output.width)}_t *"
    return _numbered(kind, name, [f"state.{memory_name(memory)}" for memory in found])


def _numbered(kind: str, name: str, texts: list[str]) -> list[str]:
    *cases, last = texts
    return [
        f"static inline {kind}{name}(State &state, int n) {{",
        *(f"  if (n == {number}) return {text};" for number, text in enumerate(cases)),
        f"  return {last};",
        "}",
        "",
    ]


def _structs(netlist: Netlist) -> list[str]:
    registers = [register.output for register in netlist.registers]
    reads = [memory.output for memory in netlist.memories]
    init = [r for r in netlist.registers if r.init]
    memories = [
        f"  uint{_room(m.output.width)}_t {memory_name(m)}[{m.size}];" for m in netlist.memories
    ]
    return [
        "struct State {",
        *(f"  uint64_t {word.name};" for word in (*registers, *reads)),
        *memories,
        "  void clear() {",
        "    memset((void *)this, 0, sizeof *this);",
        *(f"    {r.output.name} = {constant(r.init)};" for r in init),
        "  }",
        "};",
        "struct Inputs {",
        *(f"  uint64_t {word.name};" for word in netlist.inputs if word.name != "clk"),
        "};",
        "struct Outputs {",
        *(f"  uint64_t {name};" for name in netlist.outputs),
        "};",
        *(
            f"static const uint64_t {table_name(cell)}[] = {{{', '.join(map(constant, cell.table))}}};"
            for cell in netlist.cells
            if cell.kind == "$rom"
        ),
        "",
    ]


def _room(width: int) -> int:
    """Bits of the narrowest integer for so many: what is small stays in the processor's cache."""
    return next(bits for bits in (8, 16, 32, 64) if bits >= width)
