"""One BLAS thread a rank, or at least a word."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ddtrain import blas
from ddtrain.blas_threads import VARIABLES

SCRIPT = """
import sys
{first}
from ddtrain import blas
from ddtrain.recipes import RECIPES
from ddtrain.trainer.main import run
{then}
code = run(["--nonsense"], RECIPES)
print(blas.threads())
sys.exit(code)
"""
UNKNOWN = "from threadpoolctl import ThreadpoolController as C; blas._loaded = lambda: C().select(user_api='nobody')"


@pytest.mark.parametrize(
    ("first", "then", "variables", "threads", "warned"),
    [
        ("import numpy", "", {}, 1, False),
        ("import numpy", UNKNOWN, {}, 0, True),
        ("import ddtrain, numpy", "", {}, 1, False),
        ("import numpy", "", {"OPENBLAS_NUM_THREADS": "2"}, min(2, os.cpu_count() or 1), False),
    ],
)
def test_every_rank_has_one_thread_unless_told_otherwise(
    first: str, then: str, variables: dict[str, str], threads: int, warned: bool
) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in VARIABLES} | variables
    command = [sys.executable, "-c", SCRIPT.format(first=first, then=then)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert ("NumPy was imported before ddtrain" in done.stderr) is warned
    if blas.threads():  # elsewhere there is no BLAS to ask
        assert done.stdout == f"{threads}\n"


def test_a_value_set_by_the_user_stands() -> None:
    command = [sys.executable, "-c", "import ddtrain, os; print(os.environ['OPENBLAS_NUM_THREADS'])"]
    for value in ("2", "1"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": value}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout == f"{value}\n"
