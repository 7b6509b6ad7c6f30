"""``python -m examples.lectures``: lists, measures, draws, tells what is wrong, and writes the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddtrain.errors import DataError, UsageError
from examples.lectures import __main__ as command
from examples.lectures.claims import Claim, Finding, Size, Table, Verdict, claims, expect

FIRST = claims()[0]


def finding(x: float = 2.0) -> Finding:
    return Finding(
        Verdict.IN_PART, f"It is {x:g} where x < 3.", Table(("x", "y"), [("one", x)]), lambda f: f.subplots().plot([x])
    )


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> None:
    """One claim, whose study costs nothing."""
    monkeypatch.setattr(command, "claims", lambda: [FIRST])
    monkeypatch.setattr(Claim, "study", lambda self, size: finding())


def test_no_number_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    listed = capsys.readouterr().out
    for claim in claims():
        assert f"{claim.number:2}  {claim.title}: {claim.statement}\n    {claim.file}\n" in listed
        assert (Path(__file__).parents[3] / claim.file).is_file()


def test_measured_drawn_and_put_on_the_page(only: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "docs" / "lectures.md"
    page.parent.mkdir()
    assert command.main(["1", "--out", str(tmp_path / "out"), "--page", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "x    y\none  2\n\nHolds in part. It is 2 where x < 3.\n" in printed
    text = page.read_text()
    assert "0 hold as stated, 1 under conditions" in text
    assert f"## 1. {FIRST.title}\n\n*{FIRST.statement}*\n\n**Holds in part.** It is 2 where x < 3." in text
    assert "| x | y |\n| --- | ---: |\n| one | 2 |" in text
    figure = tmp_path / "docs" / "images" / "lectures" / "01.svg"
    assert "(images/lectures/01.svg)" in text
    assert figure.read_bytes() == (tmp_path / "out" / "01.svg").read_bytes()
    assert b"<svg" in figure.read_bytes()[:600]


def test_what_was_measured_small_is_not_for_the_page(only: None, tmp_path: Path) -> None:
    options = ["--out", str(tmp_path / "out"), "--page", str(tmp_path / "page.md")]
    with pytest.raises(UsageError, match="no page: claims 1 were measured with --small"):
        command.main(["1", "--small", *options])
    assert not (tmp_path / "page.md").exists()
    assert command.main(["1", *options]) == 0


def test_a_figure_is_the_same_bytes_when_it_is_drawn_again(only: None, tmp_path: Path) -> None:
    drawn = []
    for name in ("one", "two"):
        command.main(["1", "--out", str(tmp_path / name)])
        drawn.append((tmp_path / name / "01.svg").read_bytes())
    assert drawn[0] == drawn[1]


def test_a_drawing_that_would_be_large_is_a_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    many = lambda figure: figure.subplots().plot([(k * 7919) % 1000 for k in range(20_000)])
    monkeypatch.setattr(command, "claims", lambda: [FIRST])
    monkeypatch.setattr(Claim, "study", lambda self, size: Finding(Verdict.HOLDS, "1", Table(("x",), [("y",)]), many))
    assert command.main(["1", "--out", str(tmp_path)]) == 0
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["01.json", "01.png"]


@pytest.mark.parametrize("error", ["claim", "data"])
def test_what_contradicts_a_file_and_data_that_are_missing_are_a_line_each(
    error: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def study(self: Claim, size: Size) -> Finding:
        if self is FIRST:
            expect(error == "data", "off by 7")
            raise DataError("no plays: plays.txt", remedy="Get them.")
        return finding()

    second = claims()[-1]
    monkeypatch.setattr(command, "claims", lambda: [FIRST, second])
    monkeypatch.setattr(Claim, "study", study)
    assert command.main([str(FIRST.number), str(second.number), "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    why = "off by 7" if error == "claim" else "no plays: plays.txt\n  Get them."
    assert printed.err.strip() == f"claim 1 ({FIRST.file}): {why}"
    assert "1 of 2 claims measured as their files say" in printed.out, "the other one was measured all the same"


def test_bad_requests_are_told(only: None, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no claim 99\n  They are 1 to 1"):
        command.main(["99"])
    with pytest.raises(UsageError, match="nothing is known of claims 1\n  Measure them: --all"):
        command.main(["--page", str(tmp_path / "page.md"), "--out", str(tmp_path / "none")])


def test_findings_can_be_read_by_programs(only: None, tmp_path: Path) -> None:
    command.main(["1", "--out", str(tmp_path), "--no-figures"])
    found = json.loads((tmp_path / "01.json").read_text())
    assert (found["verdict"], found["figure"]) == ("holds in part", None)
    assert [path.name for path in tmp_path.iterdir()] == ["01.json"]
