"""Which text makes which backend, and what the launcher has to say about it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from ddtrain.comm import Communicator, make, raise_on_all, run_ranks
from ddtrain.comm.launch.environment import Launcher, launcher
from ddtrain.errors import DataError, UsageError


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("spec", "made"),
    [
        ("auto", ["local"]),
        ("local", ["local"]),
        ("threads:3", ["threads:3"] * 3),
        ("null:4", ["null:4"]),
        ("debug", ["debug:local"]),
        ("debug:threads:2", ["debug:threads:2"] * 2),
        ("debug:null:2", ["debug:null:2"]),
        ("wire:local,latency-us=0,gbit-s=0.1", ["wire:local,latency-us=0,gbit-s=0.1"]),
        ("wire:threads:2,gbit-s=10,latency-us=50", ["wire:threads:2,latency-us=50,gbit-s=10"] * 2),
        ("debug:wire:null:2,latency-us=1.5,gbit-s=100", ["debug:wire:null:2,latency-us=1.5,gbit-s=100"]),
        ("wire:debug:null:2,latency-us=1,gbit-s=1e3", ["wire:debug:null:2,latency-us=1,gbit-s=1000"]),
    ],
)
def test_specs(spec: str, made: list[str]) -> None:
    comms = make(spec)
    assert [comm.spec for comm in comms] == made
    assert [comm.rank for comm in comms] == list(range(len(comms)))


WRONG = ["", "nope", "Local", "local:2", "mpi:4", "null", "auto:local", "debug:", "debug:nope"]
WRONG += ["threads", "threads:", "threads:0", "threads:x", "threads:2:3", "wire:"]
WRONG += ["threads:1025", "threads:" + "9" * 5000, "null:" + "9" * 30, "x" * 15_000, "debug:" * 3000 + "local"]
WRONG += [f"wire:{inner},latency-us=50,gbit-s=10" for inner in ("", "nope", "threads:0", "mpi:2")]


@pytest.mark.parametrize("spec", WRONG)
def test_wrong_specs_name_the_option_and_the_choices(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    called: list[int] = []
    assert run_ranks(spec, lambda comm: called.append(1)) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("ddtrain: error: --comm.backend ")
    assert printed.count("\n") == 1
    assert len(printed) < 400
    assert "threads:N" in printed
    assert not called


@pytest.mark.parametrize("spec", ["local", "threads:2", "null:2", "debug:local"])
@pytest.mark.parametrize("variable", ["PMI", "OMPI_COMM_WORLD"])
def test_one_process_backends_refuse_a_launcher(spec: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{variable}_SIZE", "4")
    with pytest.raises(UsageError, match=f"started 4 \\({variable}_SIZE\\)"):
        make(spec)


def test_one_process_under_a_launcher_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_SIZE", "1")
    assert make("auto")[0].spec == "local"


def test_launchers() -> None:
    assert launcher({"SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5"}) == Launcher(8, 5, 0, "SLURM_STEP_NUM_TASKS")
    ompi = {"OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "5", "OMPI_COMM_WORLD_LOCAL_SIZE": "4"}
    assert launcher(ompi | {"SLURM_STEP_NUM_TASKS": "2"}) == Launcher(8, 5, 4, "OMPI_COMM_WORLD_SIZE")
    assert launcher({"PMI_SIZE": "many"}) == Launcher()


def test_one_process_needs_no_mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)  # importing it is an ImportError
    for module in [
        name for name in sys.modules if name.startswith(("ddtrain.comm.backends.mpi", "ddtrain.comm.node.mpi"))
    ]:
        monkeypatch.delitem(sys.modules, module)
    assert run_ranks("auto", lambda comm: None) == run_ranks("threads:2", lambda comm: None) == 0
    with pytest.raises(UsageError, match="mpi4py cannot be imported") as info:
        make("mpi")
    assert "pip install mpich" in info.value.remedy


def test_null_claims_a_world_and_sends_nothing() -> None:
    comm = make("null:3")[0]
    buf, out, part = np.array([5.0, 6.0, 7.0]), np.full((3, 3), -7.0), np.full(1, -7.0)
    comm.allreduce(buf)
    comm.allgather(buf, out)
    comm.reduce_scatter(buf, part)
    assert comm.size == 3
    assert comm.duplicate().size == 3
    assert buf.tolist() == [5.0, 6.0, 7.0]
    assert out.tolist() == [[5.0, 6.0, 7.0]] * 3
    assert part.tolist() == [5.0]
    assert run_ranks("null:3", lambda comm: comm.barrier()) == 0


@pytest.mark.parametrize(
    ("bad", "where"), [([1], " (on rank 1 of 3)"), ([1, 2], " (on ranks 1 and 2 of 3)"), ([0, 1, 2], "")]
)
def test_agree_raises_the_lowest_failing_ranks_error_on_all(
    bad: list[int], where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []

    def main(comm: Communicator) -> None:
        mine = DataError(f"file {comm.rank} is cut", remedy="Copy it again.", line="x.py:1")
        try:
            raise_on_all(comm, mine if comm.rank in bad else None)
        except DataError as error:
            seen.append(str(error))
            raise

    assert run_ranks("threads:3", main) == 74
    text = f"file {bad[0]} is cut{where}"
    assert seen == [f"{text}\n  Copy it again.  x.py:1"] * 3
    assert capsys.readouterr().err == f"ddtrain: error: {text}: Copy it again.  x.py:1\n"


def test_agree_lets_healthy_ranks_pass() -> None:
    assert run_ranks("threads:3", lambda comm: raise_on_all(comm, None)) == 0
