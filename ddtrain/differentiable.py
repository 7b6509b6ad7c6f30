"""``python -m ddtrain.differentiable [FILE]``: what is differentiable, as a table in Markdown.

None of it is written by hand. The names come from the namespaces, and ``autodiff/inspect/capabilities.py`` tries what
each can do. Without SciPy its sections are left out.
"""

from __future__ import annotations

import argparse
import ast
import importlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ddtrain.autodiff.core.primitives import PRIMITIVES
from ddtrain.autodiff.inspect.capabilities import Found, try_composition, try_primitive

NAMESPACES = ("ddtrain.numpy", "ddtrain.ops", "ddtrain.scipy")
TESTS = Path(__file__).parents[1] / "tests"
HEAD = """# What is differentiable

Made by `python -m ddtrain.differentiable docs/differentiable.md`, which tries every function; not to be edited.

- **VJP** is reverse mode, **JVP** forward mode, **2nd** each of them over each. *arguments 1*: numbered from 0, the
  only ones that have a derivative; the others are refused by name.
- **complex**: both modes are right for complex arguments. *–*: no such function of complex numbers. Eigen- and
  singular vectors have a free phase: what does not depend on it differentiates.
- *0*: constant almost everywhere; its derivative is zero, if only for real numbers where it has one for complex ones.
  *–* in the other columns: it failed when tried.
- **tested**: *conformance*, by the suite that runs every primitive on all its examples, in both modes, to second
  order; *own test*, a composition of primitives that tests call by name; *composition*, of primitives tested so.

What NumPy or SciPy has and is not listed is theirs, on plain arrays, or answers with an error that says what to do.
"""


def sections() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Each namespace, and its public names with their objects."""
    for name in NAMESPACES:
        try:
            yield from _sections(importlib.import_module(name))
        except ModuleNotFoundError as missing:
            if missing.name != "scipy":
                raise


def _sections(module: ModuleType) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    own = [name for name, x in vars(module).items() if getattr(x, "__module__", "") == module.__name__]
    names = getattr(module, "__all__", None) or [name for name in own if not name.startswith("_")]
    members = [(name, getattr(module, name)) for name in sorted(names, key=lambda name: (name.lower(), name))]
    yield module.__name__, [(name, x) for name, x in members if not isinstance(x, ModuleType)]
    for _, x in members:
        if isinstance(x, ModuleType) and x.__name__.startswith(f"{module.__name__}."):
            yield from _sections(x)


def row(module: str, name: str, x: Any) -> str | None:
    """The row of a function; None for types, constants and functions that are NumPy's own.

    >>> import ddtrain.numpy as np
    >>> row("ddtrain.numpy", "tanh", np.tanh)
    '| `tanh` | yes | yes | yes | yes | conformance |'
    >>> row("ddtrain.numpy", "floor", np.floor)
    '| `floor` | 0 | 0 | 0 | 0 | declared constant |'
    >>> row("ddtrain.numpy", "arange", np.arange)
    """
    if (wrapped := getattr(x, "__wrapped__", None)) in PRIMITIVES:
        x = wrapped  # what surrounds a primitive, such as checks, has no derivative
    if any(x is prim for prim in PRIMITIVES):
        found: Found | None = try_primitive(x) if x.differentiable else Found()
        tested = "conformance" if x.differentiable else "declared constant"
    elif (fun := _function_of(x)) is not None:
        found = try_composition(fun)
        tested = "own test" if name in named_in_tests(module.split(".")[1]) else "composition"
    else:
        found = None
    if found is None:
        return None
    constant = not found.reached
    which = f"arguments {', '.join(map(str, found.arguments))}" if found.arguments else "yes"
    held = ((found.vjp, which), (found.jvp, which), (found.second, "yes"), (found.complex, "yes"))
    cells = [yes if holds else "0" if constant else "–" for holds, yes in held]
    return f"| `{name}` | {' | '.join(cells)} | {tested} |"


def _function_of(x: Any) -> Callable[..., Any] | None:
    """What is tried of something of ours: a function; what a class makes of one; brackets such as those of ``r_``."""
    if not str(getattr(x, "__module__", "")).startswith("ddtrain."):
        return None
    if isinstance(x, type):
        x = x(lambda v: v * v) if "__call__" in vars(x) else None
    elif not callable(x):
        return (lambda *parts: x[parts]) if hasattr(x, "__getitem__") else None
    return cast("Callable[..., Any] | None", x)


@cache
def named_in_tests(package: str) -> frozenset[str]:
    """What the tests of a package take from ddtrain, or name in a string, such as a key of a table of calls."""
    found: set[str] = set()
    for path in [*sorted((TESTS / package).rglob("*.py")), TESTS / "calls.py"]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        ours = {
            (alias.asname or alias.name).split(".")[0]
            for node in nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
            if (getattr(node, "module", None) or alias.name).startswith("ddtrain")
        }
        for node in nodes:
            if isinstance(node, ast.Attribute) and _root(node) in ours:
                found.add(node.attr)
            elif isinstance(node, ast.Name) and node.id in ours:
                found.add(node.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value.split(".")[-1])
    return frozenset(found)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def markdown() -> str:
    """The whole document."""
    parts = [HEAD]
    for module, members in sections():
        rows = [(name, row(module, name, x)) for name, x in members]
        ruled, others = [r for _, r in rows if r], [f"`{name}`" for name, r in rows if not r]
        if members:
            parts.append(f"\n## {module}\n")
        if ruled:
            head = "| name | VJP | JVP | 2nd | complex | tested |", "|---|---|---|---|---|---|"
            parts.append("\n".join(["", *head, *ruled, ""]))
        if others:
            parts.append(f"\nNo functions of traced numbers: {', '.join(others)}.\n")
    return "".join(parts)


def main() -> None:
    """Print the document, or write it into a file."""
    parser = argparse.ArgumentParser(prog="python -m ddtrain.differentiable", description="What is differentiable.")
    parser.add_argument("file", nargs="?", type=Path, help="write into this file instead of standard output")
    file = parser.parse_args().file
    if file is None:
        print(markdown(), end="")
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
