"""Time zero: onset and response against the device model's own instants, at every rate that a capture can have.

The emulated drive has a pole of 5 ns, so its 50 % instant is 5 ns ln 2 after the launch. Bins are 4 ns wide at 10 kHz
and 128 ns at 500 Hz, with the edge on a bin's border.
"""

import json

import numpy as np
import pytest

from tests.exact import Train
from trelscope.host.bench.waveforms import noisy
from trelscope.host.cli import main
from trelscope.host.measure.edge import Edge, edge
from trelscope.host.measure.measure import Flag, Measurements, measure
from trelscope.host.measure.reference import COMMANDED_SE, LATEST
from trelscope.host.measure.trace import Trace
from trelscope.host.planning import CaptureRequest

HALF = 5e-9 * np.log(2)  # s after the launch
PRESETS = ("control-4mm2", "bmim3-4mm2", "bmim3-libr-4mm2", "bmim3-1mm2", "hr-4mm2", "hr-1mm2")
TRAINS = 70


def measured(train: Train, light: Trace, drive: Trace) -> Measurements:
    delay, spacing = train.front_end.detector_delay, train.settings.spacing
    return measure(light, train.settings.width, drive, detector_delay=delay, spacing=spacing)


def test_the_errors_of_random_captures_are_true() -> None:
    rng = np.random.default_rng(2)
    score, zero = [], []
    for _ in range(TRAINS):
        request = CaptureRequest(
            volts=rng.uniform(4, 7), rate=np.exp(rng.uniform(np.log(500), np.log(15e3)))
        )
        area = f"{np.exp(rng.uniform(np.log(0.5), np.log(4))):.3f}"
        train = Train.of(PRESETS[rng.integers(len(PRESETS))], request, area=area)
        pulses = 8 * int(np.exp(rng.uniform(np.log(32), np.log(2048))))
        light, drive = train.traces(pulses, rng)
        m, truth = measured(train, light, drive), train.truth()
        assert m.reference.startswith("drive monitor 50 % edge")
        assert abs(m.t0 - HALF) < 1.5e-9
        zero.append(m.t0 - HALF)
        score += [(getattr(m, name).value - t) / getattr(m, name).se for name, t in truth.items()]
    assert np.isfinite(score).all()
    assert 0.8 < np.sqrt(np.mean(np.square(score))) < 1.25
    assert np.max(np.abs(score)) < 5
    assert np.std(zero) > 0  # edges were fitted, not assumed


def step(
    delay: float, pole: float, samples: int, sigma: float, rng: np.random.Generator
) -> Edge | None:
    """Fitted to 38 bins, with `samples` instants in each; delay and pole in bins, from the border before bin 19."""
    n = 38
    s = np.maximum((np.arange(n * samples) + 0.5) / samples - 19 - delay, 0)
    y = -np.expm1(-s / pole).reshape(n, samples).mean(axis=1)
    return edge(
        y + sigma * rng.standard_normal(n), np.full(n, sigma**2), NOMINAL / WIDE, 0.7, samples
    )


NOMINAL, WIDE = 5.0, 64.0  # ns: the pole, and bins that do not show it


@pytest.mark.parametrize("samples", [8, 64])
def test_an_edge_anywhere_in_a_wide_bin(samples: int) -> None:
    """Where in its bin an edge lies and what its pole is differ from run to run, as the fit expects."""
    rng = np.random.default_rng(3)
    score = []
    for _ in range(60):
        delay, pole = rng.uniform(0, 1), NOMINAL * np.exp(0.7 * rng.standard_normal()) / WIDE
        found = step(delay, pole, samples, 1e-5, rng)
        assert found is not None
        score.append((found.u + 0.5 - 19 - delay - pole * np.log(2)) / found.se)
    assert 0.7 < np.sqrt(np.mean(np.square(score))) < 1.3
    assert np.max(np.abs(score)) < 5


def test_an_edge_on_a_border_is_not_resolved() -> None:
    """Noise of the bin before does not say where in the next one the edge begins."""
    rng = np.random.default_rng(4)
    for _ in range(20):
        found = step(0.0, NOMINAL / WIDE, 64, 2e-6, rng)
        assert found is not None
        assert not found.resolved
        error = WIDE * (found.u + 0.5 - 19) - NOMINAL * np.log(2)
        assert abs(error) < 3 * WIDE * found.se
        assert 0.2 < WIDE * found.se < 1  # ns


def test_a_commanded_edge_has_an_error_of_its_own_and_a_flag() -> None:
    train = Train.of("bmim3-1mm2", CaptureRequest())
    rng = np.random.default_rng(5)
    light, drive = train.traces(4096, rng)
    dead = noisy(np.zeros(drive.t.size), drive.t, 1e-3, rng)
    m, truth = measured(train, light, dead), train.truth()
    assert m.reference.startswith("commanded edge (the drive monitor shows no edge")
    for name in ("onset", "response", "decay"):
        q = getattr(m, name)
        assert q.se >= COMMANDED_SE
        assert Flag.COMMANDED_EDGE in q.flags
        if name in truth:
            assert abs(q.value - truth[name]) < LATEST
    for name in ("rise", "fall"):
        assert getattr(m, name).se < 5e-9
        assert Flag.COMMANDED_EDGE not in getattr(m, name).flags
    seen = measured(train, light, drive)
    assert Flag.COMMANDED_EDGE not in seen.response.flags
    assert seen.response.se < 2e-9


def test_through_the_whole_emulator_at_1_khz(capsys: pytest.CaptureFixture[str]) -> None:
    request = CaptureRequest(rate=1e3, pulses=256)
    truth = Train.of("bmim3-1mm2", request).truth()
    assert main(["capture", "--rate", "1k", "--pulses", "256", "--flat-out", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["reference"].startswith("drive monitor 50 % edge")
    for name, t in truth.items():
        q = said["measurements"][name]
        assert abs(q["value"] - t) < 4 * q["se"]
        assert q["se"] < 10e-9
