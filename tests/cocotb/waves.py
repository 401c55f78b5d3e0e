"""A waveform of the instrument in a closed loop with the device, and a saved view of it.

`make waves` runs this. The view groups signals by block; a signal that the gateware no longer has is an error here.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vcd.gtkw import GTKWFlag, GTKWSave
from vcd.reader import TokenKind, tokenize

from trelscope.gateware.instrument import Instrument

from .icarus import TOP, run
from .tb_instrument import DEPTH

LOOP = "one_nanosecond_bins_before_and_after_the_edge"
VCD, VIEW = f"{TOP}.vcd", f"{TOP}.gtkw"

PINS = {
    "link": ("rx__valid", "rx__ready", "rx__payload", "tx__valid", "tx__ready", "tx__payload"),
    "drive": ("enable", "level", "phase", "gate", "trip"),
    "converters": ("sampling", "sample_valid", "samples"),
}
BLOCKS = {
    "deframer": ("fsm_state", "requests__valid", "requests__ready", "requests__payload"),
    "registers": ("fsm_state", "executed", "reading", "written", "outcome"),
    "sequencer": ("fsm_state", "prepare", "start", "buffer", "keep", "swap", "ship", "missed"),
    "train": ("begin", "boundary", "cycles", "next_dither", "pulses", "gate"),
    "guard": ("gate_in", "gate", "run", "exposure", "silence", "cause", "tripped"),
    "window": ("open", "elapsed", "bin", "valid"),
    "boxcar": ("valid", "bin_", "held", "update", "update_bin", "update_buffer"),
    "memory_drive": ("addend",),
    "memory_light": (
        "addend",
        "update",
        "store",
        "store_bin",
        "write_data",
        "sweep",
        "busy",
        "saturated",
    ),
    "readout": ("fsm_state", "channel", "read_bin", "read_data", "chunk_number", "shipping"),
    "framer": ("fsm_state", "waiting", "header", "crc", "tx__valid", "tx__payload"),
}
ANALOG = ("addend",)
DECIMAL = ("level", "phase", "pulses", "missed", "cycles", "bin", "bin_", "update_bin", "elapsed")


def record(folder: Path, testcase: str = LOOP) -> None:
    """Run one test of `tb_instrument` and leave its waveform and the view in `folder`.

    Raises RuntimeError where the test fails, or the waveform lacks a signal of the view.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if run("tb_instrument", Instrument(DEPTH), folder, testcase=testcase, waves=VCD) != (1, 0):
        raise RuntimeError(f"{testcase} failed; the waveform in {folder / VCD} shows how")
    with (folder / VCD).open("rb") as dump:
        names = dict(signals(dump))
    with (folder / VIEW).open("w") as file:
        view = GTKWSave(file)
        # GTKWave looks for a relative path where it was started.
        view.dumpfile(str((folder / VCD).resolve()))
        write_view(view, names)


def signals(dump: BinaryIO) -> Iterator[tuple[str, str]]:
    """Every signal of a VCD file: its path in the gateware, and what viewers call it.

    The latter ends in the range of its bits. In it, a block that shares its name with a signal has a number, too.
    """
    scopes: list[str] = []
    for token in tokenize(dump):
        match token.kind:
            case TokenKind.SCOPE:
                scopes.append(token.scope.ident)
            case TokenKind.UPSCOPE:
                scopes.pop()
            case TokenKind.VAR:
                blocks = [re.sub(r"\$\d+$", "", scope) for scope in scopes]
                name = ".".join([*scopes, token.var.ref_str])
                yield ".".join([*blocks, token.var.reference]), name
            case TokenKind.ENDDEFINITIONS:
                return


def write_view(view: GTKWSave, names: dict[str, str]) -> None:
    """The pins, then every block, from the request to the frame. names: as `signals` gives them."""
    groups = {f"pins: {name}": [(TOP, s) for s in pins] for name, pins in PINS.items()}
    groups |= {block: [(f"{TOP}.{block}", s) for s in inside] for block, inside in BLOCKS.items()}
    wanted = {f"{scope}.{signal}" for group in groups.values() for scope, signal in group}
    if lacking := sorted(wanted - names.keys()):
        raise RuntimeError(f"the waveform has no {', '.join(lacking)}: correct {__name__}")
    view.trace(names[f"{TOP}.clk"])
    for title, group in groups.items():
        with view.group(title, closed=title in BLOCKS):
            for scope, signal in group:
                form = "dec" if signal in (*DECIMAL, *ANALOG) else "hex"
                look = GTKWFlag.analog_step if signal in ANALOG else GTKWFlag(0)
                view.trace(names[f"{scope}.{signal}"], datafmt=form, extraflags=look)


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve()
    record(target)
    print(f"gtkwave {target / VIEW}, or surfer {target / VCD}")
