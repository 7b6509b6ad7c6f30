"""The search that claims choose their options by: the best median wins, and a border is said."""

from __future__ import annotations

import math

import pytest

from examples.lectures.tuning import tune


@pytest.mark.parametrize(
    ("settings", "best", "on_border"),
    [([1, 2, 3], 2, False), ([2, 3, 4], 2, True), ([0, 1, 2], 2, True), ([2, 9], 2, False)],
)
def test_a_search_that_ends_on_the_border_says_so(
    settings: list[int], best: int, on_border: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tune(lambda setting, seed: abs(setting - 2.0), settings, seeds=(1,))
    assert (found.setting, found.on_border) == (best, on_border)
    said = f"a search ends on the border of its settings, {settings[0]} to {settings[-1]}: 2\n"
    assert capsys.readouterr().err == (said if on_border else "")


def test_the_lowest_median_wins_and_what_diverged_does_not() -> None:
    scores = {1: [0.0, 9.0, 9.0], 2: [3.0, 4.0, 5.0], 3: [math.nan, math.inf, 0.0]}
    assert tune(lambda setting, seed: scores[setting][seed], [1, 2, 3], seeds=(0, 1, 2)).setting == 2
