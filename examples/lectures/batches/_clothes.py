"""Pictures of clothes, small enough for studies, and a network that is trained on them and then evaluated."""

# N pictures of 14 by 14 pixels

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import ddtrain
from ddtrain import data, nn
from ddtrain.recipes import images
from ddtrain.recipes.common import classify
from examples.lectures.training import fitted

Sample = tuple[NDArray[np.float32], NDArray[np.int64]]  # pictures (N, 14, 14, 1), and their classes (N,)
_VALID = 1000


class Clothes(NamedTuple):
    """Pictures to train on, those that options are chosen by, and those that say at last what was reached."""

    train: Sample
    valid: Sample
    test: Sample


@functools.cache
def clothes(train: int, test: int = 4000) -> Clothes:
    """Fashion-MNIST, 28×28 pixels averaged by four: some to train on, 1,000 to choose by, others to test.

    Parameters
    ----------
    train : pictures to train on, up to 4,000
    test : of the pictures that are left, which are 4,000 of 2,000 to train on
    """
    found = data.fashion_mnist()
    mean, deviation = images.FASHION
    x_NHWC = np.concatenate([found.x_train[:6000], found.x_test[:1000]])
    x_NHWC = x_NHWC.reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4))
    x = ((x_NHWC - mean) / deviation).astype(np.float32)
    y = np.concatenate([found.y_train[:6000], found.y_test[:1000]])
    cuts = (slice(train), slice(train, train + _VALID), slice(train + _VALID, train + _VALID + test))
    return Clothes(*((x[cut], y[cut]) for cut in cuts))


@dataclass(frozen=True)
class Trained:
    """A network at the end of its training.

    Attributes
    ----------
    run : its run
    net : bound
    loss : of the training pictures, in nats
    valid, test : errors in percent
    """

    run: ddtrain.Run
    net: Any
    loss: float
    valid: float
    test: float


def train(model: nn.Module, given: Clothes, options: Mapping[str, Any]) -> Trained | None:
    """Train without evaluations on the way, and evaluate at the end; None where the run diverged."""
    task = ddtrain.Task(model, classify, train=given.train)
    run = fitted(task, checkpoint={"every": 1_000_000}, **options)
    if run is None:
        return None
    net = run.load(model, "last")
    figures = [ddtrain.evaluate(net, classify, sample) for sample in given]
    errors = [100 * (1 - each["accuracy"]) for each in figures]
    return Trained(run, net, figures[0]["loss"], errors[1], errors[2])
