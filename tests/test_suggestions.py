"""The nearest name: of what is there, of what it was called before, and none where none is near."""

from __future__ import annotations

import pytest

from ddtrain.suggestions import did_you_mean

KNOWN = ["optim.lr", "optim.momentum", "run.dir", "data.batch-size"]


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("optim.lt", "Did you mean optim.lr?"),
        ("optim.momentun", "Did you mean optim.momentum?"),
        ("--batch-size", "Did you mean data.batch-size?"),
        ("run.lr", "Did you mean optim.lr?"),
        ("zebra", ""),
        ("", ""),
    ],
)
def test_the_nearest_is_asked_for(given: str, answer: str) -> None:
    assert did_you_mean(given, KNOWN) == answer


def test_a_former_name_leads_to_the_present_one() -> None:
    former = {"run.keep": "checkpoint.keep", "run.dir": "somewhere.else"}
    assert did_you_mean("run.keep", KNOWN, former) == "Did you mean checkpoint.keep?"
    assert did_you_mean("run.dri", KNOWN, former) == "Did you mean run.dir?", "what is there comes first"


def test_a_text_that_is_no_name_is_not_searched_for() -> None:
    assert did_you_mean("run.di" + "x" * 100_000, KNOWN) == ""


def test_of_no_names_none_is_near() -> None:
    assert did_you_mean("optim.lr", []) == ""
