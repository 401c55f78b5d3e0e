"""The kinds of rest that the emulator is compiled for."""

from amaranth.hdl import Fragment

from trelscope.gateware.sequencer import Sequencer
from trelscope.sim.compiler.specialise import RUN, rests


def test_a_train_runs_in_all_of_them() -> None:
    """Another state's number would never be met, and only the pace would tell."""
    statements = Fragment.get(Sequencer(depth=16, channels=2), None).statements.values()
    driven = (signal for some in statements for one in some for signal in one._lhs_signals())
    state = next(signal for signal in driven if signal.name == "fsm_state")
    for counting in (False, True):
        for rest in rests(counting).values():
            assert rest.values["sequencer.fsm_state"] == RUN
    assert state.decoder(RUN).startswith("RUN/")
