"""What is known of a capture beside its traces: when it was begun, with which program and which gateware."""

from datetime import UTC, datetime
from importlib import metadata

from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.link.replay import ReplayLink

WHEN, DURATION = "when", "duration"
"""When the capture was begun, and how long it took, in s, to the newest frame."""
NOTES = ("sample", "operator", "note")
"""What only the user knows, by its name in the metadata of a recording."""
KEYED = "notes"
"""Notes that have a name each, by it."""


def provenance(instrument: Instrument) -> dict[str, str]:
    """By name: `when` (UTC, as in ISO 8601) a train that begins now was begun, `program` and its version, `gateware`:
    the first 32 bits of its digest, hexadecimal. A replay does not know when it was recorded.
    """
    known = {"program": program(), "gateware": f"{instrument.identity.digest:08x}"}
    if isinstance(instrument.link, ReplayLink):
        return known
    return {WHEN: datetime.now(UTC).isoformat(timespec="seconds"), **known}


def program() -> str:
    """This program and its version."""
    try:
        return f"trelscope {metadata.version('trelscope')}"
    except metadata.PackageNotFoundError:  # run from its sources
        return "trelscope (not installed)"
