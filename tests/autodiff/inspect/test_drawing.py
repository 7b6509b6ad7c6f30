"""Graphs as pictures: nodes with shapes, edges for each use, and what is said without graphviz."""

import stat
import xml.etree.ElementTree as ElementTree

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import graph
from ddtrain.autodiff.inspect.drawing import Graph, Node
from ddtrain.errors import DdtrainError


def test_dot_has_nodes_with_shapes_and_an_edge_for_each_use():
    dot = graph(lambda x: x * x + onp.ones(3), onp.zeros(3)).to_dot()
    assert dot.splitlines() == [
        'digraph "<lambda>" {',
        "  node [shape=box, fontname=monospace]",
        '  "x" [label="x\\n(3,) float64", shape=ellipse]',
        '  "c1" [label="c1\\n(3,) float64", shape=plaintext]',
        '  "t1" [label="t1 = multiply(x, x)\\n(3,) float64"]',
        '  "t2" [label="t2 = add(t1, c1)\\n(3,) float64", style=bold]',
        '  "x" -> "t1"',
        '  "x" -> "t1"',
        '  "t1" -> "t2"',
        '  "c1" -> "t2"',
        "}",
    ]


def test_names_with_quotes_are_escaped():
    g = Graph('a "b"', [Node("x['\\n']", onp.zeros(()))])
    assert '"a \\"b\\""' in g.to_dot()
    assert "x['\\\\n']" in g.to_dot()


@pytest.fixture
def path(monkeypatch, tmp_path):
    """A search path with nothing but a folder of our own."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder, text):
    file = folder / "dot"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_without_graphviz_there_is_one_clear_error(path):
    g = graph(np.sin, 1.0)
    with pytest.raises(DdtrainError, match="no program dot\n  Install graphviz"):
        g.to_svg(path / "g.svg")
    assert not (path / "g.svg").exists()
    assert g._repr_svg_() is None, "a notebook falls back to the text"


def test_dot_is_given_the_graph_and_its_picture_kept(path):
    program(path, 'while read -r line; do :; done; echo "<svg>$1</svg>"')
    g = graph(np.sin, 1.0)
    g.to_svg(path / "g.svg")
    assert ElementTree.parse(path / "g.svg").getroot().text == "-Tsvg"
    assert g._repr_svg_() == "<svg>-Tsvg</svg>\n"
    program(path, 'echo "no such layout" >&2; exit 3')
    with pytest.raises(DdtrainError, match="dot ended with 3: no such layout"):
        g.to_svg(path / "g.svg")
