"""Random sessions with a board, from a seed: what a host, a link and a laboratory may do to it, and more."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

from trelscope.gateware import protocol
from trelscope.gateware.protocol import MAX_BIN_SHIFT, REGISTERS, Access, Kind, Mode
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.physics.photon_counter import PhotonCounter
from trelscope.sim.physics.plant import Plant
from trelscope.sim.physics.supply import IDEAL, OF_A_BOARD, Supply
from trelscope.sim.presets.presets import load_plant

DEPTH = 16384
TRAINS = 3
BUDGETS = (20_000, 60_000, 150_000)
"""Cycles of one train."""
PATIENCE = 20_000
"""Cycles after which a board that has sent nothing in them will send nothing more."""
DEVICES = ("bmim3-1mm2", "hr-1mm2", "bmim3-libr-4mm2")


@dataclass(frozen=True)
class Step:
    """Cycles to run, with bytes that arrive, room for those that come, and the level of the trip input."""

    cycles: int
    rx: bytes = b""
    room: int | None = None
    trip: bool = False


@dataclass
class Session:
    """Everything about one session follows from its seed."""

    seed: int

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._sequence = self._dice.randrange(1 << 16)
        self.counting = self._dice.random() < 0.5
        self.plant = self._plant()
        self.supply = self._dice.choice((IDEAL, OF_A_BOARD, Supply(20e-6, 100e-6)))

    def steps(self) -> Iterator[Step]:
        """What is done to the board, in order."""
        dice = self._dice
        for _ in range(TRAINS):
            settings = self._settings()
            budget = dice.choice(BUDGETS)
            others = {"adc_delay": dice.choice((50, 50, 0, 127))} | {
                "settle": dice.choice((0, 0, 1, 2, 40, 7_000, 50_000))
            }
            yield from self._commands(settings | others | {"enable": 1, "run": 1})
            slow_link = dice.random() < 0.25
            while budget > 0:
                cycles = dice.choice((1, 2, 7, 64, 333, 5_000, 5_001, 30_011))
                room = dice.choice((0, 1, 57, 900, 5_000)) if slow_link else None
                budget -= cycles
                yield Step(cycles, room=room)
                yield from self._incident()
            if dice.random() < 0.7:  # else the next train interrupts this one
                yield from self._commands({"run": 0})
                yield Step(dice.choice((100, 9_000, 60_000)))
        yield from self._commands({"run": 0})

    def _plant(self) -> Plant:
        dice = self._dice
        if not self.counting:
            return load_plant(dice.choice(DEVICES))
        options = {"detector": "pmt", "filter": dice.choice(("3e-8", "3e-7", "3e-6", "3e-5"))}
        plant = load_plant(dice.choice(DEVICES), options)
        assert isinstance(plant.detector, PhotonCounter)
        echoing = replace(
            plant.detector,
            dead_time=dice.choice((0.0, 3e-9, 25e-9)),
            afterpulse=dice.choice((0.0, 0.02, 0.3)),
        )
        return Plant(plant.device, echoing, plant.monitor)

    def _settings(self) -> dict[str, int]:
        """Registers of one train: not only what a host would write."""
        dice = self._dice
        shift = dice.choice((0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, MAX_BIN_SHIFT))
        width = 1 << shift
        period = int(10 ** dice.uniform(2.4, 4.7))
        dither = dice.choice((1, 8, 8, 8, 2, 5, 13, 100))
        delay = dice.choice((0, 1, 64, dice.randrange(period // 2)))
        # From well before the period's start to beyond its end: the window is cut there.
        start = dice.randrange(-8 * min(delay + 20, period), 8 * period * 2 // 3)
        if dice.random() < 0.5:
            start -= start % max(width, 8)
        room = 8 * (period - delay) - start
        length = dice.choice((dice.randrange(1, 400), room - 64, dice.randrange(1, 8 * period)))
        most = dice.choice((300, 2_000, 2_000, DEPTH))
        bins = min(max(length // width, 1), most)
        while bins > 1 and 8 * delay + start + bins * width > 8 * period - 64:
            bins //= 2  # a sample must not fall into a bin that is still on its way to memory
        return {
            "period": period,
            "period_num": (fraction := dice.choice((0, 0, 1, 333, 999))),
            "period_den": 1000 if fraction else 1,
            "delay": delay,
            "width": dice.choice((1, 2, 3, dice.randrange(2, 2 * period))),
            "level": dice.choice((0, 5_999, 6_000, 10_000, 10_001, 14_000, 16_383)),
            "count": dice.choice((0, 0, 1, dither, 40, 64)),
            "dither": dither,
            "window_start": start,
            "window_bins": bins,
            "bin_shift": shift,
            "frame_pulses": dice.choice((1, 8, 16, 64)),
            "mode": int(Mode(dice.randrange(4))) if self.counting else 0,
            "watchdog": dice.choice((0, 0, 0, 125_000_000, 60_000, 9_000)),
        }

    def _commands(self, values: dict[str, int]) -> Iterator[Step]:
        """Writes, the faulty ones among them once more, while the board runs on."""
        for name, value in values.items():
            faulty = self._dice.random() < 0.03
            frame = bytearray(self._request(Kind.WRITE, name, value))
            if faulty:
                frame[self._dice.randrange(len(frame))] ^= 1 << self._dice.randrange(8)
                yield Step(self._dice.choice((40, 600)), bytes(frame))
                frame = bytearray(self._request(Kind.WRITE, name, value))
            yield Step(self._dice.choice((24, 50, 333, 1_000)), bytes(frame))

    def _request(self, kind: Kind, name: str, value: int = 0) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        payload = protocol.REQUEST.pack(address=REGISTERS[name].address, value=value & 0xFFFFFFFF)
        return protocol.encode_frame(kind, self._sequence, payload)

    def _incident(self) -> Iterator[Step]:
        """Most often none."""
        dice, chance = self._dice, self._dice.random()
        if chance < 0.04:
            yield Step(dice.choice((1, 5, 500)), trip=True)
            yield Step(dice.choice((1, 50)))
            if dice.random() < 0.8:
                yield from self._commands({"acknowledge": 0xFF, "enable": 1})
        elif chance < 0.08:
            yield from self._commands({"acknowledge": 0xFF, "enable": 1})
        elif chance < 0.14:
            readable = [name for name, r in REGISTERS.items() if r.access is not Access.CONTROL]
            yield Step(dice.choice((30, 700)), self._request(Kind.READ, dice.choice(readable)))
        elif chance < 0.16:
            yield Step(dice.choice((5, 300)), dice.randbytes(dice.randrange(1, 60)))
        elif chance < 0.19:
            staged = {"level": dice.randrange(6_000, 14_001), "run": dice.randrange(2)}
            yield from self._commands(staged)
        elif chance < 0.20:
            yield from self._commands({"enable": 0})
            yield Step(dice.choice((3, 9_000)))
            yield from self._commands({"enable": 1})


def difference(session: Session, boards: Sequence[EmulatedBoard]) -> str | None:
    """Run a session on all boards at once, until they have sent everything.

    Returns None, or where they first give other bytes or take other ones.
    """
    waiting = b""
    sent = 0
    for number, step in enumerate(chain(session.steps(), repeat(Step(PATIENCE)))):
        rx = waiting + step.rx
        answers = []
        for board in boards:
            board.trip(step.trip)
            answers.append(board.run(step.cycles, rx, step.room))
        (bytes_, taken), *others = answers
        for other, other_taken in others:
            if (other, other_taken) != (bytes_, taken):
                same = next(
                    (n for n, (a, b) in enumerate(zip(bytes_, other, strict=False)) if a != b),
                    min(len(bytes_), len(other)),
                )
                return (
                    f"session {session.seed}: step {number} ({step.cycles} cycles, to cycle"
                    f" {boards[0].cycle}) gives {len(bytes_)} and {len(other)} bytes, takes {taken} and"
                    f" {other_taken}; bytes alike up to {sent + same}"
                )
        waiting = rx[taken:]
        sent += len(bytes_)
        if step.cycles == PATIENCE and not bytes_:
            return None
    raise AssertionError("the steps have no end")
