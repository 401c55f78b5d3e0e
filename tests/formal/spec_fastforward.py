"""Fast-forward: a jump over cycles has the same effect as the cycles themselves."""

import re

from amaranth.hdl import Cat, Mux, Value

from trelscope.gateware import instrument
from trelscope.gateware.guard import WIDTH_LIMIT
from trelscope.gateware.layouts import CONTROLS, SETTINGS
from trelscope.gateware.protocol import CYCLE_NS

from .prove import Proof, Result, Spec, assume, invariant, refute

STATES = ["s0", "s1", "s2", "a0", "a1"]
JUMP = "(declare-fun k () (_ BitVec 24))"
ONE = "#x000001"


class InstrumentSpec(Spec):
    """The whole instrument with its fast-forward port, and the invariants of its states."""

    counting = False

    def component(self) -> instrument.Instrument:
        return instrument.Instrument(depth=16, counting=self.counting, fast_forward=True)

    @assume
    def skips_are_allowed(self) -> Value:
        """The harness jumps only in a quiet cycle, and no further than the horizon."""
        ff = self.dut.ff
        return (ff.skip == 0) | (ff.still & ~ff.sending & (ff.skip <= ff.horizon))

    @invariant
    def train_flags_agree(self) -> Value:
        """The flags next to the pulse train's counters agree with the counters and with the sequencer's state."""
        cycles, halves = self.inside("train.cycles"), self.inside("train.halves")
        start, ends = self.inside("sequencer.start"), self.inside("train.ends")
        last = self.inside("train.last")
        return (
            (ends == (self.inside("train.running") & (cycles == 0)))
            & (start == self.in_state("sequencer", "START"))
            & (self.inside("sequencer.latch") == self.in_state("sequencer", "LATCH"))
            & (self.inside("train.running") == self.in_state("sequencer", "RUN"))
            & (self.inside("train.begin") == (start | (ends & ~last)))
            & (ends | ~(last | self.inside("train.round")))
            & (self.inside("train.ending") == (cycles[1:] == 0))
            & (self.inside("train.due") == (self.inside("train.launch") == 0))
            & (self.inside("train.some") == (halves != 0))
            & (self.inside("train.more") == (halves[1:] != 0))
        )

    @invariant
    def flags_to_come_agree(self) -> Value:
        """The flags next to the values that are loaded into these counters agree with the values."""
        first, coming = self.inside("train.cycles_first"), self.inside("train.cycles_next")
        width = self.inside("train.width")
        running = self.inside("train.running")
        there = running | self.inside("sequencer.start")
        high = SETTINGS(self.inside("sequencer.settings")).delay[4:]
        return (
            (self.inside("train.over_first") == (first == 0))
            & (self.inside("train.ending_first") == (first[1:] == 0))
            & (self.inside("train.over_next") == (coming == 0))
            & (self.inside("train.ending_next") == (coming[1:] == 0))
            & (self.inside("train.due_first") == (self.inside("train.launch_first") == 0))
            & (
                ~running
                | (self.inside("train.due_next") == (self.inside("train.launch_next") == 0))
            )
            & (~there | (self.inside("train.high_all") == high.all()))
            & (~there | (self.inside("train.high_none") == ~high.any()))
            & (self.inside("train.some_width") == (width != 0))
            & (self.inside("train.more_width") == (width[1:] != 0))
        )

    @invariant
    def guard_flags_agree(self) -> Value:
        """The flags next to the guard's counters agree with the counters."""
        run, exposure = self.inside("guard.run"), self.inside("guard.exposure")
        high = self.inside("guard.gate").any()
        silence, overdue = self.inside("guard.silence"), self.inside("guard.overdue")
        watchdog = self.inside("guard.watchdog")
        controls = CONTROLS(self.inside("registers.controls"))
        return (
            (self.inside("guard.latched") | ~self.inside("guard.cause").any())
            & (self.inside("guard.high") == high)
            & (
                self.inside("guard.full")
                == (self.inside("guard.full_run") | self.inside("guard.full_exposure"))
            )
            & (self.inside("guard.full_run") == (run >= WIDTH_LIMIT - 1))
            & (self.inside("guard.full_exposure") == (exposure >= WIDTH_LIMIT - 1))
            & (run <= WIDTH_LIMIT)
            & (exposure <= WIDTH_LIMIT)
            & (~high | ((run < WIDTH_LIMIT) & (exposure < WIDTH_LIMIT)))
            & (self.inside("guard.watched") == (watchdog != 0))
            & (self.inside("guard.heard") | (watchdog == controls.watchdog))
            & Mux(watchdog == 0, (silence == 1) & ~overdue, overdue == (silence > watchdog))
        )

    @invariant
    def kept_inside(self) -> Value:
        """A sample that is kept lies inside the window."""
        return ~self.inside("kept") | self.inside("inside")

    def memories(self) -> list[str]:
        """Paths of the trace memories."""
        lanes = [f"memory_light.lane{n}" for n in range(CYCLE_NS)]
        return [*(lanes if self.counting else ["memory_light"]), "memory_drive"]

    @invariant
    def busy_when_under_way(self) -> Value:
        """A trace memory with an update or a read in its pipeline is busy, or the read has just been requested."""
        ahead = self.inside("readout.ahead")
        holds = ~self.inside("readout.read").any() | (ahead == 2)
        stages = (*(f"update{n}" for n in range(1, 5)), "store", "clear", "read_ready")
        for memory in self.memories():
            holds = holds & (~self.inside(f"{memory}.fetch") | (ahead == 4))
            for stage in stages:
                holds = holds & (~self.inside(f"{memory}.{stage}") | self.inside(f"{memory}.busy"))
        return holds

    @invariant
    def reads_are_under_way(self) -> Value:
        """The block RAM of a trace memory is read only for an update or a read that makes the memory busy."""
        holds = Value.cast(1)
        for memory in self.memories():
            busy = self.inside(f"{memory}.update1") | self.inside(f"{memory}.fetch")
            for read in self.all_inside(f"{memory}.read"):
                holds = holds & (~read | busy)
        return holds

    @invariant
    def shipping_in_every_state_but_idle(self) -> Value:
        """`shipping` is high in every state of the readout but IDLE."""
        return self.inside("readout.shipping") != self.in_state("readout", "IDLE")

    @invariant
    def words_are_accounted_for(self) -> Value:
        """The numbers of words of a packet that are not yet requested, requested and being sent add up, and are 0
        outside the state DATA. The readout's flags agree with them."""
        to_ask, ahead = self.inside("readout.to_ask"), self.inside("readout.ahead")
        word_left, more = self.inside("readout.word_left"), self.inside("readout.more")
        left = self.inside("readout.left")
        sending = self.in_state("readout", "DATA")
        fixed = self.in_state("readout", "FIXED PART")
        none = (ahead == 1) & (word_left == 0) & ~more
        known = (more == (to_ask != 0)) | (ahead == 2) | none
        one_hot = Cat(ahead == 1 << n for n in range(len(ahead))).any()
        return (
            (sending | none)
            & known
            & one_hot
            & (self.inside("readout.some") == (word_left != 0))
            & (self.inside("readout.last") == (word_left == 1))
            & (self.inside("readout.sending") == fixed)
            & (~self.inside("readout.at_head") | fixed | self.in_state("readout", "PACKET"))
            & (~fixed | (self.inside("readout.last_byte") == (left == 1)))
            & (~fixed | (self.inside("readout.two_left") == (left == 2)))
        )

    @invariant
    def handed_on_while_held(self) -> Value:
        """The boxcar hands a bin on only if it holds one."""
        return ~self.inside("boxcar.update") | self.inside("boxcar.held")

    @invariant
    def looks_at_what_has_come(self) -> Value:
        """The deframer examines a header only when a byte has been received, and has a result only when it has examined
        one."""
        looks, looked = self.inside("deframer.looks"), self.inside("deframer.looked")
        finding = Cat(
            self.inside(f"deframer.{name}") for name in ("request", "bad_header", "unknown")
        )
        return (~looks | self.inside("deframer.fresh")) & (looked | ~finding.any())

    @invariant
    def swept_before_all_else(self) -> Value:
        """The memory is swept only before the first train."""
        before = self.in_state("sequencer", "SWEEP") | self.in_state("sequencer", "IDLE")
        return ~self.inside("sequencer.sweep") | before

    @invariant
    def trips_are_known_to_the_train(self) -> Value:
        """While a cause is latched in the guard, the sequencer's flag `tripped` is set."""
        return ~self.inside("guard.latched") | self.inside("sequencer.tripped")

    @invariant
    def off_when_tripped(self) -> Value:
        """While a cause is latched, `enable` is 0, except in the first cycle and in the cycle after the host has
        written to it."""
        written = self.past(self.inside("registers.executed"))
        enable = CONTROLS(self.inside("registers.controls")).enable
        cause = self.inside("guard.cause").any()
        return (~cause | self.inside("disable")) & (~self.past(cause) | ~enable | written)


class CountingInstrumentSpec(InstrumentSpec):
    """The same for an instrument with photon counting and time tags."""

    counting = True


class FastForward(Proof):
    """Claims for every state that the invariants allow and every k from 1 to `horizon`, in a quiet cycle: one that is
    `still` and not `sending`.

    Together they prove by induction on k that a cycle with skip = k has the same effect as k + 1 ordinary cycles, and
    that nothing visible from outside happens in these. The harness guarantees that `rx.valid`, `rx_overrun` and reset
    are low all the time, that `trip` does not change, and that `photons` do not where they get time tags. All other
    inputs are free and may change in every cycle.
    """

    # State s1 follows s0 with skip 0, and s2 follows s1 with skip k - 1. State a0 equals s0, and a1 follows a0 with
    # skip k.
    CLAIMS = ("nothing_visible", "still_quiet", "jump_equals_steps", "leaps_are_not_seen")
    LOW = ("rst", "rx__valid", "rx_overrun")
    HELD = ("trip", "photons")

    def __init__(self, spec: InstrumentSpec) -> None:
        super().__init__(spec)
        v, model = self.model.value, self.model
        free = {"photons": f"(not {v('ff__tagging', 's0')})"}
        self.facts = [
            *self.given(["s0"]),
            *model.same_state("s0", "a0").values(),
            model.follows("s0", "s1"),
            model.follows("s1", "s2"),
            model.follows("a0", "a1"),
            *(f"(not {v(i, s)})" for i in self.LOW for s in ("s0", "s1", "a0")),
            *(
                f"(or {free.get(i, 'false')} (= {v(i, 's0')} {v(i, s)}))"
                for i in self.HELD
                if i in model.wires
                for s in ("s1", "a0")
            ),
            f"(= {v('ff__skip', 's0')} #x000000)",
            f"(= {v('ff__skip', 's1')} (bvsub k {ONE}))",
            f"(= {v('ff__skip', 'a0')} k)",
            f"(bvuge k {ONE})",
            f"(bvule k {v('ff__horizon', 's0')})",
        ]

    def _quiet(self, state: str) -> str:
        v = self.model.value
        return f"(and {v('ff__still', state)} (not {v('ff__sending', state)}))"

    def _prove(self, *claims: str, lemmas: tuple[str, ...] = ()) -> Result:
        return self._prove_where(self._quiet("s0"), *claims, lemmas=lemmas)

    def _prove_where(self, where: str, *claims: str, lemmas: tuple[str, ...] = ()) -> Result:
        if not self.invariants.proved:
            return self.invariants
        for claim in claims:
            if found := refute(self.model, STATES, [*self.facts, where, *lemmas], claim, JUMP):
                return Result(False, claim, found)
        return Result(True)

    def nothing_visible(self) -> Result:
        """Nothing visible from outside happens in a quiet cycle: no byte is sent, no sample is taken, and gate, phase,
        level and enable do not change."""
        v = self.model.value
        silent = [f"(not {v(o, 's0')})" for o in ("tx__valid", "sampling")]
        steady = [f"(= {v(o, 's0')} {v(o, 's1')})" for o in ("gate", "phase", "level", "enable")]
        return self._prove(_both(*silent, *steady))

    def leaps_are_not_seen(self) -> Result:
        """Neither is a cycle that is still or streaming, nor the next one, but for the link if it is sending, and for
        the samples that are asked for if and only if it is streaming."""
        v = self.model.value
        foreseen = f"(or {v('ff__still', 's0')} {v('ff__streaming', 's0')})"
        silent = f"(or {v('ff__sending', 's0')} (not {v('tx__valid', 's0')}))"
        asks = [f"(= {v('sampling', s)} {v('ff__streaming', 's0')})" for s in ("s0", "s1")]
        steady = [f"(= {v(o, 's0')} {v(o, 's1')})" for o in ("gate", "phase", "level", "enable")]
        # `Window` is proved to keep to this: its end is as far away as its length and its beginning say.
        elapsed, beyond, length = (
            v(f"dut.window.{n}", "s0") for n in ("elapsed", "beyond", "length")
        )
        end = f"(or (not {v('dut.window.open', 's0')}) (= (bvadd {beyond} {length}) {elapsed}))"
        return self._prove_where(foreseen, _both(silent, *asks, *steady), lemmas=(end,))

    def jump_equals_steps(self) -> Result:
        """After a jump over k cycles, every register and memory has the same content as after one ordinary cycle and a
        jump over k - 1 cycles."""
        blocks: dict[str, list[str]] = {}
        for name, same in self.model.same_state("s2", "a1").items():
            blocks.setdefault(".".join(name.split(".")[:2]), []).append(same)
        small_first = sorted(blocks.values(), key=len)
        return self._prove(*(_both(*same) for same in small_first))

    def still_quiet(self) -> Result:
        """After one ordinary cycle, the instrument is still quiet and its horizon is at least k - 1, so that the claims
        apply again."""
        v = self.model.value
        blocks = [w for w in self.model.wires if re.fullmatch(r"dut\.[^.]+\.horizon__left", w)]
        by_block = tuple(f"(or (= k {ONE}) (bvule k {v(left, 's1')}))" for left in blocks)
        quiet = f"(or (= k {ONE}) {self._quiet('s1')})"
        rest = f"(or (= k {ONE}) (bvule (bvsub k {ONE}) {v('ff__horizon', 's1')}))"
        first = self._prove(quiet, *by_block)
        return self._prove(rest, lemmas=by_block) if first.proved else first

    def jumps_happen(self) -> Result:
        """The port is not trivially correct: there is a state with the output driven in which a jump over 100 000
        cycles is allowed."""
        v = self.model.value
        driven = _both("(= k #x0186a0)", v("enable", "s0"), f"(= {v('gate', 's0')} #b11)")
        facts = [*self.facts, self._quiet("s0")]
        found = refute(self.model, STATES, facts, f"(not {driven})", JUMP)
        return Result(found is not None, "no state allows it")


def _both(*claims: str) -> str:
    return f"(and {' '.join(claims)})"
