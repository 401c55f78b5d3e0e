"""What every run of the tests shares."""

import re

import pytest

PROOF = re.compile(r"tests/formal/.*::test_proved\[(.+)\]")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each proved property, and each that is not: a dot says too little about safety."""
    results = {
        match[1]: {"passed": "proved", "failed": "NOT PROVED"}[outcome]
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if (match := PROOF.search(report.nodeid))
    }
    if results:
        terminalreporter.section("proofs")
        for name in sorted(results):
            terminalreporter.write_line(f"{results[name]:<12}{name}")
