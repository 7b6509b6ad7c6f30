"""Every layer in a run: N ranks are one rank, shards give the same bits, resumed is never stopped; parameters move.

What would make these fail: a mask that depends on the division, a layer that knows of a batch's size or fails on none,
statistics of one rank alone, a parameter that no gradient reaches.
"""

# N samples, T positions, H height, W width, C channels
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from part_runs import check

import ddtrain.numpy as dnp
from ddtrain import data, nn, ops
from ddtrain.trainer.config.listing import listing
from ddtrain.trainer.task import Task
from helpers import CLASSES, SAMPLES

R = np.random.default_rng(0)
INPUTS = {
    "vectors": R.standard_normal((SAMPLES, 4)),
    "sequences": R.standard_normal((SAMPLES, 5, 4)),
    "images": R.standard_normal((SAMPLES, 5, 4, 4)),
    "words": R.integers(0, 9, (SAMPLES, 5)),
}
LABELS = R.integers(0, CLASSES, SAMPLES)


class Tied(nn.Module):
    """An embedding, and its scores."""

    def __init__(self) -> None:
        self.words = nn.Embedding(9, 3)
        self.scores = nn.TiedLinear(self.words, bias=True)

    def forward(self, words_NT: Any) -> Any:
        return self.scores(self.words(words_NT))


class Padded(nn.Module):
    """Attention that looks away from some keys, with positions that turn."""

    def __init__(self) -> None:
        self.attention = nn.MultiheadAttention(4, 2, positions=nn.RotaryPositions(2))

    def forward(self, x_NTC: Any) -> Any:
        padding_NT = np.broadcast_to(np.arange(5) == 4, x_NTC.shape[:2])
        return self.attention(x_NTC, key_padding_mask=padding_NT)


LAYERS: dict[str, tuple[str, Callable[[], nn.Module]]] = {  # a layer, and a variant of it behind a comma
    "Activation": ("vectors", lambda: nn.Activation(ops.tanh)),
    "AdaptiveAvgPool1d": ("sequences", lambda: nn.AdaptiveAvgPool1d(2)),
    "AdaptiveAvgPool2d": ("images", lambda: nn.AdaptiveAvgPool2d((3, 2))),
    "AdaptiveMaxPool1d": ("sequences", lambda: nn.AdaptiveMaxPool1d(2)),
    "AdaptiveMaxPool2d": ("images", lambda: nn.AdaptiveMaxPool2d((3, 2))),
    "AvgPool1d": ("sequences", lambda: nn.AvgPool1d(3, 1, 1)),
    "AvgPool2d": ("images", lambda: nn.AvgPool2d(3, 1, 1)),
    "BatchNorm": ("images", lambda: nn.BatchNorm(4)),
    "BatchNorm, cumulative": ("vectors", lambda: nn.BatchNorm(4, momentum=None)),
    "CausalSelfAttention": ("sequences", lambda: nn.CausalSelfAttention(4, 2)),
    "Concat": ("sequences", lambda: nn.Concat(nn.Linear(4, 2), nn.Tanh())),
    "Conv1d": ("sequences", lambda: nn.Conv1d(4, 6, 3, padding=1, groups=2)),
    "Conv2d": ("images", lambda: nn.Conv2d(4, 6, 3, padding=2, dilation=2)),
    "ConvTranspose1d": ("sequences", lambda: nn.ConvTranspose1d(4, 3, 2, stride=2)),
    "ConvTranspose2d": ("images", lambda: nn.ConvTranspose2d(4, 3, 2, stride=2)),
    "Dropout": ("vectors", lambda: nn.Dropout(0.3)),
    "ELU": ("vectors", nn.ELU),
    "Embedding": ("words", lambda: nn.Embedding(9, 3, padding_idx=0)),
    "Ensemble": ("vectors", lambda: nn.Ensemble(nn.Linear(4, 3), nn.Linear(4, 3))),
    "Ensemble, of probabilities": (
        "vectors",
        lambda: nn.Ensemble(nn.Linear(4, 3), nn.Linear(4, 3), combine="probabilities"),
    ),
    "Flatten": ("images", nn.Flatten),
    "FrozenBatchNorm": ("images", lambda: nn.FrozenBatchNorm(4)),
    "GELU": ("vectors", nn.GELU),
    "GRU": ("sequences", lambda: nn.GRU(4, 3, 2, dropout=0.2)),
    "GlobalAvgPool1d": ("sequences", nn.GlobalAvgPool1d),
    "GlobalAvgPool2d": ("images", nn.GlobalAvgPool2d),
    "GlobalMaxPool1d": ("sequences", nn.GlobalMaxPool1d),
    "GlobalMaxPool2d": ("images", nn.GlobalMaxPool2d),
    "GroupNorm": ("images", lambda: nn.GroupNorm(2, 4)),
    "Hardsigmoid": ("vectors", nn.Hardsigmoid),
    "Hardtanh": ("vectors", nn.Hardtanh),
    "Identity": ("vectors", nn.Identity),
    "InstanceNorm": ("images", lambda: nn.InstanceNorm(4, affine=True)),
    "LSTM": ("sequences", lambda: nn.LSTM(4, 3, bidirectional=True, truncate=3)),
    "LayerNorm": ("vectors", lambda: nn.LayerNorm(4)),
    "LeakyReLU": ("vectors", nn.LeakyReLU),
    "LearnedPositions": ("sequences", lambda: nn.LearnedPositions(5, 4)),
    "Linear": ("vectors", lambda: nn.Linear(4, 3)),
    "LogSoftmax": ("vectors", nn.LogSoftmax),
    "Max": ("sequences", nn.Max),
    "MaxPool1d": ("sequences", lambda: nn.MaxPool1d(2, 1)),
    "MaxPool2d": ("images", lambda: nn.MaxPool2d(2, 1)),
    "Maxout": ("vectors", nn.Maxout),
    "MultiheadAttention": ("sequences", lambda: nn.MultiheadAttention(4, 2)),
    "MultiheadAttention, with padding": ("sequences", Padded),
    "PReLU": ("vectors", lambda: nn.PReLU(4)),
    "RMSNorm": ("vectors", lambda: nn.RMSNorm(4)),
    "RNN": ("sequences", lambda: nn.RNN(4, 3, 2)),
    "ReLU": ("vectors", nn.ReLU),
    "Residual": ("vectors", lambda: nn.Residual(nn.Linear(4, 4))),
    "RotaryPositions": ("sequences", lambda: nn.RotaryPositions(4)),
    "SELU": ("vectors", nn.SELU),
    "Sequential": ("vectors", lambda: nn.Sequential(nn.Linear(4, 4), nn.Tanh())),
    "SiLU": ("vectors", nn.SiLU),
    "Sigmoid": ("vectors", nn.Sigmoid),
    "SinusoidalPositions": ("sequences", lambda: nn.SinusoidalPositions(4)),
    "Softmax": ("vectors", nn.Softmax),
    "Softplus": ("vectors", nn.Softplus),
    "SpatialDropout": ("sequences", lambda: nn.SpatialDropout(0.3)),
    "Tanh": ("vectors", nn.Tanh),
    "TiedLinear": ("words", Tied),
}


class Around(nn.Module):
    """A layer between two linear ones, so that derivatives come from above and go on below."""

    def __init__(self, layer: nn.Module, x: Any) -> None:
        self.layer = layer
        self.below = nn.Identity() if x.dtype.kind == "i" else nn.Linear(x.shape[-1], x.shape[-1])
        out = self._of(layer.bind(layer.init()), x[:1])
        self.features = out.size
        self.head = nn.Linear(self.features, CLASSES)

    def forward(self, x: Any) -> Any:
        out = self._of(self.layer, self.below(x))
        return self.head(dnp.reshape(out, (len(x), self.features)))

    @staticmethod
    def _of(layer: Any, x: Any) -> Any:
        out = layer(x)
        return out[0] if isinstance(out, tuple) else out  # recurrent layers give their state, too


def task_of(kind: str, layer: nn.Module) -> Task:
    x = INPUTS[kind]
    return Task(
        Around(layer, x),
        lambda model, x, y: ops.cross_entropy(model(x), y),
        (x, LABELS),
        data.ArrayData(x[::2], LABELS[::2]),
    )


def test_every_layer_and_activation_has_a_line() -> None:
    listed = {line.split()[0] for line in listing("layer", {}).splitlines()}
    listed.discard("CarriedState")  # of streams, which tests/equivalence/test_carried_state.py has
    assert {name.split(",")[0] for name in LAYERS} == listed
    assert {kind.__name__ for kind in nn.ACTIVATIONS.values()} <= listed


@pytest.mark.parametrize("name", LAYERS)
def test_n_ranks_are_one_rank(name: str) -> None:
    kind, make = LAYERS[name]
    task = task_of(kind, make())
    found = check(task)
    start = nn.to_torch(task.model, task.model.init(0, np.float64))
    trained = {path for path, declared in task.model.declarations().items() if declared.trained}
    assert {path for path in trained if np.array_equal(found[path], start[path])} == set()


def test_what_is_frozen_stays() -> None:
    kind, make = LAYERS["FrozenBatchNorm"]
    task = task_of(kind, make())
    start = task.model.init(0, np.float64)
    found = check(task)
    assert all(np.array_equal(found[path], x) for path, x in start.items() if path.startswith("layer."))


class ByPlace(nn.Dropout):
    """A mutation: the mask of a sample goes by its place in its own rank's share."""

    def uniform(self, shape: tuple[int, ...]) -> Any:
        return np.random.default_rng(0).random(shape)


class ByBatch(nn.Module):
    """Another: takes off the mean of the samples that are there."""

    def forward(self, x_NC: Any) -> Any:
        return x_NC - dnp.sum(x_NC, axis=0) / max(1, len(x_NC))


class ByCalls(nn.Module):
    """Another: remembers something that no checkpoint has."""

    calls = 0

    def forward(self, x_NC: Any) -> Any:
        ByCalls.calls += 1
        return x_NC / ByCalls.calls


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm(4, sync=False), ByPlace(0.3), ByBatch(), ByCalls()], ids=lambda layer: type(layer).__name__
)
def test_a_layer_that_knows_how_batches_are_divided_is_noticed(layer: nn.Module) -> None:
    with pytest.raises(AssertionError):
        check(task_of("vectors", layer))
