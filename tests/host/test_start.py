"""The command as a process: what its terminal can show, and Ctrl-C before it is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.recordings import a_recording
from trelscope.host.files import recordings

INTERRUPTED = """
import sys
class CtrlC:
    def find_spec(self, name, *_):
        if name == "trelscope.host.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, CtrlC())
from trelscope.host.start import main
sys.exit(main())
"""


def test_ctrl_c_while_it_is_loaded() -> None:
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "trelscope: interrupted\n"


@pytest.mark.parametrize(
    "terminal",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}],
    ids=["ascii", "C"],
)
def test_a_terminal_without_the_signs(terminal: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    recordings.save(path, a_recording())
    ended = subprocess.run(
        [sys.executable, "-m", "trelscope.host.start", "measure", str(path)],
        env={**os.environ, **terminal},
        capture_output=True,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    said = ended.stdout.decode("ascii")
    assert " +- " in said
    assert " us " in said


def test_nothing_loads_what_takes_as_long_as_all_else() -> None:
    loaded = "import trelscope.host.app.window, trelscope.host.cli, sys; print('scipy.stats' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("False\n", "")
