"""One BLAS thread a rank, or at least a word."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ddtrain import _threads
from ddtrain._threads import VARIABLES

SCRIPT = """
import sys
{first}
from ddtrain import _threads
from ddtrain.recipes import RECIPES
from ddtrain.trainer.main import run
{then}
code = run(["--nonsense"], RECIPES)
import ctypes
for path in _threads._loaded():
    library = ctypes.CDLL(path)
    for name in _threads._SETTERS:
        counter = getattr(library, name.replace("set", "get", 1), None)
        if counter is not None and hasattr(library, name):
            print(counter(), file=sys.stdout)
            break
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("first", "then", "variables", "threads", "warned"),
    [
        ("import numpy", "", {}, 1, False),
        ("import numpy", "_threads._LIBRARIES = ()", {}, None, True),  # a BLAS that nobody knows
        ("import ddtrain, numpy", "", {}, 1, False),
        ("import numpy", "", {"OPENBLAS_NUM_THREADS": "2"}, min(2, os.cpu_count() or 1), False),
    ],
)
def test_every_rank_has_one_thread_unless_told_otherwise(
    first: str, then: str, variables: dict[str, str], threads: int | None, warned: bool
) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in VARIABLES} | variables
    command = [sys.executable, "-c", SCRIPT.format(first=first, then=then)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert ("NumPy was imported before ddtrain" in done.stderr) is warned
    if _threads._loaded() and threads is not None:  # elsewhere there is no BLAS to ask
        assert set(done.stdout.split()) == {str(threads)}


def test_a_value_set_by_the_user_stands() -> None:
    command = [sys.executable, "-c", "import ddtrain, os; print(os.environ['OPENBLAS_NUM_THREADS'])"]
    for value in ("2", "1"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": value}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout == f"{value}\n"
