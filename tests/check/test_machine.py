"""``ddtrain doctor``: what it says of machines that are well and of those that are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ddtrain.__main__ import main
from ddtrain.check import machine
from ddtrain.comm.startup.environment import Launcher


def test_it_looks_at_everything(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "mpi", lambda: iter(()))  # tried below, in processes of its own
    monkeypatch.setattr(machine, "_quota", lambda: None)
    monkeypatch.setattr(machine, "shared_memory", lambda free: machine.Finding("shared", True, "enough"))
    monkeypatch.setattr(machine, "blas_threads", lambda *facts: machine.Finding("threads", True, "1"))
    monkeypatch.setattr(machine, "compiled_kernels", lambda: machine.Finding("kernels", True, "compiled"))
    assert main(["doctor"]) == 0
    said = {line.split()[1]: line for line in capsys.readouterr().out.splitlines()}
    assert {"python", "ddtrain", "numpy", "processor", "cores", "memory", "disk", "kernels"} <= set(said)
    assert all(line.startswith("ok") for line in said.values())


def test_what_is_wrong_sets_the_exit_code(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "mpi", lambda: iter(()))
    monkeypatch.setattr(machine, "_quota", lambda: 0.5)
    assert main(["doctor"]) == 2
    assert "a quota of 0.5 of their time" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("threads", "local_size", "cores", "good"),
    [(1, 1, 1, True), (1, 4, 4, True), (2, 2, 4, True), (4, 1, 2, False), (2, 4, 4, False), (1, 4, 2, False)],
)
def test_threads_of_all_ranks_have_a_core_each(threads: int, local_size: int, cores: int, good: bool) -> None:
    found = machine.blas_threads(threads, Launcher(size=local_size, local_size=local_size), cores)
    assert (found.good, bool(found.remedy)) == (good, not good)


def test_kernels_that_are_compiled_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.native, "prepare", lambda dtype: None)
    monkeypatch.setattr(machine.native, "lost", lambda: ["pool: cc ended with 1"])
    monkeypatch.setattr(machine.cache, "directory", lambda: Path("/libraries"))
    monkeypatch.setattr(machine.compiler, "command", lambda: ["/no/cc"])
    found = machine.compiled_kernels()
    assert (found.good, "pool: cc ended with 1" in found.text, "DDTRAIN_CC" in found.remedy) == (False, True, True)
    monkeypatch.setattr(machine.native, "lost", list)
    monkeypatch.setattr(machine.native, "in_use", lambda dtype: "0123")
    assert "compiled ones, 0123" in machine.compiled_kernels().text
    assert "libraries in /libraries" in machine.compiled_kernels().text
    monkeypatch.setattr(machine.compiler, "command", _no_compiler)
    assert machine.compiled_kernels().text == "NumPy's, which are slower: there is none"
    monkeypatch.setenv("DDTRAIN_KERNELS", "reference")
    assert machine.compiled_kernels().good


def _no_compiler() -> list[str]:
    raise machine.compiler.CompilerError("there is none")


def test_room_for_shared_memory() -> None:
    assert machine.shared_memory(1 << 30).good
    assert machine.shared_memory(None).good
    assert "--shm-size" in machine.shared_memory(64 << 20).remedy


def test_extras_that_are_there_and_those_that_are_not() -> None:
    wanted = ["numpy>=2", "numpy>=2; extra == 'there'", 'no-such-thing>=1; extra == "missing"', "x; extra == 'dev'"]
    there, missing = machine.extras(wanted)
    assert there.text.startswith("numpy ")
    assert missing.text == "not installed (no-such-thing)"
    assert missing.remedy == "`python -m pip install 'ddtrain[missing]'`"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo ranks 2", "starts two ranks that find each other"),
        ("echo ranks 1; echo ranks 1", "each alone: it is not of the MPI library"),
        ("echo not enough slots >&2; exit 1", "fails: not enough slots"),
        ("exit 3", "fails: it prints nothing"),
    ],
)
def test_mpirun_that_works_and_such_that_does_not(
    script: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mpirun"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(machine, "launcher", Launcher)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = machine._mpirun(os.environ)
    assert says in found.text
    assert found.good == ("find each other" in says)


def test_without_an_mpi_library_it_says_what_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LIBRARY", "import no_such_library_of_mpi")
    (found,) = machine.mpi()
    assert not found.good
    assert "ddtrain[mpi]" in found.remedy
