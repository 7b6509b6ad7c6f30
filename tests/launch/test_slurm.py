"""``launch/slurm.sbatch`` as Slurm runs it: a controller and two nodes, all of them on this machine.

Skipped where Slurm is not installed (Debian: ``apt-get install slurm-wlm``) or this is not root, whom slurmd needs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from worlds import mpirun

ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(__file__).with_name("slow_training.py"))
LAUNCHERS = {"mpirun": "mpirun", "srun": "env MPIR_CVAR_CH4_NETMOD=ofi srun --mpi=pmi2"}
OPTIONS = ["--run.shards", "4", "--run.steps", "40", "--data.batch-size", "8"]
FOUR_RANKS, ONE_RANK = ("--nodes=2", "--ntasks-per-node=2"), ("--nodes=1", "--ntasks-per-node=1")
REVOKED_S = 2  # nodes refuse a job that starts in the second in which its former start was ended
LIMIT_S = 25  # for what takes a second or three on a machine with nothing else to do

missing = [name for name in ("slurmctld", "slurmd", "sbatch", "srun", "scontrol") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(missing), reason=f"Slurm is not installed: no {', '.join(missing)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="slurmd starts jobs as root alone"),
]

# Without munge, which is a service of its own: everything stays on the loopback interface of this machine.
CONFIGURATION = """
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort={0}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPidFile={directory}/slurmctld.pid
SlurmctldLogFile={directory}/slurmctld.log
StateSaveLocation={directory}/state
SlurmdPidFile={directory}/%n.pid
SlurmdLogFile={directory}/%n.log
SlurmdSpoolDir={directory}/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=none
KillWait=5
NodeName=node1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={1} CPUs=2
NodeName=node2 NodeHostname=localhost NodeAddr=127.0.0.1 Port={2} CPUs=2
PartitionName=all Nodes=node1,node2 Default=YES
"""
# For launch/env.sh: an environment whose Python and mpirun are those of this test. MPICH's mpirun is called by its own
# path, as it looks for its helpers beside itself.
PYTHON = """#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$(dirname "$0")/mpirun" "$3/bin/mpirun" ;;
  "-m pip") ;;
  *) exec {python} "$@" ;;
esac
"""
MPIRUN = '#!/bin/sh\nexec {mpirun} "$@"\n'


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.1)


class Cluster:
    """Slurm's commands, and the directory where jobs leave what they say and their runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = os.environ | {
            "SLURM_CONF": str(directory / "slurm.conf"),
            "DDTRAIN_VENV": str(directory / "venv"),
            "DDTRAIN_PYTHON": str(directory / "python3"),
            "PYTHONPATH": str(ROOT),
        }

    def __call__(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = self.env | environment
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    def submit(self, name: str, *given: str, options: tuple[str, ...] = (), launcher: str = "mpirun") -> str:
        sbatch = ["sbatch", "--parsable", f"--output={self.directory}/{name}.out", *options]
        run_dir = str(self.directory / name)
        done = self(*sbatch, "launch/slurm.sbatch", *given, DDTRAIN_RUN=run_dir, DDTRAIN_LAUNCHER=launcher)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def states(self, job: str) -> set[str]:
        return set(re.findall(r"JobState=(\w+)", self("scontrol", "show", "job", job).stdout))

    def goes_on(self, job: str) -> bool:
        return bool(self.states(job) & {"PENDING", "RUNNING", "COMPLETING"})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("slurm")
    (directory / "state").mkdir()
    (directory / "slurm.conf").write_text(CONFIGURATION.format(*free_ports(3), directory=directory))
    for name, text in {
        "python3": PYTHON.format(python=sys.executable),
        "mpirun": MPIRUN.format(mpirun=mpirun()),
    }.items():
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    slurm = Cluster(directory)
    with ExitStack() as stack, open(directory / "daemons.log", "w") as log:
        for command in (["slurmctld", "-D", "-i"], ["slurmd", "-D", "-N", "node1"], ["slurmd", "-D", "-N", "node2"]):
            process = stack.enter_context(subprocess.Popen(command, env=slurm.env, stdout=log, stderr=log))
            stack.callback(process.terminate)
        stack.callback(lambda: until(lambda: slurm("squeue", "--noheader").stdout == "", "jobs are left"))
        stack.callback(slurm, "scancel", "--user=root")
        until(
            lambda: slurm("sinfo", "--noheader", "--format=%t %D").stdout.split() == ["idle", "2"], "nodes are missing"
        )
        yield slurm


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the parameters are on one rank, without a stop."""
    directory = tmp_path_factory.mktemp("undisturbed") / "run"
    subprocess.run([sys.executable, PROGRAM, *OPTIONS, "--run.dir", str(directory)], timeout=LIMIT_S, check=True)
    return parameters(directory)


def parameters(run_dir: Path) -> str:
    return str(json.loads((run_dir / "summary.json").read_text())["params_sha256"])


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_job_is_stopped_in_good_time_queued_again_and_goes_on(cluster, undisturbed, launcher):
    name = f"by-{launcher}"
    run_dir, said = cluster.directory / name, cluster.directory / f"{name}.out"
    job = cluster.submit(name, PROGRAM, *OPTIONS, options=FOUR_RANKS, launcher=LAUNCHERS[launcher])
    metrics = run_dir / "metrics.jsonl"
    steps = lambda: metrics.read_text().count("\n") if metrics.exists() else 0
    until(lambda: steps() >= 3 or not cluster.goes_on(job), "the job does not begin")
    # As --signal=B:USR1@300 does; Slurm looks at its jobs' limits twice a minute only.
    assert cluster("scancel", "--batch", "--signal=USR1", job).returncode == 0, said.read_text()
    again = lambda: (
        "Restarts=1" in cluster("scontrol", "show", "job", job).stdout and cluster.states(job) == {"PENDING"}
    )
    until(again, "the job is not queued again")
    time.sleep(REVOKED_S)
    cluster("scontrol", "update", f"jobid={job}", "StartTime=now")  # in two minutes, otherwise
    until(lambda: not cluster.goes_on(job), "the job does not end")
    assert cluster.states(job) == {"COMPLETED"}, said.read_text()
    assert re.search(r"(?s)on 4 ranks \(mpi\).*stopped on request.*resuming from ", said.read_text())
    assert parameters(run_dir) == undisturbed


def test_an_array_trains_with_a_seed_each(cluster):
    job = cluster.submit("seeds", "digits_softmax", "--run.steps", "2", options=(*ONE_RANK, "--array=1-2"))
    until(lambda: not cluster.goes_on(job), "the jobs do not end")
    assert cluster.states(job) == {"COMPLETED"}, (cluster.directory / "seeds.out").read_text()
    runs = [cluster.directory / f"seeds-{seed}" for seed in (1, 2)]
    assert [re.findall(r"^seed = (\d+)", (each / "config.toml").read_text(), re.M) for each in runs] == [["1"], ["2"]]
    assert parameters(runs[0]) != parameters(runs[1])


def test_ranks_that_know_nothing_of_each_other_are_refused(cluster):
    run_dir = cluster.directory / "apart"
    done = cluster("srun", "--mpi=none", "-n2", sys.executable, PROGRAM, "--run.dir", str(run_dir))
    assert done.returncode == 2
    assert done.stderr.startswith(
        "ddtrain: error: the launcher started 2 processes (SLURM_STEP_NUM_TASKS=2), but the MPI"
    )
    assert "srun itself needs --mpi=pmi2" in done.stderr
    assert not run_dir.exists()
