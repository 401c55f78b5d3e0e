"""Photons: their mean number against integration, and the counts of a board against Poisson statistics."""

import numpy as np
import pytest
from scipy.integrate import quad

from trelscope.gateware import protocol
from trelscope.gateware.protocol import REGISTERS, Kind, Mode
from trelscope.host.calibration.level import NOMINAL
from trelscope.host.link.codec import Decoder
from trelscope.host.planning import CaptureRequest
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.physics.expsum import ExpSum
from trelscope.sim.physics.photon_counter import PhotonCounter, mean_counts
from trelscope.sim.physics.plant import Plant
from trelscope.sim.presets.presets import load_plant


def counter(**changes: float) -> PhotonCounter:
    usual = {
        "filter": 1e-6,
        "collected": 0.005,
        "efficacy": 485.0,
        "wavelength": 520e-9,
        "efficiency": 0.2,
        "response": 0.3e-9,
        "dark_rate": 100.0,
        "dead_time": 0.0,
        "afterpulse": 0.0,
        "afterpulse_time": 300e-9,
    }
    return PhotonCounter(**(usual | changes))


def test_the_rate_is_that_of_the_photons() -> None:
    """1 cd/m2 of 555 nm from 1 mm2, all collected, nothing lost: pi 1e-6 lm of 683 lm/W."""
    ideal = counter(filter=1.0, collected=1.0, efficacy=683.0, wavelength=555e-9, efficiency=1.0)
    photons = np.pi * 1e-6 / 683.0 / (6.62607015e-34 * 299792458.0 / 555e-9)
    assert ideal.signal_per_luminance(1e-6) == pytest.approx(photons, rel=1e-12)


def test_means_are_integrals() -> None:
    pieces = [
        (0.0, ExpSum(2e6, np.array([-2e6]), np.array([1 / 40e-9]))),
        (1e-6, ExpSum(1e3, np.array([2e6, 5e5]), np.array([1 / 30e-9, 1 / 3e-6]))),
    ]
    at, mean, rate = mean_counts(pieces)
    assert np.all(np.diff(at) > 0)
    assert np.all(np.diff(mean) >= 0)
    for t in (5e-9, 0.3e-6, 0.99e-6, 1.02e-6, 2.5e-6, 100e-6):
        first = quad(lambda x: pieces[0][1].at(x), 0.0, min(t, 1e-6), limit=200)[0]
        rest = quad(lambda x: pieces[1][1].at(x), 0.0, t - 1e-6, limit=400)[0] if t > 1e-6 else 0.0
        assert np.interp(t, at, mean) == pytest.approx(first + rest, rel=1e-4, abs=1e-7)
    assert rate == pytest.approx(1e3, rel=1e-3)


def histogram(detector: PhotonCounter, frames: int, seed: int = 1) -> tuple[np.ndarray, int]:
    """Counts by ns from 1 us before the drive edge of 8 us at 5 V, 10 kHz, and the pulses they come from."""
    lit = load_plant("hr-1mm2")
    board = EmulatedBoard(Plant(lit.device, detector, lit.monitor), seed)
    settings = CaptureRequest(width=8e-6, pulses=0, window=(-1e-6, 12e-6), frame_pulses=200).plan(
        16384
    )
    registers = settings.registers(NOMINAL.code(settings.volts)) | {
        "mode": Mode.COUNTING,
        "enable": 1,
        "run": 1,
    }
    for number, (name, value) in enumerate(registers.items()):
        payload = protocol.REQUEST.pack(address=REGISTERS[name].address, value=value & 0xFFFFFFFF)
        board.run(2_000, protocol.encode_frame(Kind.WRITE, number, payload))
    decoder, sums, pulses = Decoder(), np.zeros(settings.bins, np.int64), 0
    while frames:
        for packet in decoder.feed(board.run(200_000)[0]):
            if packet.kind == Kind.TRACE_HEAD:
                held = protocol.TRACE_HEAD.unpack(packet.payload)["pulses"]
            elif packet.kind == Kind.TRACE_DATA:
                part = protocol.TRACE_DATA.unpack(packet.payload)
                words = np.frombuffer(packet.payload, "<u4", offset=protocol.TRACE_DATA.size)
                first = part["chunk"] * protocol.CHUNK_BINS
                if part["channel"] == 0:
                    sums[first : first + words.size] += words
                elif first + words.size == settings.bins:
                    frames, pulses = frames - 1, pulses + held
    return sums, pulses


def expected(detector: PhotonCounter, pulses: int) -> np.ndarray:
    """The same from the plant alone, once the train is steady."""
    lit = load_plant("hr-1mm2")
    plant = Plant(lit.device, detector, lit.monitor)
    state = plant.rest()
    for _ in range(3):
        on = plant.segment(state, 5.0)
        off = plant.segment(on.state_after(8e-6), 0.0)
        state = off.state_after(92e-6)
    edges = np.arange(11_001) * 1e-9
    lit_rate = plant.light_at(on, edges[:8_000] + 0.5e-9)
    dark_rate = plant.light_at(off, edges[:3_000] + 0.5e-9)
    return np.concatenate((lit_rate, dark_rate)) * 1e-9 * pulses


def test_counts_are_poisson_about_the_light() -> None:
    detector = counter()
    sums, pulses = histogram(detector, 5)
    mean = expected(detector, pulses)
    groups = slice(1_000, 12_000)
    got, wanted = sums[groups].reshape(-1, 100).sum(1), mean.reshape(-1, 100).sum(1)
    score = (got - wanted) / np.sqrt(wanted)
    lit = wanted > 10
    assert np.count_nonzero(lit) > 70
    assert abs(score[lit].mean()) < 4 / np.sqrt(np.count_nonzero(lit))
    assert 0.6 < score[lit].var() < 1.5
    assert got[~lit].sum() == pytest.approx(
        wanted[~lit].sum(), abs=5 * np.sqrt(wanted[~lit].sum()) + 1
    )


def test_dead_time_loses_what_it_must() -> None:
    """Non-paralysable: of a steady rate r, r / (1 + r dead_time) is counted."""
    detector = counter(filter=2e-5, dead_time=50e-9)
    sums, pulses = histogram(detector, 2)
    rate = expected(detector, pulses)[4_000:7_000].mean()
    lost = rate / pulses * 1e9 * 50e-9
    assert lost > 0.5
    got = sums[5_000:8_000].mean()
    assert got == pytest.approx(rate / (1 + lost), rel=0.02)


def test_afterpulses_follow_pulses() -> None:
    plain, pulses = histogram(counter(), 5, seed=2)
    echoed, _ = histogram(counter(afterpulse=0.3, afterpulse_time=100e-9), 5, seed=2)
    steady = slice(4_000, 9_000)
    more = echoed[steady].sum() / plain[steady].sum()
    # Each pulse, an afterpulse too, is followed by one with probability p: 1 / (1 - p) in all.
    assert more == pytest.approx(1 / 0.7, rel=0.06)
    assert pulses == 1000
