"""States of the gateware by name: another number would never be met, and only the pace of the emulator would tell."""

import pytest
from amaranth.hdl import Elaboratable, Module, Signal

from trelscope.gateware.sequencer import Sequencer
from trelscope.sim.compiler import states
from trelscope.sim.compiler.specialise import RUN, rests


class Machine(Elaboratable):
    """A state is mentioned before it is described, and one has to be passed over."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        go = Signal()
        with m.FSM():
            with m.State("FIRST"), m.If(go):
                m.next = "THIRD"
            with m.State("SECOND"):
                m.next = "FIRST"
            with m.State("THIRD"):
                m.next = "SECOND"
        return m


def test_states_are_numbered_as_they_are_met() -> None:
    assert [states.number(Machine(), name) for name in ("FIRST", "THIRD", "SECOND")] == [0, 1, 2]
    with pytest.raises(KeyError):
        states.number(Machine(), "FOURTH")


def test_a_train_runs_in_all_rests() -> None:
    running = states.number(Sequencer(64, 2, fast_forward=True), "RUN")
    for counting in (False, True):
        for rest in rests(counting).values():
            assert rest.values["sequencer.fsm_state"] == RUN == running
