"""The docstring of every gateware component lists its parameters and members, as the code declares them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import trelscope.gateware

FOLDER = Path(trelscope.gateware.__file__).parent


def components() -> Iterator[tuple[str, ast.ClassDef, ast.Module]]:
    """Every subclass of wiring.Component, with the module that defines it."""
    for path in sorted(FOLDER.rglob("*.py")):
        module = ast.parse(path.read_text())
        for node in module.body:
            if isinstance(node, ast.ClassDef) and "wiring.Component" in map(
                ast.unparse, node.bases
            ):
                yield node.name, node, module


COMPONENTS = {name: (node, module) for name, node, module in components()}


def declared(node: ast.ClassDef, module: ast.Module) -> list[str]:
    """Members as "name : shape", including those that a function of the module declares for the class."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    helpers = [f for f in module.body if isinstance(f, ast.FunctionDef) and f.name in names]
    pairs: list[tuple[ast.expr | None, ast.expr]] = []
    for n in (n for part in (*helpers, node) for n in ast.walk(part)):
        if isinstance(n, ast.Dict):
            pairs += zip(n.keys, n.values, strict=True)
        elif isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Subscript):
            pairs.append((n.targets[0].slice, n.value))
    shapes = [(k, ast.unparse(v).removeprefix("wiring.")) for k, v in pairs]
    return [
        f"{k.value} : {shape}"
        for k, shape in shapes
        if isinstance(k, ast.Constant) and re.match(r"(In|Out)\(", shape)
    ]


def documented(node: ast.ClassDef, section: str) -> list[str]:
    """Headings of the entries in a section of the docstring."""
    text = ast.get_docstring(node) or ""
    found = re.search(rf"^{section}\n-+\n(.*?)(\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return [line for line in found[1].split("\n") if line[0] != " "] if found else []


@pytest.mark.parametrize("name", COMPONENTS)
def test_members_are_listed(name: str) -> None:
    node, module = COMPONENTS[name]
    assert documented(node, "Members") == declared(node, module)


@pytest.mark.parametrize("name", COMPONENTS)
def test_parameters_are_listed(name: str) -> None:
    node, _ = COMPONENTS[name]
    (init,) = (n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    expected = [
        f"{a.arg} : {ast.unparse(a.annotation)}" for a in init.args.args[1:] if a.annotation
    ]
    assert documented(node, "Parameters") == expected


def test_components_are_found() -> None:
    assert {"Instrument", "TraceMemory", "Top"} <= COMPONENTS.keys()
