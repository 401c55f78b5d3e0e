"""Photons that come too soon after others: when their loss matters, and that times of counted traces say so."""

from dataclasses import replace

import numpy as np
import pytest

from tests.host.recordings import a_recording
from trelscope.host.acquisition.recording import Recording
from trelscope.host.calibration.frontend import FrontEnd
from trelscope.host.decay import LONGEST_DEAD_TIME, PILE_UP_LIMIT, pile_up
from trelscope.host.link import LinkError
from trelscope.host.link.front_end import assumed_front_end, query_for
from trelscope.host.measure.quantities import Flag


@pytest.mark.parametrize("width", [1e-9, 64e-9])
@pytest.mark.parametrize("part", [0.003, 0.1])
def test_the_part_of_the_pulses_without_a_detector(width: float, part: float) -> None:
    """A steady rate, of which `part` falls into one dead time: found if many photons are there, never made of noise."""
    rng = np.random.default_rng(6)
    dead, pulses = 20e-9, 4096
    counts = rng.poisson(np.full(1024, part * pulses * width / dead)).astype(float)
    assert 0.8 * part < pile_up(counts, width, pulses, dead) < part
    assert pile_up(np.zeros(1024), width, pulses, dead) == 0


def counted(rate: float, dead_time: float | None) -> Recording:
    """The small recording with its light counted, at `rate` (1/s) when it is on."""
    analog = a_recording()
    light, pulses = analog.light, 65536
    y = rate * (light.y - 0.02) / 0.5 + 1e4
    settings = replace(analog.settings, counting=True)
    se = np.sqrt(np.maximum(y, 1e4) / (settings.bin * pulses))
    noise = se * np.random.default_rng(7).standard_normal(y.size)
    return replace(
        analog,
        settings=settings,
        light=replace(light, y=y + noise, se=se, pulses=pulses),
        front_end=replace(analog.front_end, dead_time=dead_time),
    )


@pytest.mark.parametrize(
    ("rate", "dead_time", "piled"),
    [(1e6, 20e-9, True), (3e5, 20e-9, False), (3e5, None, True), (5e4, None, False)],
)
def test_times_of_counted_traces_say_so(rate: float, dead_time: float | None, piled: bool) -> None:
    dead = LONGEST_DEAD_TIME if dead_time is None else dead_time
    assert (rate * dead > PILE_UP_LIMIT) == piled
    m = counted(rate, dead_time).measurements
    for q in (m.response, m.rise, m.fall):
        assert np.isfinite(q.value)
        assert (Flag.PILE_UP in q.flags) == piled


def test_analog_light_has_none() -> None:
    bright = counted(1e6, 20e-9)
    analog = replace(bright, settings=replace(bright.settings, counting=False))
    assert Flag.PILE_UP not in analog.measurements.response.flags


def test_a_url_says_what_is_known_of_a_counter() -> None:
    assert assumed_front_end({}).dead_time is None
    assert assumed_front_end({"detector": "pmt"}).dead_time == 20e-9
    known = assumed_front_end({"detector": "sipm", "dead_time": "35n", "afterpulse": "0.02"})
    assert (known.dead_time, known.afterpulse) == (35e-9, 0.02)
    assert "dead_time=3.5e-08" in query_for(known)
    assert FrontEnd.from_dict(known.as_dict()) == known
    analog = assumed_front_end({})
    assert "dead_time" not in analog.as_dict()
    assert FrontEnd.from_dict(analog.as_dict()) == analog


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("detector_delay", "1", "detector_delay 1 s is out of range: 0 s to 20 µs"),
        ("detector_delay", "-2n", "detector_delay -2 ns is out of range"),
        ("dead_time", "2", "dead_time 2 s is out of range: 0 s to 100 µs"),
        ("afterpulse", "3", "afterpulse 3 is out of range: 0 to 0.5"),
        ("light_volts_per_code", "0", "light_volts_per_code 0 V is out of range"),
        ("level_gain", "0", "level_gain 0 is out of range: 0.8 to 1.25"),
        ("drive_volts_at_zero", "1k", "drive_volts_at_zero 1 kV is out of range"),
    ],
)
def test_what_no_front_end_can_be_is_refused(name: str, text: str, words: str) -> None:
    with pytest.raises(LinkError) as said:
        assumed_front_end({name: text})
    assert words in str(said.value)
