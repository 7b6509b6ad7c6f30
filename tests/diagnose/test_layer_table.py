"""``summary``: sums by hand, layers of one's own, layers that are called twice, and what a tape holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import Summary, autodiff, nn, summary
from ddtrain.diagnose.layer_table import OUTSIDE, layer_table
from ddtrain.errors import ShapeError, UsageError
from ddtrain.models.images.lenet import LeNet5
from ddtrain.models.images.resnet import ResNet


def images(n: int, size: int, channels: int) -> Any:
    return np.zeros((n, size, size, channels), np.float32)


def counts(table: Summary) -> dict[str, int]:
    return {row.path: row.multiply_adds for row in table.rows if row.multiply_adds}


def test_lenet_by_hand() -> None:
    """Each output of a convolution takes as many products as its window has entries."""
    table = summary(LeNet5(), images(3, 28, 1))
    by_hand = {28 * 28 * 6 * 25, 10 * 10 * 16 * 25 * 6, 400 * 120, 120 * 84, 84 * 10}
    assert {row.multiply_adds for row in table.rows} - {0} == by_hand
    assert table.multiply_adds == sum(by_hand)
    assert table.parameters == 61_706  # LeCun et al. with ten linear outputs


def test_resnet_20_has_its_forty_million() -> None:
    """He et al. count 41 M for 32x32 pictures; ours has 1x1 convolutions in the place of padded shortcuts."""
    table = summary(ResNet(3), images(2, 32, 3))
    stages = 432 * 1024 + 6 * 2304 * 1024 + (4608 + 5 * 9216) * 256 + (18432 + 5 * 36864) * 64
    assert table.multiply_adds == stages + 512 * 256 + 2048 * 64 + 64 * 10 == 40_813_184


@pytest.mark.parametrize("n", [1, 2, 5])
def test_attention_by_hand(n: int) -> None:
    width, positions = 8, 6
    table = summary(nn.CausalSelfAttention(width, 2), np.zeros((n, positions, width)))
    projections, scores_and_values = 4 * positions * width**2, 2 * positions**2 * width
    assert table.multiply_adds == projections + scores_and_values


@pytest.mark.parametrize(("cell", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_recurrence_by_hand(cell: Any, gates: int) -> None:
    d, h, t = 3, 5, 7
    assert summary(cell(d, h), np.zeros((2, t, d))).multiply_adds == t * gates * h * (d + h)


@pytest.mark.parametrize(
    ("layer", "by_hand"),
    [
        (nn.Conv2d(4, 6, 3), 6 * 6 * 6 * 9 * 4),
        (nn.Conv2d(4, 6, 3, groups=2), 6 * 6 * 6 * 9 * 2),
        (nn.Conv2d(4, 6, 3, dilation=2), 4 * 4 * 6 * 9 * 4),
        (nn.Conv2d(4, 6, 3, stride=2, padding=1), 4 * 4 * 6 * 9 * 4),
    ],
)
def test_convolutions_by_hand(layer: nn.Module, by_hand: int) -> None:
    assert summary(layer, images(2, 8, 4)).multiply_adds == by_hand


def test_an_embedding_multiplies_nothing() -> None:
    table = summary(nn.Embedding(10, 4), np.array([[1, 2, 3], [0, 0, 9]]))
    assert (table.multiply_adds, table.parameters, table.rows[0].output) == (0, 40, "(N, 3, 4)")


class Einsum(nn.Module):
    """A layer of one's own, whose products are those of ``einsum``."""

    def __init__(self) -> None:
        self.weight = nn.param((4, 5, 6), nn.init.zeros)

    def forward(self, x: Any) -> Any:
        return dnp.einsum("nab,abc,c->n", x, self.weight, np.ones(6))


def test_layers_of_ones_own_count_like_any_other() -> None:
    """In NumPy's order: first over a and b, which leaves n and c, then over c."""
    assert summary(Einsum(), np.zeros((3, 4, 5))).multiply_adds == 4 * 5 * 6 + 6


class Shared(nn.Module):
    """One layer at two places, and another that is called twice."""

    def __init__(self) -> None:
        self.first = self.again = nn.Linear(4, 4)
        self.twice = nn.Linear(4, 4, bias=False)

    def forward(self, x: Any) -> Any:
        return self.twice(self.twice(self.again(self.first(x))))


def test_calls_are_rows_and_parameters_count_once() -> None:
    table = summary(Shared(), np.zeros((2, 4)))
    assert [(row.path, row.parameters, row.multiply_adds) for row in table.rows] == [
        ("", 0, 0),
        ("first", 20, 16),
        ("again", 0, 16),
        ("twice", 16, 16),
        ("twice", 0, 16),
    ]
    assert table.parameters == 36 == sum(row.parameters for row in table.rows)


def test_recomputation_keeps_less_and_multiplies_the_same() -> None:
    class Recomputed(nn.Module):
        def __init__(self, recompute: bool) -> None:
            self.layers = [nn.Linear(8, 8) for _ in range(4)]
            self.recompute = recompute

        def forward(self, x: Any) -> Any:
            def run(*values: Any) -> Any:
                y = values[0]
                for w, b in zip(values[1::2], values[2::2], strict=True):
                    y = dnp.tanh(y @ w + b)
                return y

            inner = autodiff.checkpoint(run) if self.recompute else run
            return inner(x, *[value for layer in self.layers for value in (layer.weight, layer.bias)])

    plain, less = (summary(Recomputed(recompute), np.zeros((16, 8))) for recompute in (False, True))
    assert plain.multiply_adds == less.multiply_adds == 4 * 64
    # two results of each layer's three operations are at least held, against the last one's
    assert less.kept_bytes <= 16 * 8 * 4 < 8 * 16 * 8 * 4 <= plain.kept_bytes


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 4), (np.float64, 8)])
@pytest.mark.parametrize(("optim", "vectors"), [("sgd", 1), ("adam", 2)])
def test_memory_by_hand(dtype: Any, size: int, optim: str, vectors: int) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    table = summary(model, np.zeros((16, 4)), optim=optim, dtype=dtype)
    assert table.parameter_bytes == table.gradient_bytes == 58 * size
    assert table.optimizer_bytes == 58 * size * vectors
    # linear and tanh: what enters tanh and what leaves it; the batch is there anyway, and the output has no reader
    assert table.kept_bytes in (16 * 8 * size, 2 * 16 * 8 * size)


def test_views_of_the_batch_cost_nothing() -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(12, 1)

        def forward(self, x: Any) -> Any:
            return self.linear(x.reshape(len(x), 12))

    assert summary(Flat(), np.zeros((5, 3, 4), np.float32)).kept_bytes == 0


def test_several_arrays_outputs_and_odd_batches() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.linear = nn.Linear(3, 2)

        def forward(self, x: Any, y: Any) -> Any:
            return {"sum": self.linear(x) + y, "both": (y, dnp.sum(y))}

    x = np.zeros((7, 6))[:, ::2]  # not contiguous
    table = summary(Two(), (x, np.zeros((7, 2))))
    assert table.rows[0].output == "(N, 2), (N, 2), ()"
    assert summary(nn.Linear(3, 2), np.zeros((0, 3))).multiply_adds == 0


def test_what_is_outside_of_layers_is_a_row_of_its_own() -> None:
    model, x = nn.Linear(3, 2), np.ones((4, 3), np.float32)
    table = layer_table(model, model.init(0), lambda net: net(x) @ np.ones((2, 5), np.float32), (x,), "sgd")
    assert [(row.path, row.multiply_adds) for row in table.rows] == [("", 6), (OUTSIDE, 10)]


def test_buffers_and_dropout_as_in_training() -> None:
    table = summary(nn.Sequential(nn.Linear(4, 6), nn.BatchNorm(6), nn.Dropout(0.5)), np.zeros((8, 4)), optim="adam")
    assert (table.parameters, table.buffers) == (42, 13)
    assert "and 13 numbers in buffers" in str(table)


def test_a_bound_model_has_the_table_of_the_model_itself() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.Sequential(nn.BatchNorm(6), nn.Linear(6, 2)))
    bound = model.bind(model.init(0), training=True)
    for given in (bound, bound.evaluating()):
        assert summary(given, np.zeros((8, 4))) == summary(model, np.zeros((8, 4)))
    (_, inner), (_, inner_bound) = list(model.children())[1], list(bound.evaluating().children())[1]
    assert summary(inner_bound, np.zeros((8, 6))) == summary(inner, np.zeros((8, 6)))


def test_what_cannot_be_summed_up_is_said() -> None:
    model = nn.Linear(3, 2)
    with pytest.raises(ShapeError, match="x has 4 columns"):
        summary(model, np.zeros((1, 4)))
    with pytest.raises(UsageError, match="adem"):
        summary(model, np.zeros((1, 3)), optim="adem")


def test_watching_changes_no_bit() -> None:
    model, x = ResNet(1, widths=(4, 4, 4)), np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype(np.float32)
    values = model.init(0)
    before = model.bind(values)(x)
    summary(model, x)
    assert (model.bind(values)(x) == before).all()
    assert model.bind(values).run.watcher is None
