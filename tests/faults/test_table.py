"""The table of faults does not rot: every fault can still be put in, and the tests that should notice are there."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.faults.fault import ROOT, Fault
from tests.faults.table import FAULTS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_put_in(fault: Fault) -> None:
    sound = (ROOT / fault.file).read_text()
    assert sound.count(fault.old) == 1, (
        "what it replaces is there once: has the line been rewritten? Then the fault, too"
    )
    if fault.file.endswith(".py"):
        ast.parse(fault.applied(sound))
    for test in fault.tests:
        file, *names = test.partition("[")[0].split("::")
        source = (ROOT / file).read_text()
        assert all(f"def {name}(" in source or f"class {name}:" in source for name in names), test


def test_names_are_told_apart() -> None:
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
