"""The timing cases of tests/vectors in Amaranth's own simulator."""

from collections.abc import Callable, Iterator

import pytest
from amaranth.sim import Simulator

from tests import timing
from tests.timing import Case, Stimulus, VectorError
from trelscope.gateware.instrument import Instrument

from .testbench import CLOCK_PERIOD

Play = Callable[[Stimulus], list[int]]


@pytest.fixture(scope="module")
def play() -> Play:
    """Plays cases on one instrument, which is reset before each."""
    dut = Instrument(depth=timing.ENGINE_DEPTH)
    given: list[Stimulus] = []
    words: list[int] = []

    async def bench(ctx) -> None:
        ctx.set(dut.tx.ready, 1)
        outputs = [getattr(dut, name) for name in timing.OUTPUTS]
        ticks = aiter(ctx.tick().sample(dut.rx.valid, dut.rx.ready, *outputs))
        queue = bytearray()
        for step in given[-1].steps:
            queue += step.rx
            for name, value in step.inputs.items():
                ctx.set(getattr(dut, name), value)
            for _ in range(step.cycles):
                ctx.set(dut.rx.valid, bool(queue))
                if queue:
                    ctx.set(dut.rx.payload, queue[0])
                _, _, valid, ready, *values = await anext(ticks)
                taken = bool(valid & ready)
                del queue[:taken]
                words.append(timing.pack(dict(zip(timing.OUTPUTS, values, strict=True)), taken))

    sim = Simulator(dut)
    sim.add_clock(CLOCK_PERIOD)
    sim.add_testbench(bench)

    def play(stimulus: Stimulus) -> list[int]:
        if given:
            sim.reset()
        given.append(stimulus)
        words.clear()
        sim.run()
        return words

    return play


@pytest.mark.xdist_group("vectors")  # on one processor: elaborated once
@pytest.mark.parametrize("case", timing.load(), ids=str)
def test_in_amaranth(case: Case, play: Play) -> None:
    given = timing.stimulus(case, timing.ENGINE_DEPTH)
    timing.check(case, given, play(given))


def test_names_are_unique_and_every_file_is_read() -> None:
    names = [str(case) for case in timing.load()]
    assert len(set(names)) == len(names)
    assert {case.subject for case in timing.load()} == set(timing.subjects()) != set()


CASE = '''
doc = "d"
[[case]]
name = "n"
doc = "d"
set = {{ {set} }}
timing = """
{lines}
"""
'''
START = "0: write run=1 -> enable=1\n"


def parsed(lines: str, registers: str = "level = 1") -> Iterator[Case]:
    return timing.parse("s", CASE.format(set=registers, lines=lines))


def test_a_table_determines_every_cycle() -> None:
    (case,) = parsed(START + "3: trip=1 -> gate=10 level=7 # why\n4: -> gate=11\n6: end")
    assert [pins["gate"] for pins in case.expected()] == [0, 0, 0, 0b01, 0b11, 0b11]
    assert [pins["level"] for pins in case.expected()] == [0, 0, 0, 7, 7, 7]
    assert [pins["enable"] for pins in case.expected()] == [1] * 6
    given = timing.stimulus(case, 64)
    words = [timing.pack(dict.fromkeys(timing.OUTPUTS, 0), False)] * given.origin
    words += [timing.pack(pins, False) for pins in case.expected()]
    with pytest.raises(AssertionError, match="bytes taken"):
        timing.check(case, given, words)
    # Bytes that arrive as they should; then one wrong output in the last cycle that counts.
    for at in (*range(given.bytes_by[-1]), given.origin):
        words[at] |= 1 << timing.TAKEN
    timing.check(case, given, words)
    words[-1] ^= 1
    with pytest.raises(AssertionError, match="cycle 5: gate is 01, not 11"):
        timing.check(case, given, words)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("0: write run=1", "no CYCLE: end"),
        ("5: write run=1\n9: end", "begins with 0: write run=1"),
        (START + "nonsense\n9: end", "not CYCLE"),
        (START + "5: -> gate=11\n5: -> gate=00\n9: end", "does not come after"),
        (START + "5: -> gate=00\n9: end", "gate is 00 already"),
        (START + "5: -> gate=2\n9: end", "no such value"),
        (START + "5: -> gat=11\n9: end", "unexpected"),
        (START + "5: ->\n9: end", "nothing happens"),
        (START + "39: write run=0\n90: end", "less than 40 cycles"),
        (START + "50: write status=0\n90: end", "cannot write status"),
        (START + "9: end\n10: -> gate=11", "after the end"),
    ],
)
def test_a_table_without_meaning_is_refused(lines: str, says: str) -> None:
    with pytest.raises(VectorError, match=says):
        list(parsed(lines))


@pytest.mark.parametrize("registers", ["colour = 1", "status = 1", "run = 1"])
def test_registers_that_cannot_be_set_are_refused(registers: str) -> None:
    with pytest.raises(VectorError, match="cannot set"):
        list(parsed(START + "9: end", registers))
