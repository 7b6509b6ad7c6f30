"""How a search is shown: the same trials in words, as a table and as a picture, in a page that asks for nothing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from ddtrain.search.judge import Judge
from ddtrain.search.ranges import Choices, Range
from ddtrain.search.report.findings import Findings
from ddtrain.search.report.pages import page_of
from ddtrain.search.report.parallel_coordinates import picture
from ddtrain.search.report.tables import judged_lines, text_table
from ddtrain.search.space import Space
from ddtrain.search.trials import Outcome

SPACE = Space((Range("optim.lr", 1e-3, 1.0, log=True), Choices("model.name", ("<b>", "cnn"))))


def findings(trials: int = 4) -> Findings:
    outcomes = [
        Outcome(n, {"optim.lr": 10.0 ** (-n % 4), "model.name": ("<b>", "cnn")[n % 2]}, 2, 0.5 + n / 10, 1, {}, "", 1.5)
        for n in range(trials)
    ]
    outcomes.append(Outcome(trials, {"optim.lr": 1.0, "model.name": "cnn"}, 1, why="loss is <nan>"))
    figures = [{"valid_loss": 0.5, "test_loss": 0.6}, {"valid_loss": 0.6, "test_loss": 0.7}]
    warnings, ensemble = ["look & see"], {"valid_loss": 0.4}
    won = ([1, 0], figures, ensemble, "outputs")
    return Findings("search of line", SPACE, Judge(), outcomes, *won, SPACE, warnings)


def test_the_table_has_winners_first_and_failures_last() -> None:
    rows = [line.split() for line in text_table(findings()).splitlines()]
    assert rows[0] == ["trial", "valid_loss", "epoch", "of", "optim.lr", "model.name", "seconds"]
    assert [row[:3] for row in rows[1:3]] == [["1", "001", "0.6"], ["2", "000", "0.5"]]
    assert rows[-1][:3] == ["004", "failed", "1"]
    assert len({len(line) for line in text_table(findings()).splitlines()}) == 1, "columns stand below each other"
    assert text_table(findings(30)).splitlines()[-1] == "... and 11 more"


def test_winners_and_ensemble_are_said_with_their_figures() -> None:
    assert list(judged_lines(findings())) == [
        "place 1, trial 001: valid_loss 0.5, test_loss 0.6",
        "place 2, trial 000: valid_loss 0.6, test_loss 0.7",
        "ensemble of 2, mean of their outputs: valid_loss 0.4",
    ]


def test_the_page_is_well_formed_and_escapes_what_it_is_told() -> None:
    page = page_of(findings())
    root = ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert [section.find("h2").text for section in root.iter("section")] == [  # type: ignore[union-attr]
        *("Winners", "Parallel coordinates", "Trials", "Failed", "Next")
    ]
    assert "<b>" not in page
    assert "<nan>" not in page
    assert "look &amp; see" in page
    assert not re.search(r'(src|href)="(?!#)', page), "it asks for no other file"
    assert "Failed" not in page_of(Findings(**{**vars(findings()), "outcomes": findings().outcomes[:-1]}))


@pytest.mark.parametrize("trials", [1, 4, 30])
def test_the_picture_has_a_line_a_trial_and_tells_of_each(trials: int) -> None:
    root = ET.fromstring(picture(findings(trials)))
    (svg,) = (each for each in root.iter("svg") if each.get("role") == "img")
    lines = [path for path in svg.iter("path") if path.find("title") is not None]
    assert len(lines) == trials + 1
    told = svg.findtext("desc") or ""
    for n in range(trials + 1):
        assert f"trial {n:03d}:" in told
    ends = [re.findall(r"[\d.]+", str(path.get("d")))[-2:] for path in lines]
    wide = float(str(svg.get("viewBox")).split()[2])
    rightmost = max(float(x) for x, _ in ends)
    assert sum(float(x) < rightmost for x, _ in ends) == 1, "the line of what failed ends before the figure"
    assert all(0 <= float(x) <= wide and 0 <= float(y) <= 300 for x, y in ends)
    dashed = [path for path in lines if path.get("stroke-dasharray")]
    assert len(dashed) == 1, "told apart without colour"


def test_higher_in_the_picture_is_higher_in_value() -> None:
    root = ET.fromstring(picture(findings()))
    starts = {}
    for path in root.iter("path"):
        title = path.findtext("title")
        if title:
            y = float(re.findall(r"[\d.]+", str(path.get("d")))[1])
            starts[float(re.search(r"optim.lr ([\d.e+-]+)", title)[1].rstrip("."))] = y  # type: ignore[index]
    rates = sorted(starts)
    assert [starts[lr] for lr in rates] == sorted(starts.values(), reverse=True)
