"""Names of classes and columns: by number, and stored with a model."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.data import Names, Vocabulary
from ddtrain.errors import UsageError


def test_names_are_a_sequence() -> None:
    names = Names(["b", "a"])
    assert (names[1], len(names), list(names), names == ["b", "a"], names == Names(["a", "b"])) == (
        "a", 2, ["b", "a"], True, False,
    )  # fmt: skip
    np.testing.assert_array_equal(names.encode(["a", "b", "a"]), [1, 0, 1])
    assert names.encode([]).dtype == np.int64
    assert names.decode(np.array([[1], [0]])) == ["a", "b"]


def test_what_is_no_name() -> None:
    with pytest.raises(UsageError, match=r"there is no 'c'\n  There is \['b', 'a'\]"):
        Names(["b", "a"]).encode(["a", "c"])
    with pytest.raises(UsageError, match="'a' occurs twice"):
        Names(["a", "b", "a"])


def test_other_names_are_not_taken_up() -> None:
    names = Names(["a", "b"])
    names.load_state_dict(Names(["a", "b"]).state_dict())
    with pytest.raises(UsageError, match=r"the stored names are \['b', 'a'\], here they are \['a', 'b'\]"):
        names.load_state_dict(Names(["b", "a"]).state_dict())
    assert Names.from_state(names.state_dict()) == names


def test_a_vocabulary_is_stored_and_compared() -> None:
    vocabulary = Vocabulary(["b", "a", "b"])
    again = Vocabulary.from_state(vocabulary.state_dict())
    np.testing.assert_array_equal(again.encode(["a", "b", "c"]), [2, 1, 0])
    vocabulary.load_state_dict(again.state_dict())
    with pytest.raises(UsageError, match="the stored vocabulary has 2 tokens, here are 3"):
        vocabulary.load_state_dict(Vocabulary(["b"]).state_dict())
