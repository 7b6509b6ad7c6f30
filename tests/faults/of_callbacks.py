"""Faults of what watches runs: callbacks that say what is not so, or a resumed run's steps twice; mpirun's terminal."""

from __future__ import annotations

from tests.faults.fault import Fault

SHIPPED = "tests/callbacks/test_shipped.py"
TERMINAL = "tests/trainer/records/test_launcher_terminal.py"

FAULTS = (
    Fault(
        "callbacks/layer norms measure the change since the last look",
        "ddtrain/callbacks/layer_norms.py",
        "(run.step + 1) % self.every == 0",
        "run.step % self.every == 0",
        (SHIPPED,),
    ),
    Fault(
        "callbacks/a resumed run has lines of steps that it takes again",
        "ddtrain/callbacks/json_lines.py",
        'if line["step"] <= step]',
        "]",
        (SHIPPED,),
    ),
    Fault(
        "callbacks/units that are sometimes 0 count as dead",
        "ddtrain/diagnose/layers/statistics.py",
        "x.shape[-1]).sum(axis=0)",
        "x.shape[-1]).all(axis=0)",
        (SHIPPED,),
    ),
    Fault(
        "callbacks/a missing package is found when it is used",
        "ddtrain/callbacks/__init__.py",
        "        callback.require()",
        "        callback.about()",
        (SHIPPED,),
    ),
    Fault(
        "console/the terminal is that of the shell",
        "ddtrain/trainer/records/launcher_terminal.py",
        "and (process := _process(proc, above)).name in _LAUNCHERS:",
        "and (process := _process(proc, above)).name:",
        (TERMINAL,),
    ),
    Fault(
        "console/the helper of mpirun is taken for mpirun",
        "ddtrain/trainer/records/launcher_terminal.py",
        "top, above = above, process.parent",
        "top, above = top or above, process.parent",
        (TERMINAL,),
    ),
    Fault(
        "console/a bar is drawn where mpirun numbers its lines",
        "ddtrain/trainer/records/launcher_terminal.py",
        "            return Path(os.devnull)",
        "            pass",
        (TERMINAL,),
    ),
)
