"""What a user installs: source distribution -> wheel -> an environment elsewhere, next to other people's files."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGED = ["gateware", "host", "sim", "src", "LICENSE", "README.md", "pyproject.toml"]
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.egg-info")
FOREIGN = "raise ImportError('the file of somebody else')\n"

SCRIPT = """\
from trelscope.host.units import format_si
reveal_type(format_si(3.4e-6, "s"))
format_si("3.4 us", "s")
"""

pytestmark = pytest.mark.xdist_group("wheel")  # build it once


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run without what would lead Python back to the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def succeed(*command: str | Path, cwd: Path) -> str:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By way of a source distribution, so both are known to be whole. Nothing is downloaded."""
    clean, built = (tmp_path_factory.mktemp(name) for name in ("clean", "built"))
    for name in PACKAGED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, clean / name, symlinks=True, ignore=LEFTOVERS)
        else:
            shutil.copy(source, clean)
    make = f"from setuptools import build_meta; build_meta.build_sdist({str(built)!r})"
    succeed(sys.executable, "-c", make, cwd=clean)
    (sdist,) = built.iterdir()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]
    succeed(*pip, "wheel", *alone, "--wheel-dir", built, sdist, cwd=built)
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel. It borrows the dependencies of this one, but not its trelscope."""
    home = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(home)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    succeed(
        *pip, "--python", home / "bin" / "python", "install", "--no-deps", wheel, cwd=home.parent
    )
    # Python does not read the .pth files of a folder that is itself named by one: an editable install stays out.
    paths = {"base": str(home), "platbase": str(home)}
    borrowed = Path(sysconfig.get_path("purelib", vars=paths)) / "borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n")
    return home


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A folder like that of any other FPGA project."""
    (tmp_path / "sim.py").write_text(FOREIGN)
    for name in ("host", "gateware", "sim"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(FOREIGN)
    return tmp_path


def test_captures_next_to_foreign_files_of_the_same_names(environment: Path, crowded: Path) -> None:
    python = environment / "bin" / "python"
    where = succeed(python, "-c", "import trelscope; print(trelscope.__file__)", cwd=crowded)
    assert Path(where.strip()).is_relative_to(environment)
    command = ["capture", "--json", "--pulses", "16", "--width", "8u", "--window=-1u:12u"]
    said = succeed(environment / "bin" / "trelscope", *command, "--flat-out", cwd=crowded)
    result = json.loads(said)
    assert result["accounting"]["pulses_averaged"] == 16
    assert result["measurements"]["response"]["value"] == pytest.approx(3.4e-6, rel=0.1)


def test_everything_is_a_real_file(environment: Path) -> None:
    (package,) = environment.glob("lib/python*/site-packages/trelscope")
    assert not [path for path in package.rglob("*") if path.is_symlink()]
    for name in ("gateware", "host", "sim"):
        in_tree = {p.relative_to(ROOT) for p in (ROOT / name).rglob("*.py")}
        installed = {p.relative_to(package) for p in (package / name).rglob("*.py")}
        assert installed == in_tree


def test_a_users_script_is_type_checked(environment: Path, crowded: Path) -> None:
    (crowded / "script.py").write_text(SCRIPT)
    python = environment / "bin" / "python"
    options = ["--python-executable", python, "--cache-dir", crowded / "cache"]
    done = run(sys.executable, "-m", "mypy", *options, "script.py", cwd=crowded)
    said = done.stdout.splitlines()
    assert said[0] == 'script.py:2: note: Revealed type is "str"'
    assert said[1].startswith("script.py:3: error: Argument 1")
    assert done.returncode == 1
    assert len(said) == 3, "only the mistake, and how many there are"
