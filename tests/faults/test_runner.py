"""The runner: what is noticed, what lives on, and what it says where the tests themselves are at fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.__main__ import try_out
from tests.faults.fault import Fault

FILE, TESTS = "ddtrain/optim/schedules/step.py", ("ddtrain/optim/schedules/step.py",)
SEEN = Fault("a staircase rises", FILE, "factor ** (t // every)", "factor ** -(t // every)", TESTS)
UNSEEN = Fault("a word is another", FILE, "Times ``factor`` at each of", "Times a factor at each of", TESTS)


def test_what_is_noticed_and_what_lives_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert try_out([UNSEEN, SEEN], tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("LIVES ON  a word is another")
    assert lines[1].startswith(
        "noticed   a staircase rises  ddtrain/optim/schedules/step.py::ddtrain.optim.schedules.step."
    )
    assert lines[2] == "1 of 2 noticed"
