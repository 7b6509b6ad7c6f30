"""Curves as a figure: every value is drawn or said to be at the edge, in words and in a table too."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pages import Page

from ddtrain.report.drawing.chart import HIGH, WIDE, Curve, figure
from ddtrain.report.drawing.markup import Markup

STEPS = np.arange(1, 11)


def page(made: Markup) -> Page:
    return Page(f"<div>{made}</div>")


def paths(made: Markup, class_: str) -> list[str]:
    return re.findall(rf'<path d="([^"]*)"[^>]*class="{class_}"', made)


def points(path: str) -> np.ndarray:
    return np.array([list(map(float, pair.split())) for pair in re.findall(r"[ML]([^ML]+)", path)])


def test_values_stand_where_they_belong() -> None:
    made = figure("loss", [Curve("training", STEPS, np.linspace(0, 10, 10), "#000000")])
    (line,) = paths(made, "line")
    xy = points(line)
    assert xy.shape == (10, 2)
    np.testing.assert_allclose(np.diff(xy, axis=0), np.diff(xy, axis=0)[:1].repeat(9, 0), atol=0.11)  # rounded to 0.1
    assert np.all(np.diff(xy[:, 0]) > 0)
    assert np.all(np.diff(xy[:, 1]) < 0), "upwards is up"
    assert np.all((xy >= 0) & (xy <= [WIDE, HIGH]))


def test_values_that_are_none_break_the_line_and_are_marked_and_said() -> None:
    y = np.array([1.0, 0.9, np.nan, np.inf, 0.8, 1e30, 0.7, -np.inf, 0.5, 0.4])
    made = figure("loss", [Curve("training", STEPS, y, "#000000")])
    (line,) = paths(made, "line")
    assert line.count("M") == 3, "before, between and after what is not finite"
    assert len(points(line)) == 7
    assert len(paths(made, "odd")) == 4
    text = page(made).text
    assert "1 values beyond the axis (up to 1e+30), 3 that are NaN or infinite; the first at step 3" in text
    assert all(word in text for word in ("NaN", "+inf", "-inf"))


@pytest.mark.parametrize("n", [1, 2, 41, 300, 50_000])
def test_any_length_is_a_page_of_bounded_size(n: int) -> None:
    x = np.arange(1, n + 1)
    made = figure(
        "loss", [Curve("training", x, 1 / np.sqrt(x), "#000000"), Curve("valid", x[::50], 1 / x[::50], "#111111")]
    )
    assert len(made) < 60_000
    assert f"training: {n} value" in page(made).text


def test_a_long_curve_is_smoothed_with_its_values_behind() -> None:
    x = np.arange(1, 5001)
    y = np.random.default_rng(0).standard_normal(5000)
    made = figure("loss", [Curve("training", x, y, "#000000")])
    (raw,), (line,) = paths(made, "raw"), paths(made, "line")
    assert np.ptp(points(raw)[:, 1]) > 150
    assert np.ptp(points(line)[:, 1]) < 60, "means over 50 values vary a seventh as much"
    assert "means over 50 steps; behind them all values" in page(made).text
    plain = figure("lr", [Curve("training", x, y, "#000000", noisy=False)])
    assert paths(plain, "raw") == []
    assert np.ptp(points(paths(plain, "line")[0])[:, 1]) > 150, "thinned, no extreme is lost"


def test_a_table_has_the_values_of_all_curves_by_step() -> None:
    few = [Curve("a", STEPS, STEPS / 4, "#000000"), Curve("b", STEPS[4::5], STEPS[4::5] / 8, "#000000")]
    made = figure("loss", few)
    rows = re.findall(r"<tr data-x=[^>]*>(.*?)</tr>", made)
    assert len(rows) == 10
    assert re.findall(r">([^<]*)</t[hd]>", rows[3]) == ["4", "1", ""]
    assert re.findall(r">([^<]*)</t[hd]>", rows[4]) == ["5", "1.25", "0.625"]
    x = np.arange(1, 1001)
    rows = re.findall(r"<tr data-x=[^>]*>(.*?)</tr>", figure("loss", [Curve("a", x, x * 1.0, "#000000")]))
    assert len(rows) == 50
    assert re.findall(r">([^<]*)</t[hd]>", rows[0]) == ["1 to 20", "10.5 (1 to 20)"]


def test_one_curve_needs_no_legend_and_names_are_escaped() -> None:
    line = Curve("<b>", STEPS, STEPS * 1.0, "#000000", "4 3")
    assert 'class="legend"' not in figure("loss", [line])
    made = figure('a "b" <c>', [line, line])
    assert made.count('stroke-dasharray="4 3"') == 4, "dashes in the picture and in the legend"
    assert page(made).tags.count("b") == 0
    assert 'a "b" <c>' in page(made).text


def test_curves_without_values_are_left_out() -> None:
    nothing = Curve("none", STEPS[:0], np.zeros(0), "#000000")
    assert "none" not in page(figure("loss", [nothing, Curve("some", STEPS, STEPS / 2, "#000000")])).text
    page(figure("loss", [nothing]))
    page(figure("loss", [Curve("bad", STEPS, np.full(10, np.nan), "#000000")]))
