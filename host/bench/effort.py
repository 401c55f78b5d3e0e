"""How much is measured."""

from dataclasses import dataclass

from trelscope.host.bench.workload import FRAME, STEADY


@dataclass(frozen=True)
class Effort:
    """samples: of every figure. seconds: each takes, at least. frames: until an acquisition counts as steady.

    everywhere: at other settings than the usual ones, too. watched: cycles in which engines must agree. build: whether
    to compile what takes long.
    snrs, runs: amplitude over noise of one bin, and traces of each, for precision; cases: how many of its waveforms.
    """

    samples: int
    seconds: float
    frames: int
    everywhere: bool
    watched: int
    build: bool
    snrs: tuple[float, ...]
    runs: int
    cases: int


FULL = Effort(
    samples=5,
    seconds=1.0,
    frames=3,
    everywhere=True,
    watched=STEADY + 2 * FRAME,
    build=True,
    snrs=(3, 30, 300),
    runs=20,
    cases=99,
)
QUICK = Effort(
    samples=2,
    seconds=0.02,
    frames=1,
    everywhere=False,
    watched=2_500,
    build=False,
    snrs=(30,),
    runs=2,
    cases=3,
)
"""Shows that everything works. Its figures mean nothing."""
