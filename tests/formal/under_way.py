"""What is under way from the window to the trace memories while one sample follows another: invariants for leaps.

A leap (docs/emulator.md) adds samples to memory itself and leaves everything between window and memory as it is. That
is right if all of it depends on nothing but the place of the present sample in its bin, and if the bins that are under
way are other ones. With `streak` samples on end, that is so for the first stages.
"""

from amaranth.hdl import Cat, Module, Mux, Value

from trelscope.gateware.layouts import SETTINGS
from trelscope.gateware.protocol import CYCLE_NS, MAX_BIN_SHIFT, Mode

from .prove import Spec, invariant

STORED = 8
"""Samples from the present one back to the one with which the update of the bin before it has just been stored."""


class UnderWay(Spec):
    """Invariants of a whole instrument, with or without photon counting.

    Stage n holds what came n samples before the present one.
    """

    counting = False

    def watch(self, m: Module) -> None:
        self.firsts = [self.inside("window.place") < CYCLE_NS]
        for _ in range(STORED + 1):
            self.firsts.append(self.past(self.firsts[-1]))

    def since(self, samples: int) -> Value:
        """There have been so many samples on end, and more may come."""
        return (self.inside("streak") >= samples) & self.in_state("sequencer", "RUN")

    def bin_of(self, n: int) -> Value:
        """Bin of the sample n before the present one."""
        elapsed = (self.inside("window.elapsed") - n * CYCLE_NS).as_unsigned()
        return (elapsed[:32] >> self.inside("window.shift"))[
            : len(self.inside("boxcar.update_bin"))
        ]

    def lanes(self, memory: str) -> list[str]:
        """Paths of the memories that make up one channel's."""
        many = memory == "memory_light" and self.counting
        return [f"{memory}.lane{n}" for n in range(CYCLE_NS)] if many else [memory]

    @invariant
    def open_while_running(self) -> Value:
        """The window is open only while a train is under way."""
        return ~self.inside("window.open") | self.in_state("sequencer", "RUN")

    @invariant
    def window_has_its_settings(self) -> Value:
        """What the window works out ahead from the settings agrees with them from the start of a train to its end."""
        settings = SETTINGS(self.inside("sequencer.settings"))
        there = Cat(self.in_state("sequencer", s) for s in ("START", "RUN", "CLOSE")).any()
        length = (settings.window_bins << settings.bin_shift)[:32]
        shift = self.inside("window.shift") == settings.bin_shift
        return ~there | (shift & (self.inside("window.length") == length))

    @invariant
    def samples_were_inside(self) -> Value:
        """The samples on end were in the window, and where each lay in its bin follows from the present time."""
        elapsed, shift = self.inside("window.elapsed"), self.inside("window.shift")
        mask = ((1 << shift) - 1)[:MAX_BIN_SHIFT]
        holds = Value.cast(1)
        for n in range(1, STORED + 2):
            then = elapsed - n * CYCLE_NS
            first = (then[:MAX_BIN_SHIFT] & mask) < CYCLE_NS
            holds = holds & (
                ~self.since(n) | ((self.firsts[n] == first) & ((then >= 0) | (elapsed < 0)))
            )
        return holds

    @invariant
    def samples_go_to_the_boxcar(self) -> Value:
        """Samples on end fill the boxcar, which hands a bin on with the first sample of the next."""
        buffer = self.inside("sequencer.buffer")
        come = (
            self.inside("kept")
            & self.inside("inside")
            & (self.inside("buffer") == buffer)
            & (self.inside("bin") == self.bin_of(1))
        )
        in_hand = (
            self.inside("boxcar.valid")
            & self.inside("taken")
            & (self.inside("boxcar.buffer") == buffer)
            & (self.inside("boxcar.bin_") == self.bin_of(2))
            & ~self.inside("boxcar.flushing")
            & ~self.inside("fresh")
        )
        held = (
            self.inside("boxcar.held")
            & (self.inside("boxcar.again") == ~self.firsts[2])
            & (self.inside("boxcar.update") == self.firsts[2])
            & (self.inside("boxcar.update_buffer") == buffer)
            & (self.inside("boxcar.update_bin") == self.bin_of(3))
        )
        return (~self.since(1) | come) & (~self.since(2) | in_hand) & (~self.since(3) | held)

    @invariant
    def flags_were_cleared_before(self) -> Value:
        """The flags of saturated sums are cleared when buffers are swapped, which is well before the second sample."""
        forgets = Cat(
            self.inside(f"{lane}.forget").any()
            for memory in ("memory_light", "memory_drive")
            for lane in self.lanes(memory)
        )
        return ~self.since(2) | ~forgets.any()

    @invariant
    def updates_are_under_way(self) -> Value:
        """The pipelines of the trace memories hold one update for each bin that has come to its end."""
        holds = Value.cast(1)
        counting = (SETTINGS(self.inside("sequencer.settings")).mode & Mode.COUNTING) != 0
        for memory in ("memory_light", "memory_drive"):
            late = int(len(self.lanes(memory)) > 1)
            holds = holds & ((counting & late) | self._updates(memory, late))
        return holds

    def _updates(self, memory: str, late: int) -> Value:
        buffer = self.inside("sequencer.buffer")
        holds = Value.cast(1)
        lanes = self.lanes(memory)
        if late:  # which lane, and where in it, is a stage of its own
            choice = self.inside(f"{memory}.update")
            turn = Cat(self.bin_of(4)[:3] == n for n in range(len(lanes)))
            there = (self.inside(f"{memory}.row") == self.bin_of(4)[3:]) & (
                self.inside(f"{memory}.row_buffer") == buffer
            )
            chosen = Mux(self.firsts[3], (choice == turn) & there, choice == 0)
            holds = holds & (~self.since(4) | chosen)
        stages = [(f"update{n}", f"bin{n}", f"buffer{n}") for n in range(1, 5)]
        for n, names in enumerate([*stages, ("store", "store_bin", "store_buffer")], 3 + late):
            seen = []
            bin_now = self.bin_of(n + 1)
            for number, lane in enumerate(lanes):
                update, bin_, into = (self.inside(f"{lane}.{name}") for name in names)
                seen.append(update)
                there = bin_ == bin_now
                if late:
                    there = (bin_ == bin_now[3:]) & (bin_now[:3] == number)
                holds = holds & (~self.since(n + 1) | ~update | (there & (into == buffer)))
            flags = Cat(seen).any() == self.firsts[n]
            holds = holds & (~self.since(n + 1) | flags)
        stored = Cat(self.inside(f"{lane}.stored") for lane in lanes).any()
        last = STORED + late
        return holds & (~self.since(last + 1) | (stored == self.firsts[last]))
