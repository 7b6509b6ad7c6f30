"""How much memory training takes: ``python -m ddtrain.bench.step.memory TRAINER WORKLOAD`` in a process of its own.

Note [Peak memory]
What is counted is the resident memory that a workload adds to a process: parameters, gradients, momentum, and all that
a step holds at once, whoever allocated it, and however long it is kept. It is the largest resident set while steps are
taken, less the one before the trainer was made, less the data set, which all trainers hold alike.

- The process is new for each figure, and the trainer's only one: an allocator keeps what others have freed.
- Steps of the same model at batch 2 are taken first, by another trainer that is then thrown away. They load libraries,
  touch their pages, and start threads and pools: 50 MB in PyTorch, once, which say nothing about a step.
- The line is drawn before the trainer is made, not before a step. Some allocate gradients and momentum in the first
  step and some before it, some keep their workspaces and some free them: between two steps, memory of the first kind
  would count, and of the second would not.
- What has been freed is given back to the system before each line is drawn (``malloc_trim``), and the system's own
  record of the peak is reset (``/proc/self/clear_refs``): no sampling can miss a peak that lasts a microsecond.

``step`` is the peak of one step when all are taken alike, ``first_steps`` that of the steps before it, in which a
program may be recorded. Trainers that compile in their first step are not measured: the compiler's memory stays with
the process, and would count as theirs. Linux alone keeps the record; elsewhere there are no figures.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ddtrain.bench.peers import registry
from ddtrain.bench.peers.ddtrain_steps import ours
from ddtrain.bench.timing import Contestant
from ddtrain.bench.workloads import WORKLOADS, Workload
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.standard_output import say, tolerant_output

OURS = "ours"
_STEPS = 4  # before the one that counts
_SMALL = 2  # samples of the steps that warm a process up
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # what to write to clear_refs, proc(5)


def measure(workload: str, others: Collection[str] = ()) -> dict[str, dict[str, float]]:
    """MB of ours and of those others that do not compile, each from a process of its own (Note [Peak memory]).

    Trainers that cannot train the workload are left out, and on systems without a record of the peak all of them.
    """
    found = {}
    for trainer in [OURS, *(other for other in others if not registry.PEERS[other].compiles)]:
        command = [sys.executable, "-m", __name__, trainer, workload]
        process = subprocess.run(command, env=os.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if process.returncode == 0:
            found[trainer] = json.loads(process.stdout)
    return found


def peaks(trainer: str, name: str, workload: Workload) -> dict[str, float]:
    """MB that a workload adds to this process (Note [Peak memory])."""
    with _training(trainer, name, replace(workload, batch=_SMALL)) as step:
        for _ in range(_STEPS + 1):
            step()
    del step
    _give_back()
    before = _status("VmRSS") + sum(x.nbytes for x in workload.arrays(ranks=1))
    found = {}
    with _training(trainer, name, workload) as step:
        for part, steps in (("first_steps", _STEPS), ("step", 1)):
            _give_back()
            _CLEAR.write_text(_RESET_PEAK)
            for _ in range(steps):
                step()
            found[part] = round((_status("VmHWM") - before) / 1e6, 2)
    return found


def _give_back() -> None:
    """What was freed goes back to the system."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # a C library that does so by itself
        ctypes.CDLL(None).malloc_trim(0)


def _status(what: str) -> int:
    """Bytes of this process: VmRSS, those that are resident, or VmHWM, their peak."""
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines[what].split()[0]) * 1024


@contextmanager
def _training(trainer: str, name: str, workload: Workload) -> Iterator[Contestant]:
    if trainer == OURS:
        with ours(LocalCommunicator(), name, workload) as mine:
            yield mine.step
    else:
        with registry.PEERS[trainer].open(LocalCommunicator(), workload) as trainee:
            yield trainee


def main(trainer: str, name: str) -> int:
    """Print one trainer's figures; exit code 1 where there are none."""
    try:
        found = peaks(trainer, name, WORKLOADS[name])
    except (registry.CannotRun, OSError):
        return 1
    say(json.dumps(found), sys.stdout)
    return 0


if __name__ == "__main__":
    with tolerant_output():
        code = main(*sys.argv[1:])
    sys.exit(code)
