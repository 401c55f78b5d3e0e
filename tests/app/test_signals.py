"""What ends the running window from outside: the output is off, and its average is there for the next one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trelscope.gateware.protocol import REGISTERS, Kind
from trelscope.host.files import journal

# The window as it is started; says when its crash copy holds pulses, and every request that its board gets.
WINDOW = """
import sys
from trelscope.gateware import protocol
from trelscope.host.app.main import run
from trelscope.host.files.journal import Journal
from trelscope.host.link.codec import Decoder
from trelscope.host.link.emulator import EmulatorLink

plain_write, plain_copy, decoder = EmulatorLink.write, Journal.write, Decoder()

def write(self, data):
    for packet in decoder.feed(data):
        request = protocol.REQUEST.unpack(packet.payload)
        print(packet.kind.value, request["address"], request["value"], flush=True)
    plain_write(self, data)

def copy(self):
    plain_copy(self)
    if self._acquisition.accounting.pulses_averaged:
        print("kept", flush=True)

EmulatorLink.write, Journal.write = write, copy
sys.exit(run("emulator:hr-1mm2"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP"])
def test_ended_from_outside(tmp_path: Path, end: str) -> None:
    folders = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("STATE", "CONFIG", "DATA")}
    window = subprocess.Popen(
        [sys.executable, "-c", WINDOW],
        env={**os.environ, **folders, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert window.stdout is not None
    said = []
    for line in window.stdout:
        said.append(line.strip())
        if said[-1] == "kept":
            break
    window.send_signal(getattr(signal, end))
    rest, _ = window.communicate()
    assert window.returncode == 0
    asked = [line.split() for line in [*said, *rest.splitlines()] if line != "kept"]
    writes = [each for each in asked if int(each[0]) == Kind.WRITE]
    enable = str(REGISTERS["enable"].address)
    assert [enable, "1"] in [each[1:] for each in writes]
    assert writes[-1][1:] == [enable, "0"]
    (left,) = journal.left_behind(tmp_path / "STATE" / "trelscope" / "journals")
    found = journal.recover(left)
    assert found is not None
    assert found.accounting.pulses_averaged > 0
