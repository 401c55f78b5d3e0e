"""The whole way: settings, link, compiled gateware, device, detector, average, measurement."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from trelscope.gateware import protocol
from trelscope.gateware.protocol import REGISTERS, TraceFlag
from trelscope.host.acquisition.acquisition import Acquisition, AcquisitionError
from trelscope.host.acquisition.capture import capture
from trelscope.host.acquisition.instrument import SETTLING, Instrument, InstrumentError
from trelscope.host.link import LinkError
from trelscope.host.link import emulator as emulator_link
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.link.urls import open_link
from trelscope.host.planning import VOLTS, CaptureRequest
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.physics.supply import OF_A_BOARD
from trelscope.sim.presets.presets import load_plant

# Response times of the paper at 5 V, 10 kHz (Fig. 3g, 5d, S10, S13, S17).
PAPER = {
    "control-4mm2": 32.3e-6,
    "bmim3-4mm2": 7.55e-6,
    "bmim3-libr-4mm2": 4.9e-6,
    "bmim3-1mm2": 3.4e-6,
    "hr-4mm2": 1.95e-6,
    "hr-1mm2": 0.70e-6,
}


def emulated(preset: str = "bmim3-1mm2", seed: int = 1) -> EmulatorLink:
    return EmulatorLink(preset, seed=seed, paced=False)


def finish(acquisition: Acquisition) -> None:
    while not acquisition.done:
        acquisition.poll(0.1)


@pytest.mark.parametrize("preset", PAPER)
def test_the_papers_response_times(preset: str) -> None:
    result = capture(emulated(preset), CaptureRequest(pulses=512).plan)
    response = result.measurements.response
    assert response.value == pytest.approx(PAPER[preset], rel=0.02)
    assert 0 < response.se < 0.005 * PAPER[preset]
    account = result.accounting
    assert account.pulses_emitted == account.pulses_averaged == 512
    assert account.frames_lost == account.crc_errors == account.clipped == 0


@pytest.mark.parametrize("volts", [3.0, 7.0])
def test_v_h_has_settled_when_the_first_pulse_comes(
    volts: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator_link, "EmulatedBoard", partial(EmulatedBoard, supply=OF_A_BOARD))

    def seen(board: str) -> float:
        """V, what the drive monitor sees of the first pulses of a train after one at the other level."""
        instrument = Instrument(emulated())
        instrument.identity = replace(instrument.identity, board=board)
        for level in (10.0 - volts, volts):
            settings = CaptureRequest(level, pulses=64).plan(instrument.identity.depth)
            acquisition = Acquisition(instrument, settings)
            finish(acquisition)
        drive = acquisition.traces()[1]
        assert (instrument.read("settle") == 0) == (board == "EMULATOR")
        instrument.close()
        return float(drive.y[(drive.t > settings.width / 2) & (drive.t < settings.width)].mean())

    assert seen("ULX3S_85F") == pytest.approx(volts, abs=2e-3)
    assert abs(seen("EMULATOR") - volts) > 0.05, "that does not wait"


def test_a_train_that_is_stopped_while_its_level_settles_has_no_pulse() -> None:
    """Those of the train before are not counted again."""
    instrument = Instrument(emulated())
    settings = CaptureRequest(pulses=64).plan(instrument.identity.depth)
    finish(Acquisition(instrument, settings))
    assert instrument.read("pulses") == 64
    instrument.write("settle", 1 << 20)
    instrument.write("run", 1)
    instrument.write("run", 0)
    assert instrument.read("train") == 2
    assert instrument.read("pulses") == 0
    instrument.close()


def test_any_level_settles_within_the_wait() -> None:
    low, high = VOLTS
    assert OF_A_BOARD.fall * math.log(high / low) < SETTLING
    assert high * math.exp(-SETTLING / OF_A_BOARD.rise) < protocol.LEVEL_LSB_V / 2


def test_the_average_is_the_noise_free_response() -> None:
    """Bin by bin: mean zero and unit variance of (average - truth) / standard error, over the whole trace."""
    settings = CaptureRequest(volts=4.0, pulses=256, frame_pulses=16).plan(16384)
    instrument = Instrument(emulated("hr-1mm2", seed=3))
    acquisition = Acquisition(instrument, settings)
    finish(acquisition)
    light, _ = acquisition.traces()
    plant = load_plant("hr-1mm2")
    state = plant.rest()
    period = 1 / settings.rate
    sums = np.zeros(light.t.size)
    for _ in range(3):  # the train is steady from its third pulse on
        on = plant.segment(state, 4.0)
        off = plant.segment(on.state_after(settings.width), 0.0)
        before, state = off, off.state_after(period - settings.width)
    for step in range(4):  # a 4 ns bin holds the samples of four instants
        t = light.t + (step - 1.5) * 1e-9
        before_pulse, during = t < 0, (t >= 0) & (t < settings.width)
        after = t >= settings.width
        sums[before_pulse] += plant.light_at(before, t[before_pulse] + period - settings.width)
        sums[during] += plant.light_at(on, t[during])
        sums[after] += plant.light_at(off, t[after] - settings.width)
    error = (light.y - sums / 4) / light.se
    steady = np.abs(light.t) > 20e-9  # the first pulses, still warming up, differ most at the edge
    assert abs(error[steady].mean()) < 4 / np.sqrt(error[steady].size) + 0.1
    assert error[steady].std() == pytest.approx(1, abs=0.05)


def test_same_seed_same_bytes() -> None:
    def sent(seed: int, fast_forward: bool) -> bytes:
        board = EmulatedBoard(load_plant("hr-1mm2"), seed, fast_forward)
        writes = (
            CaptureRequest(pulses=16, window=(-1e-6, 8e-6), frame_pulses=8)
            .plan(16384)
            .registers(10_000)
        )
        out = bytearray()
        for number, (name, value) in enumerate({**writes, "enable": 1, "run": 1}.items()):
            payload = protocol.REQUEST.pack(
                address=REGISTERS[name].address, value=value & 0xFFFFFFFF
            )
            out += board.run(400, protocol.encode_frame(protocol.Kind.WRITE, number, payload))[0]
        for _ in range(20):
            out += board.run(16_000)[0]
        return bytes(out)

    first = sent(5, True)
    assert len(first) > 2 * 8000 * 4
    assert sent(5, True) == first
    assert sent(5, False) == first  # fast-forward changes nothing
    assert sent(6, True) != first


def test_changed_settings_never_mix() -> None:
    instrument = Instrument(emulated("hr-1mm2"))
    window = (-0.2e-6, 4e-6)
    acquisition = Acquisition(
        instrument, CaptureRequest(volts=3.0, pulses=0, window=window, frame_pulses=8).plan(16384)
    )
    while acquisition.accounting.pulses_averaged < 16:
        acquisition.poll(0.1)
    again = Acquisition(
        instrument, CaptureRequest(volts=7.0, pulses=64, window=window, frame_pulses=8).plan(16384)
    )
    finish(again)
    _, drive = again.traces()
    # A single sample taken at 3 V in some bin would show: 64 pulses of 7 V, 4 V apart.
    assert np.abs(drive.y[drive.t > 0.1e-6] - 7.0).max() < 0.05
    assert again.accounting.pulses_averaged == 64


def test_voltage_reaches_the_registers() -> None:
    instrument = Instrument(emulated())
    Acquisition(instrument, CaptureRequest(volts=6.5, pulses=8).plan(16384))
    assert instrument.read("level") == 13000
    assert instrument.read("window_start") == -2000
    assert instrument.read("trip_cause") == 0


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("period", 0, "register 'period' refused: 0 is out of range: 64 to 125000000"),
        ("window_bins", 16385, "'window_bins' refused: 16385 is out of range: 0 to 16384"),
        ("window_start", -(1 << 30), "-1073741824 is out of range: -1000000000 to 1000000000"),
        ("mode", 1, "'mode' refused: 1 is out of range: 0 to 0"),
        ("run", 2, "'run' refused: 2 is out of range: 0 to 1"),
    ],
)
def test_what_a_register_cannot_hold_is_refused_with_its_limits(name, value, says) -> None:
    instrument = Instrument(emulated())
    before = instrument.read(name)
    with pytest.raises(InstrumentError, match=says):
        instrument.write(name, value)
    assert instrument.read(name) == before


def test_settings_that_do_not_go_together_start_no_train() -> None:
    instrument = Instrument(emulated("hr-1mm2"))
    settings = CaptureRequest(volts=3.0, pulses=16, frame_pulses=8).plan(16384)
    late = replace(settings, window_start=-1 / settings.rate)
    with pytest.raises(InstrumentError, match="comes too late"):
        instrument.start(late)
    # Asked for register by register, too: the board refuses, and is as ready as before.
    for name, value in late.registers(6000).items():
        instrument.write(name, value)
    with pytest.raises(InstrumentError, match="settings do not go together"):
        instrument.write("run", 1)
    assert (instrument.read("train"), instrument.read("run"), instrument.read("status")) == (
        0,
        0,
        0,
    )
    acquisition = Acquisition(instrument, settings)
    finish(acquisition)
    assert acquisition.accounting.pulses_averaged == 16


def test_stop_ends_the_train_with_a_last_frame() -> None:
    acquisition = Acquisition(
        instrument := Instrument(emulated()), CaptureRequest(pulses=0).plan(16384)
    )
    while not acquisition.accounting.pulses_averaged:
        acquisition.poll(0.1)
    instrument.stop()
    finish(acquisition)
    assert acquisition.last_frame is not None
    assert TraceFlag.END in acquisition.last_frame.flags
    account = acquisition.accounting
    assert account.pulses_emitted == account.pulses_averaged == instrument.read("pulses")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("emulator:nonsense", "bmim3-1mm2"),
        ("emulator:bmim3-1mm2?area=-1", "area"),
        ("emulator:bmim3-1mm2?colour=red", "colour"),
        ("ftp://x", "unknown source"),
    ],
)
def test_bad_sources_are_refused_in_one_line(url: str, says: str) -> None:
    with pytest.raises(LinkError, match=says) as error:
        open_link(url)
    assert "\n" not in str(error.value)


def test_a_foreign_protocol_version_is_refused_naming_both(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = protocol.VERSION
    monkeypatch.setattr(protocol, "VERSION", 77)
    with pytest.raises(InstrumentError, match=f"version {spoken}, this program speaks 77"):
        Instrument(emulated())


def test_a_trip_ends_the_acquisition_in_words_and_can_be_cleared() -> None:
    link = emulated("hr-1mm2")
    instrument = Instrument(link)
    acquisition = Acquisition(instrument, CaptureRequest(pulses=0).plan(16384))
    link.trip(True)
    with pytest.raises(AcquisitionError, match="switched off: the external interlock is open"):
        finish(acquisition)
    assert instrument.read("enable") == 0
    with pytest.raises(InstrumentError, match="held off: the external interlock is open"):
        Acquisition(instrument, CaptureRequest(pulses=8).plan(16384))
    link.trip(False)
    again = Acquisition(instrument, CaptureRequest(pulses=8).plan(16384))
    finish(again)
    assert again.accounting.pulses_averaged == 8


def test_a_host_that_falls_silent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trelscope.host.acquisition.instrument.SILENCE", 0.01)
    link = emulated("hr-1mm2")
    instrument = Instrument(link)
    acquisition = Acquisition(instrument, CaptureRequest(pulses=0, frame_pulses=8).plan(16384))
    monkeypatch.setattr(
        "trelscope.host.acquisition.instrument.SILENCE", 1e9
    )  # no longer asks for the status
    with pytest.raises(AcquisitionError, match="the host has sent nothing"):
        finish(acquisition)


def test_frames_in_pieces_are_dropped_whole_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    link = emulated("hr-1mm2")
    instrument = Instrument(link)
    acquisition = Acquisition(
        instrument, CaptureRequest(pulses=64, window=(-0.2e-6, 4e-6), frame_pulses=8).plan(16384)
    )
    read, cut = link.read, iter([True])

    def damaged(timeout: float) -> bytes:
        data = bytearray(read(timeout))
        if len(data) > 8000 and next(cut, False):
            data[len(data) // 3] ^= 1
        return bytes(data)

    monkeypatch.setattr(link, "read", damaged)
    finish(acquisition)
    account = acquisition.accounting
    assert account.frames_lost == account.crc_errors == 1
    assert account.pulses_emitted == 64
    assert account.pulses_lost == 64 - account.pulses_averaged > 0
