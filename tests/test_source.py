"""Whose line is it?"""

from __future__ import annotations

import os
import sys
import threading

import pytest

import ddtrain
from ddtrain.source import calling_line, is_user_file, user_line

PACKAGE = os.path.dirname(ddtrain.__file__)


def test_models_and_recipes_count_as_the_users() -> None:
    assert is_user_file(__file__)
    assert is_user_file(os.path.join(PACKAGE, "models", "mlp.py"))
    assert not is_user_file(os.path.join(PACKAGE, "ops", "linear.py"))
    assert not is_user_file(threading.__file__)
    assert not is_user_file("<frozen runpy>")


def test_the_innermost_user_line_of_an_error() -> None:
    with pytest.raises(AttributeError) as caught:
        ddtrain.grad(lambda x: x.no_such_thing)(1.0)
    assert user_line(caught.value.__traceback__).startswith("test_source.py:")
    assert user_line(None) == ""


def test_the_line_that_called() -> None:
    assert calling_line(sys._getframe()).startswith("test_source.py:")
    assert calling_line(None) == ""
