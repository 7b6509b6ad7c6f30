"""The launch scripts with a Python and an mpirun that only say how they were called."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = """#!/bin/sh
case "$1" in
  venv) mkdir -p "$5/bin" && cp "$FAKE/bin/python3" "$5/bin/python" && cp "$FAKE/bin/mpirun" "$5/bin/mpirun" ;;
  pip) echo "$*" >>"$FAKE/installed" ;;
esac
"""


pytestmark = pytest.mark.skipif(
    any(os.access(f"{folder}/uv", os.X_OK) for folder in ("/usr/bin", "/bin")), reason="uv would take pip's part"
)


def stamps(launch):
    return list((launch.checkout / ".venv").glob(".ddtrain-*"))


def test_set_up_once_then_four_ranks(launch):
    first, second = launch("launch/local.sh"), launch("launch/local.sh", "digits_mlp", "--optim.lr", "0.1")
    assert first.stdout == "mpirun -n 4 python -m ddtrain.train blas=1 tty=0\n"
    assert "setting up" in first.stderr
    assert second.stdout == "mpirun -n 4 python -m ddtrain.train digits_mlp --optim.lr 0.1 blas=1 tty=0\n"
    assert second.stderr == ""
    assert len((launch.fake / "installed").read_text().splitlines()) == 1
    assert (launch.fake / "installed").read_text().endswith(f"--editable {launch.checkout}[mpi]\n")


@pytest.mark.parametrize("form", [["-n", "3"], ["-n3"]])
def test_ranks_and_threads(launch, form):
    result = launch("launch/local.sh", *form, "--run.dir", "a b", OPENBLAS_NUM_THREADS="2")
    assert result.stdout == "mpirun -n 3 python -m ddtrain.train --run.dir a b blas=2 tty=0\n"


def test_a_program_of_ones_own(launch):
    result = launch("launch/local.sh", "-n", "2", "my code/mine.py", "--optim.lr", "0.1")
    assert result.stdout == "mpirun -n 2 python my code/mine.py --optim.lr 0.1 blas=1 tty=0\n"


def test_ranks_come_first(launch):
    result = launch("launch/local.sh", "digits_mlp", "-n", "2")
    assert (result.returncode, result.stdout) == (2, "")
    assert "-n RANKS comes first" in result.stderr


def test_the_terminal_behind_the_pipe_is_announced(launch):
    launch("launch/local.sh")
    master, terminal = os.openpty()
    env = {"PATH": f"{launch.fake}/bin:/usr/bin:/bin", "FAKE": str(launch.fake)}
    with os.fdopen(terminal, "wb") as stdout:
        subprocess.run([launch.checkout / "launch/local.sh"], env=env, stdout=stdout, timeout=30, check=True)
        assert re.search(rb"tty=[1-9][0-9]*", os.read(master, 1000))
    os.close(master)


@pytest.mark.parametrize("given", [["-n"], ["-n", "0"], ["-n", "x"], ["-n", "--help"]])
def test_ranks_that_are_none(launch, given):
    result = launch("launch/local.sh", *given)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("ddtrain: error: -n '")
    assert result.stdout == ""


def test_tests_need_the_extra_and_pass_options_on(launch):
    assert launch("launch/test.sh", "-k", "a or b").stdout == "python -m pytest -n auto -k a or b\n"
    assert (launch.fake / "installed").read_text().endswith("[mpi,test]\n")


def test_ci_looks_at_style_and_types_before_the_tests(launch):
    *before, tests = launch(".ci/run", "-k", "a or b").stdout.splitlines()
    assert [line.split()[2] for line in before] == ["ruff", "ruff", "mypy"]
    assert tests == "python -m pytest -n auto -k a or b"
    installed = (launch.fake / "installed").read_text()
    assert "[mpi,docs,lint]\n" in installed
    assert installed.endswith("[mpi,docs,lint,test]\n")


@pytest.mark.parametrize(("extras", "asked"), [("", ""), ("mpi,plots", "[mpi,plots]")])
def test_extras(launch, extras, asked):
    assert launch("launch/local.sh", DDTRAIN_EXTRAS=extras).returncode == 0
    assert (launch.fake / "installed").read_text().endswith(f"--editable {launch.checkout}{asked}\n")


def test_uv_takes_over_where_it_is(launch):
    uv = launch.fake / "bin/uv"
    uv.write_text(UV)
    uv.chmod(0o755)
    assert launch("launch/local.sh", "-n", "2").stdout == "mpirun -n 2 python -m ddtrain.train blas=1 tty=0\n"
    python = launch.checkout / ".venv/bin/python"
    asked = f"pip install --quiet --python {python} --editable {launch.checkout}[mpi]\n"
    assert (launch.fake / "installed").read_text() == asked


def test_a_changed_project_file_installs_again(launch):
    launch("launch/local.sh")
    with (launch.checkout / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    launch("launch/local.sh")
    assert len((launch.fake / "installed").read_text().splitlines()) == 2


def test_a_failed_installation_leaves_no_stamp(launch):
    (launch.fake / "no-index").touch()
    failed = launch("launch/local.sh")
    assert failed.returncode == 2
    assert "the installation into" in failed.stderr.splitlines()[-1]
    assert stamps(launch) == []
    (launch.fake / "no-index").unlink()
    assert launch("launch/local.sh").returncode == 0
    assert len(stamps(launch)) == 1


def test_a_python_without_venv_and_no_python(launch):
    (launch.fake / "no-venv").touch()
    result = launch("launch/local.sh")
    assert (result.returncode, stamps(launch)) == (2, [])
    assert "python3 has no venv module; 'apt install python3-venv'" in result.stderr
    result = launch("launch/local.sh", DDTRAIN_PYTHON="python9.9")
    assert result.returncode == 2
    assert "error: no python9.9" in result.stderr


def test_another_place_for_the_environment(launch, tmp_path):
    result = launch("launch/local.sh", DDTRAIN_VENV="else where")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "else where/bin/python").exists()
    assert not (launch.checkout / ".venv").exists()


def test_the_package_is_described():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {requirement.split(">")[0] for requirement in project["dependencies"]}
    assert needed == {"numpy", "mpi4py", "safetensors", "rich", "threadpoolctl"}
    assert {"mpi", "plots", "test", "dev"} <= set(project["optional-dependencies"])
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause License")
