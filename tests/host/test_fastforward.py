"""Fast-forward changes nothing, wherever the window lies in the period."""

import hashlib

import pytest

from trelscope.gateware import protocol
from trelscope.gateware.protocol import REGISTERS, Mode
from trelscope.host.calibration.level import NOMINAL
from trelscope.host.planning import CaptureRequest
from trelscope.sim.emulator import EmulatedBoard
from trelscope.sim.physics.photon_counter import PhotonCounter
from trelscope.sim.physics.plant import Plant
from trelscope.sim.presets.presets import load_plant

COUNTER = PhotonCounter(
    filter=1e-6,
    collected=0.005,
    efficacy=485.0,
    wavelength=520e-9,
    efficiency=0.25,
    response=0.3e-9,
    dark_rate=1e4,
    dead_time=20e-9,
    afterpulse=0.1,
    afterpulse_time=300e-9,
)


def sent(plant: Plant, fast_forward: bool, window: tuple[float, float], mode: int) -> bytes:
    board = EmulatedBoard(plant, 5, fast_forward)
    settings = CaptureRequest(
        rate=15e3, width=20e-6, pulses=24, window=window, frame_pulses=8
    ).plan(16384)
    registers = settings.registers(NOMINAL.code(settings.volts)) | {
        "mode": mode,
        "enable": 1,
        "run": 1,
    }
    out = bytearray()
    for number, (name, value) in enumerate(registers.items()):
        payload = protocol.REQUEST.pack(address=REGISTERS[name].address, value=value & 0xFFFFFFFF)
        out += board.run(1_000, protocol.encode_frame(protocol.Kind.WRITE, number, payload))[0]
    for _ in range(20):
        out += board.run(20_000)[0]
    assert bool(board.jumped) == fast_forward
    return bytes(out)


@pytest.mark.parametrize("counting", [False, True])
@pytest.mark.parametrize("window", [(-1e-6, 4e-6), (2e-6, 4e-6), (19e-6, 4e-6), (30e-6, 4e-6)])
def test_the_same_bytes_with_and_without(window: tuple[float, float], counting: bool) -> None:
    plant = load_plant("hr-1mm2")
    if counting:
        plant = Plant(plant.device, COUNTER, plant.monitor)
    mode = Mode.COUNTING if counting else Mode(0)
    plain = sent(plant, False, window, mode)
    assert len(plain) > 3 * 2 * 4 * 2000
    assert (
        hashlib.sha256(sent(plant, True, window, mode)).digest() == hashlib.sha256(plain).digest()
    )
