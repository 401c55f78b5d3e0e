# ruff: noqa: E501 - the page below is prose, wrapped as it is to be read
"""Writes docs/hardware.md, whose pin tables come from the platform files: `python -m tools.hardware_page`."""

from pathlib import Path

from trelscope.gateware.platform.adc import Adc
from trelscope.gateware.platform.boards import BOARDS, SIGNALS, BoardFacts
from trelscope.gateware.platform.launch import LaunchPhase
from trelscope.gateware.platform.platforms import ball, platform_for

PAGE = Path(__file__).parents[1] / "docs" / "hardware.md"

INTRODUCTION = f"""# Hardware

Made by `tools/hardware_page.py`; the pin tables come from `gateware/platform/boards.py`, which the bitstreams are built
from. How to flash a board and switch it on for the first time is in [flashing.md](flashing.md); what the bitstreams reach
is in [bitstreams.md](bitstreams.md).

**Nothing on this page has met silicon.** The gateware behind the pins is tested in simulators, with models of the parts
made from their data sheets; the circuit has been thought through, not built.

## The front end, in words

**Level.** The 14-bit DAC AD5641 gets SYNC, SCLK and DIN and a 4.096 V reference as its supply, which is its full scale.
An amplifier of gain 2 makes 0.5 mV a code of it, 3–7 V for the codes the guard lets through, and sets a regulator or power
amplifier that carries the device's current: V_H. A buffer capacitor of some 10 µF close to the switch carries the edges.

**Drive switch.** A pin driver such as EL7155 switches the device between V_H and V_L (0 V): `gate` to its input, `enable`
to its output enable. Keep the series resistance at 5–10 Ω: 50 Ω into a device of 1 nF already make 110 ns of rise time.
10 kΩ from `gate`, `enable` and `interlock` to ground: the FPGA's pins float until it is configured, and float again if its PLL
loses lock.

**Interlock.** A switch from `interlock` to the board's 3.3 V, through 1 kΩ, closed while it is safe to drive. An open wire
trips.

**Drive monitor.** The voltage at the device, divided to 2 V peak to peak, into channel B of the ADC. It is the time reference:
delays of switch, cables and ADC that both channels share cancel against it.

**Light.** A silicon APD or photodiode with a transimpedance amplifier, 50 MHz or more, into channel A of the ADC; or a PMT or SiPM
with a fast comparator (its output 3.3 V CMOS, pulses of 2 ns or longer) into the `photon` pins. **Both pins are wired to the same
output**, by traces of equal length: one is sampled at 0, 2, 4, 6 ns of a cycle, the other at 1, 3, 5, 7 ns, because an FPGA's pad has
one double-data-rate register. `trelscope calibrate` measures the lanes' true widths.

**ADC.** LTC2285, two channels of 14 bits at 125 MS/s, 3.3 V outputs (OVDD). `adc_clk` to CLKA and CLKB through 33 Ω each; MODE at
a third of VDD (straight binary), MUX high, OEA, OEB, SHDNA and SHDNB low. What the gateware relies on: data 1.4 to 5.4 ns after
CLK's rising edge, 5 clocks after the sample. With the {Adc.DELAY_NS} ns of delay in the FPGA's pins that leaves about 1.3 ns on either
side of the capturing edge for traces and temperature: keep all of the bus within 2 cm of equal length, and check the margin on a
board before believing the lowest bits.

**Grounds.** One ground plane under switch, device and ADC; the FPGA board's supply apart from the drive's. The board's connectors
carry single-ended signals at 125 MHz: an adapter board plugged on directly, no ribbon cable.

## Bill of materials

| what | part | note |
|---|---|---|
| FPGA board | one of those below | ULX3S 85F has the most memory for the least money |
| level DAC | AD5641 | 14 bits, SPI, powers up at 0 V |
| reference | 4.096 V, 10 ppm/K or better, 5 mA | supplies the DAC |
| level amplifier and regulator | rail-to-rail amplifier, supply 10 V or more, and a pass transistor | gain 2; current limited to what the device bears |
| drive switch | EL7155 or another pin driver for 3–10 V | its supply is V_H |
| ADC | LTC2285 (Icepi Zero: LTC2283, pin-compatible, 12 bits) | with its input drivers or transformers |
| detector | Si APD or photodiode and transimpedance amplifier, ≥ 50 MHz; or PMT or SiPM and comparator (≤ 2 ns) | |
| resistors | 10 kΩ (3), 1 kΩ, 33 Ω (2), 5–10 Ω at the switch | |

Check every data sheet before buying; none of these parts has been tried with this gateware.

## What is unproved on silicon

- The launch: the PLL's dynamic phase is stepped by 250 ps, {LaunchPhase.HIGH * 8} ns high and {LaunchPhase.LOW * 8} ns low, and always counted on
  from where it was. That a step is never missed, and that it goes on through a whole period, is Lattice's description, not our measurement.
- The 1 ns lanes: their widths follow from the two clocks' 1 ns and the pads' and traces' differences.
- The ADC's capture margin, above. The latency that the gateware assumes is counted from data sheets and simulation
  models; if it is a cycle off, light and drive move together.
- The interval between two launch phases, which nothing measures but the drive monitor.
- Behaviour at power-up, and on loss of lock: outputs float by design.
"""

_ULX3S_NOTE = """\
The pins are named as printed: `8+` is GP8, `8-` is GN8 of the connectors J1 and J2.

*Revisions.* Right for 2.x, 3.0.x and 3.1.4 to 3.1.7: every ball below is that of the board's own constraint files (emard/ulx3s at
6a92cec: `doc/constraints/ulx3s_v20.lpf`, `doc/constraints/prototype/ulx3s_v314.lpf` and `ulx3s_v316.lpf`). **Not for 1.7**: there
GP22, GN22, GP25 and GN25 are other balls (`prototype/ulx3s_v17patch.lpf`), so `adc_drive[2]`, `[3]`, `[8]` and `[9]` would be wrong,
and GP, GN 9 to 13 are shared with the ESP32 (`doc/MANUAL.md`). On later boards only 11 to 13 are shared, which are left free here.

*ESP32.* Firmware on it can load bitstreams of its own into the FPGA, and takes a low `wifi_gpio0` for a wish (public designs tie
ball L2 high with the remark that it keeps the board from rebooting). L2 is `wifi_gpio0` up to 3.1.4; from 3.1.6 on that is F1, and L2
another pin of the ESP32 (`ulx3s_v316.lpf`). F1 in turn is the ESP32's enable before 3.1.6. So the FPGA drives neither, which on one
revision or the other would be a short-circuit or the wrong wish, but pulls both up: the ESP32 stays on, and is asked for nothing."""
BOARD_NOTES = {
    "ulx3s-85f": _ULX3S_NOTE,
    "ulx3s-25f": "Revisions and ESP32: as for the ULX3S 85F.",
    "icepi-zero": """\
**The pin names are GPIO numbers, as on a Raspberry Pi; the header's own pin numbers are others**: GPIO 4 is header pin 7, and header pin
4 is +5 V, which the FPGA does not survive. Count by *header pin*.

*Revisions.* Right for 1.3. The balls are those of the designer's own list (litex-hub/litex-boards at 65a6d24,
`litex_boards/platforms/icepi_zero.py`). The header pins are those of the netlist of an earlier revision (cheyao/icepi-zero at 960dcd7,
`hardware/production/netlist.ipc`, J1 against U3), whose balls are the same but for GPIO 23, header pin 16: it was on ball M1, where the
oscillator is now. Check header pin 16 with a meter against `adc_light[11]` on the first board.""",
    "ecpix5-85f": """\
The pins are those of the Pmod sockets, counted as the Pmod standard does: 1 to 4 and 7 to 10.

*Revisions.* Up to R02 the USB chip is an FT2232H, from R03 on an FT4232H (openFPGALoader 1.1.1 at d43508f: `src/board.hpp`, boards
`ecpix5` and `ecpix5_r03`, and `src/cable.hpp`; its maintainer in litex-hub/litex-boards issue 530). `trelscope flash` takes the name that
goes with the chip attached. That the link is on the last of the R03's four ports is what one public project uses; check it.""",
}
"""What has to be known of a board besides its pins, with the evidence."""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, "## Boards and pins", "", *map(_board, BOARDS.values())])


def _board(board: BoardFacts) -> str:
    platform = platform_for(board)
    chips = " or ".join(
        f"{each.chip} ({each.usb[0]:04x}:{each.usb[1]:04x}, `{each.loader}` in openFPGALoader)"
        for each in board.programmers
    )
    facts = (
        f"{board.part}-{board.speed_grade}, IDCODE {board.idcode:#010x}, oscillator {board.clock / 1e6:g} MHz; link and"
        f" programming over the {chips} at {board.baud / 1e6:g} Mbaud;"
        f" {board.depth} bins a channel and buffer{', photon counting' if board.counting else ''}."
    )
    lines = [f"### {board.title} (`{board.name}`)", "", facts, "", BOARD_NOTES[board.name], ""]
    head = ["signal", "pin", "FPGA ball", "direction", "what is there"]
    if board.header:
        head.insert(2, "header pin")
    lines += [_row(head), _row(["---"] * len(head))]
    for signal, (direction, words) in SIGNALS.items():
        for n, (name, pin) in enumerate(board.named_pins(signal)):
            cells = [f"`{name}`", f"`{pin}`", ball(platform, pin)]
            cells += ["out" if direction == "o" else "in", words if n == 0 else ""]
            if board.header:
                cells.insert(2, f"**{board.header[pin]}**")
            lines.append(_row(cells))
    return "\n".join([*lines, ""])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page())
