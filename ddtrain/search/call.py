"""A search as a call that returns, and a search that can be opened: for scripts that go on, and for notebooks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ddtrain import blas, blas_threads
from ddtrain.comm import call_on_ranks
from ddtrain.errors import UsageError
from ddtrain.runs.call_options import overlaid, require_config, words_of_calls
from ddtrain.runs.fitting import require_task
from ddtrain.runs.run import Run
from ddtrain.search.judge import LOSS, Judge
from ddtrain.search.settings import make_settings
from ddtrain.search.space import make_space
from ddtrain.search.study import Study, tell, warn
from ddtrain.search.training import trial_directory
from ddtrain.search.trials import Outcome
from ddtrain.trainer import stop_signals
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.file_names import SUMMARY
from ddtrain.trainer.task import Task


class Search:
    """The directory of a search that is over.

    Parameters
    ----------
    path : the directory

    Raises
    ------
    UsageError : no search has ended there

    Attributes
    ----------
    path : the directory
    summary : what summary.json says: trials, winners, figures, ensemble, next_space
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(os.path.expanduser(path))
        if not (self.path / SUMMARY).is_file():
            raise UsageError(f"{path}: no search has ended here (it has no {SUMMARY})", remedy="Go on with it.")

    @cached_property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / SUMMARY).read_bytes())
        return found

    @property
    def trials(self) -> list[Outcome]:
        """What became of each trial, the best first: its values, its figures, or why it has failed."""
        return [Outcome.of_json(told) for told in self.summary["trials"]]

    @property
    def best(self) -> Outcome:
        """The best trial."""
        return self.trials[0]

    @property
    def winners(self) -> list[Run]:
        """The runs of the winners, the best first."""
        return [Run(trial_directory(self.path, trial)) for trial in self.summary["winners"]]


def search(
    task: Task | Callable[[Any], Task],
    space: Mapping[str, Any],
    method: str = "random",
    *,
    trials: int | None = None,
    points: int | None = None,
    factor: int | None = None,
    rounds: int | None = None,
    epochs_per_trial: int | None = None,
    minimize: str = LOSS,
    maximize: str = "",
    winners: int = 3,
    ranks_per_trial: int = 1,
    config: Config | None = None,
    quiet: bool = False,
    name: str = "fit",
    **options: Any,
) -> Search:
    """Search options of a training, and return what was found. Works with ranks as :func:`ddtrain.fit` does.

    Parameters
    ----------
    task : model, loss and data; or a function that makes them of the configuration, as it must be where options of the
        model or the data are searched
    space : what is searched, as in a space.toml: ``{"optim.lr": {"log_uniform": [1e-4, 1.0]}}``
    method : random, grid, halving or coarse-to-fine
    trials, points, factor, rounds, epochs_per_trial : see ``ddtrain search --help``; None is what it is there
    minimize, maximize : the figure that trials are judged by
    winners : how many trials are trained to their end, and make an ensemble
    ranks_per_trial : the ranks that train a trial together
    config, quiet, name, options : of all trials, as for :func:`ddtrain.fit`; with the ``dir`` of a search that was
        stopped, it goes on

    Raises
    ------
    UsageError : what is searched, or how, makes no sense; or all trials have failed
    StoppedError : it was asked to stop

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from ddtrain import nn
    >>> x = np.linspace(-1.0, 1.0, 40)[:, None]
    >>> task = Task(nn.Linear(1, 1), lambda model, x: (model(x)[:, 0] - 3 * x[:, 0]) ** 2, train=(x,), valid=(x,))
    >>> space = {"optim.lr": {"choices": [0.001, 0.1]}}
    >>> found = search(task, space, "grid", dir=tempfile.mkdtemp(), epochs=2, batch_size=10, quiet=True)
    >>> found.best.values, len(found.winners)
    ({'optim.lr': 0.1}, 2)
    """
    require_task("search", task)
    require_config("search", start := Config() if config is None else config)
    with words_of_calls(start):
        told = overlaid("search", start, options)
    if blas_threads.TOO_LATE:  # Note [BLAS threads] in blas_threads.py
        blas.limit(1)
    settings = make_settings(
        told,
        method,
        trials=trials,
        points=points,
        factor=factor,
        rounds=rounds,
        epochs_per_trial=epochs_per_trial,
        judge=Judge(maximize or minimize, maximize=bool(maximize)),
        winners=winners,
        ranks_per_trial=ranks_per_trial,
    )
    build = (lambda config: task) if isinstance(task, Task) else task
    nothing = lambda line: None
    said = (nothing, nothing) if quiet else (tell, warn)
    study = Study(name, build, told, make_space(space, told, ranks_per_trial), settings, *said)
    with stop_signals.listening():
        call_on_ranks(told.comm.backend, study)
    return Search(study.directory)
