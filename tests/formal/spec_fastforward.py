"""Fast-forward: cycles that are left out have the same effect as if they had been evaluated."""

import re
from collections.abc import Iterator, Sequence

from trelscope.gateware.protocol import CYCLE_NS

from .prove import Proof, Result, refute
from .spec_instrument import DEPTH, InstrumentSpec
from .what_moves import COUNTERS, link, pipeline, plain

STATES = ["s0", "s1", "s2", "a0", "a1", "c1", "c2", "a2"]
JUMP = "(declare-fun k () (_ BitVec 24))"
ONE = "#x000001"
UPDATES = [f"update{n}" for n in range(1, 5)]
AT_ONCE = 60
"""Terms of one question to z3."""


class FastForward(Proof):
    """Claims for every state that the invariants allow and every k from 1 to `horizon`.

    A *quiet* cycle is one that is `still` and not `sending`. State s1 follows s0 with skip 0, and s2 follows s1 with
    skip k - 1. State a0 equals s0, and a1 follows a0 with skip k. The harness guarantees that `rx.valid`, `rx_overrun`
    and reset are low all the time and `sample_valid` and `phase_ready` high, that `trip` does not change, and that
    `photons` do not where they get time tags. All other inputs are free and may change in every cycle.

    State c1 is what the harness makes of s0 in a leap: it has what a1 has in the registers that hang on `skip`, any
    content, but that of a1, in what goes on meanwhile, and what s0 has in all others. c2 follows c1, and a2 follows a1.
    """

    CLAIMS = (
        "nothing_visible",
        "leaps_are_not_seen",
        "no_counter_is_overtaken",
        "still_foreseen",
        "jump_equals_steps",
        "counters_count",
        "nothing_else_moves",
        "frames_last_as_said",
        "place_decides",
        "other_bins_are_under_way",
    )
    SLOW = ("counters_count", "nothing_else_moves")
    """Claims whose proofs take many minutes."""
    LOW = ("rst", "rx__valid", "rx_overrun")
    HIGH = ("sample_valid", "phase_ready")
    HELD = ("trip", "photons")

    def __init__(self, spec: InstrumentSpec) -> None:
        super().__init__(spec)
        v, model = self.model.value, self.model
        self._pipeline, self._link = pipeline(spec.counting), link(spec.counting)
        self._counting = spec.counting
        still, sending, streaming = (
            v(f"ff__{name}", "s0") for name in ("still", "sending", "streaming")
        )
        self._foreseen = f"(or {still} {streaming})"
        self._quiet = f"(and {still} (not {sending}))"
        self._cases = {
            self._quiet: lambda name: False,
            f"(and {still} {sending})": lambda name: bool(self._link.fullmatch(name)),
            streaming: lambda name: bool(
                self._link.fullmatch(name) or self._pipeline.fullmatch(name)
            ),
        }
        free = {"photons": f"(not {v('ff__tagging', 's0')})"}
        now = ("s0", "s1", "a0", "a1", "c1")
        # What a question is not about only keeps z3 busy, so each gets the steps that it asks for.
        self._one_step = [model.follows("s0", "s1")]
        self._steps = [
            *self._one_step,
            model.follows("s1", "s2"),
            f"(= {v('ff__skip', 's1')} (bvsub k {ONE}))",
        ]
        self._jump = [
            *model.same_state("s0", "a0").values(),
            f"(= {v('ff__skip', 'a0')} k)",
            model.follows("a0", "a1"),
        ]
        self.facts = [
            *self.given(["s0"]),
            *(f"(not {v(i, s)})" for i in self.LOW for s in now),
            *(v(i, s) for i in self.HIGH for s in now),
            *(
                f"(or {free.get(i, 'false')} (= {v(i, 's0')} {v(i, s)}))"
                for i in self.HELD
                if i in model.wires
                for s in now[1:]
            ),
            f"(= {v('ff__skip', 's0')} #x000000)",
            f"(bvuge k {ONE})",
            f"(bvule k {v('ff__horizon', 's0')})",
        ]

    def nothing_visible(self) -> Result:
        """Nothing visible from outside happens in a quiet cycle: no byte is sent, no sample is taken, and gate, phase,
        level and enable do not change."""
        v = self.model.value
        silent = [f"(not {v(o, 's0')})" for o in ("tx__valid", "sampling")]
        return self._prove(self._quiet, [*silent, *self._steady()], self._one_step)

    def leaps_are_not_seen(self) -> Result:
        """Neither is a cycle that is still or streaming, nor the next one, but for the link if it is sending, and for
        the samples that are asked for if and only if it is streaming."""
        v = self.model.value
        silent = f"(or {v('ff__sending', 's0')} (not {v('tx__valid', 's0')}))"
        asks = [f"(= {v('sampling', s)} {v('ff__streaming', 's0')})" for s in ("s0", "s1")]
        facts = [*self._one_step, self._end("s0")]
        return self._prove(self._foreseen, [silent, *asks, *self._steady()], facts)

    def no_counter_is_overtaken(self) -> Result:
        """In a cycle that is still or streaming all blocks are calm, and k is below what each has left."""
        return self._each(self._foreseen, self._below())

    def still_foreseen(self) -> Result:
        """After one ordinary cycle of a leap every counter is at least k - 1 further cycles from its event, and after
        one of a jump the instrument is still quiet with a horizon of at least k - 1, so that the claims apply again."""
        v = self.model.value
        near = [
            f"(bvuge {then} (bvsub {now} {ONE}))"
            for now, then in zip(self._left("s0"), self._left("s1"), strict=True)
        ]
        for where in self._cases:
            if not (result := self._each(where, near, [*self._one_step, self._end("s0")])).proved:
                return result
        again = f"(and {v('ff__still', 's1')} (not {v('ff__sending', 's1')}))"
        rest = f"(bvule (bvsub k {ONE}) {v('ff__horizon', 's1')})"
        facts = [*self._one_step, *self._below(), *near]
        return self._each(
            self._quiet, [f"(or (= k {ONE}) {claim})" for claim in (again, rest)], facts
        )

    def jump_equals_steps(self) -> Result:
        """After a jump over k cycles, every register and memory has the same content as after one ordinary cycle and a
        jump over k - 1 cycles."""
        blocks: dict[str, list[str]] = {}
        for name, term in self._same("s2", "a1").items():
            blocks.setdefault(".".join(name.split(".")[:2]), []).append(term)
        for block, terms in sorted(blocks.items(), key=lambda item: len(item[1])):
            prove = self._each if block == "dut.guard" else self._prove
            if not (result := prove(self._quiet, terms, self._both_ways())).proved:
                return result
        return Result(True)

    def counters_count(self) -> Result:
        """In a leap, too, the registers that hang on `skip` have the same content as after one ordinary cycle and k - 1
        more."""
        counters = [
            term for name, term in self._same("s2", "a1").items() if COUNTERS.fullmatch(plain(name))
        ]
        for where in self._cases:
            if where != self._quiet:
                result = self._each(where, counters, self._both_ways())
                if not result.proved:
                    return result
        return Result(True)

    def nothing_else_moves(self) -> Result:
        """What the harness leaves as it is in a leap is, after the next ordinary cycle, as if it had been evaluated all
        along, and so are all outputs in that cycle but for those of what goes on meanwhile."""
        v, model = self.model.value, self.model
        outputs = ("gate", "phase", "level", "enable", "sampling", "ff__streaming", "ff__horizon")
        seen = [f"(= {v(o, 'c1')} {v(o, 'a1')})" for o in outputs]
        kept, moved = self._same("c1", "s0"), self._same("c1", "a1")
        after = self._same("c2", "a2")
        inputs = ("tx__ready", "trip", "samples", "rx__payload", "photons")
        for where, apart in self._cases.items():
            facts = [
                *self._jump,
                *self._below(),
                *(
                    (moved if COUNTERS.fullmatch(plain(name)) or apart(plain(name)) else kept)[name]
                    for name in kept
                ),
                *(f"(= {v(i, 'c1')} {v(i, 'a1')})" for i in inputs if i in model.wires),
                *(f"(= {v('ff__skip', s)} #x000000)" for s in ("a1", "c1")),
                model.follows("c1", "c2"),
                model.follows("a1", "a2"),
            ]
            terms = [*seen, *(term for name, term in after.items() if not apart(plain(name)))]
            if not (result := self._prove(where, terms, facts)).proved:
                return result
        return Result(True)

    def frames_last_as_said(self) -> Result:
        """A frame is being sent for as many cycles as `Readout.lasts` says, at least."""
        v = self.model.value
        now, then = (v("dut.readout.lasts", s) for s in ("s0", "s1"))
        goes_on = f"(and {v('dut.readout.shipping', 's1')} (bvuge {then} (bvsub {now} {ONE})))"
        where = f"(and {self._foreseen} {v('dut.readout.shipping', 's0')})"
        return self._prove(where, [f"(or (= {now} #x000000) {goes_on})"], self._one_step)

    def place_decides(self) -> Result:
        """In a streaming cycle, whether anything is in a stage between window and memory follows from the place of the
        sample in its bin and the bin's width alone."""
        v = self.model.value
        place, shift = (v(f"ff__{name}", "s0") for name in ("place", "shift"))
        mask = f"(bvsub (bvshl #b00000000001 ((_ zero_extend 7) {shift})) #b00000000001)"

        def first(n: int) -> str:
            then = f"(bvsub ((_ zero_extend 1) {place}) (_ bv{8 * n} 11))"
            return f"(bvult (bvand {then} {mask}) (_ bv8 11))"

        terms = []
        for memory, (lanes, unless) in self._memories().items():
            for n, flag in enumerate([*UPDATES, "store", "stored"], 3 + (len(lanes) > 1)):
                there = _any([v(f"dut.{memory}{lane}.{flag}", "s0") for lane in lanes])
                terms.append(f"(or {unless} (= {there} {first(n)}))")
        terms.append(f"(= {v('dut.boxcar.update', 's0')} {first(2)})")
        steady = [v(f"dut.boxcar.{name}", "s0") for name in ("valid", "held")]
        return self._prove(v("ff__streaming", "s0"), [*terms, *steady])

    def other_bins_are_under_way(self) -> Result:
        """In a streaming cycle with the first sample of its bin, no stage between window and memory holds that bin or a
        later one, and all hold bins of the buffer that is being filled."""
        v = self.model.value
        first = f"(bvult {v('ff__place', 's0')} #b0000001000)"
        bin_, buffer = v("dut.window.bin", "s0"), v("dut.sequencer.buffer", "s0")
        length, shift = v("dut.window.length", "s0"), v("dut.window.shift", "s0")
        fits = f"(bvule {length} (bvshl (_ bv{DEPTH} 32) ((_ zero_extend 28) {shift})))"
        terms = [
            f"(or {unless} (not {valid}) (and (bvult {held} {bin_}) (= {into} {buffer})))"
            for unless, valid, held, into in self._bins()
        ]
        where = f"(and {v('ff__streaming', 's0')} {first})"
        return self._prove(where, terms, [self._end("s0"), fits])

    def jumps_happen(self) -> Result:
        """The port is not trivially correct: there is a state with the output driven in which a jump over 100 000
        cycles is allowed."""
        v = self.model.value
        driven = _both(["(= k #x0186a0)", v("enable", "s0"), f"(= {v('gate', 's0')} #b11)"])
        facts = [*self.facts, *self._steps, *self._jump, self._quiet]
        found = refute(self.model, STATES, facts, f"(not {driven})", JUMP)
        return Result(found is not None, "no state allows it")

    def _memories(self) -> dict[str, tuple[list[str], str]]:
        """For each trace memory the parts that it is made of, and the term that the boxcar does not update it."""
        if not self._counting:
            return {"memory_light": ([""], "false"), "memory_drive": ([""], "false")}
        lanes = [f".lane{n}" for n in range(CYCLE_NS)]
        counts = self.model.value("ff__counting", "s0")
        return {"memory_light": (lanes, counts), "memory_drive": ([""], "false")}

    def _bins(self) -> Iterator[tuple[str, str, str, str]]:
        """Of every stage between window and memory four terms: that it does not apply, that it holds a bin, which one,
        and for which buffer."""

        def at(path: str) -> str:
            return self.model.value(f"dut.{path}", "s0")

        yield "false", "true", at("boxcar.bin"), at("boxcar.buffer")
        yield "false", "true", at("boxcar.bin_"), at("boxcar.update_buffer")
        yield "false", "true", at("boxcar.update_bin"), at("boxcar.update_buffer")
        for memory, (lanes, unless) in self._memories().items():
            for n, lane in enumerate(lanes):
                path = f"{memory}{lane}"
                for valid, bin_, buffer in (
                    *((u, f"bin{u[-1]}", f"buffer{u[-1]}") for u in UPDATES),
                    ("store", "store_bin", "store_buffer"),
                ):
                    held = at(f"{path}.{bin_}")
                    if lane:  # of two rows of eight bins
                        held = f"(ite {held} (_ bv{CYCLE_NS + n} 4) (_ bv{n} 4))"
                    yield unless, at(f"{path}.{valid}"), held, at(f"{path}.{buffer}")

    def _steady(self) -> list[str]:
        v = self.model.value
        return [f"(= {v(o, 's0')} {v(o, 's1')})" for o in ("gate", "phase", "level", "enable")]

    def _end(self, state: str) -> str:
        """`Window` is proved to keep to this: its end is as far away as its length and its beginning say."""
        elapsed, beyond, length = (
            self.model.value(f"dut.window.{n}", state) for n in ("elapsed", "beyond", "length")
        )
        closed = f"(not {self.model.value('dut.window.open', state)})"
        return f"(or {closed} (= (bvadd {beyond} {length}) {elapsed}))"

    def _both_ways(self) -> list[str]:
        """One step and a jump over the rest, and a jump over all."""
        return [*self._steps, *self._jump, *self._below()]

    def _same(self, a: str, b: str) -> dict[str, str]:
        """For each register and memory of the gateware, the term that it has the same content in two states."""
        same = self.model.same_state(a, b)
        return {name: term for name, term in same.items() if name.startswith("dut.")}

    def _left(self, state: str) -> list[str]:
        wires = self.model.wires
        left = [w for w in wires if re.fullmatch(r"dut\.[^.]+\.horizon__left", w)]
        return [self.model.value(w, state) for w in left]

    def _below(self) -> list[str]:
        """What `no_counter_is_overtaken` says."""
        calm = [w for w in self.model.wires if re.fullmatch(r"dut\.[^.]+\.horizon__calm", w)]
        below = [f"(bvult k {left})" for left in self._left("s0")]
        return [*below, *(self.model.value(w, "s0") for w in calm)]

    def _each(self, where: str, terms: Sequence[str], facts: Sequence[str] = ()) -> Result:
        """The same as `_prove`, but for one term after another: each may take long."""
        for term in terms:
            if not (result := self._prove(where, [term], facts)).proved:
                return result
        return Result(True)

    def _prove(self, where: str, terms: Sequence[str], facts: Sequence[str] = ()) -> Result:
        """Whether all of `terms` hold in the states that `where` and `facts` describe."""
        for n in range(0, len(terms), AT_ONCE):
            claim = _both(terms[n : n + AT_ONCE])
            if found := refute(self.model, STATES, [*self.facts, where, *facts], claim, JUMP):
                return Result(False, claim, found)
        return self.invariants  # last: a claim that fails with them has failed


def _both(terms: Sequence[str]) -> str:
    return f"(and true {' '.join(terms)})"


def _any(terms: Sequence[str]) -> str:
    return f"(or false {' '.join(terms)})"
