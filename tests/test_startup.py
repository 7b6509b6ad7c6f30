"""What starting loads: no more than is asked for, as every module that is loaded makes a command slower."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

LATER = {  # of a command line, modules that it has no use for
    "-c|import ddtrain": ("numpy.random", "importlib.resources", "mpi4py", "ddtrain.trainer", "ddtrain.nn", "argparse"),
    "-m|ddtrain|--help": ("ddtrain.trainer", "ddtrain.recipes", "mpi4py", "rich"),
    "-m|ddtrain.train|--help": ("ddtrain.recipes.digits", "ddtrain.trainer.job", "mpi4py", "rich", "safetensors"),
    "-m|ddtrain.train|digits_mlp|--help": ("ddtrain.recipes.fashion", "ddtrain.recipes.shakespeare"),
}


@pytest.mark.parametrize("line", LATER)
def test_what_is_not_asked_for_is_not_loaded(line: str) -> None:
    done = subprocess.run([sys.executable, "-X", "importtime", *line.split("|")], capture_output=True, text=True)
    loaded = re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", done.stderr, re.MULTILINE)
    assert done.returncode == 0
    assert "ddtrain" in loaded
    assert [name for name in loaded if f"{name}.".startswith(tuple(f"{later}." for later in LATER[line]))] == []
