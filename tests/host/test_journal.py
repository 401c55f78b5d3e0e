"""The crash copy: what is recovered is what was lost, whenever the process dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.host.journalled import FRONT_END, INSTRUMENT, Fake, journal_of
from trelscope.host.acquisition.acquisition import restored
from trelscope.host.app.recovery import recover_averages
from trelscope.host.app.session.journal_keeper import JournalKeeper
from trelscope.host.files import recordings
from trelscope.host.files.journal import EVERY, JournalError, left_behind, recover
from trelscope.host.link import framed

ROOT = Path(__file__).parents[2]
BINS = 24
MEMORY = 20.0  # pulses: two frames


def ran(frames: int, bins: int = BINS, memory: float | None = None) -> Fake:
    """A fake after so many frames."""
    fake = Fake(bins, memory)
    for _ in range(frames):
        fake.step()
    return fake


def assert_recovers(path: Path, frames: int, memory: float | None = None) -> None:
    """The journal gives exactly what was averaged of so many frames."""
    found, expected = recover(path), ran(frames, memory=memory)
    assert found is not None
    assert found.settings == expected.settings
    assert found.options == expected.options
    assert found.accounting == expected.accounting
    assert found.metadata == expected.metadata
    for got, wanted in zip((found.light, found.drive), expected.traces(), strict=True):
        assert np.array_equal(got.y, wanted.y)
        assert np.array_equal(got.se, wanted.se, equal_nan=True)
        assert got.pulses == wanted.pulses


def test_cut_at_every_byte_the_newest_whole_copy_is_recovered(tmp_path: Path) -> None:
    fake = Fake(BINS)
    journal = journal_of(fake, tmp_path)
    ends = []
    for _ in range(3):
        fake.step()
        journal.write()
        ends.append(journal.path.stat().st_size)
    data = journal.path.read_bytes()
    cut = tmp_path / "cut"
    for length in range(len(data) + 1):
        cut.write_bytes(data[:length])
        whole = sum(end <= length for end in ends)
        try:
            found = recover(cut)
        except (
            JournalError
        ):  # none is whole, and it is not for the program to say that nothing was there
            assert whole == 0
        else:
            assert (found.accounting.clipped if found else 0) == whole
    for whole, end in enumerate(ends, 1):
        cut.write_bytes(data[:end] + bytes(100))  # a file system may leave zeros
        assert_recovers(cut, whole)


@pytest.mark.parametrize("limit", [1 << 24, 4000])
@pytest.mark.parametrize("after", [2, 40])
def test_a_killed_process_leaves_its_average(tmp_path: Path, after: int, limit: int) -> None:
    """limit 4000: every copy or two the journal is replaced, so that many die while that is done."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.host.journalled", str(tmp_path), str(BINS), str(limit)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for _ in range(after):
        child.stdout.readline()
    assert left_behind(tmp_path) == []  # it is alive, and its journal is its own
    os.kill(child.pid, signal.SIGKILL)
    said = [after, *(int(line) for line in child.stdout.read().splitlines())]
    child.wait()
    (path,) = left_behind(tmp_path)
    found = recover(path)
    assert found is not None
    frames = found.accounting.clipped
    assert said[-1] <= frames <= said[-1] + 1
    assert_recovers(path, frames)
    assert list(tmp_path.iterdir()) == [path]


def test_an_average_that_forgets_is_recovered_too(tmp_path: Path) -> None:
    fake = Fake(BINS, MEMORY)
    journal = journal_of(fake, tmp_path)
    for _ in range(6):
        fake.step()
        journal.write()
    assert_recovers(journal.path, 6, MEMORY)
    found = recover(journal.path)
    assert found is not None
    assert not np.array_equal(found.light.y, ran(6).traces()[0].y)  # it has forgotten


@pytest.mark.parametrize("memory", [None, MEMORY])
def test_an_average_goes_on_from_a_state_as_if_it_had_never_stopped(memory: float | None) -> None:
    once, fresh = ran(7, memory=memory), Fake(BINS, memory)
    fresh._average = restored(fresh.settings, FRONT_END, ran(4, memory=memory).state())
    fresh.frames = 4
    for _ in range(3):
        fresh.step()
    for name, array in vars(once.state()).items():
        assert np.array_equal(array, getattr(fresh.state(), name))


def test_a_flipped_bit_costs_no_more_than_a_copy(tmp_path: Path) -> None:
    fake = Fake(BINS)
    journal = journal_of(fake, tmp_path)
    ends = []
    for _ in range(3):
        fake.step()
        journal.write()
        ends.append(journal.path.stat().st_size)
    data = journal.path.read_bytes()
    flipped = tmp_path / "flipped"
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        flipped.write_bytes(changed)
        assert_recovers(flipped, 2 if at >= ends[1] and not in_head(data, at, ends[1]) else 3)


def in_head(data: bytes, at: int, begin: int) -> bool:
    """Whether a byte is in what stands before the copy that begins here."""
    return at < begin + len(framed.pack(next(framed.unpack(data[begin:]))))


def test_what_gives_nothing_is_not_removed(tmp_path: Path) -> None:
    journal = journal_of(ran(1), tmp_path)
    journal.write()
    journal.leave()
    data = bytearray(journal.path.read_bytes())
    data[len(data) - 5] ^= 1
    journal.path.write_bytes(data)
    recovered, (words,) = recover_averages(tmp_path, tmp_path / "recovered")
    assert recovered == []
    assert "damaged" in words
    assert journal.path.read_bytes() == data


def test_a_journal_goes_when_it_has_been_saved_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = journal_of(ran(3), tmp_path)
    journal.write()
    journal.leave()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        recovered, (words,) = recover_averages(tmp_path, tmp_path / "recovered")
    assert recovered == []
    assert "No space left" in words
    assert_recovers(journal.path, 3)
    (path,), (words,) = recover_averages(tmp_path, tmp_path / "recovered")
    assert str(path) in words
    assert recordings.load(path).accounting.clipped == 3
    assert recordings.load(path).incomplete
    assert left_behind(tmp_path) == []


def test_the_window_keeps_what_it_has_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    keeper = JournalKeeper(tmp_path, said.append)
    fake: Any = ran(1)
    keeper.begin(INSTRUMENT, fake)
    keeper.write()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(framed, "append", full)
        fake.step()
        keeper.write()
        keeper.write()
    (path,) = tmp_path.iterdir()
    assert_recovers(path, 1)
    assert len(said) == 1
    assert "No space left" in said[0]
    keeper.write()
    assert_recovers(path, 2)


def test_its_size_is_bounded(tmp_path: Path) -> None:
    fake = Fake(BINS)
    journal = journal_of(fake, tmp_path, limit=6000)
    for _ in range(40):
        fake.step()
        journal.write()
        assert journal.path.stat().st_size <= 6000
    assert_recovers(journal.path, 40)
    assert list(tmp_path.iterdir()) == [journal.path]


def test_a_copy_is_made_once_in_a_while(tmp_path: Path) -> None:
    fake = ran(1)
    journal = journal_of(fake, tmp_path)
    sizes = []
    for now in (5.0, 5.0 + 0.9 * EVERY, 5.0 + 1.1 * EVERY):
        journal.keep_up(now)
        sizes.append(journal.path.stat().st_size)
    assert sizes[0] == sizes[1] < sizes[2]


def test_closed_it_leaves_nothing(tmp_path: Path) -> None:
    journal = journal_of(ran(1), tmp_path / "made")
    journal.write()
    journal.close()
    assert list((tmp_path / "made").iterdir()) == []


def test_killed_before_the_first_copy_there_is_nothing_to_recover(tmp_path: Path) -> None:
    assert recover(journal_of(ran(1), tmp_path).path) is None


def test_a_journal_of_another_version_is_refused_in_one_line(tmp_path: Path) -> None:
    journal = journal_of(ran(1), tmp_path)
    journal.write()
    head, *rest = framed.unpack(journal.path.read_bytes())
    other = head.replace(b'"version": 2', b'"version": 1')
    assert other != head
    journal.path.write_bytes(b"".join(framed.pack(each) for each in (other, *rest)))
    with pytest.raises(JournalError, match="of version 1, this program reads 2; recover it with"):
        recover(journal.path)


def test_what_is_no_journal_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="crash copy"):
        journal_of(ran(1), tmp_path / "file")
    with pytest.raises(JournalError, match="cannot be read"):
        recover(tmp_path / "none.journal")


def test_a_full_disk_is_reported_and_the_next_copy_is_whole(tmp_path: Path) -> None:
    fake = ran(1)
    journal = journal_of(fake, tmp_path)
    journal.write()
    real, written = journal._file, journal._file.write

    class Full:
        """Takes half of it."""

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def write(self, record: bytes) -> None:
            written(record[: len(record) // 2])
            raise OSError(28, "No space left on device")

    journal._file = Full()  # type: ignore[assignment]
    fake.step()
    with pytest.raises(JournalError, match="No space left"):
        journal.write()
    assert_recovers(journal.path, 1)
    journal._file = real
    fake.step()
    journal.write()
    assert_recovers(journal.path, 3)
