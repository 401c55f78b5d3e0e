"""A netlist as C++: functions on its state, with no more work in a clock cycle than that cycle needs.

Most of an instrument is at rest in most cycles. So beside the plain version of every function (`function.py`)
there are others for when chosen registers are at rest (`rest.py`), written as constants: what hangs on them
is left out.
Where many such cycles follow one another, several of them are one function (`unrolled.py`).
"""

from collections.abc import Mapping, Sequence

from trelscope.sim.compiler.constants import lasting
from trelscope.sim.compiler.function import Function, constant, memory_name, table_name
from trelscope.sim.compiler.netlist import Netlist, Word
from trelscope.sim.compiler.rest import Kind, Rest, Stretch, named, registers_of
from trelscope.sim.compiler.unrolled import Unrolled


def translate(
    netlist: Netlist,
    views: Mapping[str, Sequence[str]],
    jumps: Mapping[str, Sequence[str]],
    rests: Mapping[str, Rest],
    stretches: Mapping[str, Stretch],
    naps: Mapping[str, Sequence[str]],
) -> str:
    """C++ for `netlist`: struct State (with `clear()`), Inputs, Outputs, and functions on them.

    Each of `views` gives the outputs it names. `cycle(state, in, out)` gives all others and takes the clock edge. Each
    of `jumps` does so too, but of that the inputs it names are 0 everywhere.

    rests: kinds of rest. Every cycle returns the sum of the constants `KIND` for those of which nothing that must not
    change has changed in it; `KIND_rests(state, in)` then tells whether the values are those of that kind. As long as
    both hold, `KIND_cycle` and the views beginning with `KIND_` are the same as the others, only faster. `KIND_cycle`
    returns the sum of `KIND`, if both hold after it, and of those of the kinds within; the inputs among the values are
    for the caller to look at.

    stretches: kinds within others, of which the same holds. As long as it does, `KIND_run(state, in, stream)` is
    `KIND_cycles` cycles. It returns false and changes nothing where they would not be as the stretch says.

    naps: modules of which most keeps its state in a cycle in which nothing comes, with the registers and inputs that
    are 0 then. Such registers are not computed in cycles in which that is seen to be so.

    Raises NetlistError for a name that is none.
    """
    viewed = {output for outputs in views.values() for output in outputs}
    others = {name: bits for name, bits in netlist.outputs.items() if name not in viewed}
    chosen = {
        view: {name: netlist.outputs[name] for name in outputs} for view, outputs in views.items()
    }
    jumping = {name for names in jumps.values() for name in names}
    still = named(netlist, dict.fromkeys(jumping, 0))
    lines = ["#include <stdint.h>", "#include <string.h>", "", "namespace gateware {", ""]
    lines += _structs(netlist)
    for name in jumps:
        lines += Function(netlist, others, Kind(netlist, "", 0, {}, naps), edge=True).source(name)
    kinds: dict[str, Kind] = {}
    for name, rest in rests.items():
        fixed = {**still, **named(netlist, rest.values)}
        moving = registers_of(netlist, rest.moving)
        kinds[name] = Kind(netlist, name, 1 << len(kinds), fixed, naps, moving)
    for name, stretch in stretches.items():
        around = kinds[stretch.within]
        fixed = {**around.fixed, **named(netlist, stretch.values)}
        fixed |= lasting(netlist, fixed, registers_of(netlist, stretch.clear))
        moving = registers_of(netlist, rests[stretch.within].moving)
        kinds[name] = kind = Kind(netlist, name, 1 << len(kinds), fixed, {}, moving)
        # What the cycles around it take to be at rest must be so at its end.
        kind.watched |= {*around.watched, *named(netlist, dict.fromkeys(stretch.held, 0))}
    for kind in kinds.values():
        lines += [f"const unsigned {kind.name} = {kind.bit};", ""]
        lines += _rests(netlist, kind.name, {w: v for w, v in kind.fixed.items() if w not in still})
    awake = Kind(netlist, "", 0, still, naps)
    for kind in (awake, *(kinds[name] for name in rests)):
        before = f"{kind.name}_" if kind.name else ""
        for view, outputs in chosen.items():
            lines += Function(netlist, outputs, kind).source(before + view)
        inner = [kinds[name] for name, stretch in stretches.items() if stretch.within == kind.name]
        ends = [kind, *inner] if kind.name else list(kinds.values())
        lines += Function(netlist, others, kind, edge=True, ends=ends).source(before + "cycle")
    for name, stretch in stretches.items():
        outputs = {out: netlist.outputs[out] for out in (*stretch.outputs, *stretch.steady)}
        lines += [f"const int {name}_cycles = {stretch.cycles};", ""]
        lines += Unrolled(netlist, outputs, kinds[name], True, stretch=stretch).source(name)
    return "\n".join([*lines, "}  // namespace gateware", ""])


def _rests(netlist: Netlist, kind: str, fixed: Mapping[Word, int]) -> list[str]:
    inputs = set(netlist.inputs)
    tests = [
        f"{'in' if word in inputs else 'state'}.{word.name} == {constant(value)}"
        for word, value in fixed.items()
    ]
    return [
        f"static inline bool {kind}_rests(const State &state, const Inputs &in) {{",
        f"  return {' && '.join(tests) or 'true'};",
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
