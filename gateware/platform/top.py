"""Top level of a board: the instrument and everything between it and the pins."""

from typing import Any

from amaranth.hdl import DomainRenamer, Module, Signal
from amaranth.lib import cdc, io, wiring

from trelscope.gateware.instrument import Instrument
from trelscope.gateware.link.uart import Uart
from trelscope.gateware.platform.adc import Adc
from trelscope.gateware.platform.boards import BoardFacts
from trelscope.gateware.platform.clocks import Clocks, domains
from trelscope.gateware.platform.dac import LevelCrossing, LevelDac
from trelscope.gateware.platform.enable import OutputEnable
from trelscope.gateware.platform.launch import Launch, LaunchPhase, PhaseStep
from trelscope.gateware.platform.pins import RegisteredPin, Unused
from trelscope.gateware.platform.sampling import PhotonPins

ADC_LATENCY = Launch.LATENCY + Adc.LATENCY
"""Cycles from `Instrument.gate` to the pin, and from the sample taken at that instant to `Instrument.samples`.

Delays of cables and amplifiers are not included; calibration determines them."""


class Top(wiring.Component):
    """Everything inside the FPGA of a board. Needs a platform made by `platform_for`.

    Parameters
    ----------
    board : BoardFacts
        Board to build for.
    digest : int
        Value of the `digest` register.
    """

    def __init__(self, board: BoardFacts, digest: int) -> None:
        self._board = board
        self._digest = digest
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        board = self._board
        port = platform.front_end  # takes the names in boards.SIGNALS
        m.domains += domains()
        m.submodules.clocks = clocks = Clocks()
        m.submodules.instrument = instrument = Instrument(
            depth=board.depth,
            board=board.number,
            digest=self._digest,
            adc_latency=ADC_LATENCY,
            counting=board.counting,
        )

        # Link.
        m.submodules.uart = uart = Uart(board.baud)
        serial = platform.request("uart", 0, dir="-")
        m.submodules.rx = rx = io.Buffer("i", serial.rx)
        m.submodules.tx = tx = io.Buffer("o", serial.tx)
        m.d.comb += [uart.rx_pin.eq(rx.i), tx.o.eq(uart.tx_pin)]
        wiring.connect(m, uart.rx, instrument.rx)
        # A register between framer and UART, because the path from the UART's `ready` to the framer's sources is long.
        byte = Signal(8)
        waiting = Signal()
        m.d.comb += [
            uart.tx.payload.eq(byte),
            uart.tx.valid.eq(waiting),
            instrument.tx.ready.eq(~waiting),
        ]
        with m.If(~waiting):
            m.d.sync += [byte.eq(instrument.tx.payload), waiting.eq(instrument.tx.valid)]
        with m.Elif(uart.tx.ready):
            m.d.sync += waiting.eq(0)
        m.d.comb += instrument.rx_overrun.eq(uart.rx_overrun)

        if (pull_ups := platform.pull_ups()) is not None:
            m.submodules.pull_ups = Unused(pull_ups)

        # Drive.
        m.submodules.phase = phase = LaunchPhase()
        m.submodules.phase_step = phase_step = PhaseStep()
        m.submodules.launch = launch = Launch(port("gate"), board.gate_active_low)
        m.submodules.output_enable = output_enable = OutputEnable()
        m.submodules.enable = enable = RegisteredPin(port("enable"))
        m.submodules.interlock = interlock = io.Buffer("i", port("interlock"))
        open_ = ~interlock.i
        m.submodules.interlock_sync = cdc.FFSynchronizer(open_, instrument.trip, init=1)
        m.d.comb += [
            phase.phase.eq(instrument.phase),
            phase.change.eq(instrument.phase_change),
            phase.coming.eq(instrument.phase_coming),
            instrument.phase_ready.eq(phase.ready),
            phase_step.step.eq(phase.step),
            clocks.step.eq(phase_step.pin),
            clocks.back.eq(phase.back),
            launch.gate.eq(instrument.gate),
            launch.late.eq(phase.late),
            launch.safe.eq(clocks.safe),
            output_enable.level.eq(instrument.level),
            enable.o.eq(output_enable.enable),
            enable.off.eq(clocks.safe),
        ]

        # Level: in the oscillator's clock domain, which keeps running if the PLL loses lock.
        renamed = DomainRenamer("board")
        m.submodules.level = level = renamed(LevelCrossing())
        m.submodules.dac = dac = renamed(LevelDac(platform.default_clk_frequency))
        m.d.comb += [
            level.level_in.eq(instrument.level),
            level.hold_off.eq(clocks.safe),
            dac.level.eq(level.level),
        ]
        for name, value in {
            "dac_sync": dac.sync,
            "dac_sclk": dac.sclk,
            "dac_din": dac.din,
        }.items():
            m.submodules[name] = pin = io.Buffer("o", port(name))
            m.d.comb += pin.o.eq(value)

        # Capture.
        m.submodules.adc = adc = Adc(port("adc_clk"), port("adc_light"), port("adc_drive"))
        m.d.comb += [
            adc.safe.eq(clocks.safe),
            adc.delay.eq(instrument.adc_delay),
            instrument.samples.eq(adc.samples),
        ]
        if board.counting:
            m.submodules.photons = photons = PhotonPins(port("photon"), Adc.LATENCY)
            m.d.comb += instrument.photons.eq(photons.photons)
        return m
