"""Proofs of properties of the gateware. Each has mutants of the gateware that it must reject."""

import pytest

from . import page
from .catalogue import TWINS, properties

PROPERTIES = {str(p): p for p in properties()}


def _marks(name: str, group: str) -> list[pytest.MarkDecorator]:
    """Proofs of one spec share a model and are run in one process; proofs of mutants are run in others."""
    slow = [pytest.mark.soak] if PROPERTIES[name].slow else []
    return [pytest.mark.xdist_group(group), *slow]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=_marks(n, f"formal {n.split('.')[0]}")) for n in PROPERTIES]
)
def test_proved(name):
    result = PROPERTIES[name].prove()
    assert result.proved, f"{result.why}\n{result.counterexample or ''}"


@pytest.mark.parametrize(
    ("name", "module", "old", "new"),
    [
        pytest.param(*t, id=f"{t[0]}-{n}", marks=_marks(t[0], f"twins {t[0]}"))
        for n, t in enumerate(TWINS)
    ],
)
def test_broken_twin_is_rejected(name, module, old, new):
    result = PROPERTIES[name].prove_broken(module, old, new)
    assert not result.proved, f"{name} still holds with {new!r} in {module}"


def test_every_property_has_a_twin():
    alike = {n.replace("CountingInstrument", "Instrument") for n in PROPERTIES}
    assert alike == {n.replace("CountingInstrument", "Instrument") for n, *_ in TWINS}


def test_page_lists_the_proofs():
    assert page.PATH.read_text() == page.text(), "run python -m tests.formal.page"
