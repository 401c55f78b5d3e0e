"""Whatever is done to a board, it gives the same bytes at the same cycles whether cycles are left out or not."""

import pytest

from trelscope.sim.emulator import EmulatedBoard

from .sessions import Session, difference

EYE = range(30, 91)
"""Taps at which the ADC's codes are taken as they are; at others some bits are wrong."""
GROUP = 10
"""Sessions of one test: they are spread over processors by tests."""


def _groups(first: int, last: int) -> list[range]:
    return [range(n, n + GROUP) for n in range(first, last, GROUP)]


@pytest.mark.parametrize(
    "seeds",
    [
        *_groups(0, 40),
        *(pytest.param(group, marks=pytest.mark.soak) for group in _groups(40, 2000)),
    ],
    ids=lambda seeds: f"{seeds.start}",
)
def test_random_sessions_give_the_same_bytes(seeds: range) -> None:
    left_out = 0
    for seed in seeds:
        session = Session(seed)
        fast, plain = (
            EmulatedBoard(session.plant, seed, fast_forward, supply=session.supply, eye=EYE)
            for fast_forward in (True, False)
        )
        found = difference(session, (plain, fast))
        left_out += fast.jumped
        assert plain.jumped == 0
        plain.close()
        fast.close()
        assert found is None, found
    assert left_out > GROUP * 10_000
