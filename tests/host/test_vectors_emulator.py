"""The timing cases of tests/vectors on the compiled emulator."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import timing, wire
from tests.timing import Case, Step
from trelscope.gateware.protocol import REGISTERS, REPLY, Access, Kind
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.presets.presets import load_plant

DEPTH = 16384
"""Bins of the emulated board."""
GIVEN = timing.TAKEN + 1
"""Bits of a word above the pins: a byte has been given to `tx`, and which."""
STATUS = [r.name for r in REGISTERS.values() if r.access is not Access.SETTING]
READ_STATUS = Step(
    3_000,
    b"".join(wire.read(1000 + n, name) for n, name in enumerate(STATUS)),
    dict(timing.INPUTS),
)


def board() -> EmulatedBoard:
    return EmulatedBoard(load_plant("hr-1mm2"))


def play(steps: Iterable[Step], run: Callable[[Step, bytes], tuple[Any, int]]) -> list[Any]:
    """What `run`, which is offered a step's bytes and says how many it took, gives for each step."""
    queue, out = b"", []
    for step in steps:
        queue += step.rx
        seen, taken = run(step, queue)
        queue = queue[taken:]
        out.append(seen)
    return out


def probe(board: EmulatedBoard, steps: Iterable[Step]) -> NDArray[np.uint32]:
    return np.concatenate(play(steps, lambda step, rx: board.probe(step.cycles, rx, **step.inputs)))


def replies(sent: bytes) -> list[dict[str, int]]:
    data, found = bytearray(sent), []
    while (frame := wire.take_frame(data)) is not None:
        if frame.kind is Kind.REPLY:
            found.append(REPLY.unpack(frame.payload))
    return found


@pytest.mark.parametrize("case", timing.load(), ids=str)
def test_in_the_emulator(case: Case) -> None:
    given = timing.stimulus(case, DEPTH)
    timing.check(case, given, probe(board(), given.steps).tolist())


# The emulator's launch phase is always ready.
@pytest.mark.parametrize(
    "case",
    [c for c in timing.load() if not any("phase_ready" in n.inputs for n in c.lines)],
    ids=str,
)
def test_jumping_through_a_case_ends_in_the_same_state(case: Case) -> None:
    """Fast-forward, device and detector change no reply, nor any status at the end."""
    steps = (*timing.stimulus(case, DEPTH).steps, READ_STATUS)
    words = probe(plain := board(), steps)
    given = words[words >> GIVEN & 1 == 1] >> GIVEN + 1
    expected = replies(given.astype(np.uint8).tobytes())
    assert len(expected) == sum(len(step.rx) for step in steps) // len(wire.read(0, "status"))

    jumping = board()

    def run(step: Step, rx: bytes) -> tuple[bytes, int]:
        jumping.trip(bool(step.inputs["trip"]))
        return jumping.run(step.cycles, rx)

    assert replies(b"".join(play(steps, run))) == expected
    assert jumping.cycle == plain.cycle
    assert jumping.jumped > 0
