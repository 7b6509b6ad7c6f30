"""Nets of the layers, trained for some steps: on several ranks as on one, and so that every parameter moves.

What would make these fail: a mask that depends on the division, a layer that knows of a batch's size, a parameter that
no gradient reaches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import data, nn, ops
from ddtrain.trainer.task import Task
from helpers import largest_difference, sgd_config, train
from worlds import World

R = np.random.default_rng(0)


class Tagger(nn.Module):
    """Words to classes, with padding: embedding, positions, attention, recurrence, and a tied output."""

    def __init__(self) -> None:
        self.words = nn.Embedding(9, 6, padding_idx=0)
        self.positions = nn.LearnedPositions(5, 6)
        self.attention = nn.MultiheadAttention(6, 3, positions=nn.RotaryPositions(2))
        self.norm = nn.RMSNorm(6)
        self.drop = nn.SpatialDropout(0.2)
        self.layers = [nn.LSTM(6, 3, bidirectional=True, truncate=3), nn.GRU(6, 6, 2, dropout=0.1), nn.RNN(6, 6)]
        self.output = nn.TiedLinear(self.words, bias=True)

    def forward(self, tokens_NT: Any) -> Any:
        x = self.positions(self.words(tokens_NT))
        x = x + self.attention(self.norm(x), key_padding_mask=np.asarray(tokens_NT) == 0)
        x = self.drop(x)
        for layer in self.layers:
            x, _ = layer(x)
        return self.output(x[:, -1])


def pictures() -> nn.Module:
    return nn.Sequential(
        nn.Concat(nn.Conv2d(2, 4, 3, padding=2, dilation=2), nn.AvgPool2d(3, 1, 1)),
        nn.BatchNorm(6, momentum=None),
        nn.PReLU(6),
        nn.Residual(nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.GroupNorm(3, 6), nn.ELU())),
        nn.SpatialDropout(0.2),
        nn.ConvTranspose2d(6, 4, 2, stride=2),
        nn.InstanceNorm(4, affine=True),
        nn.SiLU(),
        nn.AdaptiveAvgPool2d((3, 2)),
        nn.Flatten(),
        nn.Linear(24, 12),
        nn.Maxout(2),
        nn.Softplus(),
        nn.FrozenBatchNorm(6),
        nn.Linear(6, 4),
    )


def loss(model: nn.Module, x: Any, y: Any) -> Any:
    return ops.cross_entropy(model(x), y), {}


TASKS = {
    "words": lambda: Task(Tagger(), loss, data.ArrayData(R.integers(0, 9, (28, 5)), R.integers(0, 9, 28))),
    "pictures": lambda: Task(pictures(), loss, data.ArrayData(R.standard_normal((28, 5, 4, 2)), R.integers(0, 4, 28))),
}


@pytest.mark.parametrize("name", TASKS)
def test_two_ranks_are_one_and_every_parameter_moves(name: str) -> None:
    task = TASKS[name]()
    (alone,) = World("local").run(lambda comm: train(comm, 3, sgd_config(), task))
    for found in World("threads:2").run(lambda comm: train(comm, 3, sgd_config(), task)):
        assert largest_difference(found, alone) < 1e-12
    start = task.model.init(sgd_config().run.seed, np.float64)
    trained = {path for path, d in task.model.declarations().items() if d.trained}
    assert {path for path in trained if np.array_equal(alone["tensors"][path], start[path])} == set()
    frozen = {path for path in start if path.startswith("13.")}
    assert all(np.array_equal(alone["tensors"][path], start[path]) for path in frozen)
