"""Errors: place and remedy in words, one line for a console, and input of others' making that is not repeated whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import errors
from ddtrain.errors import DdtrainError, ShapeError, UsageError, first_line, kind_of, quoted


def test_a_place_is_told_in_one_order_after_the_remedy() -> None:
    error = ShapeError("no fit", remedy="Flatten it.", line="x.py:3", step=4, rank=1, layer="head", phase="backward")
    assert str(error) == "no fit\n  Flatten it.  rank 1, step 4, in backward, layer 'head', x.py:3"
    assert str(ShapeError("no fit")) == "no fit"
    assert str(ShapeError("no fit", rank=0)) == "no fit\n  rank 0", "rank 0 is a place, too"
    assert str(ShapeError("no fit", line="")) == "no fit"


def test_who_was_nearer_knows_better() -> None:
    error = ShapeError("no fit", layer="head.0").at(layer="head", step=3).at(step=9, rank=2)
    assert error.place == {"layer": "head.0", "step": 3, "rank": 2}


def test_one_line_holds_all_of_it() -> None:
    error = UsageError("ranks wait\n    rank 0: a\n    rank 1: b", remedy="Call alike.")
    assert "\n" not in error.one_line
    assert error.one_line.endswith("Call alike.")


def kinds() -> list[type[DdtrainError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DdtrainError)]


@pytest.mark.parametrize("kind", kinds())
def test_no_kind_ends_a_job_as_if_all_were_well(kind: type[DdtrainError]) -> None:
    assert 0 < kind.exit_code < 126, "and not as a shell says that a signal did"


def test_kinds_are_caught_as_what_they_are() -> None:
    assert issubclass(errors.CheckpointError, errors.DataError)
    assert issubclass(ShapeError, ValueError)
    assert issubclass(errors.MissingRuleError, NotImplementedError)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("mlp", "'mlp'"),
        (3, "3"),
        (1 << 100_000, "an integer of 100001 bits"),
        ("a\nb", "'a\\nb'"),
        (list(range(50)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...]"),
    ],
    ids=["text", "number", "large", "lines", "list"],
)
def test_a_value_is_repeated_in_short(value: Any, text: str) -> None:
    assert quoted(value) == text


@pytest.mark.parametrize("value", ["x" * 10_000, ["x" * 1000] * 1000, {"k" * 500: "v" * 500}, b"\x00" * 5000])
def test_no_value_makes_a_message_long_or_unprintable(value: Any) -> None:
    assert len(quoted(value)) <= 160
    assert quoted(value).isprintable()


def test_a_plain_text_has_no_quotation_marks() -> None:
    assert quoted("no wonder", plain=True) == "no wonder"
    assert quoted("a\x07b", plain=True).isprintable()


def test_of_others_errors_the_first_line_is_told() -> None:
    assert first_line(ValueError("no\nwonder")) == "no"
    assert first_line(KeyError()) == "KeyError"
    assert len(first_line(ValueError("x" * 10_000))) <= 160


def test_what_something_is() -> None:
    assert [kind_of(x) for x in (None, 3, 0.5, int)] == ["nothing", "an int", "a float", "the class int"]
    assert [kind_of(x) for x in (np.ones(2), OSError(), UsageError(""))] == ["an ndarray", "an OSError", "a UsageError"]
