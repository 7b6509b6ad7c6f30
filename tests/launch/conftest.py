"""A checkout whose Python and mpirun only say how they were called, for the scripts of ``launch/``."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
case "$*" in
  *version_info*) exit 0 ;;
  *ensurepip*) [ ! -e "$FAKE/no-venv" ] ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$FAKE/bin/mpirun" "$3/bin/mpirun" ;;
  "-m pip "*) echo "$*" >>"$FAKE/installed" && [ ! -e "$FAKE/no-index" ] ;;
  *) echo "python $*" ;;
esac
"""


@pytest.fixture
def launch(tmp_path):
    """Runs a script of a copy of the checkout: ``launch(script, *args, **environment)``."""
    checkout, fake = tmp_path / "check out", tmp_path / "fake"
    shutil.copytree(ROOT / "launch", checkout / "launch")
    shutil.copytree(ROOT / ".ci", checkout / ".ci")
    shutil.copy(ROOT / "pyproject.toml", checkout)
    (fake / "bin").mkdir(parents=True)
    for name, text in {
        "python3": PYTHON,
        "mpirun": '#!/bin/sh\necho "mpirun $* blas=$OPENBLAS_NUM_THREADS tty=$DDTRAIN_TTY"\n',
    }.items():
        (fake / "bin" / name).write_text(text)
        (fake / "bin" / name).chmod(0o755)

    def run(script, *args, **environment):
        env = {"PATH": f"{fake}/bin:/usr/bin:/bin", "FAKE": str(fake), "HOME": str(tmp_path), **environment}
        return subprocess.run(
            [checkout / script, *args], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
        )

    run.checkout, run.fake = checkout, fake
    return run
