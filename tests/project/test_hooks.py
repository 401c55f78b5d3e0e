"""The hooks before a commit are the tools of `make lint`."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_hooks_run_what_make_lint_runs() -> None:
    rule = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    linted = re.findall(r"\$\(VENV\)/bin/(\S+)", rule)
    hooks = re.findall(r"\.venv/bin/(\S+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert sorted(hooks) == sorted(linted)
