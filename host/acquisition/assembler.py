"""Frames of a train from the packets that carry them. What does not fit what was asked for is refused. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trelscope.gateware import protocol
from trelscope.gateware.protocol import CHANNELS, CHUNK_BINS, SUM_BITS, Kind, Mode, TraceFlag
from trelscope.host.link.codec import Packet


@dataclass(frozen=True, eq=False)
class Frame:
    """One buffer of trace memory: sums of ADC codes over `pulses` pulses.

    sums: (channels, bins) int64. number: within the train; first_pulse: index within the train; missed: pulses of the
    train, so far, for which no frame had room; clipped: samples at an end of the ADC's range, by channel.
    """

    sums: NDArray[np.int64]
    number: int
    train: int
    first_pulse: int
    pulses: int
    missed: int
    clipped: tuple[int, ...]
    flags: TraceFlag


class Misfit(Exception):
    """A packet is not one that the train that was asked for can send."""


class Assembler:
    """A frame is a head and its chunks; one with anything missing is dropped whole."""

    def __init__(self) -> None:
        self._registers: Mapping[str, int] | None = None
        self._before = -1
        self._head: dict[str, int] | None = None
        self._sums = np.empty((0, 0), np.int64)
        self._missing: set[tuple[int, int]] = set()

    def expect(self, registers: Mapping[str, int], before: int) -> None:
        """Take frames of the next train. registers: as written for it. before: number of the train that went before."""
        self._registers, self._before, self._head = registers, before, None

    def add(self, packet: Packet) -> Frame | None:
        """The frame that this packet completes, if any. Raises Misfit, also for a kind that nobody has asked for."""
        if self._registers is None:
            return None  # of a train that somebody else has started
        if packet.kind is Kind.TRACE_HEAD:
            self._begin(packet.payload, self._registers)
        elif packet.kind is Kind.TRACE_DATA:
            return self._chunk(packet.payload)
        else:
            raise Misfit
        return None

    def _begin(self, payload: bytes, asked: Mapping[str, int]) -> None:
        self._head = None
        if len(payload) != protocol.TRACE_HEAD.size:
            raise Misfit
        head = protocol.TRACE_HEAD.unpack(payload)
        if head["train"] == self._before:
            return  # the end of the train before
        counting = bool(asked["mode"] & Mode.COUNTING)
        if (
            head["bins"] != asked["window_bins"]
            or head["bin_shift"] != asked["bin_shift"]
            or head["dither"] != asked["dither"]
            or head["window_start"] != asked["window_start"] & 0xFFFFFFFF
            or bool(head["flags"] & TraceFlag.COUNTING) != counting
        ):
            raise Misfit
        self._head = head
        self._sums = np.zeros((len(CHANNELS), head["bins"]), np.int64)
        chunks = -(-head["bins"] // CHUNK_BINS)
        self._missing = {
            (channel, chunk) for channel in range(len(CHANNELS)) for chunk in range(chunks)
        }

    def _chunk(self, payload: bytes) -> Frame | None:
        head = self._head
        if len(payload) < protocol.TRACE_DATA.size:
            raise Misfit
        part = protocol.TRACE_DATA.unpack(payload)
        if head is None or part["frame"] != head["frame"]:
            return None  # its head was lost
        key = part["channel"], part["chunk"]
        first = part["chunk"] * CHUNK_BINS
        size = min(head["bins"] - first, CHUNK_BINS)
        if (
            key not in self._missing
            or len(payload) - protocol.TRACE_DATA.size != size * SUM_BITS // 8
        ):
            raise Misfit
        sums = np.frombuffer(payload, "<u4", offset=protocol.TRACE_DATA.size)
        self._sums[part["channel"], first : first + size] = sums
        self._missing.remove(key)
        if self._missing:
            return None
        self._head = None
        return Frame(
            sums=self._sums,
            number=head["frame"],
            train=head["train"],
            first_pulse=head["first_pulse"],
            pulses=head["pulses"],
            missed=head["missed"],
            clipped=(head["light_clipped"], head["drive_clipped"]),
            flags=TraceFlag(head["flags"]),
        )
