"""What can be trained by name in a benchmark: recipes on their real data, and workloads on drawn numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ddtrain.bench.peers.ddtrain_steps import OPTIM
from ddtrain.bench.workloads import WORKLOADS, Workload
from ddtrain.errors import UsageError
from ddtrain.recipes import RECIPES
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Task

MODES = ("weak", "strong")


@dataclass(frozen=True)
class Subject:
    """A job whose number of ranks is still open.

    Attributes
    ----------
    batch : samples in a step of one rank
    config : of one rank; see :meth:`config_of`
    task : ``task(ranks)``, with data enough for that many
    workload : what peers can train too; None for a recipe
    """

    name: str
    about: str
    batch: int
    config: Config
    task: Callable[[int], Task]
    workload: Workload | None = None

    def global_batch(self, mode: str, ranks: int) -> int:
        """Samples in a step of ``ranks`` ranks: each has one rank's batch (weak), or they share it (strong).

        >>> find("mlp").global_batch("weak", 4), find("mlp").global_batch("strong", 4)
        (512, 128)
        """
        return self.batch * ranks if mode == "weak" else self.batch

    def config_of(self, mode: str, ranks: int) -> Config:
        """The configuration of a run on ``ranks`` ranks."""
        return self.config.updated({"data": {"batch_size": self.global_batch(mode, ranks)}})

    def workload_of(self, mode: str, ranks: int) -> Workload:
        """What a peer trains on one of ``ranks`` ranks.

        Raises
        ------
        UsageError : a recipe, or a batch that ranks cannot share evenly

        >>> find("mlp").workload_of("strong", 4).batch
        32
        """
        if self.workload is None:
            raise UsageError(f"{self.name} is a recipe, and peers train workloads", remedy="Leave out --peers.")
        batch, left = divmod(self.global_batch(mode, ranks), ranks)
        if left:
            raise UsageError(
                f"peers cannot share a batch of {self.batch} evenly among {ranks} ranks",
                remedy="Give a --batch that all --ranks divide.",
            )
        return replace(self.workload, batch=batch)


def find(name: str, batch: int = 0) -> Subject:
    """A recipe or workload by name, with another batch if one is given.

    Raises
    ------
    UsageError : no such name, with the nearest there is

    >>> find("mlp").batch, find("digits_mlp", batch=32).batch
    (128, 32)
    """
    if name in WORKLOADS:
        workload = replace(WORKLOADS[name], batch=batch or WORKLOADS[name].batch)
        return Subject(name, workload.about, workload.batch, Config(optim=OPTIM), workload.task, workload)
    if name in RECIPES:
        recipe = RECIPES[name]
        config = recipe.config.updated({"data": {"batch_size": batch or recipe.config.data.batch_size}})
        return Subject(name, recipe.about, config.data.batch_size, config, lambda ranks: recipe.build(config))
    known = [*WORKLOADS, *RECIPES]
    hint = did_you_mean(name, known)
    raise UsageError(f"unknown recipe or workload {name!r}", remedy=f"{hint} There are {', '.join(known)}.".strip())


def choose(names: str, batch: int = 0) -> list[Subject]:
    """The subjects named, separated by commas.

    >>> [subject.name for subject in choose("gpt,digits_mlp")]
    ['gpt', 'digits_mlp']
    """
    return [find(name.strip(), batch) for name in names.split(",")]
