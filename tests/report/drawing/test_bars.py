"""Stacked bars: lengths are shares of the longest row."""

from __future__ import annotations

import re

import pytest
from pages import Page

from ddtrain.report.drawing.bars import stacked

PARTS = {"compute": "#0061f4", "wait": "#c63131", "update": "#829972"}


def test_lengths_are_shares_of_the_longest_row() -> None:
    made = stacked("time", {"rank 0": [1, 2, 1], "rank 1": [1, 1, 0]}, PARTS, "ms")
    rects = re.findall(r'<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"', made)
    assert [float(x) for x, _, _ in rects] == [0, 100, 300, 0, 100]
    assert [float(wide) + 1 for _, _, wide in rects] == [100, 200, 100, 100, 100]  # a pixel is left between two
    assert len({y for _, y, _ in rects}) == 2
    assert "rank 0: compute 1 ms, wait 2 ms, update 1 ms; rank 1" in Page(f"<div>{made}</div>").text


@pytest.mark.parametrize("rows", [{}, {"rank 0": [0, 0, 0]}])
def test_nothing_to_show_is_no_division_by_nothing(rows: dict[str, list[float]]) -> None:
    Page(f"<div>{stacked('time', rows, PARTS, 'ms')}</div>")
