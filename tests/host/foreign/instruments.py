"""Files such as instruments write them, of one waveform that is known, in the manner of each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEP = 2e-9  # s
START = -0.4e-6
EDGE, WIDTH = 0.1e-6, 1.5e-6
RISE, FALL = 60e-9, 90e-9  # time constants
T = START + STEP * np.arange(1600)
TEN_TO_NINETY = np.log(9)


def light(t: Array = T, edge: float = EDGE, width: float = WIDTH) -> Array:
    """V, without noise."""
    lit = np.where(t >= edge, 1 - np.exp(-np.maximum(t - edge, 0) / RISE), 0.0)
    end = edge + width
    return 0.02 + 0.8 * np.where(t < end, lit, np.exp(-np.maximum(t - end, 0) / FALL))


def drive(t: Array = T, edge: float = EDGE, width: float = WIDTH) -> Array:
    """V, with edges of 5 ns."""
    return 2.5 * (np.tanh((t - edge) / 3e-9) - np.tanh((t - edge - width) / 3e-9))


RNG = np.random.default_rng(22)
LIGHT = light() + RNG.normal(0, 4e-3, T.size)
DRIVE = drive() + RNG.normal(0, 0.02, T.size)


def rows(*columns: Array, between: str = ",", form: str = "{:.6e}", end: str = "") -> str:
    return "".join(
        between.join(form.format(x) for x in row) + end + "\n" for row in zip(*columns, strict=True)
    )


def comma(text: str) -> str:
    return text.replace(".", ",")


def beside(lines: Sequence[str], t: Array, y: Array) -> str:
    """Metadata in the first two columns, data in the fourth and fifth."""
    filled = [*lines, *[",,"] * (t.size - len(lines))]
    return "".join(f"{k},{a:.9f},{b:.5f},\n" for k, a, b in zip(filled, t, y, strict=True))


FILES: dict[str, bytes] = {
    name: text.encode() if isinstance(text, str) else text
    for name, text in {
        "keysight.csv": "x-axis,2\nsecond,Volt\n" + rows(T, LIGHT, form="{:.12e}"),
        "benchvue.csv": "\ufeff"
        + '"Instrument","DSOX9999"\r\n"Time (us)","Channel 2 (mV)"\r\n'
        + rows(T * 1e6, LIGHT * 1e3, form='"{:.6f}"').replace("\n", "\r\n"),
        "tektronix.CSV": beside(
            ["Record Length,1600,", "Source,CH3,", "Vertical Units,V,", "Horizontal Units,ms,"],
            T * 1e3,
            LIGHT,
        ),
        "rigol.csv": f"X,CH2,Start,Increment,\nSequence,Volt,{START:.6e},{STEP:.6e}\n"
        + rows(np.arange(T.size), LIGHT, form="{:.7g}", end=","),
        "rigol_new.csv": f"CH2V,t0 = {START:.6e}, tInc = {STEP:.6e},\n"
        + rows(LIGHT, form="{:.5f}", end=",,"),
        "siglent.csv": "Record Length,Analog:1600\nSample Interval,Analog:2.0E-09\nVertical Units,CH1:V\n"
        "Model Number,SDS9\nSource,CH1\nSecond,Volt\n" + rows(T, LIGHT),
        "picoscope.csv": "Time,Channel A\n(us),(mV)\n\n"
        + rows(T * 1e6, LIGHT * 1e3, form="{:.5f}"),
        "picoscope_de.txt": "Zeit\tKanal A\n(us)\t(mV)\n\n"
        + comma(rows(T * 1e6, LIGHT * 1e3, form="{:.5f}", between="\t")),
        "excel_de.csv": "t / ns;U / mV\n"
        + comma(rows(T * 1e9, LIGHT * 1e3, form="{:.4f}", between=";")),
        "yokogawa.csv": '"Model","DL9"\n"HResolution",2.0E-09\n"HOffset",-4.0E-07\n"HUnit","s"\n"VUnit","V"\n'
        + rows(LIGHT, form=",{:.5f}"),
        "siglent_new.csv": "Record Length,Analog:1600,\nSample Interval,Analog:2.0E-09,\nVertical Units,CH3:V,,\n"
        "Horizontal Units,S,\nSource,CH3,\nSecond,Value\n" + rows(T, LIGHT, form="{:+.8E}"),
        "siglent_old.csv": "Record Length,Analog:1600\nSample Rate,500000000.0\nVertical Scale,CH1: 0.05\n"
        "Horizontal Scale, 0.000010000\nSecond,Volt\n" + rows(T, LIGHT, form="{:.11f}"),
        "tektronix_new.csv": "Model,MSO99\nLabel,\nHorizontal Units,s\nSample Interval,2e-9\nVertical Units,V\n"
        ",\nTIME,CH1\n" + rows(T, LIGHT),
        "gwinstek.csv": "Format,2.0,\nMemory Length,1600,\nTrigger Level,0.1,\nSource,CH1,\nVertical Units,V,\n"
        "Sampling Period,2.0e-09,\nStart,-4e-7,\nTime,\nWaveform Data,\n"
        + rows(LIGHT, form="{:.6f}", end=","),
        "labview.lvm": "LabVIEW Measurement\t\nSeparator\tTab\n***End_of_Header***\t\n\n"
        "Samples\t1600\t\nTime\t12:34:56.78\t\n"
        "Y_Unit_Label\tVolts\t\nX0\t-4E-7\t\nDelta_X\t2E-9\t\n***End_of_Header***\t\t\nX_Value\tVoltage\tComment\n"
        + rows(T, LIGHT, between="\t"),
        "hantek.csv": "#CHANNEL:CH1\n#CLOCK=2.00nS\n#SIZE=1600\n#UNITS:V\n" + rows(T, LIGHT),
        "rohde.csv": "in s,CH1 in V\n" + rows(T, LIGHT),
        "wide.csv": ("Time [ns]\tLight [V]\r\n" + rows(T * 1e9, LIGHT, between="\t")).encode(
            "utf-16"
        ),
        "latin.txt": ("# Zeit (\u00b5s); Licht (V)\n" + rows(T * 1e6, LIGHT, between=";")).encode(
            "cp1252"
        ),
        "blanks.dat": rows(T, LIGHT, between="   "),
        "padded.csv": "time (s),light (V)\n" + rows(T, LIGHT, between=" , ") + "end of file\n",
        "holes.csv": "time (s),light (V)\n-4.02e-7,\n" + rows(T, LIGHT),
        "matlab_old.txt": "%time,s\n" + rows(T, LIGHT),
    }.items()
}
