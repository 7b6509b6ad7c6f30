"""Training as a call that returns: for scripts that go on, and for notebooks."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from ddtrain import blas, blas_threads
from ddtrain.callbacks import Callback
from ddtrain.comm import Communicator, call_on_ranks
from ddtrain.errors import UsageError, kind_of
from ddtrain.nn import Module
from ddtrain.runs.call_options import overlaid, require_config, words_of_calls
from ddtrain.runs.run import Run
from ddtrain.trainer import stop_signals
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.job import Job
from ddtrain.trainer.task import Task


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
    if isinstance(callbacks, Callback) or not isinstance(callbacks, Sequence):
        raise UsageError(f"fit: callbacks is {kind_of(callbacks)}", remedy="Give a list: callbacks=[...].")
    require_config("fit", start := Config() if config is None else config)
    with words_of_calls(start):
        told = overlaid("fit", start, options)
    if blas_threads.TOO_LATE:  # Note [BLAS threads] in blas_threads.py
        blas.limit(1)
    build = (lambda config: task) if isinstance(task, Task) else task
    job = Job(name, build, told, callbacks, io.StringIO() if quiet else None)

    def on_rank(comm: Communicator) -> int:
        with words_of_calls(told):  # here, too, as a rank that fails alone prints its error
            return job(comm)

    with stop_signals.listening(job.at_once), words_of_calls(told):
        call_on_ranks(told.comm.backend, on_rank, job.failed)
    return Run(job.directory)


def require_task(caller: str, task: Any) -> None:
    """Raise UsageError unless something is a task or may make one; ``caller`` is who was given it, for the error."""
    if not isinstance(task, Task) and (isinstance(task, Module) or not callable(task)):
        raise UsageError(
            f"{caller}: {kind_of(task)} where a Task is wanted", remedy="Give ddtrain.Task(model, loss, train=(x, y))."
        )
