"""Settings: what is refused, what is filled in, and what the bins then hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trelscope.gateware.protocol import CLOCK_HZ, CYCLE_NS
from trelscope.host.planning import RATES, VOLTS, CaptureRequest, SettingsError

DEPTH = 16384


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"volts": 2.9}, r"volts 2\.9 V is out of range: 3 V to 7 V"),
        ({"volts": 7.1}, r"volts 7\.1 V is out of range: 3 V to 7 V"),
        ({"volts": math.nan}, "volts"),
        ({"rate": 499.0}, r"rate 499 Hz is out of range: 500 Hz to 15 kHz"),
        ({"rate": 15001.0}, "rate"),
        ({"width": 101e-6}, r"width 101 µs is out of range"),
        ({"width": 0.0}, "width"),
        ({"width": math.inf}, "width"),
        ({"pulses": -1}, "pulses"),
        ({"bin": 3e-9}, "bin 3 ns is not one of 1, 2, 4"),
        ({"bin": 1e-9, "interleave": False}, "without interleaving"),
        ({"bin": 1e-9, "window": (0.0, 20e-6)}, "longer than the memory"),
        ({"window": (0.0, 99.9e-6)}, "do not fit the period"),
        ({"window": (-60e-6, 10e-6)}, "do not fit the period"),
        ({"window": (0.0, 0.0)}, "shorter than one bin"),
        ({"window": (math.nan, 1e-6)}, "finite"),
    ],
)
def test_refuses_in_one_line(asked: dict, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as error:
        CaptureRequest(**asked).plan(DEPTH)
    assert "\n" not in str(error.value)


@given(st.floats(*VOLTS), st.floats(*RATES), st.booleans())
def test_defaults_always_fit(volts: float, rate: float, interleave: bool) -> None:
    s = CaptureRequest(volts=volts, rate=rate, interleave=interleave).plan(DEPTH)
    r = s.registers(10_000)
    period_ns = r["period"] * CYCLE_NS
    assert abs(s.width - 0.5 / rate) <= 2e-9
    assert s.bins <= DEPTH
    assert s.window_start < 0
    assert s.window_start + s.window_length > s.width
    # Both pulse and window lie within the period that the gateware sees, launch steps included.
    lead = r["delay"] * CYCLE_NS
    assert lead + s.window_start * 1e9 > 0
    assert lead + 7 + max(s.width, s.window_start + s.window_length) * 1e9 < period_ns


@given(st.floats(*RATES))
def test_the_mean_rate_is_the_one_asked(rate: float) -> None:
    r = CaptureRequest(rate=rate).plan(DEPTH).registers(10_000)
    period = r["period"] + r["period_num"] / r["period_den"]
    assert CLOCK_HZ / period == pytest.approx(round(rate, 3), rel=1e-14)
    assert 0 <= r["period_num"] < r["period_den"] < 2**32


@pytest.mark.parametrize(
    ("bin_ns", "interleave"),
    [(1, True), (2, True), (4, True), (8, True), (128, True), (8, False), (16, False)],
)
@pytest.mark.parametrize("pulses", [1, 7, 8, 9, 64])
def test_counts_and_times_agree_with_the_samples_themselves(
    bin_ns: int, pulses: int, interleave: bool
) -> None:
    s = CaptureRequest(
        window=(-160e-9, 32 * bin_ns * 1e-9), bin=bin_ns * 1e-9, interleave=interleave
    ).plan(64)
    start = round(s.window_start * 1e9)
    hits: list[list[int]] = [[] for _ in range(s.bins)]
    for k in range(pulses):
        for t in range(
            -4096, 8192, 8
        ):  # a sample n cycles after the launch is taken at 8 n - phase
            t -= k % s.dither
            if 0 <= (index := (t - start) // bin_ns) < s.bins:
                hits[index].append(t)
    assert [len(h) for h in hits] == s.counts(pulses)[0].tolist()
    if pulses % 8 == 0:
        np.testing.assert_allclose(s.times(), [np.mean(h) * 1e-9 for h in hits], atol=1e-15)
