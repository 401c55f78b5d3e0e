"""The detector and the drive monitor, alone and around a device."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import lfilter

from trelscope.sim.physics.detector import Detector
from trelscope.sim.physics.device import DevicePiece
from trelscope.sim.physics.expsum import Floats
from trelscope.sim.physics.plant import Plant, Segment
from trelscope.sim.presets.presets import builtin_names, detectors, load_plant

AREA = 1e-6  # m2
WIDTH = 50e-6  # s

ANALOGUE = [
    name
    for name in detectors()
    if isinstance(load_plant("hr-1mm2", {"detector": name}).detector, Detector)
]


@pytest.fixture
def plant() -> Plant:
    return load_plant("bmim3-1mm2")


@pytest.fixture
def pin(plant: Plant) -> Detector:
    return plant.detector


def pulse(plant: Plant, volts: float = 5.0) -> tuple[Segment, Segment]:
    """The second of two 50 us pulses at half duty: on and off."""
    state = plant.rest()
    for _ in range(2):
        on = plant.segment(state, volts)
        off = plant.segment(on.state_after(WIDTH), 0.0)
        state = off.state_after(WIDTH)
    return on, off


def unfiltered(plant: Plant, pieces: tuple[DevicePiece, ...], times: Floats) -> Floats:
    """Volts at ADC A if the detector were infinitely fast."""
    luminance = np.empty_like(times)
    for piece in pieces:
        mine = (times >= piece.start) & (times < piece.end)
        luminance[mine] = plant.device.luminance(piece)(times[mine] - piece.start)
    gain = plant.detector.signal_per_luminance(plant.device.area)
    return plant.detector.dark_signal + gain * luminance


def first_above(times: Floats, values: Floats, level: float) -> float:
    k = int(np.argmax(values > level))
    return float(np.interp(level, values[k - 1 : k + 1], times[k - 1 : k + 1]))


def test_signal_and_noise_at_five_volts(plant: Plant, pin: Detector) -> None:
    on, _ = pulse(plant)
    signal = float(plant.light_at(on, np.array(WIDTH))) - pin.dark_signal
    assert signal == pytest.approx(4.0e-3, rel=0.02)
    shot = signal * pin.shot_variance_per_volt
    # The prototype collects ten times the light and has 101 uV of shot noise.
    assert math.sqrt(shot) == pytest.approx(101e-6 / math.sqrt(10), rel=0.01)
    assert math.sqrt(pin.noise_floor_variance) == pytest.approx(
        math.sqrt(114e-6**2 + 60e-6**2 + 8e-6**2), rel=0.01
    )
    assert math.sqrt(pin.noise_floor_variance + shot) == pytest.approx(133e-6, rel=0.01)


def test_photometry_from_first_principles(pin: Detector) -> None:
    lumens = 1e4 * AREA * math.pi  # Lambertian
    amperes = lumens * 0.005 / 485.0 * 0.30
    assert pin.signal_per_luminance(AREA) * 1e4 == pytest.approx(amperes * 10e3)


def test_codes_floor_and_clip(pin: Detector) -> None:
    step = pin.full_scale / 2**14
    volts = np.array([-1.0, 0.4 * step, 0.9 * step, 1.1 * step, pin.full_scale - 0.5 * step, 0.2])
    codes = pin.codes(volts)
    assert codes.tolist() == [0, 0, 0, 1, 16383, 16383]
    assert np.issubdtype(codes.dtype, np.integer)


def test_monitor_reads_a_tenth_of_the_driver(plant: Plant) -> None:
    assert plant.monitor.noise == pytest.approx(200e-6)
    assert plant.monitor.full_scale == 1.0
    on, off = pulse(plant, 7.0)
    offset = plant.monitor.offset
    times = np.array([0.0, 5e-9, 1e-6])
    rising = 0.7 * (1.0 - np.exp(-times / 5e-9))
    assert plant.drive_at(on, times) - offset == pytest.approx(rising, abs=1e-9)
    assert plant.drive_at(off, times) - offset == pytest.approx(0.7 - rising, abs=1e-9)
    assert plant.monitor.codes(np.array([0.5, 1.5])).tolist() == [8192, 16383]


@pytest.mark.parametrize("name", ["bmim3-1mm2", "hr-1mm2"])
def test_light_is_the_one_pole_output_of_the_luminance(name: str) -> None:
    plant = load_plant(name)
    dt = 0.2e-9
    times = np.linspace(0.0, 2e-6, 10_001)
    decay = math.exp(-dt * 2 * math.pi * 50e6)
    for segment in pulse(plant):
        source = unfiltered(plant, segment.device_pieces, times)
        start = float(plant.light_at(segment, np.array(0.0)))
        middle = 0.5 * (source[1:] + source[:-1])
        filtered, _ = lfilter([1.0 - decay], [1.0, -decay], middle, zi=[decay * start])
        span = np.ptp(source)
        assert np.max(np.abs(plant.light_at(segment, times[1:]) - filtered)) < 1e-4 * span


def test_the_pole_delays_slow_light_by_its_time_constant(plant: Plant, pin: Detector) -> None:
    assert pin.tau == pytest.approx(3.183e-9, rel=1e-3)
    on, _ = pulse(plant)
    times = np.arange(0.0, WIDTH, 1e-9)
    before, after = unfiltered(plant, on.device_pieces, times), plant.light_at(on, times)
    step = float(after[-1]) - pin.dark_signal
    for fraction in (0.1, 0.9):
        level = pin.dark_signal + fraction * step
        delay = first_above(times, after, level) - first_above(times, before, level)
        assert delay == pytest.approx(pin.tau, rel=0.03)


@pytest.mark.parametrize("name", builtin_names())
@pytest.mark.parametrize("detector", ANALOGUE)
@pytest.mark.parametrize("volts", [3.0, 7.0])
def test_both_channels_are_continuous_and_on_scale(name: str, detector: str, volts: float) -> None:
    plant = load_plant(name, {"detector": detector})
    on, off = pulse(plant, volts)
    joints = []
    for segment in (on, off):
        for before, after in pairwise(segment.pieces):
            gap = after.start - before.start
            joints.append(before.light.at(gap) - after.light.at(0.0))
            joints.append(before.drive.at(gap) - after.drive.at(0.0))
    edge = (np.array(WIDTH), np.array(0.0))
    joints.append(float(plant.light_at(on, edge[0]) - plant.light_at(off, edge[1])))
    joints.append(float(plant.drive_at(on, edge[0]) - plant.drive_at(off, edge[1])))
    assert np.max(np.abs(joints)) < 5e-9
    times = np.linspace(0.0, WIDTH, 2001)
    for segment in (on, off):
        for volts_seen, full_scale in (
            (plant.light_at(segment, times), plant.detector.full_scale),
            (plant.drive_at(segment, times), plant.monitor.full_scale),
        ):
            assert 0.01 * full_scale < volts_seen.min()
            assert volts_seen.max() < 0.99 * full_scale


def test_an_edge_in_mid_rise_carries_the_detector_over(plant: Plant) -> None:
    on = plant.segment(plant.rest(), 5.0)
    for dt in (300e-9, 301e-9, 2e-6):
        resumed = plant.segment(on.state_after(dt), 5.0)
        later = np.linspace(0.0, 5e-6, 400)
        expected = plant.light_at(on, dt + later)
        assert plant.light_at(resumed, later) == pytest.approx(expected, abs=5e-9)


def test_rest_is_dark_and_stays_so(plant: Plant) -> None:
    idle = plant.segment(plant.rest(), 0.0)
    dark = 0.02 + 2e-9 * 10e3
    assert plant.light_at(idle, np.array([0.0, 1e-6, 1.0])) == pytest.approx(dark, abs=1e-12)
    assert idle.state_after(1.0) == pytest.approx(plant.rest(), abs=1e-12)


@pytest.mark.parametrize("tau_drv", [5.0, 20.0])
def test_channel_b_shows_the_slew_of_the_driver(tau_drv: float) -> None:
    """10-90 % of one pole is ln 9 of its time constant, up and down."""
    plant = load_plant("bmim3-1mm2", {"tau_drv": str(tau_drv)})
    times = np.linspace(0.0, 40.0 * tau_drv * 1e-9, 40_001)
    for segment, sign in zip(pulse(plant), (1.0, -1.0), strict=True):
        drive = sign * plant.drive_at(segment, times)
        low, high = drive[0], drive[-1]
        t10, t90 = (first_above(times, drive, low + part * (high - low)) for part in (0.1, 0.9))
        assert t90 - t10 == pytest.approx(math.log(9.0) * tau_drv * 1e-9, rel=1e-3)


def test_the_brightest_device_uses_the_scale_of_each_detector() -> None:
    for detector in ANALOGUE:
        plant = load_plant("hr-4mm2", {"detector": detector})
        others = [load_plant(n, {"detector": detector}) for n in ("bmim3-4mm2", "bmim3-libr-4mm2")]
        peak = max(float(p.light_at(pulse(p, 7.0)[0], np.array(WIDTH))) for p in (plant, *others))
        assert 0.6 * plant.detector.full_scale < peak < 0.95 * plant.detector.full_scale


@pytest.mark.parametrize("name", ["pin", "apd"])
def test_shot_noise_is_that_of_multiplied_photoelectrons(name: str) -> None:
    """Every photoelectron alone: multiplied at random, through the pole, summed at an instant."""
    detector = load_plant("bmim3-1mm2", {"detector": name}).detector
    rng = np.random.default_rng(1)
    rate = 2e9  # photoelectrons per second, bright or dark alike
    span = 12.0 * detector.tau
    # <m> = M and <m^2> = F M^2: mostly nothing much, sometimes a lot
    spread = detector.excess_noise - 1.0
    volts = np.empty(20_000)
    for trial in range(volts.size):
        age = rng.uniform(0.0, span, rng.poisson(rate * span))
        shape = 1.0 / spread if spread else 1.0
        m = rng.gamma(shape, 1.0 / shape, age.size) if spread else np.ones(age.size)
        pulse_volts = 1.602176634e-19 * detector.gain * detector.transimpedance / detector.tau
        volts[trial] = pulse_volts * (m * np.exp(-age / detector.tau)).sum()
    assert volts.mean() == pytest.approx(
        rate * 1.602176634e-19 * detector.gain * detector.transimpedance, rel=0.01
    )
    expected = detector.shot_variance_per_volt * volts.mean()
    assert volts.var() == pytest.approx(expected, rel=0.05)


def test_dark_current_has_the_noise_of_as_much_photocurrent() -> None:
    quiet, dark = (
        load_plant("bmim3-1mm2", {"detector": "apd", "dark_current": text}).detector
        for text in ("0", "1000")
    )
    volts = dark.dark_signal - quiet.dark_signal
    assert volts == pytest.approx(1e-6 * 10e3)
    added = dark.noise_floor_variance - quiet.noise_floor_variance
    assert added == pytest.approx(dark.shot_variance_per_volt * volts)


def test_the_avalanche_gain_pays_where_light_is_scarce() -> None:
    """At the same collected light, dim; not against a PIN that takes in all that its scale holds."""
    snr = {}
    for name in ("pin", "apd"):
        plant = load_plant("bmim3-1mm2", {"detector": name, "collected": "1e-5", "bandwidth": "50"})
        d = plant.detector
        signal = 3e3 * d.signal_per_luminance(AREA)
        snr[name] = signal / math.sqrt(d.noise_floor_variance + signal * d.shot_variance_per_volt)
    assert snr["apd"] > 5.0 * snr["pin"]


def test_a_worn_device_is_dimmer_and_otherwise_the_same() -> None:
    plant = load_plant("bmim3-1mm2", {"ageing": "1"})
    new = plant.segment(plant.rest(), 5.0)
    wear = plant.wear(new, WIDTH)
    assert 1e-7 < wear < 1e-4
    assert new.state_after(WIDTH)[-2] == 0.0  # only `aged` makes it older
    old = plant.segment(plant.aged(plant.rest(), 1.0), 5.0)
    times = np.linspace(0.0, WIDTH, 101)
    dark = plant.detector.dark_signal
    assert plant.light_at(old, times) - dark == pytest.approx(
        0.5 * (plant.light_at(new, times) - dark), abs=1e-9
    )
    assert np.array_equal(plant.drive_at(old, times), plant.drive_at(new, times))
