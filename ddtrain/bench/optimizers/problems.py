"""What ``bench optimizers`` trains: two recipes and a quadratic, with the length of a whole run.

To add one, write a line in ``PROBLEMS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ddtrain import data
from ddtrain.bench.optimizers import quadratic
from ddtrain.recipes import RECIPES
from ddtrain.trainer.config.config import Config, Data
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Problem:
    """What all optimizers train.

    Attributes
    ----------
    config : the configuration, whose optimizer and schedule are replaced
    build : makes model, loss and data, with validation data
    epochs : of a whole run
    """

    config: Config
    build: Callable[[], Task]
    epochs: int

    def steps(self, task: Task) -> int:
        """Steps of a whole run.

        >>> PROBLEMS["quadratic"].steps(quadratic.task())
        1000
        """
        return self.epochs * data.steps_per_epoch(len(task.train), self.config.data.batch_size)


def _recipe(name: str, epochs: int) -> Problem:
    recipe = RECIPES[name]
    return Problem(recipe.config, lambda: recipe.build(recipe.config), epochs)


PROBLEMS: Mapping[str, Problem] = {
    "digits_mlp": _recipe("digits_mlp", epochs=10),
    "fashion_cnn": _recipe("fashion_cnn", epochs=1),
    "quadratic": Problem(Config(data=Data(batch_size=1)), quadratic.task, epochs=1000),
}
