"""A run does not end for what is behind its standard output and error."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import faulty
import pytest


@pytest.mark.parametrize("to", ["", ">&- 2>&-", ">/dev/full 2>/dev/full"])
def test_a_run_completes(tmp_path, to):
    command = ["sh", "-c", f'exec "$0" "$@" {to}', sys.executable, faulty.__file__, "--run.dir", "Zürich → Genève"]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Z\\xfcrich \\u2192 Gen\\xe8ve") == (0 if to else 2)
    assert json.loads((tmp_path / "Zürich → Genève" / "status.json").read_bytes())["state"] == "completed"
