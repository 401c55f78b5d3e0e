"""The timing cases of tests/vectors on the Verilog, in Icarus."""

import shutil
from pathlib import Path

import pytest

from tests import timing

from .icarus import run


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog (iverilog)")
def test_in_verilog(tmp_path: Path) -> None:
    assert run("tb_vectors", timing.ENGINE_DEPTH, tmp_path) == (len(timing.load()), 0)
