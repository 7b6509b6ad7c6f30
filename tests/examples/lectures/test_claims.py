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
