"""Time tags on the wire: packets of a head and of words, derived from nowhere else. Without Amaranth, for the host.

A packet of the kind TIME_TAGS is a TAG_HEAD and up to WORDS_PER_PACKET words of 32 bits, of which the highest two bits
are the word's TagKind. Every photon has a word of its own, and words are in order of time. Since a head says where its
words count from, every packet can be read by itself: what a lost one held shifts no later stamp, and its photons are
the difference between two heads' `photons`.
"""

import enum

from trelscope.gateware.protocol import CYCLE_NS, Fields

TAG_HEAD = Fields(
    train=4,  # number of the train since reset
    pulse=4,  # index within the train of the pulse that the first word counts from
    photons=4,  # photons of the train before this packet, with those that have no word; modulo 2**32
    late=2,  # the first photon's LATE, if that was the last word of the packet before
)
WORD_BYTES = 4
WORDS_PER_PACKET = 128

BODY_BITS = 30  # of a word, all but its kind
NS_BITS = 21  # of a PHOTON: 2 ms, the longest period that the host asks for
ADVANCE_BITS = 9  # of a PHOTON: pulses since the word before
MISSED_BITS = 29  # of an OVERFLOW
LATE_BITS = 9

ORIGIN_CYCLES = 16
"""The time of a PHOTON runs from so many cycles before that of a launch without delay, so that it is never negative."""


class TagKind(enum.IntEnum):
    """Kind of a word of time tags: its bits 31 and 30. What bits 29 to 0 mean depends on it."""

    PHOTON = 0  # bits 20-0: ns within the period; bits 29-21: pulses since the word before
    ADVANCE = 1  # bits 29-0: further pulses since the word before
    LATE = 2  # bits 8-0: add so many times 2**21 ns to the time of the next photon
    OVERFLOW = 3  # bit 29 is 0: photons follow that have no word; 1: bits 28-0 are their number, or a part of it


def launch_ns(delay: int, dither: int, pulse: int) -> int:
    """The launch of a pulse in the time of PHOTON words: subtract it from theirs.

    delay: in cycles, dither: in ns, as in the registers. pulse: index within the train.
    """
    return (delay + ORIGIN_CYCLES) * CYCLE_NS + pulse % dither
