"""Commands that tests start: what they say, and their end when they would not end by themselves."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_group(
    command: Sequence[str], limit_s: float, env: Mapping[str, str], cwd: Path, stderr: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, its ranks and other children included.

    Raises
    ------
    TimeoutExpired : it had not ended after ``limit_s`` seconds, and was killed as a group; has what it printed
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,  # so that ranks can be ended together
    ) as process:
        try:
            out, err = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise subprocess.TimeoutExpired(command, limit_s, out, err) from None
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def output_of(command: Sequence[str], limit_s: float, env: Mapping[str, str], cwd: Path) -> tuple[str, int | None]:
    """What a command printed, and its exit code; None where its whole process group had to be killed."""
    try:
        done = run_group(command, limit_s, env, cwd, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as hang:
        return str(hang.output), None
    return done.stdout, done.returncode
