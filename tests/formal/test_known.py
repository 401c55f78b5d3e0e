"""Answers that are kept: they spare z3 the same question, and no other."""

from pathlib import Path

import pytest
import z3
from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from . import known
from .prove import Proof, Spec, always, invariant


class Blinker(wiring.Component):
    """Counts to `last` and begins anew."""

    def __init__(self, last: int) -> None:
        self._last = last
        super().__init__({"count": Out(3)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += self.count.eq(0)
        with m.If(self.count != self._last):
            m.d.sync += self.count.eq(self.count + 1)
        return m


class BlinkerSpec(Spec):
    """It never reaches 6."""

    last = 4

    def component(self) -> Blinker:
        return Blinker(self.last)

    @always
    def below_six(self) -> Value:
        """The count is below 6."""
        return self.dut.count < 6

    @invariant
    def in_range(self) -> Value:
        """It does not pass its end."""
        return self.dut.count <= self.last


class BrokenSpec(BlinkerSpec):
    """Its end is beyond."""

    last = 6


def unasked(*_: object) -> None:
    raise AssertionError("z3 is asked")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRELSCOPE_CACHE", str(tmp_path))
    monkeypatch.delenv(known.ANEW, raising=False)


def test_the_same_question_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Proof(BlinkerSpec()).check("below_six").proved
    with monkeypatch.context() as patch:
        patch.setattr(z3, "Solver", unasked)
        assert Proof(BlinkerSpec()).check("below_six").proved
        patch.setenv(known.ANEW, "1")
        with pytest.raises(AssertionError, match="z3 is asked"):
            Proof(BlinkerSpec()).check("below_six")


def test_another_question_is() -> None:
    assert Proof(BlinkerSpec()).check("below_six").proved
    for _ in range(2):
        assert not Proof(BrokenSpec()).check("below_six").proved


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRELSCOPE_CACHE", str(tmp_path / "file"))
    assert Proof(BlinkerSpec()).check("below_six").proved
