"""Whose line is it?"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from typing import Any

import numpy as np
import pytest

import ddtrain
from ddtrain.user_lines import calling_line, is_installed_file, is_user_file, library_call, user_line

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
    assert user_line(caught.value.__traceback__).startswith("test_user_lines.py:")
    assert user_line(None) == ""


def test_the_line_that_called() -> None:
    assert calling_line(sys._getframe()).startswith("test_user_lines.py:")
    assert calling_line(None) == ""


def in_a_file(path: str, fun: str, *args: object) -> Any:
    """``fun``, an expression, called by a function that seems to lie in ``path``."""
    names: dict[str, Any] = {}
    exec(compile(f"def call(*args):\n    return ({fun})(*args)", path, "exec"), {"sys": sys, "np": np}, names)
    return names["call"](*args)


INSTALLED = os.path.join(os.path.dirname(os.__file__), "site-packages")
NUMPY = os.path.join(INSTALLED, "numpy", "lib", "x.py")
OTHER = os.path.join(INSTALLED, "lifelines", "fitters.py")


def test_a_librarys_line_is_nobodys() -> None:
    for path in (NUMPY, "numpy/random/_common.pyx", os.path.join(sysconfig.get_path("scripts"), "train")):
        assert not is_user_file(path)
        assert in_a_file(path, "lambda f: f(sys._getframe())", calling_line).startswith("test_user_lines.py:")
    assert is_installed_file(OTHER)
    assert not is_installed_file(NUMPY)


def test_an_installed_package_is_named_where_no_file_is_the_users_own() -> None:
    found: list[str] = []
    body = "lambda f: f(calling_line(sys._getframe()))"
    names: dict[str, Any] = {"sys": sys, "calling_line": calling_line}
    exec(compile(f"call = {body}", OTHER, "exec"), names)
    names["call"](found.append)
    assert found[0].startswith("test_user_lines.py:")
    thread = threading.Thread(target=names["call"], args=(found.append,))  # begun by no file of the user's
    thread.start()
    thread.join()
    assert found[1] == "fitters.py:1"


def test_the_function_of_a_library_that_led_here() -> None:
    assert library_call(sys._getframe()) == ""
    with pytest.raises(ddtrain.errors.DerivativeError, match=r"numpy.full: converting .*\n.*test_user_lines.py:"):
        ddtrain.grad(lambda x: np.full(3, x).sum())(1.0)
