"""What the benchmarks train: models from perceptron to transformer, on numbers drawn from a fixed seed.

To add a workload, add a line to ``WORKLOADS``; peers build the same model from the same arguments.
"""

# N samples, F features, T positions, V vocabulary, H height, W width, C channels
from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as onp
from numpy.typing import NDArray

import ddtrain.numpy as np
from ddtrain import models, nn, ops, rng
from ddtrain.bench import choices
from ddtrain.data import ArrayData
from ddtrain.trainer.task import Task

BATCHES = 16  # batches in the data set: too many for the cache, few enough to be made quickly

Arrays = tuple[NDArray[Any], NDArray[Any]]
Draw = Callable[[onp.random.Generator, int], Arrays]


@dataclass(frozen=True)
class Workload:
    """One line of the table.

    Attributes
    ----------
    batch : samples in a step of one rank
    architecture, arguments : the model's class in ``ddtrain.models``, and what it is called with
    draw : ``draw(generator, n)`` gives n inputs and their labels
    about : sizes, for the reader
    """

    batch: int
    architecture: Callable[..., nn.Module]
    arguments: Mapping[str, Any]
    draw: Draw
    about: str

    def arrays(self, ranks: int) -> Arrays:
        """Inputs and labels of the whole data set, the same on every rank."""
        return self.draw(rng.stream(0, "bench"), BATCHES * self.batch * ranks)

    def task(self, ranks: int) -> Task:
        """Model, loss and data, as the trainer takes them."""
        return Task(self.architecture(**self.arguments), _loss, ArrayData(*self.arrays(ranks)))


def _loss(model: Any, x: Any, labels: Any) -> tuple[Any, dict[str, Any]]:
    """Cross-entropy of each sample, averaged over positions where there are several; no metrics, like the peers."""
    losses = ops.cross_entropy(model(x), labels)
    return (np.mean(losses, axis=1) if losses.ndim > 1 else losses), {}


def vectors(*shape: int, classes: int = 10) -> Draw:
    """Normal numbers of a shape, each with a label."""
    return lambda g, n: (g.standard_normal((n, *shape), onp.float32), g.integers(0, classes, n))


def _words(vocabulary: int, positions: int, *labels: int) -> Draw:
    return lambda g, n: (g.integers(0, vocabulary, (n, positions)), g.integers(0, vocabulary, (n, *labels)))


def _mlp(batch: int, *sizes: int, batch_norm: bool = False, about: str = "") -> Workload:
    about = about or f"{'-'.join(map(str, sizes))}{', batch-norm' * batch_norm}"
    return Workload(batch, models.Mlp, {"sizes": sizes, "batch_norm": batch_norm}, vectors(sizes[0]), about)


WORKLOADS: Mapping[str, Workload] = {
    "tiny_mlp": _mlp(32, 64, 64, 10),
    "small_mlp": _mlp(64, 64, 128, 128, 10),
    "deep_mlp": _mlp(32, *[64] * 20, 10, about="20 layers, 64 wide"),
    "mlp": _mlp(128, 784, 512, 512, 10),
    "mlp_bn": _mlp(128, 784, 512, 512, 10, batch_norm=True),
    "nnlm": Workload(
        256,
        models.Nnlm,
        {"vocabulary": 10_000, "context": 4, "embedding": 64, "hidden": 256},
        _words(10_000, 4),
        "V 10k, E 64, context 4, H 256",
    ),
    "gpt": Workload(
        16,
        models.Gpt,
        {"vocabulary": 256, "positions": 64, "d": 128, "layers": 4, "heads": 4},
        _words(256, 64, 64),
        "4 layers, d 128, T 64, V 256",
    ),
    "resnet8": Workload(64, models.ResNet8, {"widths": (16, 32, 64)}, vectors(32, 32, 3), "32x32x3, widths 16/32/64"),
    "resnet20": Workload(64, models.ResNet20, {"widths": (16, 32, 64)}, vectors(32, 32, 3), "32x32x3, widths 16/32/64"),
    "inception": Workload(64, models.InceptionNet, {"width": 16}, vectors(28, 28, 1), "28x28, 4 blocks of 32 to 80"),
    "lstm": Workload(
        32,
        models.RecurrentLm,
        {"vocabulary": 256, "embedding": 256, "hidden": 256, "layers": 2},
        _words(256, 50, 50),
        "LSTM 2 x 256, T 50, V 256",
    ),
    "lenet": Workload(64, models.LeNet, {"widths": (16, 32)}, vectors(28, 28, 1), "28x28, 5x5, 16/32 channels"),
}


def choose(names: str) -> dict[str, Workload]:
    """The workloads named, separated by commas; all of them for an empty string.

    Raises
    ------
    UsageError : no such workload, with the nearest name there is.

    >>> list(choose("gpt,lenet"))
    ['gpt', 'lenet']
    """
    return {name: WORKLOADS[name] for name in choices.choose("workload", names, WORKLOADS)}


def parameter_count(workload: Workload) -> int:
    """Numbers that training changes.

    >>> parameter_count(WORKLOADS["tiny_mlp"])
    4810
    """
    declared = workload.architecture(**workload.arguments).declarations()
    return sum(math.prod(d.shape) for d in declared.values() if d.trained)
