"""A disk that fails, and a process that is killed, at every step of writing a journal: the newest whole copy stays."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.host.journalled import Fake, journal_of
from trelscope.host.files import journal as module
from trelscope.host.files.journal import JournalError, left_behind, recover
from trelscope.host.link import framed

BINS = 32
LIMIT = 1  # byte: every copy replaces the journal
STEPS: dict[str, tuple[Any, str, int]] = {
    "append": (framed, "append", 1 << 24),
    "append to the new one": (framed, "append", LIMIT),
    "make the new one": (module.tempfile, "mkstemp", LIMIT),
    "flush": (os, "fsync", LIMIT),
    "rename": (os, "replace", LIMIT),
}


@pytest.mark.parametrize("fault", ["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS"])
@pytest.mark.parametrize("step", STEPS)
def test_a_fault_costs_nothing_but_the_new_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, fault: str
) -> None:
    where, name, limit = STEPS[step]
    code = getattr(errno, fault)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    fake = Fake(BINS)
    journal = journal_of(fake, tmp_path, limit)
    fake.step()
    journal.write()
    fake.step()
    with monkeypatch.context() as patch:
        patch.setattr(where, name, fail)
        with pytest.raises(JournalError, match=os.strerror(code)):
            journal.write()
    assert list(tmp_path.iterdir()) == [journal.path]
    assert frames(journal.path) == 1
    journal.write()
    assert frames(journal.path) == 2


@pytest.mark.parametrize("step", STEPS)
def test_killed_anywhere_the_copy_before_is_whole(tmp_path: Path, step: str) -> None:
    where, name, limit = STEPS[step]
    child = os.fork()
    if not child:
        fake = Fake(BINS)
        journal = journal_of(fake, tmp_path, limit)
        fake.step()
        journal.write()
        fake.step()
        setattr(where, name, lambda *_, **__: os._exit(9))
        journal.write()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    (left,) = left_behind(tmp_path)
    assert frames(left) == 1
    assert list(tmp_path.iterdir()) == [left]  # what it was making has been tidied up


def frames(path: Path) -> int:
    """How many the newest copy holds."""
    found = recover(path)
    assert found is not None
    return found.accounting.clipped
