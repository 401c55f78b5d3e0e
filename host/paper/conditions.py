"""What the paper measured, under which conditions, and what it says about it."""

from dataclasses import dataclass

HALF = "duty cycle not stated in the paper: 50 % assumed"
UNSETTLED = f"{HALF}; this device has not settled by the end of its pulse then, and its time depends on that"
TWICE = "3.4 us is quoted both at 4 V and at 5 V"
UNQUOTED = "prediction of the fitted model: the paper gives no number"


@dataclass(frozen=True)
class Condition:
    """One capture: `quantity` of `preset`, and the paper's figure for it, in s (None: it gives none).

    first: only the first pulse after a rest, instead of a steady train. fine: the rise in a window of its own.
    doubt: what to know before trusting the target.
    """

    id: str
    figure: str
    words: str
    preset: str
    volts: float = 5.0
    rate: float = 10e3
    quantity: str = "response"
    target: float | None = None
    first: bool = False
    fine: bool = False
    doubt: str = HALF


def conditions() -> tuple[Condition, ...]:
    """All of them, in the order of the table."""
    return (*_devices(), *_voltages(), *_rates(), *_pulses(), *_falling())


def _devices() -> tuple[Condition, ...]:
    return (
        Condition(
            "device-control-4mm2",
            "3g",
            "control, 4 mm²",
            "control-4mm2",
            target=32.3e-6,
            doubt=UNSETTLED,
        ),
        Condition("device-bmim3-4mm2", "3g", "BMIM-3, 4 mm²", "bmim3-4mm2", target=7.55e-6),
        Condition(
            "device-libr-4mm2",
            "S13",
            "BMIM-3 with LiBr, 4 mm²",
            "bmim3-libr-4mm2",
            target=4.9e-6,
            doubt=f"voltage, rate and area not restated; {HALF}",
        ),
        Condition(
            "device-bmim3-1mm2",
            "5d",
            "BMIM-3, 1 mm²",
            "bmim3-1mm2",
            target=3.4e-6,
            doubt=f"{TWICE}; {HALF}",
        ),
        Condition("device-hr-4mm2", "5e", "9072 PPI, 4 mm²", "hr-4mm2", target=1.95e-6),
        Condition("device-hr-1mm2", "5f", "9072 PPI, 1 mm²", "hr-1mm2", target=0.70e-6),
    )


def _voltages() -> tuple[Condition, ...]:
    quoted = {3.0: 3.75e-6, 7.0: 2.25e-6}
    return tuple(
        Condition(
            f"volts-{volts:g}",
            "3h",
            f"BMIM-3, 1 mm², {volts:g} V",
            "bmim3-1mm2",
            volts=volts,
            target=quoted.get(volts),
            doubt=HALF if volts in quoted else UNQUOTED,
        )
        for volts in (3.0, 4.0, 5.0, 6.0, 7.0)
    )


def _rates() -> tuple[Condition, ...]:
    return tuple(
        Condition(
            f"rate-{rate / 1e3:g}k",
            "3i",
            f"BMIM-3, 1 mm², 4 V, {rate / 1e3:g} kHz",
            "bmim3-1mm2",
            volts=4.0,
            rate=rate,
            target=3.4e-6,
            fine=True,
            doubt=f"{TWICE}; '3.4' resolves 1.5 %; {HALF}",
        )
        for rate in (0.5e3, 1e3, 2e3, 5e3, 10e3, 15e3)
    )


def _pulses() -> tuple[Condition, ...]:
    doubt = "'no significant effect' of the pulse number, without a tolerance: its 3.4 us taken for both"
    return (
        Condition(
            "pulse-first",
            "S10e",
            "BMIM-3, 1 mm², first pulse after a rest",
            "bmim3-1mm2",
            target=3.4e-6,
            first=True,
            doubt=doubt,
        ),
        Condition(
            "pulse-later",
            "S10e",
            "BMIM-3, 1 mm², later pulses",
            "bmim3-1mm2",
            target=3.4e-6,
            doubt=doubt,
        ),
    )


def _falling() -> tuple[Condition, ...]:
    names = {
        "control-4mm2": "control, 4 mm²",
        "bmim3-4mm2": "BMIM-3, 4 mm²",
        "bmim3-1mm2": "BMIM-3, 1 mm²",
        "hr-1mm2": "9072 PPI, 1 mm²",
    }
    return tuple(
        Condition(
            f"fall-{preset}",
            "2k",
            f"{name}, falling edge 90–10 %",
            preset,
            quantity="fall",
            doubt=f"{UNQUOTED} ('BMIM-3 significantly faster')",
        )
        for preset, name in names.items()
    )
