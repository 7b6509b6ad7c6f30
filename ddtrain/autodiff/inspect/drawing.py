"""A graph as text, in Graphviz's language, and as a picture; :func:`ddtrain.graph` makes one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import Primitive, value_of
from ddtrain.errors import DdtrainError


@dataclass(eq=False)
class Node:
    """One value of a graph: an input, a constant array, or a step.

    Attributes
    ----------
    name : the argument's name; ``c1`` ... for constants, ``t1`` ... for steps
    value : its array
    prim, operands, kwargs : for a step, its primitive and arguments, each a node or a plain value
    """

    name: str
    value: Any
    prim: Primitive | None = None
    operands: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def call(self) -> str:
        """The step's call as in Python; "input" or "constant" for other nodes."""
        if self.prim is None:
            return "constant" if self.operands else "input"
        words = [a.name if isinstance(a, Node) else _constant(a) for a in self.operands]
        words += [f"{key}={_constant(v)}" for key, v in self.kwargs.items()]
        return f"{self.prim.__name__}({', '.join(words)})"

    @property
    def space(self) -> str:
        """Shape and dtype; for several outputs, those of each."""
        value = value_of(self.value)
        parts = [value_of(part) for part in value] if isinstance(value, tuple) else [value]
        return ", ".join(f"{np.shape(part)} {np.asarray(part).dtype}" for part in parts)


@dataclass(eq=False)
class Graph:
    """The steps that a function took in one call. Prints as text.

    Attributes
    ----------
    name : the function's name
    inputs, constants, steps : its nodes; steps in order of execution
    result : what the function returned, with a node in the place of each traced array

    >>> from ddtrain import graph
    >>> product = graph(lambda x, y: x * y, 2.0, 3.0)
    >>> [step.call for step in product.steps]
    ['multiply(x, y)']
    """

    name: str
    inputs: list[Node] = field(default_factory=list)
    constants: list[Node] = field(default_factory=list)
    steps: list[Node] = field(default_factory=list)
    result: Any = None

    def __str__(self) -> str:
        rows = [(n.name, n.call, n.space, _number(n.value)) for n in (*self.inputs, *self.constants, *self.steps)]
        widths = [max((len(row[k]) for row in rows), default=0) for k in range(3)]
        lines = [f"{a:{widths[0]}} = {b:{widths[1]}}  {c:{widths[2]}}  {d}".rstrip() for a, b, c, d in rows]
        leaves, rebuild = tree.flatten(self.result)
        shown = rebuild([_Word(leaf.name if isinstance(leaf, Node) else _constant(leaf)) for leaf in leaves])
        return "\n".join([f"{self.name}:", *(f"  {line}" for line in lines), f"  return {shown!r}"])

    __repr__ = __str__

    def to_dot(self) -> str:
        """The graph in Graphviz's language: inputs as ellipses, steps as boxes, what is returned in bold.

        >>> from ddtrain import graph
        >>> print(graph(lambda x: -x, 2.0).to_dot().splitlines()[-2])
          "x" -> "t1"
        """
        returned = [leaf for leaf in tree.flatten(self.result)[0] if isinstance(leaf, Node)]
        lines = [f"digraph {_quoted(self.name)} {{", "  node [shape=box, fontname=monospace]"]
        for node in (*self.inputs, *self.constants, *self.steps):
            shape = "" if node.prim is not None else ", shape=" + ("plaintext" if node.operands else "ellipse")
            label = _quoted(f"{node.name} = {node.call}" if node.prim else node.name, node.space, _number(node.value))
            style = ", style=bold" if any(node is r for r in returned) else ""
            lines.append(f"  {_quoted(node.name)} [label={label}{shape}{style}]")
        for node in self.steps:
            edges = [a for a in node.operands if isinstance(a, Node)]
            lines += [f"  {_quoted(a.name)} -> {_quoted(node.name)}" for a in edges]
        return "\n".join([*lines, "}", ""])

    def to_svg(self, path: str | Path) -> None:
        """Draw the graph into a file, with Graphviz's ``dot``.

        Raises
        ------
        DdtrainError : there is no ``dot`` on this machine, or it failed
        """
        Path(path).write_text(self._svg(), encoding="utf-8")

    def _svg(self) -> str:
        dot = shutil.which("dot")
        if dot is None:
            raise DdtrainError(
                "drawing a graph needs Graphviz, and there is no program dot",
                remedy="Install graphviz, or print the graph, or take to_dot() to where there is one.",
            )
        import subprocess  # only a picture needs it

        done = subprocess.run([dot, "-Tsvg"], input=self.to_dot(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise DdtrainError(f"dot ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def _repr_svg_(self) -> str | None:
        """The picture for notebooks; None without ``dot``, so that they show the text."""
        return self._svg() if shutil.which("dot") else None


class _Word(str):
    """A string that shows itself without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def _constant(x: Any) -> str:
    """A plain value in a call: numbers in full, arrays as dtype and shape."""
    x = value_of(x)
    if isinstance(x, np.ndarray) and x.ndim:
        return f"{x.dtype}{list(x.shape)}"
    if isinstance(x, tuple):
        return f"({', '.join(map(_constant, x))}{',' * (len(x) == 1)})"
    if isinstance(x, np.ndarray | np.generic):
        return repr(x.item())
    return getattr(x, "__name__", None) or repr(x)


def _number(x: Any) -> str:
    """The value of a 0-d array, to 6 digits; "" for other arrays."""
    x = value_of(x)
    if isinstance(x, tuple) or np.ndim(x):
        return ""
    return f"{x:.6g}" if np.asarray(x).dtype.kind in "fc" else str(x)


def _quoted(*lines: str) -> str:
    text = "\n".join(line for line in lines if line)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
