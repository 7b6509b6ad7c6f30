"""Pooling of sequences, to a size that is told, and over everything, against PyTorch's numbers.

What would make these fail: windows that begin or end one entry off, padding that wins, the wrong axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest
from torch_numbers import assert_pytorchs, digests, wave

from ddtrain import check_grads, ops
from ddtrain.autodiff import vjp
from ddtrain.errors import ShapeError

IMAGES, SEQUENCES = wave((2, 7, 5, 3), 0), wave((2, 7, 3), 0)
CASES: dict[str, Callable[[Any], Any]] = {
    "max_pool1d": lambda x: ops.max_pool1d(x, 3, 2, 1),
    "avg_pool1d": lambda x: ops.avg_pool1d(x, 3, 2, 1),
    "adaptive_avg_pool1d": lambda x: ops.adaptive_avg_pool1d(x, 3),
    "adaptive_max_pool1d": lambda x: ops.adaptive_max_pool1d(x, 3),
    "adaptive_avg_pool2d": lambda x: ops.adaptive_avg_pool2d(x, (3, 2)),
    "adaptive_max_pool2d": lambda x: ops.adaptive_max_pool2d(x, (3, 2)),
    "adaptive_avg_pool2d larger": lambda x: ops.adaptive_avg_pool2d(x, (9, 5)),
    "adaptive_max_pool2d divides": lambda x: ops.adaptive_max_pool2d(x, (7, 1)),
    "global_max_pool2d": ops.global_max_pool2d,
    "global_avg_pool2d": ops.global_avg_pool2d,
    "global_max_pool1d": ops.global_max_pool1d,
    "global_avg_pool1d": ops.global_avg_pool1d,
}
PYTORCH = {  # PyTorch 2.13, float64: value, gradient of x
    "max_pool1d": [[0.59234448262017, 1.468848082354], [1.2311427248912, 3.7015479700878]],
    "avg_pool1d": [[0.23748158673742, 0.45521882618841], [-0.48080902463356, 0.64774114936066]],
    "adaptive_avg_pool1d": [[-0.58234776512733, 0.2335000975356], [0.0021769006059821, -0.4193639188733]],
    "adaptive_max_pool1d": [[-1.7566700476414, -0.067823523317678], [1.8276199327288, -4.6500842733509]],
    "adaptive_avg_pool2d": [[-0.45822927940805, 0.80989451540891], [5.1435092253145e-05, -0.95618165074964]],
    "adaptive_max_pool2d": [[-0.67272215631697, 2.1776312093644], [3.2520060415767, 3.1266997282247]],
    "adaptive_avg_pool2d larger": [[0.31833651601469, 0.41357510977398], [-0.72252045705692, -0.058916762285494]],
    "adaptive_max_pool2d divides": [[-1.4880551881103, -1.0816527393863], [5.6939559741793, -3.0651780570591]],
    "global_max_pool2d": [[0.95437091292377, 0.92618835672917], [-0.49099515344366, 0.72679915944108]],
    "global_avg_pool2d": [[0.058443324476881, 0.019855010209311], [-0.016557050332974, 0.013703902093442]],
    "global_max_pool1d": [[-0.098034926200625, 1.4862477011203], [1.5102864122146, -1.1321178833052]],
    "global_avg_pool1d": [[0.17913964618202, -0.079228268994174], [0.028366174415321, 0.053654793292269]],
}  # fmt: skip
every = pytest.mark.parametrize("name", CASES)


def images_of(name: str) -> Any:
    return SEQUENCES if "1d" in name else IMAGES


@every
def test_pytorchs_numbers(name: str) -> None:
    op, x = CASES[name], images_of(name)
    assert_pytorchs(digests(op, x), PYTORCH[name])
    assert op(x.astype(onp.float32)).dtype == onp.float32
    onp.testing.assert_array_equal(op(onp.asfortranarray(x)), op(x))


@every
def test_derivatives_to_second_order(name: str) -> None:
    check_grads(CASES[name], order=2)(images_of(name))


@every
def test_no_images(name: str) -> None:
    x = images_of(name)[:0]
    y, pull = vjp(CASES[name], x)
    assert y.shape[0] == 0
    assert pull(y)[0].shape == x.shape


def o(*shape: int) -> Any:
    return onp.ones(shape)


WRONG: dict[str, Callable[[], Any]] = {
    "max_pool1d: x_NTC has 4 axes, not 3": lambda: ops.max_pool1d(o(1, 4, 4, 1), 2),
    "max_pool1d: size 0 is less than 1": lambda: ops.max_pool1d(o(1, 4, 1), 0),
    "avg_pool1d: stride 1.5 is not an integer": lambda: ops.avg_pool1d(o(1, 4, 1), 2, 1.5),  # type: ignore[arg-type]
    "adaptive_avg_pool2d: x_NHWC has 3 axes, not 4": lambda: ops.adaptive_avg_pool2d(o(1, 4, 4), 2),
    "adaptive_avg_pool2d: size (1, 0) is less than 1": lambda: ops.adaptive_avg_pool2d(o(1, 4, 4, 1), (1, 0)),
    "adaptive_max_pool2d: images of 0 x 4 have nothing to pool": lambda: ops.adaptive_max_pool2d(o(1, 0, 4, 1), 2),
    "adaptive_max_pool1d: size (2, 2) is not an integer": lambda: ops.adaptive_max_pool1d(
        o(1, 4, 1),
        (2, 2),  # type: ignore[arg-type]
    ),
    "global_max_pool2d: x_NHWC has 2 axes, not 4": lambda: ops.global_max_pool2d(o(4, 4)),
    "global_avg_pool1d: x_NTC has 2 axes, not 3": lambda: ops.global_avg_pool1d(o(4, 4)),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        WRONG[message]()
    assert message in caught.value.message
    assert "\n" not in caught.value.message
