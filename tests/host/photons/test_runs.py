"""Photons to files and back."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from phconvert.hdf5 import assert_valid_photon_hdf5, load_photon_hdf5

from trelscope.host.files import photon_hdf5, photon_runs, tag_journal
from trelscope.host.files.failures import FileError
from trelscope.host.files.tag_journal import TagJournal
from trelscope.host.photons.chunk import Gap, Why, joined

from . import light
from .runs import a_run
from .wire import Sender


def test_other_programs_read_what_is_written(tmp_path: Path) -> None:
    run = a_run(light.poisson(1, 0.7, 3000))
    path = tmp_path / "run.h5"
    photon_runs.save(path, run)
    file = load_photon_hdf5(str(path))
    try:
        assert_valid_photon_hdf5(file, warnings=False, require_rootformat=True)
        whole = joined(list(run.chunks()))
        data = file.root.photon_data
        assert data.timestamps.read().tolist() == whole.pulse.tolist()
        launch = int(file.root.user.trelscope.launch.read())
        assert (data.nanotimes.read().astype(int) - launch).tolist() == whole.ns.tolist()
        assert float(data.timestamps_specs.timestamps_unit.read()) == 1e-4
        assert float(data.nanotimes_specs.tcspc_unit.read()) == 1e-9
        assert float(file.root.acquisition_duration.read()) == pytest.approx(0.3)
        assert file.root.sample.sample_name.read() == b"a film"
    finally:
        file.close()


def test_what_is_written_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = joined(light.poisson(2, 0.7, 3000))
    broken = np.array([[0, 1], [700, 900], [2990, 2999]])
    chunk = type(whole)(0, 3000, whole.pulse, whole.ns, broken=broken)
    gaps = (Gap(0, 1, 7, Why.LOST), Gap(700, 900, 4, Why.MISSED), Gap(2990, 2999, None, Why.LOST))
    chunks = [chunk.between(0, 1500), chunk.between(1500, 3000)]
    chunks = [
        type(c)(c.first, c.end, c.pulse, c.ns, g, c.broken)
        for c, g in zip(chunks, (gaps[:2], gaps[2:]), strict=True)
    ]
    run = a_run(chunks, missed=4, lost=7)
    path = tmp_path / "run.h5"
    photon_runs.save(path, run)
    monkeypatch.setattr(photon_hdf5, "PIECE", 300)
    again = photon_runs.load(path)
    assert photon_runs.is_run(path)
    found = list(again.chunks())
    assert len(found) > 5
    both = joined(found)
    np.testing.assert_array_equal(both.pulse, whole.pulse)
    np.testing.assert_array_equal(both.ns, whole.ns)
    assert both.gaps == gaps
    assert both.whole_pulses == 3000 - 2 - 201 - 10
    assert both.whole().pulse.tolist() == chunk.whole().pulse.tolist()
    assert again.accounting == run.accounting
    assert again.settings == run.settings
    assert again.timing == run.timing
    assert again.metadata == run.metadata
    assert again.drive is not None
    assert run.drive is not None
    np.testing.assert_array_equal(again.drive.y, run.drive.y)
    assert again.summary() == run.summary()


def test_a_run_is_a_recording_of_any_window(tmp_path: Path) -> None:
    run = a_run(light.poisson(3, 3.0, 3000, 2000.0))
    usual = run.recording()
    assert usual.light.t.size == run.settings.bins
    other = run.recording((-300e-9, 9e-6), 3e-9, (1000, 2000))
    assert other.accounting.pulses_averaged == 1000
    counts = other.light.y * 1000 * 3e-9
    inside = joined(list(run.chunks())).between(1000, 2000)
    assert counts.sum() == pytest.approx(np.count_nonzero(inside.ns < 8700))
    assert other.measurements.reference.startswith("drive monitor"), "whatever the light's bins"


def a_journal(path: Path, photons: int, end: bool) -> Sender:
    run = a_run(light.poisson(4, 0.7, 10))
    about = {
        "source": run.source,
        "board": run.board,
        "front_end": run.front_end.as_dict(),
        "settings": run.settings.as_dict(),
        "timing": vars(run.timing),
        "metadata": {},
        "train": 1,
    }
    file = TagJournal(path, about)
    sender = Sender()
    for k in range(photons):
        sender.photon(k, 1000)
    for packet in sender.flush():
        file.add([packet])
    if end:
        file.end(
            {
                "pulses": photons + 5,
                "photons": photons,
                "crc_errors": 0,
                "realtime_factor": 2.0,
                "incomplete": "",
            }
        )
    file.close()
    return sender


def test_a_journal_is_a_run(tmp_path: Path) -> None:
    a_journal(tmp_path / "a.tags", 1000, end=True)
    run = photon_runs.load(tmp_path / "a.tags")
    assert run.accounting.photons_stamped == 1000
    assert run.accounting.pulses_emitted == 1005
    assert not run.incomplete
    assert joined(list(run.chunks())).pulse.tolist() == list(range(1000))


@pytest.mark.parametrize("cut", [1, 5, 300])
def test_whoever_is_killed_keeps_what_had_arrived(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.tags"
    a_journal(path, 1000, end=False)
    path.write_bytes(path.read_bytes()[:-cut])
    run = photon_runs.load(path)
    assert run.incomplete == photon_runs.INCOMPLETE
    assert 1000 - 2 * 64 <= run.accounting.photons_stamped < 1000
    photon_runs.save(tmp_path / "a.h5", run)
    again = photon_runs.load(tmp_path / "a.h5")
    assert again.accounting == run.accounting
    assert again.incomplete == run.incomplete
    assert joined(list(again.chunks())).whole_pulses == run.accounting.photons_stamped - 1


def test_a_journal_that_was_left_behind_is_not_written_over(tmp_path: Path) -> None:
    a_journal(tmp_path / "a.tags", 10, end=False)
    with pytest.raises(FileError, match="trelscope recover"):
        TagJournal(tmp_path / "a.tags", {})


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tags"
    path.write_bytes(b"hello")
    with pytest.raises(FileError, match="not written by trelscope"):
        photon_runs.load(path)
    path = tmp_path / "a.h5"
    path.write_bytes(b"hello")
    with pytest.raises(FileError, match="damaged"):
        photon_runs.load(path)
    with pytest.raises(FileError, match="Photon-HDF5"):
        photon_runs.check(tmp_path / "a.csv")
    with pytest.raises(FileError, match="not a file of photons"):
        photon_runs.check(path)
    photon_runs.check(path, force=True)


def test_a_full_disk_leaves_the_journal_and_nothing_half_written(tmp_path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from tests.host.photons import light
from tests.host.photons.runs import a_run
from trelscope.host.files import photon_runs
from trelscope.host.files.failures import FileError
run = a_run(light.poisson(1, 30.0, 3000))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    photon_runs.save(Path({str(tmp_path / "run.h5")!r}), run)
except FileError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "cannot be written (File too large); make room" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100_000


def test_a_journal_on_a_full_disk_keeps_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "a.tags"
    a_journal(path, 1000, end=False)
    size = path.stat().st_size
    path.unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 100, before[1]))
    try:
        with pytest.raises(FileError, match="make room"):
            a_journal(path, 1000, end=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    about, end = tag_journal.about(path)
    assert about["train"] == 1
    assert end is None
    assert photon_runs.load(path).accounting.photons_stamped == 64 * (1000 // 64)
