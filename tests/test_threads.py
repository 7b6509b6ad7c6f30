"""One BLAS thread a rank, or at least a word."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ddtrain._threads import VARIABLES

SCRIPT = """
import sys
{first}
from ddtrain.recipes import RECIPES
from ddtrain.trainer.main import run
sys.exit(run(["--nonsense"], RECIPES))
"""


@pytest.mark.parametrize(
    ("first", "variables", "warned"),
    [
        ("import numpy", {}, False),
        ("import numpy; from ddtrain import blas; blas._loaded = set", {}, True),
        ("import ddtrain, numpy", {}, False),
        ("import numpy", {"OPENBLAS_NUM_THREADS": "2"}, False),
    ],
)
def test_numpy_imported_first_is_limited_or_pointed_out(first: str, variables: dict[str, str], warned: bool) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in VARIABLES} | variables
    command = [sys.executable, "-c", SCRIPT.format(first=first)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert ("NumPy was imported before ddtrain" in done.stderr) is warned


def test_a_value_set_by_the_user_stands() -> None:
    command = [sys.executable, "-c", "import ddtrain, os; print(os.environ['OPENBLAS_NUM_THREADS'])"]
    for value in ("2", "1"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": value}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout == f"{value}\n"
