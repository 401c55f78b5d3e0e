"""The complete instrument, without vendor primitives."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware import fastforward, protocol
from trelscope.gateware.accumulate import TraceMemory
from trelscope.gateware.boxcar import Boxcar
from trelscope.gateware.guard import Guard
from trelscope.gateware.interleave import InterleavedMemory
from trelscope.gateware.link.deframer import Deframer
from trelscope.gateware.link.framer import Framer, Source
from trelscope.gateware.photons import PhotonRows
from trelscope.gateware.protocol import (
    ADC_DELAY_BITS,
    CHANNELS,
    CYCLE_NS,
    LEVEL_BITS,
    SAMPLE_BITS,
    Board,
    Feature,
    Mode,
    Status,
)
from trelscope.gateware.pulse import PulseTrain
from trelscope.gateware.readout import Readout
from trelscope.gateware.registers import RegisterFile
from trelscope.gateware.sequencer import Sequencer
from trelscope.gateware.tags.queue import CYCLE_BITS
from trelscope.gateware.tags.timetags import TimeTags
from trelscope.gateware.tags.wire import ORIGIN_CYCLES
from trelscope.gateware.window import Window


class Instrument(wiring.Component):
    """Pulse train, output guard, sampling window, trace memory and link.

    Parameters
    ----------
    depth : int
        Bins of trace memory per channel and buffer, a multiple of 8.
    board : Board
        Value of the `board` register.
    digest : int
        Value of the `digest` register.
    adc_latency : int
        Cycles from the instant at which a sample is taken to the cycle in which `samples` shows its code; at least 1.
    counting : bool
        Whether photons can be counted and time-tagged.
    fast_forward : bool
        Whether the emulator's fast-forward port is present; see `trelscope.gateware.fastforward`.

    Members
    -------
    rx : In(stream.Signature(8))
        Bytes received from the host.
    rx_overrun : In(1)
        Strobe. The receiver has dropped a byte.
    tx : Out(stream.Signature(8))
        Bytes to send to the host.
    gate : Out(2)
        Gate in the two half cycles of 4 ns, the earlier one in bit 0.
    phase : Out(3)
        Delay of the gate in ns. Changes only while the gate is low.
    phase_change : Out(1)
        Strobe. `phase` takes the value of `phase_coming` in the next cycle.
    phase_coming : Out(3)
        Next value of `phase`. Stable from 3 cycles before it takes effect.
    phase_ready : In(1, init=1)
        The delay of the gate has settled at `phase`.
    level : Out(LEVEL_BITS)
        Code of the drive-level DAC.
    samples : In(data.ArrayLayout(SAMPLE_BITS, len(CHANNELS)))
        ADC code of each of `CHANNELS`.
    sample_valid : In(1, init=1)
        `samples` shows new codes. An ADC that is slower than the clock deasserts it in some cycles.
    trip : In(1)
        External interlock. Switches the output off.
    enable : Out(1)
        The output stage may be on.
    adc_delay : Out(ADC_DELAY_BITS)
        Delay of the ADC's data, in taps.
    sampling : Out(1)
        Strobe. The codes that `samples` shows in the next cycle will be used.
    photons : In(CYCLE_NS)
        Photons in lanes of 1 ns, the earliest in bit 0, with the latency of `samples`. Present with `counting`.
    ff : Out(fastforward.Port())
        Fast-forward port. Present with `fast_forward`.
    """

    def __init__(
        self,
        depth: int = 16384,
        board: Board = Board.EMULATOR,
        digest: int = 0,
        adc_latency: int = 1,
        counting: bool = False,
        fast_forward: bool = False,
    ) -> None:
        self._depth = depth
        self._counting = counting
        self._board = board
        self._digest = digest
        # Cycles from a launch without delay to the cycle in which `samples` shows that instant.
        self._latency = PulseTrain.LATENCY + Guard.LATENCY + adc_latency - 1
        if self._latency > ORIGIN_CYCLES:
            raise ValueError(f"an adc_latency of {adc_latency} would make times of tags negative")
        self._fast_forward = fast_forward
        ports = {
            "rx": In(stream.Signature(8)),
            "rx_overrun": In(1),
            "tx": Out(stream.Signature(8)),
            "gate": Out(2),
            "phase": Out(3),
            "phase_change": Out(1),
            "phase_coming": Out(3),
            "phase_ready": In(1, init=1),
            "level": Out(LEVEL_BITS),
            "samples": In(data.ArrayLayout(SAMPLE_BITS, len(CHANNELS))),
            "sample_valid": In(1, init=1),
            "trip": In(1),
            "enable": Out(1),
            "adc_delay": Out(ADC_DELAY_BITS),
            "sampling": Out(1),
        }
        if counting:
            ports["photons"] = In(CYCLE_NS)
        if fast_forward:
            ports["ff"] = Out(fastforward.Port())
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        channels, depth, ff = len(CHANNELS), self._depth, self._fast_forward
        features = Feature.DRIVE_MONITOR
        if self._counting:
            features |= Feature.COUNTING | Feature.TIME_TAGS
        m.submodules.deframer = deframer = Deframer()
        m.submodules.registers = registers = RegisterFile(depth, features)
        m.submodules.sequencer = sequencer = Sequencer(depth, channels, ff)
        m.submodules.train = train = PulseTrain(ff)
        m.submodules.guard = guard = Guard(ff)
        m.submodules.window = window = Window(depth, self._latency, ff)
        m.submodules.boxcar = boxcar = Boxcar(depth, channels)
        memories = [
            InterleavedMemory(depth) if self._counting and name == "light" else TraceMemory(depth)
            for name in CHANNELS
        ]
        for name, memory in zip(CHANNELS, memories, strict=True):
            m.submodules[f"memory_{name}"] = memory
        m.submodules.readout = readout = Readout(depth, channels)
        m.submodules.framer = framer = Framer(3 if self._counting else 2)

        # Link: replies go before traces.
        wiring.connect(m, wiring.flipped(self.rx), deframer.rx)
        wiring.connect(m, deframer.requests, registers.requests)
        m.d.comb += registers.coming.eq(deframer.coming)
        self._send(m, registers, framer.sources[0])
        self._send(m, readout, framer.sources[-1])
        wiring.connect(m, framer.tx, wiring.flipped(self.tx))

        overruns = Signal(16)
        dropped = Signal()
        m.d.sync += dropped.eq(self.rx_overrun)
        with m.If(dropped & ~overruns.all()):
            m.d.sync += overruns.eq(overruns + 1)

        # Status and controls.
        status, controls = registers.status, registers.controls
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
            status.train.eq(sequencer.train),
            status.bad_headers.eq(deframer.bad_headers),
            status.bad_payloads.eq(deframer.bad_payloads),
            status.unknown.eq(deframer.unknown),
            status.sequence_gaps.eq(deframer.sequence_gaps),
            status.overruns.eq(overruns),
            registers.finished.eq(sequencer.finished),
        ]
        # The train itself launches nothing in the cycle of a fault.
        m.d.sync += [registers.disable.eq(guard.tripped), guard.phase_fault.eq(train.phase_fault)]
        shown = [
            (status.status[bit.value.bit_length() - 1], condition)
            for bit, condition in {
                Status.RUNNING: ~sequencer.idle,
                Status.DRIVING: guard.driving,
                Status.TRIPPED: guard.tripped,
                Status.CLAMPED: guard.clamped,
            }.items()
        ]
        m.d.sync += [bit.eq(condition) for bit, condition in shown]

        # Drive.
        settings = sequencer.settings
        m.d.comb += [
            train.settings.eq(settings),
            train.renew.eq(sequencer.renew),
            train.prepare.eq(sequencer.prepare),
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
            self.gate.eq(guard.gate),
            self.level.eq(guard.level),
            self.phase.eq(train.phase),
            self.phase_change.eq(train.begin),
            self.phase_coming.eq(train.next_dither[:3]),
            self.enable.eq(guard.driving),
            self.adc_delay.eq(controls.adc_delay),
        ]

        # Capture.
        inside = Signal()  # the sample of the previous cycle's instant lies in the window
        kept = Signal()  # and in a pulse that is kept
        sampled = Signal()
        taken = Signal()  # there was one in the previous cycle
        sample_buffer = Signal()  # for this buffer
        extreme = Signal(channels)  # the codes of that cycle, first or last of the ADC's
        began = Signal()  # this is a period's first cycle
        m.d.comb += [
            window.settings.eq(settings),
            window.prepare.eq(sequencer.prepare),
            window.begin.eq(train.begin),
            window.start.eq(train.start),
            window.next_dither.eq(train.next_dither),
            window.close.eq(train.last),
            self.sampling.eq(window.valid & sequencer.keep),
            sampled.eq(kept & self.sample_valid),
            boxcar.valid.eq(sampled),
            boxcar.samples.eq(self.samples),
            boxcar.flush.eq(~inside),
        ]
        with m.If(sampled):
            m.d.sync += sample_buffer.eq(boxcar.buffer)
        with m.If(taken):
            m.d.sync += sequencer.clipped_buffer.eq(sample_buffer)
        with m.If(began):
            m.d.sync += boxcar.fresh.eq(1)
        with m.Elif(sampled):
            m.d.sync += boxcar.fresh.eq(0)
        m.d.sync += [
            taken.eq(sampled),
            began.eq(train.begin),
            inside.eq(window.valid),
            kept.eq(self.sampling),
        ]
        with m.If(window.valid):
            m.d.sync += [boxcar.bin.eq(window.bin), boxcar.buffer.eq(sequencer.buffer)]
        for n, memory in enumerate(memories):
            code = self.samples[n]
            with m.If(sampled):
                m.d.sync += extreme[n].eq((code == 0) | code.all())
            m.d.sync += sequencer.clipped[n].eq(taken & extreme[n])
            m.d.comb += [
                sequencer.saturated[n].eq(memory.saturated),
                memory.update.eq(boxcar.update),
                memory.update_bin.eq(boxcar.update_bin),
                memory.update_buffer.eq(boxcar.update_buffer),
                memory.addend.eq(boxcar.sums[n]),
                memory.read.eq(readout.read[n]),
                memory.read_bin.eq(readout.read_bin),
                memory.read_buffer.eq(~sequencer.buffer),
                memory.sweep.eq(sequencer.sweep),
                memory.sweep_bin.eq(sequencer.sweep_bin),
                memory.clear_saturated.eq(sequencer.clear_saturated),
            ]
        counts_moving, tags_waiting = Const(0), Const(0)
        startable = registers.startable
        if self._counting:
            counts_moving, tags_waiting = self._count(
                m, window, train, sequencer, memories[0], framer
            )
            m.d.comb += status.photons.eq(m.submodules.tags.count)
            sent = Signal(init=1)  # all tags of the train before, so that another one may start
            m.d.sync += sent.eq(~tags_waiting)
            startable, tags_waiting = startable & sent, tags_waiting | ~sent
        with m.Switch(readout.channel):
            for n, memory in enumerate(memories):
                with m.Case(n):
                    m.d.comb += readout.read_data.eq(memory.read_data)
        busy = [memory.busy for memory in memories]
        moving = Cat(~boxcar.empty, inside, *busy, counts_moving)  # samples on their way to memory
        moved = Signal.like(moving)  # they or others, in the previous cycle
        opened = Signal()
        m.d.sync += [moved.eq(moving), opened.eq(window.open)]

        # Frames.
        m.d.comb += [
            sequencer.restart.eq(registers.restart),
            sequencer.startable.eq(startable),
            sequencer.run.eq(controls.run),
            sequencer.tripped.eq(guard.tripped),
            sequencer.settle.eq(controls.settle),
            sequencer.staged.eq(registers.settings),
            sequencer.boundary.eq(train.boundary),
            sequencer.last.eq(train.last),
            sequencer.round.eq(train.round),
            sequencer.pulses.eq(train.pulses),
            sequencer.settled.eq(~moved.any() & ~window.open & ~opened),
            readout.ship.eq(sequencer.ship),
            readout.head.eq(sequencer.head),
            sequencer.shipping.eq(readout.shipping),
        ]

        if ff:
            blocks = (train, guard, window, sequencer)
            m.d.comb += [block.skip.eq(self.ff.skip) for block in blocks]
            # How many cycles on end there has been a sample for the window, all of one pulse.
            streak = Signal(range(fastforward.LEAD + 1))
            with m.If(~self.sampling | ~self.sample_valid | began | train.begin):
                m.d.sync += streak.eq(0)
            with m.Elif(streak != fastforward.LEAD):
                m.d.sync += streak.eq(streak + 1)

            left = Signal(fastforward.SKIP_BITS)
            foreseen = (
                Signal()
            )  # nothing moves but counters, the link's sending half, and samples and photons
            updating = Cat(memory.updating for memory in memories).any()
            empty = boxcar.empty & ~updating & ~counts_moving & ~inside & ~kept & ~taken
            m.d.comb += [
                left.eq(
                    fastforward.least(
                        *(block.horizon.left for block in blocks),
                        fastforward.saturate(readout.shipping, readout.lasts),
                    )
                ),
                foreseen.eq(
                    deframer.idle
                    & ~self.rx.valid
                    & registers.idle
                    & ~tags_waiting
                    & ~dropped
                    & (registers.disable == guard.tripped)
                    & ~(registers.disable & controls.enable)
                    & fastforward.settled(shown)
                    & Cat(block.horizon.calm for block in blocks).all()
                    & (left != 0)
                ),
                self.ff.sending.eq(readout.shipping | ~framer.idle),
                self.ff.still.eq(
                    foreseen
                    & ~window.valid
                    & (streak == 0)
                    & empty
                    & ~began
                    & ~sequencer.clipped.any()
                    & (self.ff.sending | ~(moving | moved).any())
                    & (opened == window.open)
                ),
                self.ff.streaming.eq(
                    foreseen
                    & self.sampling
                    & self.sample_valid
                    & (streak == fastforward.LEAD)
                    & (inside & kept & taken & opened & ~began & ~boxcar.fresh)
                ),
                self.ff.horizon.eq(left - 1),
                self.ff.bin.eq(window.bin),
                self.ff.place.eq(window.place),
                self.ff.shift.eq(window.shift),
                self.ff.buffer.eq(sequencer.buffer),
                self.ff.counting.eq((settings.mode & Mode.COUNTING) != 0),
                self.ff.tagging.eq((settings.mode & Mode.TIME_TAGS) != 0),
            ]
        return m

    def _send(self, m: Module, block: wiring.Component, source: Source) -> None:
        wiring.connect(m, block.packet, source.packet)
        wiring.connect(m, block.payload, source.payload)

    def _count(
        self,
        m: Module,
        window: Window,
        train: PulseTrain,
        sequencer: Sequencer,
        memory: InterleavedMemory,
        framer: Framer,
    ) -> tuple[Value, Value]:
        """Add the photon histogram, which shares the light channel's memory, and the time tags.

        Returns two values: photon counts are on their way to memory; time tags are still to be processed or sent.
        """
        m.submodules.rows = rows = PhotonRows(self._depth)
        m.submodules.tags = tags = TimeTags()
        self._send(m, tags, framer.sources[1])
        settings = sequencer.settings
        counting = Signal()
        near = Signal()
        keeping = Signal()
        first = Signal()
        m.d.comb += [
            counting.eq((settings.mode & Mode.COUNTING) != 0),
            rows.active.eq(near & keeping),
            rows.photons.eq(self.photons),
            rows.bin_shift.eq(settings.bin_shift),
            rows.window_bins.eq(settings.window_bins),
            rows.flush.eq(~near),
        ]
        step = fastforward.step(self.ff.skip if self._fast_forward else None)
        # The lanes of one cycle reach 7 ns further than its sample: into the window before that begins. A period's
        # first cycle is left out, so that the rows of two pulses never meet.
        ns = window.elapsed
        reached = ~ns[-1] | (ns[3:].all() & ns[:3].any())  # ns >= 1 - CYCLE_NS, without a carry
        open_ = counting & window.open
        nearing = open_ & reached & ~first
        m.d.sync += [
            first.eq(train.begin),
            near.eq(nearing),
            keeping.eq(sequencer.keep),
            rows.buffer.eq(sequencer.buffer),
        ]
        with m.If(open_):
            m.d.sync += rows.elapsed.eq(window.elapsed + (step - 1) * CYCLE_NS)
        with m.If(counting):
            m.d.comb += [
                memory.update.eq(0),
                memory.row_update.eq(rows.update),
                memory.row.eq(rows.row),
                memory.row_buffer.eq(rows.update_buffer),
                memory.counts.eq(rows.counts),
            ]

        # The window's clock stands still between its end and the next period; the tags' goes on.
        now = Signal(CYCLE_BITS)
        pulse = Signal(32)
        running = Signal()  # in the previous cycle, whose photons the lanes show
        with m.If(train.begin):
            m.d.sync += [
                now.eq(ORIGIN_CYCLES - self._latency),
                pulse.eq(Mux(train.start, 0, train.pulses)),
            ]
        with m.Else():
            m.d.sync += now.eq(now + step)
        m.d.comb += [
            tags.start.eq(sequencer.renew),
            tags.train.eq(sequencer.train),
            tags.enable.eq(((settings.mode & Mode.TIME_TAGS) != 0) & running),
            tags.photons.eq(self.photons),
            tags.flush.eq(train.boundary | ~train.running),
        ]
        m.d.sync += [
            running.eq(train.running),
            tags.cycle.eq(now + (step - 1)),
            tags.pulse.eq(pulse),
        ]
        return ~rows.empty | near, ~tags.idle | (running != train.running)
