"""The same seed and settings give the same bytes: in any process, out of any compiler."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import hashlib, sys
from trelscope.host.acquisition.acquisition import Acquisition
from trelscope.host.acquisition.instrument import Instrument
from trelscope.host.link.emulator import EmulatorLink
from trelscope.host.planning import CaptureRequest

class Noted(EmulatorLink):
    digest = hashlib.sha256()
    def read(self, timeout):
        data = super().read(timeout)
        self.digest.update(data)
        return data

link = Noted("bmim3-libr-4mm2", seed=int(sys.argv[1]), paced=False)
for volts in 3.0, 6.5:
    settings = CaptureRequest(volts=volts, pulses=128, window=(-1e-6, 12e-6)).plan(16384)
    acquisition = Acquisition(Instrument(link), settings)
    while not acquisition.done:
        acquisition.poll(0.1)
    assert acquisition.accounting.pulses_averaged == 128
print(link.digest.hexdigest())
"""


def digest(seed: int, compiler: str | None = None) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "CXX"}
    if compiler:
        environment["CXX"] = compiler
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(seed)],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_every_run_gives_the_bytes_of_its_seed() -> None:
    first = digest(1)
    assert len(first) == 64
    assert digest(1) == first
    assert digest(2) != first


@pytest.mark.soak
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_every_compiler_gives_the_same_bytes(compiler: str) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} on this machine")
    assert digest(1, compiler) == digest(1)
