"""The files of ``launch/`` as their own linters see them: shellcheck and hadolint, of the extra ``lint``."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted([*ROOT.glob("launch/*.sh"), ROOT / "launch/slurm.sbatch", ROOT / ".ci/run"])


def lint(name, *args, text=None):
    """Start a linter that is beside this Python or on the path; returns what it complains about."""
    tool = shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
    if tool is None:
        pytest.skip(f"{name} is not installed: pip install 'ddtrain[lint]'")
    done = subprocess.run([tool, *args], input=text, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert bool(done.returncode) == bool(done.stdout), done.stderr
    return done.stdout


def sections(definition):
    """The scripts of an Apptainer definition, by name; they are for sh."""
    parts = re.split(r"^%(\w+)\n", definition, flags=re.MULTILINE)
    return {name: text for name, text in zip(parts[1::2], parts[2::2], strict=True) if name != "files"}


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.name for script in SCRIPTS])
def test_shell(script):
    assert lint("shellcheck", script) == ""


def test_dockerfile():
    assert lint("hadolint", ROOT / "launch/Dockerfile") == ""


def test_scripts_of_an_apptainer_definition():
    found = sections((ROOT / "launch/apptainer.def").read_text())
    assert set(found) == {"post", "environment", "runscript", "test"}
    for text in found.values():
        assert lint("shellcheck", "--shell=sh", "-", text=text) == ""


def test_mistakes_are_found():
    assert "SC2086" in lint("shellcheck", "--shell=bash", "-", text='run=$1\nls $run\nsource "$run"\n')
    assert "SC3010" in lint("shellcheck", "--shell=sh", "-", text=sections("%post\n[[ -n $1 ]]\n")["post"])
    assert "DL3008" in lint("hadolint", "-", text="FROM debian:12\nRUN apt-get install -y --no-install-recommends a\n")
