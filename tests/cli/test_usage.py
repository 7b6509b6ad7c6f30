"""What the user got wrong before the first step: one line, once, code 2, and nothing is made."""

from __future__ import annotations

import json

import pytest

from helpers import TRAIN, launch

MISTAKES = {
    "recipe": (["digits_mpl"], "unknown recipe 'digits_mpl': Did you mean digits_mlp?"),
    "option": (
        ["--optim.weight-decy", "0.9"],
        "unknown option --optim.weight-decy: Did you mean --optim.weight-decay?",
    ),
    "value": (["--optim.lr", "fast"], "--optim.lr: expected a number, found 'fast'"),
    "key": (
        ["--config", "run.toml"],
        "--config run.toml: unknown key 'optim.beta22': Did you mean optim.beta2?",
    ),
    "file": (["--config", "no.toml"], "--config no.toml: "),
    "batch of none": (["--data.batch-size", "0"], "--data.batch-size 0 is out of range: Give at least 1."),
    "backend": (["--comm.backend", "gpu"], "--comm.backend 'gpu' is not a backend: Give auto, local, threads:N, mpi"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake(tmp_path, job, complaint, name):
    (tmp_path / "run.toml").write_text("[optim]\nbeta22 = 0.9\n")
    args, expected = MISTAKES[name]
    done = job(0, *args, "--run.dir", "run") if name != "recipe" else job(0, *args)
    assert complaint(done, 2).startswith(expected)
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["run.toml"], "nothing is made"


@pytest.mark.parametrize("name", ["key", "batch of none"])
def test_a_mistake_is_said_once_under_mpirun(tmp_path, job, complaint, name):
    (tmp_path / "run.toml").write_text("[optim]\nbeta22 = 0.9\n")
    args, expected = MISTAKES[name]
    done = job(3, *args, "--run.dir", "run")
    assert complaint(done, 2).startswith(expected)
    assert done.stdout == ""
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_model_too_large_for_its_optimizer(tmp_path, job, complaint, ranks):
    """Said before the first step, with what it would take."""
    options = ["--optim.name", "newton", "--optim.minibatch", "--run.dir", "run"]
    said = complaint(job(ranks, "digits_mlp", *options), 2)
    assert said.startswith(
        "--optim.name newton: 17,418 parameters take 14.6 GB a rank for the Hessian and its eigenvectors, and 17,418 "
        "products with it in every step, each the work of three gradients or more: Take --optim.name hessian_free"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_batch_smaller_than_the_ranks(tmp_path, job, complaint, ranks):
    backend = [] if ranks else ["--comm.backend", "threads:3"]
    said = complaint(job(ranks, "--data.batch-size", "2", "--run.dir", "run", *backend), 2)
    assert said.startswith("--data.batch-size 2 is smaller than the 3 ranks that share it: Give at least 3")
    assert not (tmp_path / "run").exists()


def test_the_train_module_is_the_same_program(tmp_path, job, complaint):
    """The other tests here start faulty.py, which differs from ``-m ddtrain.train`` by a recipe."""
    assert "Did you mean digits_mlp?" in complaint(launch(2, "digits_mpl", cwd=tmp_path, program=TRAIN), 2)
    done = launch(2, "digits_mlp", "--run.steps", "3", "--run.dir", "run", cwd=tmp_path, program=TRAIN)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "completed"


@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_launcher_that_started_singletons(tmp_path, job, complaint, rank):
    done = job(0, "--run.dir", "run", OMPI_COMM_WORLD_SIZE="3", OMPI_COMM_WORLD_RANK=rank)
    assert not (tmp_path / "run").exists()
    if rank == "0":
        assert complaint(done, 2).startswith("the launcher started 3 processes (OMPI_COMM_WORLD_SIZE=3), but the MPI")
    else:
        assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("parameters", "ranks disagree: tensor shift is (3,) float32 "),
        ("samples", "ranks disagree: data for training is 24 samples with checksum "),
    ],
)
def test_ranks_that_disagree_before_the_first_step(tmp_path, job, complaint, fault, said):
    line = complaint(job(3, "--run.dir", "run", "--fault.kind", fault), 2)
    assert line.startswith(said)
    assert " on rank 1 but " in line
    assert not (tmp_path / "run").exists(), "a run that could not start leaves nothing"
