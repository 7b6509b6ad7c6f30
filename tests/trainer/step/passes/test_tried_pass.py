"""A compiler's mistakes in a plan's own C are found by its first pass, before any number of it counts.

What would make these fail: a first pass by C that counts, one half that is not compared, shards that go on with
functions that were found wrong, a trial that is made again and again, or where ranks would exchange something twice.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from equivalence.test_plans import run

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.kernels import native
from ddtrain.kernels.native import cache, compiler, prepare
from ddtrain.trainer.config.config import Plan, Run
from ddtrain.trainer.step.passes.tried_pass import TriedPass
from helpers import Net, Plain, make_task

MISTAKES = {  # what the compiler leaves out, or computes instead
    "the losses": (r"\d+(, \d+, n\[1\], [^,]*/\* cross_entropy \*/)", r"1\1"),  # of the first sample alone
    "num_batches": (r"\+ \(float\)0x1\.0", "+ (float)0x1.8"),
    "the gradient of": (r"  memcpy\([^\n]*\n(?=}\n\Z)", ""),
}


@pytest.fixture
def compiles(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Lets the compiler make a mistake in plans, in a cache of their own: a pattern, and what stands in its place."""
    if native.in_use("f") == "reference":
        pytest.skip("there are no compiled kernels, so nothing is made of plans")
    prepare(np.float32)
    real = compiler.compile_library
    with tempfile.TemporaryDirectory() as room:

        def fetch(name: str, make: Any) -> tuple[Path, dict[str, Any]]:
            path = Path(room) / f"{name}.so"
            return path, make(path)

        def mistaken(pattern: str, instead: str) -> None:
            def make(source: Path, *args: Any) -> None:
                text, found = re.subn(pattern, instead, source.read_text(), count=1)
                assert found, "the source has no such place"
                source.write_text(text)
                real(source, *args)

            monkeypatch.setattr(cache, "fetch", fetch)
            monkeypatch.setattr(compiler, "compile_library", make)

        yield mistaken


@pytest.mark.parametrize("compile_after", [0, 2])
@pytest.mark.parametrize("what", MISTAKES)
def test_what_is_compiled_wrong_is_found_and_no_number_of_it_counts(
    what: str, compile_after: int, compiles: Callable[[str, str], None]
) -> None:
    task = make_task(dtype=np.float32, samples=7)
    expected, _ = run(LocalCommunicator(), task, Plan(enabled=False))
    compiles(*MISTAKES[what])
    found, passes = run(LocalCommunicator(), task, Plan(compile_after=compile_after))
    assert re.match(rf"the compiler has made a mistake: .*{what}.* are not those of Python", passes.in_python)
    assert {name for name in expected if found[name].tobytes() != expected[name].tobytes()} == set()
    (plan,) = passes._plans.values()
    assert plan.native is None
    assert plan.first is not None, "it goes on in Python"
    assert passes.refused == ""
    assert "stretches of C" not in passes.listing


def test_shards_that_share_the_functions_go_on_without_them(compiles: Callable[[str, str], None]) -> None:
    task = make_task(Plain(), dtype=np.float32, samples=12)
    sections: Any = {"run": Run(dtype="float32", epochs=1000, shards=3), "batch_size": 12}
    expected, _ = run(LocalCommunicator(), task, Plan(enabled=False), **sections)
    compiles(*MISTAKES["the losses"])
    found, passes = run(LocalCommunicator(), task, Plan(compile_after=0), **sections)
    assert {name for name in expected if found[name].tobytes() != expected[name].tobytes()} == set()
    assert [plan.native for plan in passes._plans.values()] == [None] * 3
    assert len({id(plan.first) for plan in passes._plans.values()}) == 1


@pytest.mark.parametrize(("make", "shards", "tried"), [(Net, 1, 1), (Plain, 3, 1), (Net, 3, 0)])
def test_what_is_compiled_is_tried_once_and_not_where_it_exchanges(
    make: Any, shards: int, tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if native.in_use("f") == "reference":
        pytest.skip("there are no compiled kernels, so nothing is made of plans")
    forward, made = TriedPass.forward, []
    monkeypatch.setattr(TriedPass, "forward", lambda self: (made.append(self), forward(self))[1])
    task = make_task(make(), dtype=np.float32, samples=12)
    sections: Any = {"run": Run(dtype="float32", epochs=1000, shards=shards), "batch_size": 12}
    _, passes = run(LocalCommunicator(), task, Plan(compile_after=0), **sections)
    assert len(made) == tried
    assert all(plan.native is not None for plan in passes._plans.values())
