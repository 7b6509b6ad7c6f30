"""Which text makes which backend, and what the launcher has to say about it."""

from __future__ import annotations

import sys

import pytest

from ddtrain.comm import make, run_ranks
from ddtrain.errors import UsageError


@pytest.mark.parametrize(
    ("spec", "made"),
    [
        pytest.param("auto", ["local"], marks=pytest.mark.mpi_skip),  # on ranks that are there, it is mpi
        ("local", ["local"]),
        ("threads:3", ["threads:3"] * 3),
        ("null:4", ["null:4"]),
        pytest.param("debug", ["debug:local"], marks=pytest.mark.mpi_skip),
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
