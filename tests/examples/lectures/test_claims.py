"""Every claim of the lectures is measured, at a size that a test can wait for; and the page has all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from examples.lectures.claims import Claim, Size, Verdict, claims

ROOT = Path(__file__).parents[3]
CLAIMS = claims()


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim.name.rpartition(".")[2] for claim in CLAIMS])
def test_a_claim_is_as_its_file_says(claim: Claim) -> None:
    finding = claim.study(Size(small=True))
    assert finding.verdict in list(Verdict)
    assert re.search(r"\d", finding.sentence), "a sentence without a number"
    assert all(len(row) == len(finding.table.columns) for row in finding.table.rows)
    assert len(claim.lecture) > 5


def test_claims_are_counted_without_a_gap() -> None:
    assert [claim.number for claim in CLAIMS] == list(range(1, 39))


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim.name.rpartition(".")[2] for claim in CLAIMS])
def test_the_page_has_the_claim_as_its_file_states_it(claim: Claim) -> None:
    page = (ROOT / "docs" / "lectures.md").read_text()
    head = f"## {claim.number}. {claim.title}\n\n*{claim.statement}*\n\n"
    assert head in page, "python -m examples.lectures --all --page docs/lectures.md"
    section = page[page.index(head) :].partition("\n## ")[0]
    verdict = re.search(r"^\*\*(.+?)\.\*\* ", section, re.MULTILINE)
    assert verdict is not None
    assert verdict[1].lower() in list(Verdict)
    assert f"`{claim.file}`" in section
    (figure,) = re.findall(r"!\[.+\]\((.+)\)", section)
    assert 1000 < (ROOT / "docs" / figure).stat().st_size < 200_000, "a drawing, and one that a page can have many of"


def test_no_figure_is_left_over() -> None:
    named = set(re.findall(r"\((images/lectures/.+?)\)", (ROOT / "docs" / "lectures.md").read_text()))
    there = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs" / "images" / "lectures").iterdir()}
    assert named == there
