"""A test rig whose ADCs and photon lanes show known numbers in every cycle, independently of the output."""

from collections import defaultdict
from typing import Any

import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge
from numpy.typing import NDArray

from tests import tags, wire
from trelscope.gateware.protocol import SAMPLE_BITS, Kind, TraceFlag
from trelscope.gateware.tags.wire import TAG_HEAD

from .board import PATIENCE, Board, TraceFrame
from .reference import CYCLE, Settings

LENGTH = 1 << 16
"""Cycles after which the numbers repeat."""
FULL = (1 << SAMPLE_BITS) - 1


def noise(seed: int) -> NDArray[np.int64]:
    """Random codes, of shape (cycle, channel), over the whole range; one in thirty is the lowest or the highest."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(1, FULL, (LENGTH, 2))
    codes[rng.random(codes.shape) < 1 / 60] = 0
    codes[rng.random(codes.shape) < 1 / 60] = FULL
    return codes


class Rig(Board):
    """`codes` (cycle, channel) and `lanes` (cycle) belong to the instants in that cycle and are shown in the next.

    sample_every: cycles from one valid sample to the next. tags: by the number of the train, as received.
    """

    def __init__(
        self,
        dut: Any,
        codes: NDArray[np.int64],
        lanes: NDArray[np.uint8] | None = None,
        sample_every: int = 1,
    ) -> None:
        super().__init__(dut)
        self.tags: dict[int, list[tags.Said]] = defaultdict(list)
        self.valid = np.arange(LENGTH) % sample_every == 0
        self.codes, self.lanes = codes, lanes

    def from_cycle(self, start: int, cycles: int) -> NDArray[np.int64]:
        """Indices into the tables for `cycles` cycles from cycle `start`."""
        return np.arange(start, start + cycles) % LENGTH

    async def start(self) -> None:
        if self.lanes is not None:
            self.dut.photons.value = 0
        await super().start()

    async def _run(self) -> None:
        dut = self.dut
        clock = RisingEdge(dut.clk)
        gate, phase, samples, sample_valid = dut.gate, dut.phase, dut.samples, dut.sample_valid
        valid, payload, ready = dut.tx__valid, dut.tx__payload, dut.tx__ready
        words = (self.codes[:, 0] | self.codes[:, 1] << SAMPLE_BITS).tolist()
        usable = self.valid.tolist()
        shown = usable_now = None
        ready_now = False
        while True:
            await clock
            # What is read here is what the cycle showed that ends with this edge.
            now = int(gate.value)
            if now or self._gate:
                self._watch_gate(now, int(phase.value))
            else:
                self._phase = int(phase.value)
            entry = self.cycle % LENGTH
            samples.value = words[entry]
            if usable[entry] != usable_now:
                sample_valid.value = usable_now = usable[entry]
            if self.lanes is not None and (lit := self._lit(entry)) != shown:
                dut.photons.value = shown = lit
            if ready_now and valid.value == 1:
                self._received.append(int(payload.value))
                self._take_frames()
            wanted = self.readiness >= 1.0 or self._rng.random() < self.readiness
            if wanted != ready_now:
                ready.value = ready_now = wanted
            self.cycle += 1

    def _lit(self, entry: int) -> int:
        """Lanes that show a photon in this cycle."""
        assert self.lanes is not None
        return int(self.lanes[entry])

    def _take_frames(self) -> None:
        # Called for every byte: there is never more than one whole frame.
        if len(self._received) < 3 or self._received[2] != Kind.TIME_TAGS:
            super()._take_frames()
        elif (frame := wire.take_frame(self._received)) is not None:
            assert frame.sequence == self._heard & 0xFFFF
            self._heard += 1
            head = TAG_HEAD.unpack(frame.payload)
            said = self.tags[head["train"]]
            assert head["photons"] == tags.photons(said)
            said.extend(tags.read(frame.payload))

    async def measure(self, settings: Settings, readiness: float = 1.0) -> list[TraceFrame]:
        """Run one train with a given number of pulses to its end. `readiness` applies from its start on."""
        self.frames, self.edges = [], []
        self.tags.clear()
        self.readiness = 1.0
        await self.begin(settings)
        self.readiness = readiness
        frames = await self.ended(settings)
        self.readiness = 1.0
        return frames

    async def all_tags(self) -> list[tags.Said]:
        """Receive time tags until all are there of the photons that the instrument has seen in this train."""
        seen = await self.read("photons")
        said = self.tags[await self.read("train")]
        for _ in range(0, PATIENCE, 100):
            if tags.photons(said) >= seen:
                break
            await ClockCycles(self.dut.clk, 100)
        assert tags.photons(said) == seen
        return said

    def first_cycle(self, settings: Settings) -> int:
        """Cycle in which the first period of the train began.

        It is the only quantity observed, at the first edge of the gate.
        """
        origin = self.edges[0][0] - settings.edge(0)
        assert origin % CYCLE == 0
        rises = [ns - origin for ns, volts in self.edges if volts]
        assert rises == [settings.edge(k) for k in range(settings.count)]
        return origin // CYCLE


class LitRig(Rig):
    """A rig whose photons come from the device that the output drives. It stops where its tables end.

    brightness: photons a ns for each volt of the light signal. chances (cycle, lane) is how likely each photon was.
    """

    def __init__(self, dut: Any, seed: int, brightness: float) -> None:
        super().__init__(dut, noise(seed), np.zeros(LENGTH, np.uint8))
        self.chances = np.zeros((LENGTH, CYCLE))
        self._brightness = brightness
        self._throw = np.random.default_rng(seed)

    def _lit(self, entry: int) -> int:
        assert self.cycle < LENGTH
        assert self.lanes is not None
        instant = CYCLE * self.cycle
        self._follow(instant)
        t = (instant - self._since + np.arange(CYCLE)) * 1e-9
        light = self.plant.light_at(self._segment, t) - self.plant.detector.dark_signal
        self.chances[entry] = 1 - np.exp(-self._brightness * np.maximum(light, 0))
        hit = self._throw.random(CYCLE) < self.chances[entry]
        self.lanes[entry] = np.packbits(hit, bitorder="little")[0]
        return super()._lit(entry)


def sample_sums(
    settings: Settings, codes: NDArray[np.int64], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bin sums, of shape (pulse, channel, bin), and clipped samples, of shape (pulse, channel), of the codes since the
    train began."""
    sums = np.zeros((settings.count, 2, settings.window_bins), dtype=np.int64)
    clipped = np.zeros((settings.count, 2), dtype=np.int64)
    for k in range(settings.count):
        own = np.arange(settings.period_start(k), settings.period_start(k + 1))
        bins = (CYCLE * own - settings.edge(k) - settings.window_start) >> settings.bin_shift
        taken = (bins >= 0) & (bins < settings.window_bins) & valid[own]
        for channel in range(2):
            mine = codes[own[taken], channel]
            np.add.at(sums[k, channel], bins[taken], mine)
            clipped[k, channel] = np.count_nonzero((mine == 0) | (mine == FULL))
    return sums, clipped


def check_frames(
    frames: list[TraceFrame],
    settings: Settings,
    sums: NDArray[np.int64],
    clipped: NDArray[np.int64],
) -> None:
    """Check every bit of every frame against the sums, of shape (pulse, channel, bin), and the clipped samples of the
    pulses."""
    assert [f.head["frame"] for f in frames] == list(range(len(frames)))
    assert [TraceFlag.END in f.flags for f in frames] == [False] * (len(frames) - 1) + [True]
    assert len({f.head["train"] for f in frames}) == 1
    assert sum(f.head["pulses"] for f in frames) + frames[-1].head["missed"] == settings.count
    first = 0
    for frame in frames:
        head = frame.head
        assert head["missed"] == 0
        assert head["first_pulse"] == first
        assert head["window_start"] == settings.window_start & 0xFFFFFFFF
        assert head["bins"] == settings.window_bins
        assert (head["bin_shift"], head["dither"]) == (settings.bin_shift, settings.dither)
        whole = head["pulses"] % settings.dither == 0 and head["pulses"] >= settings.frame_pulses
        assert whole or TraceFlag.END in frame.flags
        own = slice(first, first + head["pulses"])
        expected = sums[own].sum(axis=0)
        wrong = np.argwhere(frame.sums != expected)
        assert not wrong.size, (
            head,
            len(wrong),
            wrong[:4].tolist(),
            *wrong_values(frame, expected),
        )
        cut = clipped[own].sum(axis=0).tolist()
        assert [head["light_clipped"], head["drive_clipped"]] == cut
        assert not frame.flags & (TraceFlag.SATURATED_LIGHT | TraceFlag.SATURATED_DRIVE)
        first += head["pulses"]
    assert first == settings.count


def wrong_values(frame: TraceFrame, expected: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """The first sums that differ, as received and as expected."""
    differ = frame.sums != expected
    return frame.sums[differ][:4].tolist(), expected[differ][:4].tolist()
