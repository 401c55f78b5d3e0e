"""The whole instrument, free of vendor primitives."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from . import fastforward, protocol
from .accumulate import TraceMemory
from .boxcar import Boxcar
from .guard import Guard
from .link.deframer import Deframer
from .link.framer import Framer
from .protocol import CHANNELS, LEVEL_BITS, SAMPLE_BITS, Board, Feature, Status
from .pulse import PulseTrain
from .readout import Readout
from .registers import RegisterFile
from .sequencer import Sequencer
from .window import Window


class Instrument(wiring.Component):
    """Pulse train, guard, sampling window, trace memory and link.

    Parameters
        depth: bins of trace memory per channel and buffer, a multiple of 8.
        board, digest: what the identification registers say.
        adc_latency: cycles, at least 1, from an instant to the cycle in which `samples` shows its code.
        fast_forward: with the emulator's `ff` port (see `fastforward`).

    Ports
        rx, tx: byte streams of the link.
        gate: the output's two half cycles of 4 ns, earliest in bit 0; phase: ns by which all of it is late, changing
        only while the gate is low; phase_ready: that delay has settled. level: code of the drive-level DAC.
        sampling: the instant at the beginning of this cycle is in the window; its code is expected `adc_latency` cycles
        later. samples (of CHANNELS), sample_valid: ADC codes; valid in every k-th cycle for an ADC k times slower.
        trip: external interlock; enable: the output stage may be on.
    """

    def __init__(
        self,
        depth: int = 16384,
        board: Board = Board.EMULATOR,
        digest: int = 0,
        adc_latency: int = 1,
        fast_forward: bool = False,
    ) -> None:
        self._depth = depth
        self._board = board
        self._digest = digest
        self._adc_latency = adc_latency
        self._fast_forward = fast_forward
        ports = {
            "rx": In(stream.Signature(8)),
            "tx": Out(stream.Signature(8)),
            "gate": Out(2),
            "phase": Out(3),
            "phase_ready": In(1, init=1),
            "level": Out(LEVEL_BITS),
            "samples": In(data.ArrayLayout(SAMPLE_BITS, len(CHANNELS))),
            "sample_valid": In(1, init=1),
            "trip": In(1),
            "enable": Out(1),
            "sampling": Out(1),
        }
        if fast_forward:
            ports["ff"] = Out(fastforward.Port())
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        channels, depth, ff = len(CHANNELS), self._depth, self._fast_forward
        latency = PulseTrain.LATENCY + Guard.LATENCY + self._adc_latency - 1
        m.submodules.deframer = deframer = Deframer()
        m.submodules.registers = registers = RegisterFile()
        m.submodules.sequencer = sequencer = Sequencer(depth, channels)
        m.submodules.train = train = PulseTrain(ff)
        m.submodules.guard = guard = Guard(ff)
        m.submodules.window = window = Window(depth, latency, ff)
        m.submodules.boxcar = boxcar = Boxcar(depth, channels)
        memories = [TraceMemory(depth, lanes=1) for _ in CHANNELS]
        for name, memory in zip(CHANNELS, memories, strict=True):
            m.submodules[f"memory_{name}"] = memory
        m.submodules.readout = readout = Readout(depth, channels)
        m.submodules.framer = framer = Framer(2)

        # Link: replies go before traces.
        wiring.connect(m, wiring.flipped(self.rx), deframer.rx)
        wiring.connect(m, deframer.requests, registers.requests)
        for n, (packet, payload) in enumerate(
            ((registers.packet, registers.payload), (readout.packet, readout.payload))
        ):
            wiring.connect(m, packet, framer.sources[n].packet)
            wiring.connect(m, payload, framer.sources[n].payload)
        wiring.connect(m, framer.tx, wiring.flipped(self.tx))

        # Status and controls.
        status, controls = registers.status, registers.controls
        features = Feature.DRIVE_MONITOR
        m.d.comb += [
            status.magic.eq(protocol.MAGIC),
            status.version.eq(protocol.VERSION),
            status.board.eq(self._board),
            status.depth.eq(depth),
            status.features.eq(features),
            status.digest.eq(self._digest),
            status.trip_cause.eq(guard.cause),
            status.pulses.eq(train.pulses),
            status.missed.eq(sequencer.missed),
            status.bad_headers.eq(deframer.bad_headers),
            status.bad_payloads.eq(deframer.bad_payloads),
            status.unknown.eq(deframer.unknown),
            status.sequence_gaps.eq(deframer.sequence_gaps),
            registers.disable.eq(guard.tripped),
            registers.finished.eq(sequencer.finished),
        ]
        for bit, condition in {
            Status.RUNNING: ~sequencer.idle,
            Status.DRIVING: guard.driving,
            Status.TRIPPED: guard.tripped,
            Status.CLAMPED: guard.clamped,
        }.items():
            m.d.comb += status.status[bit.value.bit_length() - 1].eq(condition)

        # Drive.
        settings = sequencer.settings
        m.d.comb += [
            train.settings.eq(settings),
            train.start.eq(sequencer.start),
            train.stop.eq(sequencer.stop),
            train.phase_ready.eq(self.phase_ready),
            guard.gate_in.eq(train.gate),
            guard.level_in.eq(settings.level),
            guard.enable.eq(controls.enable),
            guard.watchdog.eq(controls.watchdog),
            guard.acknowledge.eq(registers.acknowledge),
            guard.alive.eq(registers.alive),
            guard.trip.eq(self.trip),
            guard.phase_fault.eq(train.phase_fault),
            self.gate.eq(guard.gate),
            self.level.eq(guard.level),
            self.phase.eq(train.phase),
            self.enable.eq(guard.driving),
        ]

        # Capture.
        inside = Signal()  # the sample of the previous cycle's instant lies in the window
        kept = Signal()  # and in a pulse that is kept
        sampled = Signal()
        m.d.comb += [
            window.settings.eq(settings),
            window.prepare.eq(sequencer.prepare),
            window.begin.eq(train.begin),
            window.next_dither.eq(train.next_dither),
            window.close.eq(train.last),
            self.sampling.eq(window.valid & sequencer.keep),
            sampled.eq(kept & self.sample_valid),
            boxcar.valid.eq(sampled),
            boxcar.samples.eq(self.samples),
            boxcar.flush.eq(~inside),
            sequencer.clipped_buffer.eq(boxcar.buffer),
        ]
        m.d.sync += [inside.eq(window.valid), kept.eq(self.sampling)]
        with m.If(window.valid):
            m.d.sync += [boxcar.bin.eq(window.bin), boxcar.buffer.eq(sequencer.buffer)]
        for n, memory in enumerate(memories):
            code = self.samples[n]
            m.d.comb += [
                sequencer.clipped[n].eq(sampled & ((code == 0) | code.all())),
                sequencer.saturated[n].eq(memory.saturated),
                memory.update.eq(boxcar.update),
                memory.update_bin.eq(boxcar.update_bin),
                memory.update_buffer.eq(boxcar.update_buffer),
                memory.addend.eq(boxcar.sums[n]),
                memory.read.eq(readout.read & (readout.channel == n)),
                memory.read_bin.eq(readout.read_bin),
                memory.read_buffer.eq(~sequencer.buffer),
                memory.sweep.eq(sequencer.sweep),
                memory.sweep_bin.eq(sequencer.sweep_bin),
                memory.clear_saturated.eq(sequencer.clear_saturated),
            ]
        with m.Switch(readout.channel):
            for n, memory in enumerate(memories):
                with m.Case(n):
                    m.d.comb += readout.read_data.eq(memory.read_data)
        moving = ~boxcar.empty | inside | Cat(memory.busy for memory in memories).any()

        # Frames.
        m.d.comb += [
            sequencer.restart.eq(registers.restart),
            sequencer.run.eq(controls.run),
            sequencer.tripped.eq(guard.tripped),
            sequencer.staged.eq(registers.settings),
            sequencer.running.eq(train.running),
            sequencer.begin.eq(train.begin),
            sequencer.boundary.eq(train.boundary),
            sequencer.last.eq(train.last),
            sequencer.round.eq(train.round),
            sequencer.pulses.eq(train.pulses),
            sequencer.settled.eq(~moving & ~window.open),
            readout.ship.eq(sequencer.ship),
            readout.head.eq(sequencer.head),
            sequencer.shipping.eq(readout.shipping),
        ]

        if ff:
            blocks = (train, guard, window)
            left = Signal(fastforward.SKIP_BITS)
            stable = Signal()  # nothing but counters moves in the blocks that do not count
            m.d.comb += [
                [b.skip.eq(self.ff.skip) for b in blocks],
                stable.eq(
                    deframer.idle
                    & ~self.rx.valid
                    & registers.idle
                    & framer.idle
                    & ~readout.shipping
                    & ~moving
                    & (sequencer.waiting | sequencer.idle)
                    & ~sequencer.ship
                ),
                self.ff.quiet.eq(stable & Cat(b.horizon.calm for b in blocks).all() & (left != 0)),
                left.eq(fastforward.least(*(b.horizon.left for b in blocks))),
                self.ff.horizon.eq(left - 1),
            ]
        return m
