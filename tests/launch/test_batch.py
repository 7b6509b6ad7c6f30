"""The scripts for batch systems and for a file of hosts: what they start, and when the job is queued again.

The batch system's commands only say how they were called; mpirun, where a test asks for it, waits for the request to
stop as ranks do. ``test_slurm.py`` runs the script for Slurm as Slurm does.
"""

import os
import signal
import subprocess
import time

import pytest

MPIRUN = """#!/bin/sh
echo "mpirun $* blas=$OPENBLAS_NUM_THREADS"
[ -z "$WAITS" ] || { trap 'exit 75' USR1; : >"$WAITS"; for i in $(seq 300); do sleep 0.1; done; }
exit ${CODE:-0}
"""
SAYS = '#!/bin/sh\necho "$(basename "$0") $*"\n'
SSH = '#!/bin/sh\ncase "$*" in *away*) exit 255 ;; esac\n'
SLURM = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "ddtrain"}
LSF = {"LSB_JOBID": "7", "LSB_DJOB_NUMPROC": "8"}
RESUMES = "--run.resume auto blas=1"


@pytest.fixture
def job(launch, tmp_path):
    """Runs a script as a batch system would, in the checkout, with a signal once the ranks are there."""
    for name, text in {"mpirun": MPIRUN, "scontrol": SAYS, "qsub": SAYS, "srun": SAYS, "ssh": SSH}.items():
        (launch.fake / "bin" / name).write_text(text)
        (launch.fake / "bin" / name).chmod(0o755)
    (tmp_path / "nodes").write_text("a\na\nb\nb\n")
    pbs = {"PBS_O_WORKDIR": str(launch.checkout), "PBS_NODEFILE": str(tmp_path / "nodes"), "PBS_JOBID": "7.host"}

    def run(script, *args, to=None, **environment):
        env = {"PATH": f"{launch.fake}/bin:/usr/bin:/bin", "FAKE": str(launch.fake), "PBS_JOBNAME": "ddtrain"}
        env |= pbs | environment
        command = ["/bin/bash", str(launch.checkout / "launch" / script), *args]
        with subprocess.Popen(
            command, env=env, cwd=launch.checkout, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            if to is not None:
                while not os.path.exists(env["WAITS"]) and process.poll() is None:
                    time.sleep(0.02)
                to(process.pid, signal.SIGUSR1)
            out, _ = process.communicate(timeout=30)
        return process.returncode, out.splitlines()

    run.python = launch.checkout / ".venv/bin/python"
    return run


def test_slurm_names_the_directory_by_the_job(job):
    assert job("slurm.sbatch", "digits_mlp", "--optim.lr", "0.1", **SLURM) == (
        0,
        [f"mpirun python -m ddtrain.train digits_mlp --optim.lr 0.1 --run.dir runs/ddtrain-7 {RESUMES}"],
    )


def test_slurm_trains_a_program_with_another_launcher(job):
    given = {"DDTRAIN_LAUNCHER": "srun --mpi=pmi2", "DDTRAIN_RUN": "here"}
    assert job("slurm.sbatch", "mine.py", "--a b", **SLURM, **given) == (
        0,
        ["srun --mpi=pmi2 python mine.py --a b --run.dir here --run.resume auto"],
    )


def test_a_member_of_an_array_has_its_number_for_seed(job):
    array = {"SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "3"}
    _, out = job("slurm.sbatch", **SLURM, **array)
    assert out == [f"mpirun python -m ddtrain.train --run.seed 3 --run.dir runs/ddtrain-5-3 {RESUMES}"]
    _, out = job("lsf.sh", **LSF, LSB_JOBINDEX="3")
    assert out == [f"mpirun -n 8 {job.python} -m ddtrain.train --run.seed 3 --run.dir runs/ddtrain-7-3 {RESUMES}"]


def test_slurm_queues_again_what_was_stopped_in_good_time(job, tmp_path):
    code, out = job("slurm.sbatch", "digits_mlp", to=os.kill, WAITS=str(tmp_path / "waits"), **SLURM)
    assert (code, out[1:]) == (75, ["scontrol requeue 7"])


def test_lsf_queues_again_what_was_stopped_in_good_time(job, tmp_path):
    code, out = job("lsf.sh", to=os.killpg, WAITS=str(tmp_path / "waits"), ARGS="digits_mlp --optim.lr 0.1", **LSF)
    assert code == 99, "of #BSUB -Q"
    assert out == [
        f"mpirun -n 8 {job.python} -m ddtrain.train digits_mlp --optim.lr 0.1 --run.dir runs/ddtrain-7 {RESUMES}"
    ]


def test_pbs_submits_the_next_when_its_time_is_over(job, tmp_path):
    code, out = job("pbs.sh", WAITS=str(tmp_path / "waits"), STOP_AFTER_S="1", ARGS="mine.py --optim.lr 0.1")
    nodes = tmp_path / "nodes"
    assert (code, out) == (
        75,
        [
            f"mpirun -n 4 -hostfile {nodes} {job.python} mine.py --optim.lr 0.1 --run.dir runs/ddtrain-7 {RESUMES}",
            "qsub -v ARGS,DDTRAIN_RUN,STOP_AFTER_S launch/pbs.sh",
        ],
    )


@pytest.mark.parametrize("code", [75, 73, 1])
@pytest.mark.parametrize(("script", "environment"), [("slurm.sbatch", SLURM), ("lsf.sh", LSF), ("pbs.sh", {})])
def test_what_ends_by_itself_is_not_queued_again(job, script, environment, code):
    """Exit code 75 without a signal: somebody has made the file RUN/STOP."""
    ended, out = job(script, CODE=str(code), **environment)
    assert (ended, len(out)) == (code, 1)


@pytest.mark.parametrize(("lines", "ranks"), [("one:2\n# a comment\ntwo:3\n", 5), ("one slots=2\n\ntwo\n", 3)])
def test_ranks_of_a_file_of_hosts(job, tmp_path, lines, ranks):
    hosts = tmp_path / "hosts"
    hosts.write_text(lines)
    assert job("hostfile.sh", str(hosts), "digits_mlp") == (
        0,
        [f"mpirun -hostfile {hosts} -n {ranks} {job.python} -m ddtrain.train digits_mlp blas=1"],
    )


@pytest.mark.parametrize("lines", ["", "# none\n", "one:2\naway:2\n", None])
def test_hosts_that_cannot_train(job, tmp_path, lines):
    hosts = tmp_path / "hosts"
    if lines is not None:
        hosts.write_text(lines)
    assert job("hostfile.sh", str(hosts)) == (2, [])


def test_a_file_of_hosts_is_asked_for(job):
    assert job("hostfile.sh") == (2, [])
