"""Jumping over cycles is the same as running through them."""

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
    """The whole instrument with its fast-forward port, and what has to be known of its states."""

    counting = False

    def component(self) -> instrument.Instrument:
        return instrument.Instrument(depth=16, counting=self.counting, fast_forward=True)

    @assume
    def skips_are_allowed(self) -> Value:
        """The harness jumps only in a quiet cycle, and no further than the horizon."""
        ff = self.dut.ff
        return (ff.skip == 0) | (ff.quiet & (ff.skip <= ff.horizon))

    @invariant
    def train_flags_agree(self) -> Value:
        """The flags beside the train's counters say what the counters and the sequencer's state say."""
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
        """So do those of the values that its counters are given next."""
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
        """The flags beside the guard's counters say what the counters say."""
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
        """A kept sample is one inside the window."""
        return ~self.inside("kept") | self.inside("inside")

    def memories(self) -> list[str]:
        """Paths of the trace memories."""
        lanes = [f"memory_light.lane{n}" for n in range(CYCLE_NS)]
        return [*(lanes if self.counting else ["memory_light"]), "memory_drive"]

    @invariant
    def busy_when_under_way(self) -> Value:
        """A trace memory with anything in its pipelines is busy, or has just been read."""
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
        """A trace memory's block RAM is read only for an update or a read that makes it busy."""
        holds = Value.cast(1)
        for memory in self.memories():
            busy = self.inside(f"{memory}.update1") | self.inside(f"{memory}.fetch")
            for read in self.all_inside(f"{memory}.read"):
                holds = holds & (~read | busy)
        return holds

    @invariant
    def shipping_in_every_state_but_idle(self) -> Value:
        """The readout's `shipping` says that it is not idle."""
        return self.inside("readout.shipping") != self.in_state("readout", "IDLE")

    @invariant
    def words_are_accounted_for(self) -> Value:
        """Words of the packet: still to ask for, asked for, in hand. None outside a packet's data. The flags that say
        so agree with them."""
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
        """The boxcar hands on only what it holds."""
        return ~self.inside("boxcar.update") | self.inside("boxcar.held")

    @invariant
    def looks_at_what_has_come(self) -> Value:
        """The deframer looks at a header only when a byte has come, and comes to a finding only when it has looked."""
        looks, looked = self.inside("deframer.looks"), self.inside("deframer.looked")
        finding = Cat(
            self.inside(f"deframer.{name}") for name in ("request", "bad_header", "unknown")
        )
        return (~looks | self.inside("deframer.fresh")) & (looked | ~finding.any())

    @invariant
    def swept_before_all_else(self) -> Value:
        """Memory is swept only before there is a train."""
        before = self.in_state("sequencer", "SWEEP") | self.in_state("sequencer", "IDLE")
        return ~self.inside("sequencer.sweep") | before

    @invariant
    def trips_are_known_to_the_train(self) -> Value:
        """While the guard holds a cause, the sequencer knows that it has tripped."""
        return ~self.inside("guard.latched") | self.inside("sequencer.tripped")

    @invariant
    def off_when_tripped(self) -> Value:
        """While a cause is latched `enable` is off, but for the first cycle and the one after the host has written to
        it."""
        written = self.past(self.inside("registers.executed"))
        enable = CONTROLS(self.inside("registers.controls")).enable
        cause = self.inside("guard.cause").any()
        return (~cause | self.inside("disable")) & (~self.past(cause) | ~enable | written)


class CountingInstrumentSpec(InstrumentSpec):
    """The same with photon counting and time tags."""

    counting = True


class FastForward(Proof):
    """Claims for every state that the invariants allow and every k from 1 to `horizon`, in a cycle with `quiet` high.

    Together, by induction on k: skip = k does what k + 1 plain cycles do, and nothing that could be seen from outside
    happens meanwhile. `rx.valid`, `rx_overrun` and reset are low throughout, `trip` and `photons` do not change (the
    harness sees to it). All other inputs are free, and may differ at every step.
    """

    # States s0, s1 and s2 follow each other, the first step with skip 0 and the second with k - 1; a0 is s0, and a1
    # what follows it with skip k.
    CLAIMS = ("nothing_visible", "still_quiet", "jump_equals_steps")
    LOW = ("rst", "rx__valid", "rx_overrun")
    HELD = ("trip", "photons")

    def __init__(self, spec: InstrumentSpec) -> None:
        super().__init__(spec)
        v, model = self.model.value, self.model
        self.facts = [
            *self.given(["s0"]),
            *model.same_state("s0", "a0").values(),
            model.follows("s0", "s1"),
            model.follows("s1", "s2"),
            model.follows("a0", "a1"),
            *(f"(not {v(i, s)})" for i in self.LOW for s in ("s0", "s1", "a0")),
            *(
                f"(= {v(i, 's0')} {v(i, s)})"
                for i in self.HELD
                if i in model.wires
                for s in ("s1", "a0")
            ),
            f"(= {v('ff__skip', 's0')} #x000000)",
            f"(= {v('ff__skip', 's1')} (bvsub k {ONE}))",
            f"(= {v('ff__skip', 'a0')} k)",
            f"(bvuge k {ONE})",
            v("ff__quiet", "s0"),
            f"(bvule k {v('ff__horizon', 's0')})",
        ]

    def _prove(self, *claims: str, lemmas: tuple[str, ...] = ()) -> Result:
        if not self.invariants.proved:
            return self.invariants
        for claim in claims:
            if found := refute(self.model, STATES, [*self.facts, *lemmas], claim, JUMP):
                return Result(False, claim, found)
        return Result(True)

    def nothing_visible(self) -> Result:
        """A quiet cycle is not seen from outside: no byte is sent, no sample taken, and gate, phase, level and enable
        stay as they are."""
        v = self.model.value
        silent = [f"(not {v(o, 's0')})" for o in ("tx__valid", "sampling")]
        steady = [f"(= {v(o, 's0')} {v(o, 's1')})" for o in ("gate", "phase", "level", "enable")]
        return self._prove(_both(*silent, *steady))

    def jump_equals_steps(self) -> Result:
        """A jump over k cycles leaves every register and memory as one plain cycle and a jump over k - 1 do."""
        blocks: dict[str, list[str]] = {}
        for name, same in self.model.same_state("s2", "a1").items():
            blocks.setdefault(".".join(name.split(".")[:2]), []).append(same)
        small_first = sorted(blocks.values(), key=len)
        return self._prove(*(_both(*same) for same in small_first))

    def still_quiet(self) -> Result:
        """After one plain cycle the instrument is still quiet, with a horizon of at least k - 1, so that the claims
        apply again."""
        v = self.model.value
        blocks = [w for w in self.model.wires if re.fullmatch(r"dut\.[^.]+\.horizon__left", w)]
        by_block = tuple(f"(or (= k {ONE}) (bvule k {v(left, 's1')}))" for left in blocks)
        quiet = f"(or (= k {ONE}) {v('ff__quiet', 's1')})"
        rest = f"(or (= k {ONE}) (bvule (bvsub k {ONE}) {v('ff__horizon', 's1')}))"
        first = self._prove(quiet, *by_block)
        return self._prove(rest, lemmas=by_block) if first.proved else first

    def jumps_happen(self) -> Result:
        """Not a port that is never quiet: a jump over 100 000 cycles is possible with the output driven."""
        v = self.model.value
        driven = _both("(= k #x0186a0)", v("enable", "s0"), f"(= {v('gate', 's0')} #b11)")
        found = refute(self.model, STATES, self.facts, f"(not {driven})", JUMP)
        return Result(found is not None, "no state allows it")


def _both(*claims: str) -> str:
    return f"(and {' '.join(claims)})"
