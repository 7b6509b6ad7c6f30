"""Ranks on two hosts: the namespaces come and go, and what is computed in them is what one machine computes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddtrain.bench.overlap.netns import TwoHosts, two_hosts
from ddtrain.errors import UsageError
from worlds import mpirun

HANG_S = 120
CONFORMANCE = str(Path(__file__).parents[2] / "comm" / "test_conformance.py")
TRAIN = [
    "-m",
    "ddtrain.train",
    "digits_mlp",
    "--run.steps",
    "12",
    "--comm.bucket-bytes",
    "4096",
    "--eval.every",
    "0",
]
ENVIRON = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture(scope="module")
def hosts() -> Iterator[TwoHosts]:
    try:
        with two_hosts() as hosts:
            yield hosts
    except UsageError as error:
        pytest.skip(f"no two hosts here: {error.message}")


def run(command: list[str], **environ: str) -> str:
    done = subprocess.run(command, env=ENVIRON | environ, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def trained(folder: Path, command: list[str], **environ: str) -> str:
    """The digest of the parameters that a short run ends with."""
    run([*command, "--run.dir", str(folder)], **environ)
    return str(json.loads((folder / "summary.json").read_text())["params_sha256"])


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("threads") / "run"
    return trained(folder, [sys.executable, *TRAIN, "--comm.backend", "threads:2"])


def test_ranks_are_on_hosts_of_their_own(hosts: TwoHosts) -> None:
    program = (
        "from mpi4py import MPI; world = MPI.COMM_WORLD; "
        "sizes = world.gather(world.Split_type(MPI.COMM_TYPE_SHARED).size); world.rank or print(sizes)"
    )
    assert run(hosts.command([sys.executable, "-c", program]), **hosts.environ) == "[1, 1]\n"


def test_conformance_between_hosts(hosts: TwoHosts) -> None:
    run(hosts.command([sys.executable, CONFORMANCE, "mpi"]), **hosts.environ)


def test_a_run_between_hosts_ends_with_the_same_bits(hosts: TwoHosts, expected: str, tmp_path: Path) -> None:
    assert trained(tmp_path / "run", hosts.command([sys.executable, *TRAIN]), **hosts.environ) == expected


def test_a_run_on_one_machine_taken_for_two_nodes_ends_with_the_same_bits(expected: str, tmp_path: Path) -> None:
    command = [mpirun(), "-n", "2", sys.executable, *TRAIN]
    assert trained(tmp_path / "run", command, MPIR_CVAR_NUM_CLIQUES="2") == expected


def test_shards_on_two_nodes_of_several_ranks_end_with_the_same_bits(tmp_path: Path) -> None:
    """Both levels: within each node through its memory, across nodes by messages that a thread moves along."""
    program, digests = [sys.executable, *TRAIN, "--run.shards", "4"], set()
    for ranks in (2, 3, 4):
        command = [mpirun(), "-n", str(ranks), *program]
        digests.add(trained(tmp_path / str(ranks), command, MPIR_CVAR_NUM_CLIQUES="2"))
    assert digests == {trained(tmp_path / "threads", [*program, "--comm.backend", "threads:2"])}


def test_a_run_behind_an_emulated_link_ends_with_the_same_bits(expected: str, tmp_path: Path) -> None:
    command = [mpirun(), "-n", "2", sys.executable, *TRAIN, "--comm.backend", "wire:mpi,latency-us=50,gbit-s=10"]
    assert trained(tmp_path / "run", command) == expected


@pytest.mark.parametrize("ranks", [3, 4])
def test_conformance_on_one_machine_taken_for_two_nodes(ranks: int) -> None:
    run([mpirun(), "-n", str(ranks), sys.executable, CONFORMANCE, "mpi"], MPIR_CVAR_NUM_CLIQUES="2")


def test_nothing_is_left_behind(hosts: TwoHosts) -> None:
    """Not even when a program still runs on a host, and with another pair of hosts beside."""

    def fail_with(running: list[subprocess.Popen[bytes]]) -> None:
        with two_hosts() as others:
            assert others.prefix != hosts.prefix
            running.append(subprocess.Popen([others.shell, "-x", "10.77.0.2", "sleep", "100"]))
            raise KeyError

    running: list[subprocess.Popen[bytes]] = []
    with pytest.raises(KeyError):
        fail_with(running)
    assert running[0].wait(timeout=HANG_S) != 0
    left = {line.split()[0] for line in run(["ip", "netns", "list"]).splitlines()}
    assert {name for name in left if name.startswith(f"ddtrain-{os.getpid()}-")} == {
        f"{hosts.prefix}-1",
        f"{hosts.prefix}-2",
    }


@pytest.mark.parametrize(
    ("target", "value", "complaint"),
    [
        ("os.geteuid", lambda: 1000, "network namespaces need root"),
        ("shutil.which", lambda tool: None, "network namespaces need ip, tc, unshare, hostname"),
        ("ddtrain.bench.overlap.netns._LINK", "a name that is too long", "this system allows no shaped link"),
    ],
)
def test_what_is_missing_is_named(
    target: str, value: object, complaint: str, monkeypatch: pytest.MonkeyPatch, hosts: TwoHosts
) -> None:
    monkeypatch.setattr(target, value)
    with pytest.raises(UsageError, match=complaint), two_hosts():
        pass
