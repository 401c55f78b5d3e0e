"""The codec: every packet comes out whole, whatever surrounds it and however it is cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from trelscope.gateware import protocol
from trelscope.gateware.protocol import Kind
from trelscope.host.link.codec import Decoder, Packet

SYNC = protocol.SYNC.to_bytes(2, "little")
packets = st.builds(
    Packet,
    kind=st.sampled_from(Kind),
    flags=st.integers(0, 255),
    sequence=st.integers(0, 0xFFFF),
    payload=st.binary(max_size=64) | st.just(SYNC * 20),
)
# Garbage that looks like the beginning of a frame is the hard kind.
garbage = st.binary(max_size=30) | st.binary(max_size=8).map(lambda tail: SYNC + tail)


def encode(packet: Packet) -> bytes:
    return protocol.encode_frame(packet.kind, packet.sequence, packet.payload, packet.flags)


def decode(decoder: Decoder, data: bytes, cuts: list[int]) -> list[Packet]:
    edges = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    return [p for a, b in pairwise(edges) for p in decoder.feed(data[a:b])]


@given(st.lists(packets), st.lists(st.integers(0, 400)))
def test_packets_survive_any_cutting(sent: list[Packet], cuts: list[int]) -> None:
    decoder = Decoder()
    assert decode(decoder, b"".join(map(encode, sent)), cuts) == sent
    assert decoder.errors.crc_errors == decoder.errors.skipped_bytes == 0


@given(st.lists(st.tuples(garbage, packets), min_size=1), st.lists(st.integers(0, 400)))
def test_garbage_hides_no_packet(stream: list[tuple[bytes, Packet]], cuts: list[int]) -> None:
    # A header cut off by garbage may promise a payload; what follows must be long enough to settle that.
    data = b"".join(junk + encode(packet) for junk, packet in stream) + bytes(protocol.MAX_PAYLOAD)
    received = decode(Decoder(), data, cuts)
    assert received == [packet for _, packet in stream]


@given(packets, packets, st.data())
def test_a_flipped_bit_costs_one_packet_and_is_counted(
    first: Packet, second: Packet, data: st.DataObject
) -> None:
    damaged = bytearray(encode(first))
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8
    decoder = Decoder()
    assert decode(decoder, bytes(damaged) + encode(second), []) == [second]
    assert decoder.errors.skipped_bytes == len(damaged)
    # In the sync word it may be nothing but skipped bytes; anywhere else a check has failed.
    assert bit < 16 or decoder.errors.crc_errors


def test_every_class_of_error_has_its_counter() -> None:
    decoder = Decoder()
    good = protocol.encode_frame(Kind.REPLY, 5, b"x")
    assert len(list(decoder.feed(good))) == 1
    list(decoder.feed(protocol.encode_frame(0x7F, 6, b"")))
    assert decoder.errors.unknown == 1
    list(decoder.feed(protocol.encode_frame(Kind.REPLY, 9, b"x")))
    assert decoder.errors.sequence_gaps == 1


def test_sequence_numbers_wrap_without_a_gap() -> None:
    decoder = Decoder()
    for sequence in (0xFFFE, 0xFFFF, 0, 1):
        list(decoder.feed(protocol.encode_frame(Kind.REPLY, sequence, b"")))
    assert decoder.errors.sequence_gaps == 0
