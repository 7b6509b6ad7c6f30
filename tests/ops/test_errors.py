"""Arguments that do not fit: one line that names the operation, both sides, and what to do."""

from __future__ import annotations

from typing import Any

import numpy as onp
import pytest

from ddtrain import ops
from ddtrain.autodiff import grad
from ddtrain.errors import DdtrainError, ShapeError, UsageError


def x(*shape: int) -> Any:
    return onp.zeros(shape)


WRONG = {
    "linear: x has 784 columns but weight has 512 rows (x_ND (32, 784), w_DK (512, 10))": lambda: ops.linear(
        x(32, 784), x(512, 10), x(10)
    ),
    "linear: bias has shape (3,) but weight has 2 columns": lambda: ops.linear(x(4, 3), x(3, 2), x(3)),
    "linear: x has shape () and weight has shape (3, 2)": lambda: ops.linear(x(), x(3, 2)),
    "linear: x has shape (4, 3) and weight has shape (3,)": lambda: ops.linear(x(4, 3), x(3)),
    "conv2d: x_NHWC has 3 axes, not 4: shape (8, 28, 28)": lambda: ops.conv2d(x(8, 28, 28), x(3, 3, 1, 4)),
    "conv2d: x has 1 channels but weight takes 3 x 1 groups": lambda: ops.conv2d(x(8, 9, 9, 1), x(3, 3, 3, 4)),
    "conv2d: 5 output channels do not divide into 2 groups": lambda: ops.conv2d(x(1, 4, 4, 4), x(3, 3, 2, 5), groups=2),
    "conv2d: bias has shape (3,) but weight has 4 channels": lambda: ops.conv2d(x(1, 4, 4, 1), x(3, 3, 1, 4), x(3)),
    "conv2d: a 5 x 5 kernel does not fit images of 4 x 4 with padding 0": lambda: ops.conv2d(
        x(1, 4, 4, 1), x(5, 5, 1, 1)
    ),
    "conv2d: stride 0 is less than 1": lambda: ops.conv2d(x(1, 4, 4, 1), x(3, 3, 1, 1), stride=0),
    "conv2d: groups 2.0 is not an integer": lambda: ops.conv2d(x(1, 4, 4, 2), x(3, 3, 1, 2), groups=2.0),  # type: ignore[arg-type]
    "conv2d: padding True is neither an integer nor a pair": lambda: ops.conv2d(
        x(1, 4, 4, 1), x(3, 3, 1, 1), padding=True
    ),
    "conv2d: padding 1.5 is neither an integer nor a pair": lambda: ops.conv2d(
        x(1, 4, 4, 1), x(3, 3, 1, 1), padding=1.5
    ),
    "conv2d: padding 'valid' is neither an integer nor a pair": lambda: ops.conv2d(
        x(1, 4, 4, 1), x(3, 3, 1, 1), padding="valid"
    ),
    'conv2d: padding "same" needs stride 1, not (2, 2)': lambda: ops.conv2d(
        x(1, 4, 4, 1), x(3, 3, 1, 1), stride=2, padding="same"
    ),
    "max_pool2d: a 3 x 3 window does not fit images of 2 x 2": lambda: ops.max_pool2d(x(1, 2, 2, 1), 3),
    "avg_pool2d: padding 2 is more than half of the window, 2 x 2": lambda: ops.avg_pool2d(x(1, 4, 4, 1), 2, padding=2),
    "max_pool2d: size (2, 2, 2) is neither an integer nor a pair": lambda: ops.max_pool2d(x(1, 4, 4, 1), (2, 2, 2)),
    "global_avg_pool2d: x_NHWC has 2 axes": lambda: ops.global_avg_pool2d(x(4, 4)),
    "batch_norm: x has shape (3,), not (N, ..., C)": lambda: ops.batch_norm(x(3), x(3), x(3)),
    "batch_norm: scale has shape (2,) but x (4, 3) has 3 channels": lambda: ops.batch_norm(x(4, 3), x(2), x(3)),
    "layer_norm: shift has shape (2,) but x (4, 3) has 3 channels": lambda: ops.layer_norm(x(4, 3), x(3), x(2)),
    "dropout: x has shape (4, 3) but the uniform numbers have shape (3,)": lambda: ops.dropout(x(4, 3), x(3)),
    "dropout: rate 1.5 is outside [0, 1]": lambda: ops.dropout(x(3), x(3), 1.5),
    "embedding: index 7 at position (1, 0) is outside [0, 4) (1 of 4 are)": lambda: ops.embedding(
        x(4, 2), onp.array([[0, 3], [7, 1]])
    ),
    "embedding: indices have dtype float64, not integers": lambda: ops.embedding(x(4, 2), x(3)),
    "embedding: table_VE has 1 axes, not 2": lambda: ops.embedding(x(4), onp.zeros(3, int)),
    "batch_norm_inference: mean has shape (2,) but x (4, 3) has 3 channels": lambda: ops.batch_norm_inference(
        x(4, 3), x(2), x(3), x(3), x(3)
    ),
    "attention: q (2, 3), k (2, 4) and v (2, 3) are not": lambda: ops.attention(x(2, 3), x(2, 4), x(2, 3)),
    "attention: 3 queries but 2 keys": lambda: ops.attention(x(3, 4), x(2, 4), x(2, 4)),
    "cross_entropy: label 10 at position 2 is outside [0, 10) (2 of 4 are)": lambda: ops.cross_entropy(
        x(4, 10), onp.array([0, 9, 10, -1])
    ),
    "cross_entropy: labels have dtype float64, not integers": lambda: ops.cross_entropy(x(4, 10), x(4)),
    "cross_entropy: scores have shape (4, 10) but labels have shape (3,)": lambda: ops.cross_entropy(
        x(4, 10), onp.zeros(3, int)
    ),
    "hinge: label -1 at position 0": lambda: ops.hinge(x(1, 3), onp.array([-1])),
    "squared_error: prediction has shape (4, 1) but target has shape (4,)": lambda: ops.squared_error(x(4, 1), x(4)),
    "gelu: approximate is 'erf'": lambda: ops.gelu(x(3), approximate="erf"),
}


@pytest.mark.parametrize("message", WRONG)
def test_message(message: str) -> None:
    with pytest.raises(DdtrainError) as error:
        WRONG[message]()
    assert message in error.value.message
    assert "\n" not in error.value.message
    assert isinstance(error.value, (ShapeError, UsageError))


def test_the_same_under_a_trace() -> None:
    with pytest.raises(ShapeError, match="linear: x has 3 columns but weight has 4 rows"):
        grad(lambda w: ops.linear(x(2, 3), w).sum())(x(4, 5))
