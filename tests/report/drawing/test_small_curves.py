"""Curves in tables: a row a layer, whatever it lacks."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pages import Page

from ddtrain.report.drawing.small_curves import rows_of_layers, small_curve

COLORS = {"value": "#0061f4", "gradient": "#c63131", "update": "#829972"}


def points(made: str) -> np.ndarray:
    path = re.search(r'd="M([^"]*)"', made)
    assert path
    return np.array([list(map(float, pair.split())) for pair in path[1].split("L")])


def test_a_curve_fills_its_place_from_the_smallest_to_the_largest_value() -> None:
    xy = points(small_curve(np.array([10.0, 20.0, 30.0]), np.array([1.0, 100.0, 10.0]), "#000000", log=True))
    np.testing.assert_allclose(xy, [[2, 25], [60, 3], [118, 14]], atol=0.05)
    xy = points(small_curve(np.array([10.0, 20.0, 30.0]), np.array([-1.0, 1.0, 0.0]), "#000000"))
    np.testing.assert_allclose(xy, [[2, 25], [60, 3], [118, 14]], atol=0.05)


@pytest.mark.parametrize("log", [False, True])
def test_what_cannot_be_drawn_is_said(log: bool) -> None:
    assert "none to draw" in small_curve(np.array([1.0]), np.array([np.nan]), "#000000", log)
    assert "M60.0 14.0" in small_curve(np.array([1.0]), np.array([5.0]), "#000000", log)
    assert ("none to draw" in small_curve(np.array([1.0]), np.array([0.0]), "#000000", log)) == log


def test_layers_may_come_late_and_lack_a_kind() -> None:
    lines = [
        {"step": 1, "layers": {"a": {"value": 1.0, "gradient": 0.5}}},
        {"step": 2, "layers": {"a": {"value": 2.0, "gradient": "NaN"}, "<b>": {"value": 4.0}}},
    ]
    told = Page(f"<div>{rows_of_layers(lines, COLORS, 'layers', log=True)}</div>").text
    assert told == "2 layers, steps 1 to 2 value first last gradient first last a 1 2 0.5 NaN <b> 4 4"
