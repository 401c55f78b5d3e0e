"""The supported boards and everything in which they differ. Without Amaranth, so that flashing and docs can use it.

Pins are named `CONNECTOR:PIN`; `platforms` maps them to balls of the FPGA.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trelscope.gateware.protocol import Board

Direction = Literal["i", "o"]

SIGNALS: dict[str, tuple[Direction, str]] = {
    "gate": ("o", "drive switch, high: the device is driven (or low: `--gate-active-low`)"),
    "enable": ("o", "drive switch's output enable, high: on"),
    "interlock": ("i", "high: closed, the output may be on; an open wire reads low and trips"),
    "dac_sync": ("o", "level DAC (AD5641): frame, active low"),
    "dac_sclk": ("o", "level DAC: clock"),
    "dac_din": ("o", "level DAC: data"),
    "photon": ("i", "discriminator; its output is wired to both pins, with traces of equal length"),
    "adc_clk": ("o", "ADC (LTC2285): 125 MHz to CLKA and CLKB"),
    "adc_light": ("i", "ADC channel A, the detector; highest bit last"),
    "adc_drive": ("i", "ADC channel B, the drive monitor; highest bit last"),
}
"""Pins between FPGA and front end: direction as seen from the FPGA, and meaning."""


@dataclass(frozen=True)
class Programmer:
    """The USB chip that programs the FPGA and carries the link.

    Attributes
    ----------
    chip : str
        Name of the chip.
    usb : tuple of int
        USB vendor and product number.
    loader : str
        Name of the board, with this chip on it, in openFPGALoader.
    """

    chip: str
    usb: tuple[int, int]
    loader: str


@dataclass(frozen=True)
class BoardFacts:
    """One board.

    Attributes
    ----------
    name : str
        Name on the command line.
    title : str
        Name in the docs.
    number : Board
        Value of the `board` register.
    part : str
        Part number of the FPGA, without package and speed grade.
    speed_grade : int
        Slowest speed grade that the board is sold with.
    idcode : int
        JTAG IDCODE of the FPGA.
    programmers : tuple of Programmer
        USB chips that the board is or was made with, the older one first.
    clock : int
        Frequency of the oscillator in Hz.
    baud : int
        Baud rate of the link.
    depth : int
        Bins of trace memory per channel and buffer.
    counting : bool
        Whether photons can be counted and time-tagged.
    pins : dict
        Pins of each of SIGNALS, lowest bit first.
    gate_active_low : bool
        The drive switch drives the device while `gate` is low. Depends on the switch, not on the board.
    header : dict
        Number of the header's pin that each of these pins is, where the pins' own names are not printed on the board.
    """

    name: str
    title: str
    number: Board
    part: str
    speed_grade: int
    idcode: int
    programmers: tuple[Programmer, ...]
    clock: int
    baud: int
    depth: int
    counting: bool
    pins: dict[str, tuple[str, ...]]
    gate_active_low: bool = False
    header: Mapping[str, int] = field(default_factory=dict)

    def named_pins(self, signal: str) -> list[tuple[str, str]]:
        """Name, such as `photon[1]`, and pin of each bit of one of SIGNALS."""
        pins = self.pins[signal]
        if len(pins) == 1:
            return [(signal, pins[0])]
        return [(f"{signal}[{n}]", pin) for n, pin in enumerate(pins)]


def _pins(connector: str, **signals: str) -> dict[str, tuple[str, ...]]:
    """Pins of every signal, on a board with a single connector."""
    return {
        name: tuple(f"{connector}:{pin}" for pin in pins.split()) for name, pins in signals.items()
    }


def _pmod(**signals: str) -> dict[str, tuple[str, ...]]:
    """Pins of every signal, each given as `PMOD.PIN`."""
    return {
        name: tuple(f"pmod_{pin.replace('.', ':')}" for pin in pins.split())
        for name, pins in signals.items()
    }


# Each bus of the ADC is on neighbouring pins, and the drive switch is away from them. `8+` and `8-` share a pair of
# pads, so the gate's partner is a signal that its edges cannot harm: neither SYNC nor SCLK of the DAC.
_ULX3S = _pins(
    "gpio_0",
    gate="8+",
    enable="9+",
    interlock="10+",
    dac_sync="9-",
    dac_sclk="10-",
    dac_din="8-",
    photon="18+ 19+",
    adc_clk="7+",
    adc_light="0+ 0- 1+ 1- 2+ 2- 3+ 3- 4+ 4- 5+ 5- 6+ 6-",
    adc_drive="21+ 21- 22+ 22- 23+ 23- 24+ 24- 25+ 25- 26+ 26- 27+ 27-",
)
# The names are GPIO numbers, which are not the numbers of the header's pins. All 28 GPIOs are used: 12 bits of light,
# as many as the pin-compatible LTC2283 has, and the upper 7 bits of the drive.
_ICEPI = _pins(
    "gpio_0",
    gate="4",
    enable="17",
    interlock="27",
    dac_sync="8",
    dac_sclk="11",
    dac_din="10",
    photon="0 1",
    adc_clk="22",
    adc_light="5 6 12 13 16 19 20 21 26 25 24 23",
    adc_drive="2 3 7 9 14 15 18",
)
_ECPIX = _pmod(
    gate="0.1",
    enable="0.2",
    interlock="0.3",
    dac_sync="1.1",
    dac_sclk="1.2",
    dac_din="1.3",
    photon="2.1 2.2",
    adc_clk="5.9",
    adc_light="4.1 4.2 4.3 4.4 4.7 4.8 4.9 4.10 5.1 5.2 5.3 5.4 5.7 5.8",
    adc_drive="6.1 6.2 6.3 6.4 6.7 6.8 6.9 6.10 7.1 7.2 7.3 7.4 7.7 7.8",
)

# Header pin of GPIO 0 to 27, which is that of a Raspberry Pi (evidence: tools/hardware_page.py).
_ICEPI_HEADER = (
    *(27, 28, 3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33),
    *(8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13),
)


def _ft231x(loader: str) -> tuple[Programmer, ...]:
    return (Programmer("FT231X", (0x0403, 0x6015), loader),)


BOARDS: dict[str, BoardFacts] = {
    board.name: board
    for board in (
        BoardFacts(
            name="ulx3s-85f",
            title="ULX3S 85F",
            number=Board.ULX3S_85F,
            part="LFE5U-85F",
            speed_grade=6,
            idcode=0x41113043,
            programmers=_ft231x("ulx3s"),
            clock=25_000_000,
            baud=3_000_000,
            depth=16384,
            counting=True,
            pins=_ULX3S,
        ),
        BoardFacts(
            name="ulx3s-25f",
            title="ULX3S 25F",
            number=Board.ULX3S_25F,
            part="LFE5U-25F",
            speed_grade=6,
            idcode=0x41111043,
            programmers=_ft231x("ulx3s"),
            clock=25_000_000,
            baud=3_000_000,
            depth=4096,
            counting=True,
            pins=_ULX3S,
        ),
        BoardFacts(
            name="icepi-zero",
            title="Icepi Zero",
            number=Board.ICEPI_ZERO,
            part="LFE5U-25F",
            speed_grade=6,
            idcode=0x41111043,
            programmers=_ft231x("icepi-zero"),
            clock=50_000_000,
            baud=3_000_000,
            depth=4096,
            counting=True,
            pins=_ICEPI,
            header={f"gpio_0:{n}": pin for n, pin in enumerate(_ICEPI_HEADER)},
        ),
        BoardFacts(
            name="ecpix5-85f",
            title="ECPIX-5 85F",
            number=Board.ECPIX5_85F,
            part="LFE5UM5G-85F",
            speed_grade=8,
            idcode=0x81113043,
            programmers=(
                Programmer("FT2232H", (0x0403, 0x6010), "ecpix5"),
                Programmer("FT4232H", (0x0403, 0x6011), "ecpix5_r03"),
            ),
            clock=100_000_000,
            baud=12_000_000,
            depth=16384,
            counting=True,
            pins=_ECPIX,
        ),
    )
}
