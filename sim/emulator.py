"""The emulated board: the compiled gateware with a device, a detector and ADCs around it. Bytes in, bytes out."""

import ctypes
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trelscope.gateware.protocol import ADC_DELAY_BITS, CLOCK_HZ, LEVEL_LSB_V
from trelscope.sim.compiler.build import library
from trelscope.sim.physics.detector import ADC_BITS
from trelscope.sim.physics.expsum import constant
from trelscope.sim.physics.photon_counter import PhotonCounter, mean_counts
from trelscope.sim.physics.plant import WEAR_STEP, Plant, Segment
from trelscope.sim.physics.supply import IDEAL, Supply

SAME_STATE = (
    1e-9  # V: states closer than this count as one, so a steady train needs only a few segments
)
MANY_SEGMENTS = 1000  # a device that ages never meets the old ones again
TX_ROOM = 1 << 20  # bytes a single run may give
IDLE_INPUT = 0.5  # V at an ADC of 1 V full scale: what channel A sees where photons are counted


class _Adc(ctypes.Structure):
    _fields_ = [
        ("lsb", ctypes.c_double),
        ("floor", ctypes.c_double),
        ("slope", ctypes.c_double),
        ("zero", ctypes.c_double),
        ("full", ctypes.c_int32),
    ]


class _Detector(ctypes.Structure):
    _fields_ = [
        ("dead_time", ctypes.c_double),
        ("afterpulse", ctypes.c_double),
        ("afterpulse_time", ctypes.c_double),
        ("blink_rate", ctypes.c_double),
        ("recovery", ctypes.c_double),
    ]


class _SegmentRequest(ctypes.Structure):
    _fields_ = [("origin", ctypes.c_int32), ("code", ctypes.c_int32), ("dt", ctypes.c_int64)]


class EmulatedBoard:
    """One emulated board.

    The same plant, seed and bytes at the same cycles give the same bytes back, bit for bit, with or without
    fast-forward. `report` is told about compiling, if that is needed. `supply` is what the driver gets its level from;
    `eye` are the delays, in taps, at which the ADCs' codes are taken as they are. Raises `CompileError`.
    """

    def __init__(
        self,
        plant: Plant,
        seed: int = 0,
        fast_forward: bool = True,
        report: Callable[[str], None] = lambda line: None,
        supply: Supply = IDEAL,
        eye: range = range(1 << ADC_DELAY_BITS),
    ) -> None:
        self._handle = None
        self._counter = plant.detector if isinstance(plant.detector, PhotonCounter) else None
        self._lib = _load(library(self._counter is not None, report))
        self._plant = plant
        self._handle = self._lib.board_new(
            seed & (2**64 - 1),
            fast_forward,
            _converters(plant),
            _detector(self._counter),
            supply.rise * CLOCK_HZ,
            supply.fall * CLOCK_HZ,
        )
        self._lib.board_set_eye(self._handle, eye[0], eye[-1])
        self._segments: list[tuple[int, NDArray[np.float64], Segment]] = []
        self._tx = ctypes.create_string_buffer(TX_ROOM)
        self._lib.board_renew(self._handle, WEAR_STEP)
        rest = plant.rest()
        self._add_segment(0, rest)

    def close(self) -> None:
        """Give the board's memory back; it cannot be used afterwards."""
        if self._handle:
            self._lib.board_free(self._handle)
            self._handle = None

    def __del__(self) -> None:
        self.close()

    @property
    def cycle(self) -> int:
        """Clock cycles since power-up."""
        return int(self._lib.board_cycle(self._handle))

    @property
    def time(self) -> float:
        """Simulated seconds since power-up."""
        return self.cycle / CLOCK_HZ

    @property
    def jumped(self) -> int:
        """Cycles of these that were fast-forwarded."""
        return int(self._lib.board_jumped(self._handle))

    def trip(self, level: bool) -> None:
        """Drive the external trip input."""
        self._lib.board_trip(self._handle, level)

    def run(self, cycles: int, rx: bytes = b"", room: int | None = None) -> tuple[bytes, int]:
        """Run `cycles` clock cycles while `rx` arrives back to back.

        Returns the bytes sent and how many bytes of `rx` were taken. After `room` bytes the receiver holds the board
        up, whose frames then grow. Releases the GIL.
        """
        until = self.cycle + cycles
        used, given = ctypes.c_int(), ctypes.c_int()
        ask = _SegmentRequest()
        sent = bytearray()
        taken = 0
        while True:
            stopped = self._lib.board_run(
                self._handle,
                until,
                rx[taken:],
                len(rx) - taken,
                ctypes.byref(used),
                self._tx,
                TX_ROOM if room is None else min(room - len(sent), TX_ROOM),
                ctypes.byref(given),
                ctypes.byref(ask),
            )
            sent += memoryview(self._tx)[: given.value]
            taken += used.value
            if not stopped:
                return bytes(sent), taken
            self._answer(ask)

    def probe(
        self, cycles: int, rx: bytes = b"", trip: bool = False, phase_ready: bool = True
    ) -> tuple[NDArray[np.uint32], int]:
        """Run plain clock cycles with test equipment at the pins: neither device nor detector follow the output.

        Returns one word a cycle, as harness.cc packs it, and how many bytes of `rx` were taken.
        """
        words = np.empty(cycles, np.uint32)
        taken = self._lib.board_probe(
            self._handle,
            cycles,
            trip,
            phase_ready,
            rx,
            len(rx),
            words.ctypes.data_as(ctypes.POINTER(ctypes.c_uint32)),
        )
        return words, int(taken)

    def _answer(self, ask: _SegmentRequest) -> None:
        """Tell the harness how plant and detector respond to an edge it has not met before, or not at this age."""
        if len(self._segments) > MANY_SEGMENTS:
            self._restart_segments()  # it asks again, by new numbers
            return
        segment, dt = self._segments[ask.origin][2], ask.dt * 1e-9
        state, wear = segment.state_after(dt), self._plant.wear(segment, dt)
        older = self._lib.board_worn(self._handle) + wear
        if older > WEAR_STEP:
            state, wear = self._plant.aged(state, older), 0.0
            self._lib.board_renew(self._handle, WEAR_STEP)
        room = self._lib.board_add_transition(
            self._handle, ask.origin, ask.dt, ask.code, self._segment_for(ask.code, state), wear
        )
        if not room:
            self._restart_segments()

    def _segment_for(self, code: int, state: NDArray[np.float64]) -> int:
        for number, (known_code, known_state, _) in enumerate(self._segments):
            if known_code == code and np.abs(known_state - state).max() < SAME_STATE:
                return number
        return self._add_segment(code, state)

    def _add_segment(self, code: int, state: NDArray[np.float64]) -> int:
        segment = self._plant.segment(state, code * LEVEL_LSB_V)
        starts, constants, counts = [], [], []
        amps: list[float] = []
        rates: list[float] = []
        for piece in segment.pieces:
            starts.append(piece.start)
            light = constant(IDLE_INPUT) if self._counter else piece.light
            for signal in (light, piece.drive):
                slowest_first = np.argsort(signal.rates, kind="stable")
                constants.append(signal.const)
                counts.append(len(slowest_first))
                amps.extend(signal.amps[slowest_first])
                rates.extend(signal.rates[slowest_first])
        self._lib.board_add_segment(
            self._handle,
            len(starts),
            _doubles(starts),
            _doubles(constants),
            (ctypes.c_int32 * len(counts))(*counts),
            _doubles(amps),
            _doubles(rates),
        )
        if self._counter:
            at, means, rate = mean_counts([(piece.start, piece.light) for piece in segment.pieces])
            self._lib.board_add_means(
                self._handle, at.size, _array(at * 1e9), _array(means), rate * 1e-9
            )
        self._segments.append((code, state, segment))
        return len(self._segments) - 1

    def _restart_segments(self) -> None:
        """Start the graph of segments anew from the ones in force: a long session may have met very many."""
        live = (ctypes.c_int32 * 32)()
        count = self._lib.board_forget(self._handle, live)
        kept = [self._segments[number] for number in live[:count]]
        self._segments.clear()
        for code, state, _ in kept:
            self._add_segment(code, state)


def _converters(plant: Plant) -> ctypes.Array[_Adc]:
    light, drive = plant.detector, plant.monitor
    if isinstance(light, PhotonCounter):
        full = (1 << ADC_BITS) - 1
        first = _Adc(1.0 / (full + 1), 0.0, 0.0, math.inf, full)
    else:
        full = (1 << light.bits) - 1
        first = _Adc(
            light.full_scale / (full + 1),
            light.noise_floor_variance,
            light.shot_variance_per_volt,
            light.dark_signal,
            full,
        )
    full = (1 << drive.bits) - 1
    return (_Adc * 2)(
        first, _Adc(drive.full_scale / (full + 1), drive.noise**2, 0.0, math.inf, full)
    )


def _detector(counter: PhotonCounter | None) -> "ctypes._Pointer[_Detector] | None":
    if counter is None:
        return None
    return ctypes.pointer(
        _Detector(
            counter.dead_time * 1e9,
            counter.afterpulse,
            counter.afterpulse_time * 1e9,
            counter.blink_rate * 1e-9,
            counter.recovery * 1e9,
        )
    )


def _doubles(values: list[float]) -> ctypes.Array[ctypes.c_double]:
    return (ctypes.c_double * len(values))(*values)


def _array(values: NDArray[np.float64]) -> ctypes.Array[ctypes.c_double]:
    return _doubles(values.tolist())


def _load(path: Path) -> ctypes.CDLL:
    lib = ctypes.CDLL(str(path))
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    doubles = ctypes.POINTER(ctypes.c_double)
    integers = ctypes.POINTER(ctypes.c_int32)
    counter = ctypes.POINTER(ctypes.c_int)
    for name, result, arguments in (
        (
            "board_new",
            pointer,
            [
                *(ctypes.c_uint64, integer, ctypes.POINTER(_Adc), ctypes.POINTER(_Detector)),
                *(ctypes.c_double, ctypes.c_double),
            ],
        ),
        ("board_free", None, [pointer]),
        ("board_cycle", ctypes.c_uint64, [pointer]),
        ("board_jumped", ctypes.c_uint64, [pointer]),
        ("board_trip", None, [pointer, integer]),
        ("board_set_eye", None, [pointer, integer, integer]),
        (
            "board_add_segment",
            None,
            [pointer, integer, doubles, doubles, integers, doubles, doubles],
        ),
        (
            "board_add_transition",
            integer,
            [pointer, integer, ctypes.c_int64, integer, integer, ctypes.c_double],
        ),
        ("board_worn", ctypes.c_double, [pointer]),
        ("board_renew", None, [pointer, ctypes.c_double]),
        ("board_add_means", None, [pointer, integer, doubles, doubles, ctypes.c_double]),
        ("board_forget", integer, [pointer, integers]),
        (
            "board_run",
            integer,
            [
                pointer,
                ctypes.c_uint64,
                ctypes.c_char_p,
                integer,
                counter,
                ctypes.c_char_p,
                integer,
                counter,
                ctypes.POINTER(_SegmentRequest),
            ],
        ),
        (
            "board_probe",
            integer,
            [
                pointer,
                integer,
                integer,
                integer,
                ctypes.c_char_p,
                integer,
                ctypes.POINTER(ctypes.c_uint32),
            ],
        ),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib
