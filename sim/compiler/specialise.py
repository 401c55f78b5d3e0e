"""What the translator is told of the instrument: the one place that names the gateware's inner signals.

None of it decides what comes out. Values are looked at before a version made for them is used; what moves and what
does not is checked when the code is made (`detached.py`) and proved (tests/formal/spec_fastforward.py). So a name that
is wrong or missing fails the build or a proof, or costs time.
"""

from trelscope.gateware.link.framer import Framer
from trelscope.gateware.protocol import CHANNELS, CYCLE_NS
from trelscope.gateware.readout import Readout
from trelscope.gateware.sequencer import Sequencer
from trelscope.sim.compiler import states
from trelscope.sim.compiler.detached import DetachedPart
from trelscope.sim.compiler.rest import Rest

VIEWS = {
    "drive": ["gate", "phase", "level", "adc_delay"],
    "outlook": [
        *("ff__still", "ff__streaming", "ff__sending", "ff__horizon"),
        *("ff__bin", "ff__place", "ff__shift", "ff__buffer", "ff__counting", "ff__tagging"),
    ],
}
SKIP = "ff__skip"
_DEPTH = 16  # any: states have the same numbers whatever it is
RUN = states.number(Sequencer(_DEPTH, len(CHANNELS), fast_forward=True), "RUN")
DATA = states.number(Readout(_DEPTH, len(CHANNELS)), "DATA")
PAYLOAD = states.number(Framer(len(CHANNELS)), "PAYLOAD")


def _lanes(counting: bool) -> list[str]:
    return [f"memory_light.lane{n}" for n in range(CYCLE_NS)] if counting else ["memory_light"]


def _memories(counting: bool) -> list[str]:
    return [*_lanes(counting), "memory_drive"]


def pipeline(counting: bool, side: int) -> list[str]:
    """All between window and memory that moves from sample to sample and from photon to photon, for one buffer."""
    stages = [
        *(f"{name}{n}" for n in range(1, 5) for name in ("update", "bin", "buffer", "addend")),
        *("store", "store_bin", "store_buffer", "stored", "total", "found0", "found1"),
    ]
    names = ["boxcar", "sample_buffer", "extreme", "clipped", "clipped_buffer", "moved"]
    names += [f"sequencer.clipped{n}{side}" for n in range(len(CHANNELS))]
    names += [f"{memory}.{stage}" for memory in _memories(counting) for stage in stages]
    names += [
        f"{memory}.{flag}" for memory in _memories(counting) for flag in ("busy", "saturated")
    ]
    if counting:
        names += ["rows", "memory_light.update", "memory_light.row", "memory_light.row_buffer"]
        names += ["memory_light.addends"]
    return names


def rests(counting: bool) -> dict[str, Rest]:
    """Most single cycles go by in captures with the link idle ("silent")."""
    memories = _memories(counting)
    values = {
        **dict.fromkeys(("rx__valid", "rx_overrun", "trip", "guard.cause", "guard.latched"), 0),
        **dict.fromkeys(("sample_valid", "phase_ready"), 1),
        **dict.fromkeys(
            ("deframer.fsm_state", "deframer.fresh", "deframer.looks", "deframer.looked"), 0
        ),
        **dict.fromkeys(("registers.fsm_state", "registers.executed", "guard.heard"), 0),
        "sequencer.fsm_state": RUN,
        **dict.fromkeys(("sequencer.again", "sequencer.tripped", "memory_drive.forget"), 0),
        # No edge of the period, no limit reached, a sample has come in this period.
        **dict.fromkeys(("train.ends", "train.ending", "train.begin", "train.last"), 0),
        **dict.fromkeys(("train.round", "began", "boxcar.fresh", "sequencer.start"), 0),
        **dict.fromkeys(("sequencer.latch", "phase_fault", "disable"), 0),
        **dict.fromkeys(
            ("guard.full", "guard.full_run", "guard.full_exposure", "guard.overdue"), 0
        ),
        **dict.fromkeys(("readout.fsm_state", "framer.fsm_state", "sequencer.ship"), 0),
        **dict.fromkeys(("readout.shipping", "readout.word_left", "readout.more"), 0),
        **dict.fromkeys(("readout.sending", "readout.some", "readout.read", "framer.waiting"), 0),
        "framer.push": 0,
        "readout.ahead": 1,
    }
    for flag in ("saturated", "fetch", "clear", "read_ready"):
        values |= {f"{memory}.{flag}": 0 for memory in memories}
    moving = [
        *("boxcar", "memory_light", "memory_drive", "window.elapsed", "window.beyond", "streak"),
        *("train.cycles", "train.halves", "train.launch"),
        *("guard.run", "guard.exposure", "guard.silence"),
        *("sequencer.clipped", *(f"sequencer.clipped{n}{b}" for n in range(2) for b in range(2))),
    ]
    if counting:
        moving += ["rows", "tags", "now"]
    return {"silent": Rest(values, moving)}


def parts(counting: bool) -> dict[str, DetachedPart]:
    """The sending half of the link, while buffer 0 or 1 is being filled and the other one is read out."""
    return {f"link{side}": _link(counting, side) for side in range(2)}


def _link(counting: bool, side: int) -> DetachedPart:
    memories, other = _memories(counting), 1 - side
    reading = [
        *("fetch", "fetch_bin", "fetch_buffer", "clear", "clear_bin", "clear_buffer"),
        *("read_ready", "read_data", f"ram{other}"),
    ]
    inside = ["readout", "framer", *(f"{m}.{name}" for m in memories for name in reading)]
    values = {
        **dict.fromkeys(("rx__valid", "rx_overrun", SKIP), 0),
        "tx__ready": 1,
        **dict.fromkeys(("registers.fsm_state", "sequencer.ship", "sequencer.sweep"), 0),
        "readout.shipping": 1,
        **dict.fromkeys(("sequencer.buffer", "boxcar.update_buffer"), side),
    }
    for memory in memories:
        into = ("buffer1", "buffer2", "buffer3", "buffer4", "store_buffer")
        values |= {f"{memory}.{name}": side for name in into}
        values[f"{memory}.fetch_buffer"] = other
        values[f"{memory}.saturated"] = 0  # of either buffer: both are one register
    if counting:
        inside += ["memory_light.asked", "memory_light.read_data"]
        values |= {
            "tags.packets.fsm_state": 0,
            "rows.update_buffer": side,
            "memory_light.row_buffer": side,
        }
    payload = {
        "readout.fsm_state": DATA,
        "framer.fsm_state": PAYLOAD,
        "readout.sending": 0,
        "readout.at_head": 0,
        "framer.sending": 4 if counting else 2,  # the last source
    }
    # An update comes or none (TraceMemory), and bins are cleared in the other buffer (`clears_what_is_read`).
    updates = dict.fromkeys(("boxcar.update", *(f"{memory}.store" for memory in memories)), 1)
    updates |= {"memory_light.update": (1 << CYCLE_NS) - 1} if counting else {}
    clears = {f"{memory}.clear_buffer": other for memory in memories}
    no_clears = {f"{memory}.clear": 0 for memory in memories}
    return DetachedPart(
        inside=inside,
        outside=[f"{m}.ram{side}" for m in memories],
        values=values,
        moving=pipeline(counting, side),
        unseen=["moved", *(f"{m}.{name}" for m in memories for name in ("busy", f"found{other}"))],
        cases=[
            {**some, **reads}
            for some in (updates, dict.fromkeys(updates, 0))
            for reads in (clears, no_clears)
        ],
        often=payload,
        valid="tx__valid",
        payload="tx__payload",
    )


def arrays(counting: bool) -> dict[str, list[str]]:
    """The sums of both buffers, to which the harness adds samples and photons itself."""
    light = [f"{lane}.ram{side}" for side in range(2) for lane in _lanes(counting)]
    return {"light_sums": light, "drive_sums": [f"memory_drive.ram{side}" for side in range(2)]}


FIELDS = {
    "clipped": [f"sequencer.clipped{n}{side}" for n in range(len(CHANNELS)) for side in range(2)],
}
"""How many codes of each channel, for each buffer, were an extreme one."""
