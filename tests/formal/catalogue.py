"""All properties that are proved, and for each at least one mutant of the gateware that the proof must reject."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .prove import Proof, Result, Spec, broken
from .spec_accumulate import BoxcarSpec, TraceMemorySpec, WindowSpec
from .spec_banks import BanksSpec
from .spec_dac import LevelDacSpec
from .spec_enable import OutputEnableSpec
from .spec_fastforward import FastForward
from .spec_guard import GuardSpec
from .spec_instrument import CountingInstrumentSpec, InstrumentSpec
from .spec_limits import TrainSpec
from .spec_link import DeframerSpec
from .spec_photons import PhotonRowsSpec
from .spec_registers import RegisterFileSpec
from .spec_sequencer import SequencerSpec

BY_SPEC: dict[str, tuple[type[Spec], ...]] = {
    "Output safety": (GuardSpec, LevelDacSpec, OutputEnableSpec, SequencerSpec),
    "Samples": (WindowSpec, BoxcarSpec, TraceMemorySpec, BanksSpec),
    "Photons": (PhotonRowsSpec,),
    "Link": (DeframerSpec, RegisterFileSpec),
    "Settings": (TrainSpec,),
}
FAST_FORWARD = (InstrumentSpec, CountingInstrumentSpec)


@dataclass(frozen=True)
class Property:
    """One property of the gateware."""

    group: str
    subject: type[Spec]
    name: str
    words: str
    slow: bool = False
    """Proved under `make soak`."""

    def __str__(self) -> str:
        return f"{self.subject.__name__.removesuffix('Spec')}.{self.name}"

    def prove(self) -> Result:
        """Prove the property for the gateware."""
        proof = _proof(self.subject)
        if isinstance(proof, FastForward):
            return getattr(proof, self.name)()
        return proof.check(self.name)

    def prove_broken(self, module: str, old: str, new: str) -> Result:
        """Prove the property for a mutant: the gateware with one piece of a module's source replaced."""
        _proof.cache_clear()
        try:
            with broken(module, old, new):
                return self.prove()
        finally:
            _proof.cache_clear()


@functools.cache
def _proof(subject: type[Spec]) -> Proof:
    return FastForward(subject()) if subject in FAST_FORWARD else Proof(subject())


def _words(claim: Callable) -> str:
    return " ".join((claim.__doc__ or "").split())


def properties() -> Iterator[Property]:
    """All properties that are proved."""
    for group, subjects in BY_SPEC.items():
        for subject in subjects:
            for name, words in subject.claims("always").items():
                yield Property(group, subject, name, words)
    for subject in FAST_FORWARD:
        for name in FastForward.CLAIMS:
            words = _words(getattr(FastForward, name))
            yield Property("Fast-forward", subject, name, words, name in FastForward.SLOW)
    words = _words(FastForward.jumps_happen)
    yield Property("Fast-forward", InstrumentSpec, "jumps_happen", words)


GUARD, MEMORY = "trelscope.gateware.guard", "trelscope.gateware.accumulate"
BOXCAR, WINDOW = "trelscope.gateware.boxcar", "trelscope.gateware.window"
DEFRAMER, REGISTERS = "trelscope.gateware.link.deframer", "trelscope.gateware.registers"
INSTRUMENT, SEQUENCER = "trelscope.gateware.instrument", "trelscope.gateware.sequencer"
TAGS, PULSE = "trelscope.gateware.tags.packets", "trelscope.gateware.pulse"
PHOTONS = "trelscope.gateware.photons"
ENABLE = "trelscope.gateware.platform.enable"
DAC = "trelscope.gateware.platform.dac"

TWINS: list[tuple[str, str, str, str]] = [
    # property, module, original source, source of the mutant
    (
        "Guard.level_in_range",
        GUARD,
        "(too_high, self.level_in > LEVEL_MAX)",
        "(too_high, self.level_in > LEVEL_MAX + 1)",
    ),
    (
        "Guard.level_in_range",
        GUARD,
        "Mux(too_low, LEVEL_MIN, level_asked)",
        "Mux(too_low, LEVEL_MIN - 1, level_asked)",
    ),
    (
        "Guard.no_gate_without_level",
        GUARD,
        "gate_next.eq(Mux(self.driving & some_level, self.gate_in, 0)),",
        "gate_next.eq(Mux(self.driving, self.gate_in, 0)),",
    ),
    ("Guard.off_after_reset", GUARD, '"gate": Out(2),', '"gate": Out(2, init=1),'),
    (
        "Guard.off_unless_enabled",
        GUARD,
        "self.driving.eq(self.enable & ~self.tripped)",
        "self.driving.eq(~self.tripped)",
    ),
    (
        "Guard.off_on_trip",
        GUARD,
        "latched | self.trip | expired",
        "latched | expired",
    ),
    (
        "Guard.off_when_host_silent",
        GUARD,
        "overdue.eq(silence + (step - 1) >= watchdog)",
        "overdue.eq(silence + (step - 1) > watchdog)",
    ),
    (
        "Guard.off_when_host_silent",
        GUARD,
        "with m.If(heard | ~self.enable | ~watched):",
        "with m.If(heard | self.trip | ~self.enable | ~watched):",
    ),
    (
        "Guard.width_limited",
        GUARD,
        "run_fills.eq(run >= last - step)",
        "run_fills.eq(run > last - step)",
    ),
    (
        "Guard.duty_limited",
        GUARD,
        "exposure_fills.eq(exposure >= last - step)",
        "exposure_fills.eq(exposure > last - step)",
    ),
    ("Guard.duty_limited", GUARD, "step * RECOVERY if", "step * (RECOVERY + 1) if"),
    (
        "Guard.trip_latches",
        GUARD,
        "(self.cause & ~self.acknowledge) | raised",
        "(self.cause & ~self.acknowledge & self.enable.replicate(8)) | raised",
    ),
    (
        "Guard.trip_latches",
        GUARD,
        "(self.cause & ~self.acknowledge) | raised",
        "(self.cause & (self.acknowledge == 0).replicate(8)) | raised",
    ),
    (
        "Guard.passes_what_is_allowed",
        GUARD,
        "self.level.eq(Mux(self.driving, allowed, off))",
        "self.level.eq(off)",
    ),
    (
        "LevelDac.wire_has_the_level",
        DAC,
        "(written != self.level) | stale",
        "(written != self.level)",
    ),
    (
        "LevelDac.wire_has_the_level",
        DAC,
        "written.eq(self.level)",
        "written.eq(0)",
    ),
    (
        "LevelDac.wire_has_the_level",
        DAC,
        "with m.Elif(left == 0):",
        "with m.Elif(left == 1):",
    ),
    (
        "OutputEnable.gate_falls_first",
        ENABLE,
        "left.eq(self.DRAIN)",
        "left.eq(self.DRAIN - 3)",
    ),
    ("OutputEnable.off_at_level_0", ENABLE, "self.enable.eq(0)", "self.enable.eq(1)"),
    ("OutputEnable.on_at_a_level", ENABLE, ", self.enable.eq(1)", ""),
    (
        "Sequencer.level_settles_first",
        SEQUENCER,
        "to_settle.eq(self.settle - 1)",
        "to_settle.eq(self.settle - 2)",
    ),
    (
        "Sequencer.level_settles_first",
        SEQUENCER,
        "with m.If(self.settle == 0):",
        "with m.If(self.settle[0] == 0):",
    ),
    (
        "Window.bin_inside_the_window",
        WINDOW,
        "inside.eq(due & beyond[-1])",
        "inside.eq(due & (beyond <= 0))",
    ),
    ("Window.bin_is_the_time", WINDOW, "self.bin.eq(index)", "self.bin.eq(index + 1)"),
    (
        "Window.bins_only_grow",
        WINDOW,
        "self.elapsed.eq(self.elapsed + step * CYCLE_NS)",
        "self.elapsed.eq(self.elapsed - step * CYCLE_NS)",
    ),
    (
        "Boxcar.samples_all_handed_on",
        BOXCAR,
        "m.d.sync += self.sums[channel].eq(samples[channel])",
        "m.d.sync += self.sums[channel].eq(0)",
    ),
    (
        "Boxcar.nothing_left_behind",
        BOXCAR,
        "Mux(self.valid, self.fresh | other, self.flush)",
        "(self.valid & (self.fresh | other))",
    ),
    ("Boxcar.hands_on_only_what_came", BOXCAR, "self.update.eq(held_next &", "self.update.eq("),
    (
        "TraceMemory.nothing_lost",
        MEMORY,
        "total[:SUM_BITS] | total[-1].replicate(SUM_BITS)",
        "total[:SUM_BITS]",
    ),
    (
        "TraceMemory.nothing_lost",
        MEMORY,
        "store_buffer.eq(buffer),",
        "store_buffer.eq(self.update_buffer),",
    ),
    (
        "TraceMemory.no_other_bin_written",
        MEMORY,
        "Mux(writing, store_bin, clear_bin)",
        "Mux(clear, clear_bin, store_bin)",
    ),
    (
        "TraceMemory.read_gives_the_sum",
        MEMORY,
        "with m.If(clear_buffer == side):",
        "with m.If(buffer == side):",
    ),
    (
        "TraceMemory.no_read_while_written",
        MEMORY,
        "ram.read_address.eq(Mux(updating, self.update_bin, self.read_bin))",
        "ram.read_address.eq(Mux(updating, self.update_bin, 0))",
    ),
    (
        "Banks.reads_one_at_a_time",
        INSTRUMENT,
        "memory.read_buffer.eq(~sequencer.buffer)",
        "memory.read_buffer.eq(sequencer.buffer)",
    ),
    ("Banks.read_only_when_complete", INSTRUMENT, "boxcar.flush.eq(~inside)", "boxcar.flush.eq(0)"),
    (
        "Banks.reads_one_at_a_time",
        "trelscope.gateware.readout",
        "with m.If(more & (ahead[0] | (~some & ahead[-1]))):",
        "with m.If(more & (ahead[0] | ahead[3] | (~some & ahead[-1]))):",
    ),
    (
        "Banks.sweeps_alone",
        SEQUENCER,
        "m.d.comb += waiting.eq(1)",
        "m.d.comb += waiting.eq(1); m.d.sync += self.sweep.eq(self.restart)",
    ),
    (
        "Banks.swapped_only_when_free",
        SEQUENCER,
        "(ready, (enough | full_round) & free)",
        "(ready, (enough | full_round) & ~self.ship)",
    ),
    (
        "Banks.frame_swaps_on_a_boundary",
        INSTRUMENT,
        "sequencer.settled.eq(~moved.any() & ~window.open & ~opened)",
        "sequencer.settled.eq(1)",
    ),
    (
        "Deframer.returns_to_hunting",
        DEFRAMER,
        "with m.If(missing == 1):",
        "with m.If(missing == 0):",
    ),
    (
        "Deframer.never_stuck",
        DEFRAMER,
        "self.requests.valid.eq(1)",
        "self.requests.valid.eq(crc.valid)",
    ),
    (
        "Deframer.only_sound_requests",
        DEFRAMER,
        "passed.eq(crc.sound)",
        "passed.eq(crc.sound | ~crc.crc[0])",
    ),
    (
        "Deframer.requests_are_announced",
        DEFRAMER,
        "self.coming.eq(1)",
        "self.coming.eq(~gap)",
    ),
    (
        "RegisterFile.limits_hold",
        REGISTERS,
        "below | (number > highest)",
        "below | (number > highest + 1)",
    ),
    (
        "RegisterFile.limits_hold",
        REGISTERS,
        "number = value.as_signed() if signed else value",
        "number = value",
    ),
    (
        "RegisterFile.refusal_changes_nothing",
        REGISTERS,
        "                        written.eq(written & ~outside),\n",
        "",
    ),
    (
        "RegisterFile.starts_what_can_be",
        REGISTERS,
        "wrong | (value[0] & ~self.startable)",
        "wrong",
    ),
    (
        "RegisterFile.startable_looks_ahead",
        REGISTERS,
        "m.d.sync += self.startable.eq(0)",
        "pass",
    ),
    (
        "Train.settings_are_possible",
        SEQUENCER,
        "with m.If(again & self.startable):",
        "with m.If(again):",
    ),
    (
        "Train.settings_are_possible",
        INSTRUMENT,
        "RegisterFile(depth, features)",
        "RegisterFile(2 * depth, features)",
    ),
    (
        "Train.every_launch_leaves_room",
        REGISTERS,
        "s.dither[3:] + s.dither[:3].any()",
        "s.dither[3:]",
    ),
    (
        "Train.every_launch_leaves_room",
        PULSE,
        "self.dither + 1 >= s.dither",
        "self.dither + 1 > s.dither",
    ),
    (
        "RegisterFile.controls_change_when_alive",
        REGISTERS,
        "m.d.comb += self.alive.eq(executed)",
        "m.d.comb += self.alive.eq(executed & reading)",
    ),
    (
        "RegisterFile.disable_wins",
        REGISTERS,
        "with m.If(self.disable):",
        "with m.If(self.disable & self.finished):",
    ),
    (
        "RegisterFile.every_request_ends",
        REGISTERS,
        "with m.If(left == 1):",
        "with m.If(left == 0):",
    ),
    (
        "Instrument.nothing_visible",
        INSTRUMENT,
        "self.ff.sending.eq(readout.shipping | ~framer.idle)",
        "self.ff.sending.eq(readout.shipping)",
    ),
    (
        "Instrument.leaps_are_not_seen",
        WINDOW,
        "within.eq((~beyond)[3:] + 1)",
        "within.eq((~beyond)[3:] + 2)",
    ),
    (
        "Instrument.still_foreseen",
        INSTRUMENT,
        "self.ff.horizon.eq(left - 1)",
        "self.ff.horizon.eq(left)",
    ),
    (
        "Instrument.jump_equals_steps",
        GUARD,
        "(WIDTH_LIMIT - 1 - run)[: len(run)]",
        "(WIDTH_LIMIT - run)[: len(run)]",
    ),
    (
        "Instrument.jump_equals_steps",
        INSTRUMENT,
        "self.ff.horizon.eq(left - 1)",
        "self.ff.horizon.eq(left)",
    ),
    (
        "Instrument.jump_equals_steps",
        WINDOW,
        "self.elapsed.eq(self.elapsed + step * CYCLE_NS)",
        "self.elapsed.eq(self.elapsed + CYCLE_NS)",
    ),
    (
        "Instrument.jump_equals_steps",
        SEQUENCER,
        "to_settle.eq(to_settle - step)",
        "to_settle.eq(to_settle - 1)",
    ),
    (
        "Instrument.no_counter_is_overtaken",
        INSTRUMENT,
        "self.ff.horizon.eq(left - 1)",
        "self.ff.horizon.eq(left)",
    ),
    (
        "Instrument.counters_count",
        WINDOW,
        "beyond.eq(beyond + step * CYCLE_NS)",
        "beyond.eq(beyond + CYCLE_NS)",
    ),
    (
        "Instrument.nothing_else_moves",
        SEQUENCER,
        "steady.eq(fastforward.settled([*ahead, *stops, *then]))",
        "steady.eq(fastforward.settled([*ahead, *then]))",
    ),
    (
        "Instrument.frames_last_as_said",
        "trelscope.gateware.readout",
        "to_ask + bins_left + Mux(whole",
        "to_ask + 1 + bins_left + Mux(whole",
    ),
    (
        "Instrument.place_decides",
        INSTRUMENT,
        "& (streak == fastforward.LEAD)",
        "& (streak >= 4)",
    ),
    (
        "Instrument.other_bins_are_under_way",
        INSTRUMENT,
        "with m.If(~self.sampling | ~self.sample_valid | began | train.begin):",
        "with m.If(~self.sample_valid | began | train.begin):",
    ),
    (
        "Instrument.jumps_happen",
        INSTRUMENT,
        "self.ff.horizon.eq(left - 1)",
        "self.ff.horizon.eq(0)",
    ),
    (
        "CountingInstrument.still_foreseen",
        TAGS,
        "(level == 0) & ~few & ~many & room & ~go & ~busy",
        "~few & ~go & ~busy",
    ),
    (
        "CountingInstrument.jump_equals_steps",
        INSTRUMENT,
        "tags.cycle.eq(now + (step - 1))",
        "tags.cycle.eq(now)",
    ),
    (
        "PhotonRows.handed_on_once",
        PHOTONS,
        "held_row5.eq(row5 + crosses),",
        "held_row5.eq(row5),",
    ),
    (
        "PhotonRows.handed_on_once",
        PHOTONS,
        "inside &= ample | (few > lane)",
        "inside &= ample | (few >= lane)",
    ),
    (
        "PhotonRows.none_is_held_in_the_dark",
        PHOTONS,
        "with m.Elif(flush[5] & held):",
        "with m.Elif(flush[5] & held & held_row[0]):",
    ),
]
