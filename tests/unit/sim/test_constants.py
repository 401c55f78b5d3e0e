"""What is known of words when others are constants is true whatever the rest is."""

import random

import pytest

from trelscope.sim.compiler.constants import KnownValues
from trelscope.sim.compiler.netlist import Cell, Chunk, Netlist, RegisterCell, Word

KINDS = [
    *("$and", "$or", "$xor", "$add", "$sub", "$eq", "$ne", "$lt", "$le", "$gt", "$ge"),
    *("$logic_and", "$logic_or", "$shr"),
]
WIDTH = 3


def evaluated(kind: str, a: int, b: int, signed: bool) -> int:
    """The cell's output, of operands of WIDTH bits, in WIDTH + 1 bits."""
    if signed:
        a, b = (v - (v >> WIDTH - 1 << WIDTH) for v in (a, b))
    results = {
        "$and": a & b,
        "$or": a | b,
        "$xor": a ^ b,
        "$add": a + b,
        "$sub": a - b,
        "$eq": a == b,
        "$ne": a != b,
        "$lt": a < b,
        "$le": a <= b,
        "$gt": a > b,
        "$ge": a >= b,
        "$logic_and": bool(a and b),
        "$logic_or": bool(a or b),
        "$shr": a >> (b % 8),
    }
    return int(results[kind]) & (1 << WIDTH + 1) - 1


# The translator has shifts by unsigned numbers only.
@pytest.mark.parametrize(
    ("kind", "signed"), [(k, s) for k in KINDS for s in (False, True) if not (k == "$shr" and s)]
)
def test_what_is_known_is_true(kind: str, signed: bool) -> None:
    """Some bits of the operands are known: whatever the others are, the known bits of the output are right."""
    dice = random.Random(kind)
    bits = [Word(f"bit{n}", 1) for n in range(2 * WIDTH)]
    out = Word("out", WIDTH + 1)
    a, b = (tuple(Chunk(w, 0, 1) for w in bits[n : n + WIDTH]) for n in (0, WIDTH))
    cell = Cell(kind, {"A": a, "B": b}, out, signed)
    told = 0
    for _ in range(40):
        fixed = {word: dice.randrange(2) for word in bits if dice.random() < 0.7}
        found = KnownValues(Netlist([], {}, [cell], [], [], {}), fixed).bits(
            (Chunk(out, 0, WIDTH + 1),)
        )
        told += bin(found.ones | found.zeros).count("1")
        for number in range(1 << 2 * WIDTH):
            if all(
                number >> n & 1 == fixed.get(word, number >> n & 1) for n, word in enumerate(bits)
            ):
                value = evaluated(kind, number % 8, number >> WIDTH, signed)
                assert not found.ones & ~value
                assert not found.zeros & value
    assert told


def test_what_an_enable_implies() -> None:
    """A register that takes something only when its choice falls on zeros takes zeros."""
    chosen, other, register, choice, any_ = (
        Word(*args) for args in (("s", 1), ("b", 4), ("r", 4), ("mux", 4), ("any", 1))
    )
    select, zeros = (Chunk(chosen, 0, 1),), (Chunk(None, 0, 4),)
    cells = [
        Cell("$reduce_bool", {"A": (*select, Chunk(None, 0, 1))}, any_),
        Cell("$pmux", {"A": (Chunk(other, 0, 4),), "S0": select, "B0": zeros}, choice),
    ]
    known = KnownValues(Netlist([], {}, cells, [], [], {}), {})
    data = (Chunk(choice, 0, 4),)
    for enable, value in ((any_, 0), (other, None)):
        control = ((Chunk(enable, 0, enable.width),), True)
        taking = RegisterCell(register, 0, data, frozenset(), control)
        assert known.next(taking).value == value
