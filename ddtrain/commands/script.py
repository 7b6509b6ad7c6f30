"""The command line of a user's own script: ``python mine.py [VERB] ...``, with one recipe, the script's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ddtrain import __version__
from ddtrain.callbacks import Callback
from ddtrain.comm import launcher
from ddtrain.commands.program import program
from ddtrain.commands.verbs import VERBS, overview
from ddtrain.errors import COMPLETED
from ddtrain.standard_output import say, tolerant_output
from ddtrain.trainer import main as training
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Task


def main(
    build: Callable[[Any], Task],
    config: Config | None = None,
    argv: Sequence[str] | None = None,
    callbacks: Sequence[Callback] = (),
) -> NoReturn:
    """Give a script the command line of ddtrain, with a model of its own; ends the process with its exit code.

    Without a verb, or with ``train``, it trains. ``python mine.py eval RUN`` and the like look at the script's runs.

    Parameters
    ----------
    build : makes the task from the configuration; called once on every rank
    config : defaults, of any subclass of :class:`Config`
    argv : arguments, by default those of the process
    callbacks : what watches the training, beside ``--log.to``; the same on every rank

    Examples
    --------
    See ``examples/custom_training.py``.

    >>> import tempfile
    >>> import numpy as np
    >>> from ddtrain import nn
    >>> def build(config):
    ...     x = np.linspace(-1.0, 1.0, 40)[:, None]
    ...     return Task(nn.Linear(1, 1), lambda model, x: (model(x)[:, 0] - 3 * x[:, 0]) ** 2, train=(x,))
    >>> config = Config().updated({"run": {"steps": 2}})
    >>> config.run.steps
    2
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     main(build, config, argv=["--run.dir", directory])
    Traceback (most recent call last):
    SystemExit: 0
    """
    args = sys.argv[1:] if argv is None else list(argv)
    name, prog = program()
    shown = {
        "--version": f"ddtrain {__version__}\n",
        **dict.fromkeys(("-h", "--help"), f"{overview(prog or f'python {name}.py')}\n\n"),  # before that of train
    }
    if args and args[0] in shown and launcher().rank == 0:
        say(shown[args[0]], sys.stdout)
    if args[:1] == ["--version"]:
        sys.exit(COMPLETED)
    recipes = {name: training.Recipe(config or Config(), build, (build.__doc__ or "").strip())}
    if not args or args[0] == "train" or args[0] not in VERBS:
        options = args[1:] if args[:1] == ["train"] else args
        sys.exit(training.run(options, recipes, name, prog, callbacks))
    with tolerant_output():
        code = VERBS[args[0]](args[1:], recipes)
    sys.exit(code)
