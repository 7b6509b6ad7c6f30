"""Programs written for HIPS Autograd 1.9 run when their imports are changed, and give the same numbers.

``expected.json`` holds Autograd's answers. Where Autograd is installed, it is asked again. To write the file anew:
``python tests/compat/test_programs.py``, in such a place.
"""

from __future__ import annotations

import importlib.util
import json
import re
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "programs").glob("*.py"))
EXPECTED = HERE / "expected.json"
SIGNAL = ["convolve = autograd.scipy.signal.convolve"]  # a name bound by an import
NEEDS_SCIPY = re.compile(r"^.*autograd\.scipy", re.MULTILINE)


def numbers(result):
    """All numbers of a program's result by name, complex ones as pairs of real ones."""
    if isinstance(result, list | tuple):
        return [x for part in result for x in numbers(part)]
    flat = np.asarray(result).ravel()
    if flat.dtype.kind == "c":
        flat = np.stack([flat.real, flat.imag], 1).ravel()
    return [float(x) for x in flat]


def answers(path):
    """What the program answers, run as it stands."""
    result = runpy.run_path(str(path))["run"]()
    return {name: numbers(part) for name, part in result.items()}


def translated(source):
    """The source with the imports changed, and names that were bound by ``import autograd.x.y``."""
    return re.sub(r"\bautograd\b", "ddtrain.autograd", source)


def compare(actual, expected):
    assert actual.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_runs_here_with_autograds_answers(path, tmp_path):
    source = path.read_text()
    if NEEDS_SCIPY.search(source):
        pytest.importorskip("scipy")
    copy = tmp_path / path.name
    copy.write_text(translated(source))
    compare(answers(copy), json.loads(EXPECTED.read_text())[path.stem])


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore")  # not ours to answer for
def test_the_answers_are_autograds(path):
    pytest.importorskip("autograd", reason="to compare with")
    compare(answers(path), json.loads(EXPECTED.read_text())[path.stem])


def test_only_imports_change():
    for path in PROGRAMS:
        before, after = (text.splitlines() for text in (path.read_text(), translated(path.read_text())))
        assert [old for old, new in zip(before, after) if old != new and "import" not in old] in ([], SIGNAL), path


if __name__ == "__main__":
    assert importlib.util.find_spec("autograd"), "Autograd is not installed here"
    warnings.simplefilter("ignore")
    EXPECTED.write_text(json.dumps({path.stem: answers(path) for path in PROGRAMS}, indent=0) + "\n")
