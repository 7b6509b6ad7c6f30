"""Training as a call that returns: for scripts that go on, and for notebooks."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ddtrain import blas, blas_threads
from ddtrain.callbacks import Callback
from ddtrain.comm import call_on_ranks
from ddtrain.errors import UsageError, kind_of, quoted
from ddtrain.nn import Module
from ddtrain.runs.run import Run
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer import stop_signals
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.job import Job
from ddtrain.trainer.task import Task

_SHORT = {  # a call's names for options that most calls give
    "backend": ("comm", "backend"),
    "dir": ("run", "dir"),
    "epochs": ("run", "epochs"),
    "steps": ("run", "steps"),
    "seed": ("run", "seed"),
    "dtype": ("run", "dtype"),
    "resume": ("run", "resume"),
    "batch_size": ("data", "batch_size"),
}


def fit(
    task: Task | Callable[[Any], Task],
    *,
    config: Config | None = None,
    callbacks: Sequence[Callback] = (),
    quiet: bool = False,
    name: str = "fit",
    **options: Any,
) -> Run:
    """Train, and return the run.

    The call reads no command line, raises errors instead of ending the process, and works alike in a script on one
    process, with ``backend="threads:4"``, and under mpirun, where every rank makes it.

    Parameters
    ----------
    task : model, loss and data; or a function that makes them of the configuration, which every rank calls
    config : the options to begin with, by default :class:`Config`'s
    callbacks : what watches the run
    quiet : print nothing
    name : of the run, as the default of its directory has it: runs/NAME-TIME
    options : sections of the configuration (``optim=Adam(lr=1e-3)``, ``clip={"norm": 1.0}``), and by short names
        backend, dir, epochs, steps, seed, dtype, resume and batch_size

    Returns
    -------
    The run, completed; or stopped, where it was asked to stop, as by Ctrl-C. Then ``fit(..., dir=run.path,
    resume="auto")`` goes on with it.

    Raises
    ------
    UsageError : an option that there is not, or out of its range; and what else stops a run, as it was raised

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from ddtrain import nn
    >>> x = np.linspace(-1.0, 1.0, 40)[:, None]
    >>> task = Task(nn.Linear(1, 1), lambda model, x: (model(x)[:, 0] - 3 * x[:, 0]) ** 2, train=(x,))
    >>> run = fit(task, dir=tempfile.mkdtemp(), epochs=50, batch_size=10, optim={"lr": 0.1}, quiet=True)
    >>> run.state, bool(run.history["loss"][-1] < 1e-3)
    ('completed', True)
    """
    require_task("fit", task)
    told = overlaid("fit", config or Config(), options)
    if blas_threads.TOO_LATE:  # Note [BLAS threads] in blas_threads.py
        blas.limit(1)
    build = (lambda config: task) if isinstance(task, Task) else task
    job = Job(name, build, told, callbacks, io.StringIO() if quiet else None)
    with stop_signals.listening(job.at_once):
        call_on_ranks(told.comm.backend, job, job.failed)
    return Run(job.directory)


def require_task(caller: str, task: Any) -> None:
    """Raise UsageError unless something is a task or may make one; ``caller`` is who was given it, for the error."""
    if not isinstance(task, Task) and (isinstance(task, Module) or not callable(task)):
        raise UsageError(
            f"{caller}: {kind_of(task)} where a Task is wanted", remedy="Give ddtrain.Task(model, loss, train=(x, y))."
        )


def overlaid(caller: str, config: Config, options: dict[str, Any]) -> Config:
    """The configuration with the options of a call; ``caller`` is the function, for errors.

    Raises
    ------
    UsageError : an option that there is not, or what is no section

    >>> overlaid("fit", Config(), {"epochs": 3, "clip": {"norm": 1.0}}).clip.norm
    1.0
    """
    known = [*_SHORT, *(name for name, value in vars(config).items() if tables.is_section(value))]
    for option, value in options.items():
        if option in _SHORT:
            section, key = _SHORT[option]
            value = str(value) if isinstance(value, Path) else value
            config = config.updated({section: {key: value}})
        elif option in known:
            if not isinstance(value, Mapping) and not tables.is_section(value):
                raise UsageError(
                    f"{caller}: {option}={quoted(value)} is no section",
                    remedy=f"Give a dict of options: {option}={{...}}.",
                )
            config = config.updated({option: tables.to_table(value) if tables.is_section(value) else value})
        else:
            hint = did_you_mean(option, known)
            raise UsageError(
                f"{caller}: there is no option {quoted(option)}", remedy=f"{hint} There is {', '.join(known)}."
            )
    return config
