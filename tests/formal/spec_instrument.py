"""The whole instrument with its fast-forward port, and what is true of its registers in every cycle."""

from amaranth.hdl import Cat, Mux, Value

from trelscope.gateware import instrument
from trelscope.gateware.guard import WIDTH_LIMIT
from trelscope.gateware.layouts import CONTROLS, SETTINGS
from trelscope.gateware.protocol import CHUNK_BINS, CYCLE_NS, MAX_BIN_SHIFT

from .prove import assume, invariant, lemma
from .under_way import UnderWay

DEPTH = 16


class InstrumentSpec(UnderWay):
    """The whole instrument with its fast-forward port, and the invariants of its states."""

    def component(self) -> instrument.Instrument:
        return instrument.Instrument(depth=DEPTH, counting=self.counting, fast_forward=True)

    @assume
    def skips_are_allowed(self) -> Value:
        """The harness jumps only in a quiet cycle, and no further than the horizon."""
        ff = self.dut.ff
        return (ff.skip == 0) | (ff.still & ~ff.sending & (ff.skip <= ff.horizon))

    @assume
    def bins_are_no_wider_than_the_widest(self) -> Value:
        """No train starts with wider ones (`Train.settings_are_possible`)."""
        return SETTINGS(self.inside("sequencer.settings")).bin_shift <= MAX_BIN_SHIFT

    @lemma
    def no_counter_is_overtaken(self) -> Value:
        """A jump begins where the blocks are calm, and ends before a counter of one of them causes an event."""
        skip, blocks = self.dut.ff.skip, ("train", "guard", "window", "sequencer")
        calm = Cat(self.inside(f"{block}.horizon__calm") for block in blocks).all()
        below = Cat(skip < self.inside(f"{block}.horizon__left") for block in blocks).all()
        return (skip == 0) | (calm & below)

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
        )

    @invariant
    def watchdog_flags_agree(self) -> Value:
        """The flags next to the guard's count of the host's silence agree with it."""
        silence, overdue = self.inside("guard.silence"), self.inside("guard.overdue")
        watchdog = self.inside("guard.watchdog")
        controls = CONTROLS(self.inside("registers.controls"))
        return (
            (self.inside("guard.watched") == (watchdog != 0))
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
    def words_are_left_where_they_are_sent(self) -> Value:
        """Words that are not yet requested are left only where their packet is to be sent or being sent, and none of
        a channel is before its first packet. The flag for the last packet agrees with them where it is looked at."""

        def at(*states: str) -> Value:
            return Cat(self.in_state("readout", s) for s in states).any()

        to_ask, bins_left = self.inside("readout.to_ask"), self.inside("readout.bins_left")
        at_head = self.inside("readout.at_head")
        none, many = self.inside("readout.none_left"), self.inside("readout.many_left")
        before = at("IDLE", "CHANNEL") | at_head
        known = at("CHUNK", "FIXED PART", "DATA", "CHUNK SENT") & ~at_head
        return (
            (~(before | at("COUNTED", "CHUNK", "CHUNK SENT")) | (to_ask == 0))
            & (~before | (bins_left == 0))
            & (~known | (none == (bins_left == 0)))
            & (~at("CHUNK") | (many == (bins_left > CHUNK_BINS)))
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
    def payload_check_is_ready(self) -> Value:
        """Once the deframer has begun to look for a header, its payload's checksum and count of bytes are as at the
        start of a payload; before, the count is 0."""
        missing, whole = self.inside("deframer.missing"), len(self.inside("deframer.shift")) // 8
        hunting, payload = (self.in_state("deframer", s) for s in ("HUNT", "PAYLOAD"))
        fresh = self.inside("deframer.crc.register").all()
        return Mux(
            hunting,
            (missing == 0) | ((missing == whole) & fresh),
            Mux(payload, (missing > 0) & (missing <= whole), missing == 0),
        )

    @invariant
    def requests_are_executed_once(self) -> Value:
        """A request is executed in the cycle after the one that takes it, in which no other is taken."""
        return ~self.inside("registers.executed") | self.in_state("registers", "PACKET")

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
