"""The gateware with its outputs packed into one word, for simulators to which every signal read is a call."""

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.digest import digest_word
from trelscope.gateware.instrument import Instrument
from trelscope.host.bench.workload import PINS, WORD


class Pins(wiring.Component):  # type: ignore[misc]
    """The instrument of the emulated board, without photon counting and without fast-forward. No sample is ever lit.

    valid, payload: a byte that arrives; `word`: see `workload`.
    """

    valid: In(1)  # type: ignore[valid-type]
    payload: In(8)  # type: ignore[valid-type]
    word: Out(WORD)  # type: ignore[valid-type]

    def elaborate(self, platform: object) -> Module:
        """Wire them."""
        m = Module()
        m.submodules.instrument = instrument = Instrument(digest=digest_word())
        rx, tx = instrument.rx, instrument.tx
        outputs = [getattr(instrument, name) for name in PINS]
        m.d.comb += [
            rx.valid.eq(self.valid),
            rx.payload.eq(self.payload),
            tx.ready.eq(1),
            instrument.phase_ready.eq(1),
            instrument.sample_valid.eq(1),
            self.word.eq(Cat(*outputs, rx.valid & rx.ready, tx.valid, tx.payload)),
        ]
        return m
