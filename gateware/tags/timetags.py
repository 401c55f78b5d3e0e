"""Time tags: the pulse and the nanosecond of every photon, as packets of words."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from trelscope.gateware.layouts import PACKET
from trelscope.gateware.protocol import CYCLE_NS
from trelscope.gateware.tags.packets import TagPackets
from trelscope.gateware.tags.queue import CYCLE_BITS, PhotonQueue
from trelscope.gateware.tags.words import TagWords


class TimeTags(wiring.Component):
    """Photons to packets: queue of cycles with photons, words, queue of words, packets.

    The first queue takes what comes at once; the second one holds what the link cannot take yet.

    Members
    -------
    start : In(1)
        Strobe. A train starts: pulses and photons are counted from 0. Comes only while `idle`.
    train : In(32)
        Number of the train.
    enable : In(1)
        Record the photons of this cycle.
    photons : In(CYCLE_NS)
        Photons of this cycle in lanes of 1 ns, the earliest in bit 0.
    pulse : In(32)
        Index within the train of the pulse whose period this is.
    cycle : In(CYCLE_BITS)
        Number of this cycle in the period.
    flush : In(1)
        Send what is queued, even if it does not fill a packet.
    count : Out(32)
        Photons seen since `start`; modulo 2**32.
    packet : Out(stream.Signature(PACKET))
        Packets, to the `Framer`.
    payload : Out(stream.Signature(8))
        Bytes of the packet, to the `Framer`.
    idle : Out(1)
        No photon is queued or being sent.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "train": In(32),
                "enable": In(1),
                "photons": In(CYCLE_NS),
                "pulse": In(32),
                "cycle": In(CYCLE_BITS),
                "flush": In(1),
                "count": Out(32),
                "packet": Out(stream.Signature(PACKET)),
                "payload": Out(stream.Signature(8)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.queue = queue = PhotonQueue()
        m.submodules.words = words = TagWords()
        m.submodules.packets = packets = TagPackets()
        wiring.connect(m, queue.records, words.records)
        wiring.connect(m, words.words, packets.words)
        wiring.connect(m, packets.packet, wiring.flipped(self.packet))
        wiring.connect(m, packets.payload, wiring.flipped(self.payload))
        m.d.comb += [
            *(block.start.eq(self.start) for block in (queue, words, packets)),
            queue.enable.eq(self.enable),
            queue.photons.eq(self.photons),
            queue.pulse.eq(self.pulse),
            queue.cycle.eq(self.cycle),
            self.count.eq(queue.count),
            packets.train.eq(self.train),
            packets.flush.eq(self.flush),
            self.idle.eq(queue.idle & words.idle & packets.idle),
        ]
        return m
