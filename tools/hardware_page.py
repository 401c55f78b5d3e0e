# ruff: noqa: E501 - the page below is prose, wrapped as it is to be read
"""Writes docs/hardware.md, whose pin tables come from the platform files: `python -m tools.hardware_page`."""

import math
from pathlib import Path

from trelscope.gateware.platform.adc import Adc
from trelscope.gateware.platform.boards import BOARDS, SIGNALS, BoardFacts
from trelscope.gateware.platform.dac import LevelDac
from trelscope.gateware.platform.launch import Launch
from trelscope.gateware.platform.platforms import ball, platform_for
from trelscope.gateware.platform.sampling import PhotonPins
from trelscope.gateware.protocol import ADC_DELAY_BITS, ADC_TAP_PS
from trelscope.host.acquisition.instrument import SETTLING
from trelscope.host.bringup.checkup import STEPS
from trelscope.host.planning import VOLTS
from trelscope.sim.physics.supply import BLEEDER, BUFFER, OF_A_BOARD

CLAMP = 4.096 * 100 / 115  # V
FALLS = OF_A_BOARD.fall * math.log(VOLTS[1] / VOLTS[0])  # s

PAGE = Path(__file__).parents[1] / "docs" / "hardware.md"

INTRODUCTION = f"""# Hardware

Made by `tools/hardware_page.py`; the pin tables come from `gateware/platform/boards.py`, which the bitstreams are built
from. How to flash a board and switch it on for the first time is in [flashing.md](flashing.md); what the bitstreams reach
is in [bitstreams.md](bitstreams.md).

**Nothing on this page has met silicon.** The gateware behind the pins is tested in simulators, with models of the parts
made from their data sheets; the circuit has been thought through, not built. Where a fact has a source that was looked at, it is
in brackets beside it. *(memory)* marks what rests on memory of a data sheet that could not be looked at: **check it there before
you solder**.

## The front end, in words

**Level.** The 14-bit DAC AD5641 gets SYNC, SCLK and DIN and a 4.096 V reference as its supply, which is its full scale *(memory)*.
An amplifier of gain 2 makes 0.5 mV per code of that, 3–7 V for the codes the guard lets through, and sets a regulator or power
amplifier that carries the device's current: V_H. A buffer capacitor of {BUFFER * 1e6:g} µF close to the switch carries the edges, and
{BLEEDER / 1e3:g} kΩ across it discharges it when the level falls: from 7 V to 3 V in {FALLS * 1e3:.1f} ms. A train waits before its first
launch until V_H has settled, with the gate low: for as long as the register `settle` says, which the host sets to {SETTLING * 1e3:g} ms on a
board. A train that is stopped while it waits launches nothing. Emulated boards can be given a V_H with the same time constants
(`sim/physics/supply.py`). **The host must write `enable` before `run`:** `enable` alone raises the level, and the gateware waits only at
the start of a train.

**No code may exceed the limit.** The guard limits the codes, but a disturbed word on the wires could ask for 8.19 V, or power the DAC
down *(memory: two bits of the word do that)*. So the amplifier's input is clamped, by a part that takes no current below its limit: 1 kΩ from
the DAC to the amplifier's input; from that input a small-signal diode, cathode outwards, to the output of a second amplifier, whose inverting input is the
same node, and whose other input has {CLAMP:.2f} V from the reference (15.0 kΩ and 100 kΩ of 0.1 %). When the node rises above that, the second amplifier
pulls it down through the diode; so V_H stays below {2 * CLAMP * 1.004:.2f} V, tolerances included. 100 kΩ from the DAC's output to ground, on the DAC's side
of the 1 kΩ, means 0 V where the DAC is switched off.

The gateware writes the word again every {LevelDac.REFRESH * 1e3:g} ms, so a wrong one does not stay: after two milliseconds at one level, the latest
word that the DAC has taken is that level, whatever it held before (`LevelDac.wire_has_the_level` in [proofs](proofs.md)). While the FPGA floats,
resistors hold SYNC high (10 kΩ to 3.3 V) and SCLK and DIN low (2.2 kΩ). Neither SYNC nor SCLK is in the gate's pair of pads.

What the level may be off by, before `trelscope calibrate level`:

| cause | error | after calibration |
|---|---|---|
| reference | 0.1 % | gain: 0 |
| gain of 2, two resistors of 0.1 % | 0.1 % (the gain is 1 + R1/R2, with both 0.2 % apart) | gain: 0 |
| offsets of DAC and amplifier | some mV *(memory)* | offset: 0 |
| leakage of the clamp's diode, 25 nA *(memory)* through 1 kΩ | 50 µV at V_H | 50 µV |
| steps and linearity of the DAC | 0.5 mV, some LSB *(memory)* | the same |

**Drive switch.** A pin driver such as EL7155 switches the device between V_H and V_L: two analogue switches, of which IN closes one or the
other, and OE opens both. V_L must not be above ground; V_H may be anything between V_L and the chip's supply V_S+
[Intersil, EL7155 data sheet, page 8, *Product Description*; read at pdf.ic37.com]. So:

- **V_S+ is a fixed 10 to 12 V**, of its own, and on before the FPGA's 3.3 V reaches the inputs; V_H is the level amplifier, V_L is 0 V. At 3 V
  or 0 V on V_S+ the chip would be below its 4.5 V *(memory)* with 3.3 V at its inputs.
- **Polarity.** Which of IN's levels closes V_H is in the truth table of the data sheet's page 7. *(memory: IN **low** closes V_H, the chip
  inverts.)* Look there; for a switch that inverts, build with `--gate-active-low`. `trelscope flash` says which polarity the bitstream
  has, and step 7 of the [first power-up](flashing.md#first-power-up) shows whether it is the right one, before a device is
  connected.
- **OE low leaves the device floating** at the voltage that it had, between V_L and V_H [same page, *3-state Operation*]. So 1 kΩ across the
  device, always; and the gateware keeps `enable` on for 5 µs after the gate has gone low, so that the switch discharges the device before
  it lets go (`OutputEnable` in [proofs](proofs.md)). After that `enable` is low for as long as the level is 0.
- Keep the series resistance at 5–10 Ω: 50 Ω into a device of 1 nF already make 110 ns of rise time.

**Outputs that nobody drives.** `gate` and `enable` need **2.2 kΩ** to where they are safe: ground, or 3.3 V for a gate that is active low. The
FPGA's own pull-ups are up to 150 µA strong *(memory, for the ECP5; the older LatticeXP's data sheet has 30 to 150 µA, page 3-3)*, which make
1.5 V of 10 kΩ, and 0.33 V of 2.2 kΩ. What the pins do:

| when | `gate`, `enable`, `adc_clk` | DAC |
|---|---|---|
| power comes up, no bitstream | float, weak pull-ups *(memory)* | float, weak pull-ups: held by resistors |
| a bitstream is being loaded | the same *(memory)* | the same |
| loaded, PLL not yet locked | float, held to the safe side by the FPGA as well | writes 0 V |
| locked for 4096 periods of the oscillator | driven: `gate` off, `enable` low | 0 V |
| a train | as the guard lets them | the guard's level |
| lock lost, for however short a time | float, at once and until the FPGA is loaded again | 0 V within 4 µs |

**Interlock.** The door switch acts on the hardware, not through the FPGA: an AND gate (74LVC1G08) passes `enable` on to OE only while the
interlock's line is high. The line: 3.3 V through the door switch and 1 kΩ, with 10 kΩ and 100 nF to ground, a TVS diode where the wire comes
in, and a Schmitt trigger (74LVC1G17) before the AND gate, because the line falls slowly: the output is off some 1 ms after the door has opened.
The device is then discharged by its 1 kΩ. The FPGA's `interlock` is connected to the line through 1 kΩ and only reports, and trips. An open
wire trips.

**Drive monitor.** The voltage at the device, divided to 2 V peak to peak, into channel B of the ADC. It is the time reference:
delays of switch, cables and ADC that both channels share cancel against it.

**Light.** A silicon APD or photodiode with a transimpedance amplifier, 50 MHz or more, into channel A of the ADC; or a PMT or SiPM
with a fast comparator (its output 3.3 V CMOS, pulses of 2 ns or longer) into the `photon` pins. **Both pins are wired to the same
output**, by traces of equal length: one is sampled at 0, 2, 4, 6 ns of a cycle, the other at 1, 3, 5, 7 ns, because an FPGA's pad has
one double-data-rate register. `trelscope calibrate lanes` measures the lanes' true widths.

**ADC.** LTC2285, two channels of 14 bits at 125 MS/s, 3.3 V outputs (OVDD). `adc_clk` to CLKA and CLKB through 33 Ω each; MODE at
a third of VDD (straight binary), MUX high, OEA, OEB, SHDNA and SHDNB low *(memory)*. What the gateware relies on *(memory)*: data 1.4 to
5.4 ns after CLK's rising edge, 5 clocks after the sample [the 5 clocks: timing diagram in the data sheet of the LTC2282, its sibling of
12 bits and 105 MS/s, page 10; read at omo-ic.com]. So a code stands still for 4 ns of a cycle's 8.

*When codes are taken.* CLK rises 4 ns before the capturing edge. Let t be all that lies between the FPGA's clock and the registers in its data
pins, other than the delay set there: the way out to CLK, both traces, the way in. Codes are right with delays from 2.6 ns − t to
6.6 ns − t. The delay is {Adc.DELAY_NS} ns after configuration, and can be set from 0 to {((1 << ADC_DELAY_BITS) - 1) * ADC_TAP_PS / 1000} ns in taps of {ADC_TAP_PS} ps (delay cells DELAYF; register
`adc_delay`), so:

| t | what is right |
|---|---|
| below −0.6 ns, above 6.6 ns | no delay |
| 1.35 to 5.35 ns | the delay after configuration |
| all others from −0.6 to 6.6 ns | another one, which `trelscope calibrate adc` finds |

The way out alone is about 2.7 ns *(memory)*. Nobody here knows in which corner of temperature, voltage and process that is: half of it and
twice as much are the corners to reckon with, 1.35 and 5.4 ns. In the former the delay after configuration has no room left without the traces' own
delay, in the latter none at all. So calibrate the ADC before believing its lowest bits, and keep all of the bus within 2 cm of equal
length: differences narrow the eye for all.

**Grounds.** One ground plane under switch, device and ADC; the FPGA board's supply apart from the drive's. The board's connectors
carry single-ended signals at 125 MHz: an adapter board plugged on directly, no ribbon cable.

## Times between gateware and pins

| way | time | evidence |
|---|---|---|
| gate to pin | {Launch.LATENCY} cycles and the launch phase | Lattice's simulation model of ODDRX1F ("ECP5U/M, LIFMD"): three registers. Amaranth 0.5.10 delays the output enable beside it by two more registers for the same reason (`DDRBufferECP5`) |
| pin to photons | {PhotonPins.LATENCY} cycles, lane 0 at the cycle's edge; delayed to the ADC's {Adc.LATENCY} | Lattice's model of IDDRX1F: both samples come out together at the next rising edge |
| ADC's clock edge to samples | {Adc.LATENCY} cycles and 4 ns: samples are 4 ns older than their bins say, both channels alike | the data sheet *(memory)*; the pads' registers |
| step of the launch phase | 12 ns high, 12 ns low | at least 4 periods of the PLL's oscillator, 8 ns *(memory: FPGA-TN-02200)* |

`tests/unit/gateware/test_platform_way.py` follows each of the first three from end to end, with the pads' registers in between.

### Launch phase

Every train begins with launches at phase 0, to which the gateware steps back by counting; each step that
the PLL takes is 250 ps. Counting cannot see a step that the PLL has missed, so it does not mend one. What would is a reload of the phase. The
PLL has an input for it, PHASELOADREG: Project Trellis (`ecppll`, in the comments of the Verilog that it writes) says that its falling edge
applies, after 10 ns or more at high, but neither that text nor any other that could be read says what is then applied to a phase that
has been stepped: the phase set at configuration, or that much again. The second would be worse than a missed step, so the input is tied to
its idle state. Resetting the PLL would reload it, and would stop all clocks, with the guard's. So the launch is checked and not
re-homed: `trelscope doctor --board SOURCE --drive` looks at the drive monitor's edge twice, {STEPS} steps apart, and a launch that has moved by
more than half a step in between is reported; `trelscope calibrate phases` shows single phases that are off. Times that are held against the drive
monitor's edge are free of a shift that all launches have in common.

### Clocks

Photon samples cross from the 250 MHz clock to the 125 MHz clock in the middle of a cycle, 4 ns from either edge, because nextpnr
knows no delays of the ECP5's clock network and checks no hold times between clocks. 250 MHz is near what that network is specified for at speed grade 6
*(memory)*; look at the lanes' widths before trusting them. A build checks two more kinds of paths: from one clock to another, and from registers to
pins (`gateware/build.py`).

## Bill of materials

| what | part | note |
|---|---|---|
| FPGA board | one of those below | ULX3S 85F has the most memory for the least money |
| level DAC | AD5641 | 14 bits, SPI, powers up at 0 V *(memory)* |
| reference | 4.096 V, 10 ppm/K or better, 5 mA | supplies the DAC |
| clamp | rail-to-rail amplifier (the other half of a dual one), diode 1N4148, 15.0 kΩ and 100 kΩ of 0.1 % | {CLAMP:.2f} V at the level amplifier's input |
| level amplifier and regulator | rail-to-rail amplifier, supply 10 V or more, and a pass transistor | gain 2; current limited to what the device bears |
| drive switch | EL7155 or another pin driver for 3–10 V | V_S+ is 10 to 12 V of its own, V_H the level |
| interlock gate | 74LVC1G08, 74LVC1G17, TVS diode, 100 nF | ANDs the door switch into OE |
| ADC | LTC2285 (Icepi Zero: LTC2283, pin-compatible, 12 bits) | with its input drivers or transformers |
| detector | Si APD or photodiode and transimpedance amplifier, ≥ 50 MHz; or PMT or SiPM and comparator (≤ 2 ns) | |
| resistors | 2.2 kΩ (4), 10 kΩ (2), 1 kΩ (5), 100 kΩ, gain 0.1 % (2), 33 Ω (2), 5–10 Ω at the switch | one of the 1 kΩ across the device |

Check every data sheet before buying; none of these parts has been tried with this gateware.

## What is unproved on silicon

- The launch: the PLL's dynamic phase is stepped by 250 ps and always counted on from where it was. That a step is never missed is Lattice's
  description, not our measurement. A missed step shifts all later launches by 250 ps until the FPGA is loaded again
  ([launch phase](#launch-phase)). `trelscope doctor --board SOURCE --drive` looks for it.
- The 1 ns lanes: their widths follow from the two clocks' 1 ns and the pads' and traces' differences.
- The ADC's eye: `trelscope calibrate adc` finds it, of channel B, and takes channel A's to be the same. If the latency is a cycle off, light
  and drive move together. Steps of the delay cells are 25 ps *(memory)*; how DELAYF takes LOADN, MOVE and DIRECTION is as in Lattice's
  description *(memory: FPGA-TN-02035)*, and a delay that does not move shows as an eye that goes on at both ends.
- That V_H has settled within the {SETTLING * 1e3:g} ms that a train waits: that takes an amplifier that charges {BUFFER * 1e6:g} µF in a few ms.
- Everything marked *(memory)*.
- Behaviour at power-up, and on loss of lock: outputs float by design, and the resistors decide.
"""

_ULX3S_NOTE = """\
The pins are named as printed: `8+` is GP8, `8-` is GN8 of the connectors J1 and J2.

*Revisions.* Right for 2.x, 3.0.x and 3.1.4 to 3.1.7: every ball below is that of the board's own constraint files (emard/ulx3s at
6a92cec, folder doc/constraints: ulx3s_v20.lpf, prototype/ulx3s_v314.lpf and prototype/ulx3s_v316.lpf). **Not for 1.7**: there
GP22, GN22, GP25 and GN25 are other balls (prototype/ulx3s_v17patch.lpf), so `adc_drive[2]`, `[3]`, `[8]` and `[9]` would be wrong,
and GP, GN 9 to 13 are shared with the ESP32 (its doc/MANUAL.md). On later boards only 11 to 13 are shared, which are left free here.

*ESP32.* Firmware on it can load bitstreams of its own into the FPGA, and takes a low `wifi_gpio0` as a request to do so (public designs tie
ball L2 high with the remark that it keeps the board from rebooting). L2 is `wifi_gpio0` up to 3.1.4; from 3.1.6 on that is F1, and L2
another pin of the ESP32 (ulx3s_v316.lpf). F1 in turn is the ESP32's enable before 3.1.6. So the FPGA drives neither, which on one
revision or the other would be a short-circuit or the wrong request, but pulls both up: the ESP32 stays on, and is asked for nothing."""
BOARD_NOTES = {
    "ulx3s-85f": _ULX3S_NOTE,
    "ulx3s-25f": "Revisions and ESP32: as for the ULX3S 85F.",
    "icepi-zero": """\
**The pin names are GPIO numbers, as on a Raspberry Pi; the header's own pin numbers are others**: GPIO 4 is header pin 7, and header pin
4 is +5 V, which the FPGA does not survive. Count by *header pin*.

*Revisions.* Right for 1.3. The balls are those of the designer's own list (litex-hub/litex-boards at 65a6d24,
litex_boards/platforms/icepi_zero.py). The header pins are those of the netlist of an earlier revision (cheyao/icepi-zero at 960dcd7,
hardware/production/netlist.ipc, J1 against U3), whose balls are the same but for GPIO 23, header pin 16: it was on ball M1, where the
oscillator is now. Check header pin 16 with a meter against `adc_light[11]` on the first board.""",
    "ecpix5-85f": """\
The pins are those of the Pmod sockets, counted as the Pmod standard does: 1 to 4 and 7 to 10.

*Revisions.* Up to R02 the USB chip is an FT2232H, from R03 on an FT4232H (openFPGALoader 1.1.1 at d43508f: src/board.hpp, boards
`ecpix5` and `ecpix5_r03`, and src/cable.hpp; its maintainer in litex-hub/litex-boards issue 530). `trelscope flash` takes the name that
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
