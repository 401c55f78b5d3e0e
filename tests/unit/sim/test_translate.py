"""Translated code does what Amaranth's simulator does, cycle by cycle, under random stimuli."""

import ctypes
import random
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Array, Cat, ClockDomain, Module, Mux, Shape, Signal, signed, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from trelscope.gateware.photons import PhotonRows
from trelscope.sim.compiler.build import compiler, synthesised
from trelscope.sim.compiler.detached import DependenceError, DetachedPart
from trelscope.sim.compiler.netlist import Netlist, NetlistError
from trelscope.sim.compiler.rest import Rest
from trelscope.sim.compiler.translate import jumping, translate

Stimuli = Callable[[int, random.Random], dict[str, int]]


class Operators(wiring.Component):
    """Every operator on operands of two shapes."""

    def __init__(self, a: Shape, b: Shape) -> None:
        super().__init__(
            {"a": In(a), "b": In(b), "by": In(7), "which": In(5), "out": Out(64), "flags": Out(12)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b = self.a, self.b
        results = [
            *(a + b, a - b, a * b, -a, ~a, a & b, a | b, a ^ b, abs(a)),
            *(a << self.by[:4], a >> self.by, a[: len(a) // 2 + 1], a.bit_select(self.by[:2], 3)),
            *(
                a.word_select(self.by[:2], 2),
                Mux(self.by[0], a, b),
                Cat(b, a)[3:60],
                a.rotate_left(3),
            ),
        ]
        with m.Switch(self.which):
            for n, result in enumerate(results):
                with m.Case(n):
                    m.d.sync += self.out.eq(result)
        tests = (a == b, a != b, a < b, a <= b, a > b, a >= b, a.any(), a.all(), a.xor(), ~a.bool())
        m.d.comb += self.flags.eq(Cat(*tests))
        return m


class State(wiring.Component):
    """Registers with initial values and enables, a machine of states, an array, a memory, and a wide word."""

    def __init__(self) -> None:
        super().__init__({"go": In(1), "data": In(8), "at": In(3), "out": Out(32), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(8, init=5)
        wide = Signal(90, init=1 << 80)
        m.submodules.ram = ram = memory.Memory(shape=unsigned(8), depth=8, init=[])
        write, port = ram.write_port(), ram.read_port()
        m.d.comb += [
            *(write.addr.eq(self.at), write.data.eq(self.data), write.en.eq(self.go)),
            *(port.addr.eq(self.at), port.en.eq(self.data[0])),
        ]
        cells = Array(Signal(4, name=f"cell{n}") for n in range(5))
        m.d.sync += cells[self.at].eq(self.data)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.go):
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += self.busy.eq(1)
                m.d.sync += [count.eq(count + self.data), wide.eq(Cat(self.data, wide))]
                with m.If(count[5]):
                    m.next = "IDLE"
        m.d.comb += self.out.eq(Cat(count, port.data, cells[self.at], wide[76:88]))
        return m


class Ahead(wiring.Component):
    """Registers that follow a setting in two steps, with what they lead to; and a counter that never stands still."""

    def __init__(self) -> None:
        super().__init__({"set": In(1), "to": In(8), "out": Out(8), "late": Out(8), "hit": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        counter = Signal(8)
        setting = Signal(8)
        double = Signal(8)
        wide = Signal(8)
        coming = Signal()
        m.d.sync += [counter.eq(counter + 1), double.eq(setting << 1), wide.eq(double + 3)]
        m.d.sync += coming.eq(self.set)
        with m.If(coming):
            m.d.sync += setting.eq(self.to)
        # What follows a flag of the counter sleeps as long as the flag does not change.
        wrapped, after = Signal(), Signal()
        m.d.sync += [wrapped.eq(counter[2:] == 0), after.eq(wrapped)]
        m.d.comb += [self.out.eq(wide ^ counter), self.late.eq(double), self.hit.eq(after)]
        return m


class Rows(wiring.Component):
    """The photon histogram's rows, their counts side by side."""

    def __init__(self) -> None:
        self._rows = PhotonRows(2048)
        members = self._rows.signature.members.items()
        ports = {name: member for name, member in members if name != "counts"}
        super().__init__(ports | {f"count{n}": Out(11) for n in range(8)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rows = rows = self._rows
        for name, member in rows.signature.members.items():
            if name == "counts":
                m.d.comb += [getattr(self, f"count{n}").eq(rows.counts[n]) for n in range(8)]
            elif member.flow == In:
                m.d.comb += getattr(rows, name).eq(getattr(self, name))
            else:
                m.d.comb += getattr(self, name).eq(getattr(rows, name))
        return m


def netlist(design: Any) -> Netlist:
    return synthesised(
        rtlil.convert(
            design,
            name="instrument",
            emit_src=False,
            missing_domain=lambda name: ClockDomain(name, reset_less=True),
        )
    )


class Compiled:
    """`cycle` of a translated netlist, or of its version for a kind of rest."""

    def __init__(self, design: Any, path: Path, rest: Rest | None = None) -> None:
        words = netlist(design)
        code = translate(words, {}, rests={"still": rest} if rest else {})
        self.inputs = {word.name: word.width for word in words.inputs if word.name != "clk"}
        self.outputs = list(words.outputs)
        run = "gateware::cycle(state, in, out)"
        if rest:
            run = (
                "bool rests = staying && gateware::still_rests(state, in); rested += rests;\n"
                "staying = rests ? gateware::still_cycle(state, in, out) : gateware::cycle(state, in, out)"
            )
        takes = "".join(f"in.{name} = *i++; " for name in self.inputs)
        gives = "".join(f"*o++ = out.{name}; " for name in self.outputs)
        code += f"""
extern "C" {{
static gateware::State state;
static unsigned staying = 0;
int rested = 0;
void reset() {{ state.clear(); }}
void step(const uint64_t *i, uint64_t *o) {{
  gateware::Inputs in; gateware::Outputs out;
  {takes} {run}; {gives}
}}
}}
"""
        source, built = path / "translated.cc", path / "translated.so"
        source.write_text(code)
        flags = ["-std=c++17", "-shared", "-fPIC", "-O1", "-nostdlib++"]
        subprocess.run([*compiler(), *flags, str(source), "-o", str(built)], check=True)
        self.library = ctypes.CDLL(str(built))
        self.library.reset()

    def step(self, values: Mapping[str, int]) -> dict[str, int]:
        taken = [values.get(name, 0) & (1 << width) - 1 for name, width in self.inputs.items()]
        given = (ctypes.c_uint64 * len(self.outputs))()
        self.library.step((ctypes.c_uint64 * len(taken))(*taken), given)
        return dict(zip(self.outputs, given, strict=True))


def compare(design: Any, compiled: Compiled, stimuli: Stimuli, cycles: int) -> None:
    """Both engines, the same inputs: the same outputs in every cycle."""
    simulator, dice = Simulator(design), random.Random(1)
    simulator.add_clock(1e-6)

    async def bench(ctx: Any) -> None:
        for cycle in range(cycles):
            values = stimuli(cycle, dice)
            for name, value in values.items():
                ctx.set(getattr(design, name), value)
            for name, got in compiled.step(values).items():
                port = getattr(design, name)
                assert got == ctx.get(port) & ((1 << len(port)) - 1), (cycle, name, values)
            await ctx.tick()

    simulator.add_testbench(bench)
    simulator.run()


def anything(shape: Shape, dice: random.Random) -> int:
    """A value of the shape, often an extreme one."""
    shape = Shape.cast(shape)
    low = -(1 << shape.width - 1) if shape.signed else 0
    high = low + (1 << shape.width) - 1
    return dice.choice((low, high, 0, dice.randint(low, high), dice.randint(low, high)))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (unsigned(8), unsigned(8)),
        (unsigned(5), unsigned(31)),
        (signed(8), signed(13)),
        (signed(32), signed(7)),
        (unsigned(33), signed(9)),
    ],
)
def test_operators(a: Shape, b: Shape, tmp_path: Path) -> None:
    def stimuli(cycle: int, dice: random.Random) -> dict[str, int]:
        by = dice.choice((0, 1, 7, 31, 63, 64, 127, dice.randrange(128)))
        return {"a": anything(a, dice), "b": anything(b, dice), "by": by, "which": cycle % 17}

    compare(Operators(a, b), Compiled(Operators(a, b), tmp_path), stimuli, 1500)


def busy(cycle: int, dice: random.Random) -> dict[str, int]:
    return {"go": dice.random() < 0.2, "data": dice.randrange(256), "at": dice.randrange(5)}


def test_state(tmp_path: Path) -> None:
    compare(State(), Compiled(State(), tmp_path), busy, 2000)


def test_a_kind_of_rest_changes_nothing(tmp_path: Path) -> None:
    compiled = Compiled(State(), tmp_path, Rest({"fsm_state": 0}, ["count"]))
    compare(State(), compiled, busy, 2000)
    assert 200 < ctypes.c_int.in_dll(compiled.library, "rested").value < 1900


def test_what_is_asleep_wakes(tmp_path: Path) -> None:
    def stimuli(cycle: int, dice: random.Random) -> dict[str, int]:
        return {"set": dice.random() < 0.03, "to": dice.randrange(256)}

    compiled = Compiled(Ahead(), tmp_path, Rest({"coming": 0}, ["counter"]))
    compare(Ahead(), compiled, stimuli, 2000)
    assert 1000 < ctypes.c_int.in_dll(compiled.library, "rested").value < 1950
    assert "next_" not in _cone(netlist(Ahead()), "double")


def _cone(words: Netlist, name: str) -> str:
    """What the cycle at rest has of a register."""
    code = translate(words, {}, rests={"still": Rest({"coming": 0}, ["counter"])})
    (word,) = words.holders[name]
    lines = code[code.index("still_cycle(") :].splitlines()
    return "\n".join(line for line in lines if f"_{word.name} " in line)


class Halves(wiring.Component):
    """A counter that can jump, and a sender with pauses; `tangled` names which of them looks at the other."""

    def __init__(self, tangled: str = "") -> None:
        self._tangled = tangled
        super().__init__(
            {
                "skip": In(8),
                "total": Out(16),
                "valid": Out(1),
                "payload": Out(8),
                "stop": In(1),
                "late": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = Signal(8)
        gap = Signal(2)
        follower = Signal()
        m.d.sync += [self.total.eq(self.total + self.skip + 1), follower.eq(word[0])]
        with m.If(gap != 0):
            m.d.sync += gap.eq(gap - 1)
        with m.Else():
            m.d.sync += word.eq(word * 5 + 1)
            with m.If(word[1:4] == 3):
                m.d.sync += gap.eq(3)
        if self._tangled == "counter":
            m.d.sync += self.total.eq(self.total + self.skip + word[1])
        if self._tangled == "sender":
            m.d.sync += gap.eq(self.total[2:4])
        if self._tangled == "follower":
            m.d.sync += self.total.eq(self.total + self.skip + follower)
        m.d.comb += [
            self.valid.eq((gap == 0) & ~self.stop),
            self.payload.eq(word),
            self.late.eq(follower),
        ]
        return m


SENDER = DetachedPart(
    inside=["word", "gap"],
    outside=[],
    values={"skip": 0, "stop": 0},
    moving=[],
    unseen=["follower"],
    cases=[{}],
    often={"gap": 0},
    valid="valid",
    payload="payload",
)


def test_a_jump_with_a_part_evaluated_apart_is_so_many_cycles(tmp_path: Path) -> None:
    code = translate(netlist(Halves()), {}, "skip", parts={"sender": SENDER})
    code += """
extern "C" int run(int cycles, int jump, uint8_t *bytes, uint64_t *total) {
  gateware::State state;
  gateware::Inputs in = {};
  gateware::Outputs out;
  uint8_t *given = bytes;
  state.clear();
  if (!gateware::sender_rests(state, in)) return -1;
  if (jump) gateware::sender(state, in, cycles, given);
  in.skip = cycles - 1;
  if (jump) gateware::count(state, in);
  in.skip = 0;
  for (int n = jump ? cycles : 0; n < cycles; n++) {
    gateware::cycle(state, in, out);
    if (out.valid) *given++ = out.payload;
  }
  gateware::cycle(state, in, out);
  *total = out.total;
  *given++ = out.payload;
  return given - bytes;
}
"""
    source, built = tmp_path / "halves.cc", tmp_path / "halves.so"
    source.write_text(code)
    flags = ["-std=c++17", "-shared", "-fPIC", "-O1", "-nostdlib++"]
    subprocess.run([*compiler(), *flags, str(source), "-o", str(built)], check=True)
    library = ctypes.CDLL(str(built))

    def after(cycles: int, jump: bool) -> tuple[bytes, int]:
        given, total = ctypes.create_string_buffer(cycles + 1), ctypes.c_uint64()
        size = library.run(cycles, jump, given, ctypes.byref(total))
        assert size > 0
        return given.raw[:size], total.value

    for cycles in range(1, 200):
        assert after(cycles, True) == after(cycles, False)
        assert after(cycles, False)[1] == cycles


@pytest.mark.parametrize(
    ("tangled", "who"),
    [
        ("counter", "total takes payload"),
        ("sender", "gap takes total"),
        ("follower", "total takes follower"),
    ],
)
def test_a_part_that_depends_on_the_rest_is_refused(tangled: str, who: str) -> None:
    with pytest.raises(DependenceError, match=who):
        translate(netlist(Halves(tangled)), {}, "skip", parts={"sender": SENDER})


def test_a_jump_evaluates_what_counts_alone() -> None:
    words = netlist(Halves())
    assert jumping(words, "skip") == words.holders["total"]


def test_photon_rows(tmp_path: Path) -> None:
    def stimuli(cycle: int, dice: random.Random) -> dict[str, int]:
        return {
            "active": 1,
            "elapsed": cycle % 200 * 8 - 8 + dice.randrange(2),
            "photons": 1 << dice.randrange(8) if dice.random() < 0.2 else 0,
            "bin_shift": cycle // 500,
            "window_bins": 1500,
            "flush": 0,
            "buffer": 0,
        }

    compare(Rows(), Compiled(Rows(), tmp_path), stimuli, 2000)


def test_names_that_are_none() -> None:
    with pytest.raises(NetlistError, match="'nobody'"):
        translate(netlist(State()), {}, rests={"still": Rest({"nobody": 0}, [])})
    with pytest.raises(NetlistError, match="'nobody'"):
        translate(netlist(State()), {}, rests={"still": Rest({}, ["nobody"])})
