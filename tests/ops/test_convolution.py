"""Convolutions against PyTorch's numbers, and the transposed one as the transpose that it is.

What would make these fail: padding that goes above instead of below, a kernel that is turned round, groups that see
each other's channels, rows that a stride leaves over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest
from torch_numbers import assert_pytorchs, digests, wave

from ddtrain import ops
from ddtrain.autodiff import vjp
from ddtrain.errors import ShapeError

Shape = tuple[int, ...]
CASES: dict[str, tuple[Callable[..., Any], Shape, Shape, Shape]] = {
    "conv2d": (lambda *a: ops.conv2d(*a, (2, 1), (1, 2)), (2, 5, 6, 3), (3, 2, 3, 4), (4,)),
    "conv2d dilated": (
        lambda *a: ops.conv2d(*a, (1, 2), (2, 0), dilation=(2, 3)),
        *((2, 7, 8, 2), (3, 2, 2, 3), (3,)),
    ),
    "conv2d depthwise": (lambda *a: ops.conv2d(*a, 1, 1, 4, 2), (2, 5, 6, 4), (3, 3, 1, 8), (8,)),
    "conv2d same": (
        lambda *a: ops.conv2d(*a, padding="same", dilation=(3, 1)),
        *((1, 5, 6, 2), (2, 3, 2, 2), (2,)),
    ),
    "conv_transpose2d": (lambda *a: ops.conv_transpose2d(*a, (2, 1), (1, 0), (1, 0)), (2, 3, 4, 3), (3, 2, 2, 3), (2,)),
    "conv_transpose2d grouped": (
        lambda *a: ops.conv_transpose2d(*a, 2, 1, 1, 2, (2, 1)),
        *((1, 4, 3, 4), (3, 3, 3, 4), (6,)),
    ),
    "conv_transpose1d": (lambda *a: ops.conv_transpose1d(*a, 2, 1, 1), (2, 5, 3), (3, 2, 3), (2,)),
    "conv_transpose1d grouped": (
        lambda *a: ops.conv_transpose1d(*a, 3, 2, 2, 2, 2),
        *((2, 4, 4), (3, 3, 4), (6,)),
    ),
    "conv1d": (lambda *a: ops.conv1d(*a, 2, 1, 2, 2), (2, 9, 4), (3, 2, 6), (6,)),
    "conv1d same": (lambda *a: ops.conv1d(*a, padding="same"), (2, 5, 2), (4, 2, 3), (3,)),
}
PYTORCH = {  # PyTorch 2.13, float64: value, gradients of x, weight and bias
    "conv2d": [[1.6690649980456, 11.683984534086], [-4.1631017529671, 26.12490884771], [-6.1754188488031,
        5.206043201238], [-0.46940781422151, -1.0148690140481]],
    "conv2d dilated": [[5.0050311383334, -2.7820781539096], [-29.337950048452, -4.6226253946819],
        [-6.6201074346466, -11.501498930441], [-1.0299778934067, 3.117877184932]],
    "conv2d depthwise": [[-15.245995533581, -2.024424968058], [-1.2061709000826, 0.78043446987378],
        [4.8570223257058, 10.332381526336], [-0.65217377300929, -2.0439156447952]],
    "conv2d same": [[-5.3454357007022, 0.49378260555231], [5.1573183133987, 0.07826055184062],
        [-1.1302395949277, 1.2482877109072], [-0.65947982524716, 2.0223808792569]],
    "conv_transpose2d": [[12.48266710582, -6.8905093381281], [-2.0488931747225, 0.02635701810013], [-1.377839295144,
        -7.4155468003599], [0.18658297698997, 0.92782712655994]],
    "conv_transpose2d grouped": [[13.841658873085, -0.31495575449932], [-12.836097863435, -4.9253554523113],
        [-30.283676352047, 0.90767103545914], [4.6913967791493, 0.89725428493412]],
    "conv_transpose1d": [[1.1012429624783, -4.6253288638256], [-2.8946851189555, 3.7462087422298],
        [-2.2822030750375, 0.14794202289018], [-0.56747239049169, -0.20401486104699]],
    "conv_transpose1d grouped": [[0.43617133902594, 0.3980041884241], [-3.7850607853528, 13.100462963128],
        [-11.801776944293, 0.33240019993237], [0.17274096282369, -0.13131160093406]],
    "conv1d": [[-4.601120741679, -2.03201542073], [3.8174587760828, -7.1244647075718], [6.3005067271179,
        -4.0510704125635], [0.024206161853447, -0.072763102594169]],
    "conv1d same": [[2.4945502764402, 1.9337410081776], [-3.1253687404812, 2.9207456902633], [-2.3060772796417,
        -0.88079465246972], [-1.2594904904488, 2.477095996619]],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_pytorchs_numbers(name: str) -> None:
    op, *shapes = CASES[name]
    arrays = [wave(shape, k) for k, shape in enumerate(shapes)]
    assert_pytorchs(digests(op, *arrays), PYTORCH[name])
    in_float32 = digests(op, *(a.astype(onp.float32) for a in arrays))
    assert_pytorchs(in_float32, PYTORCH[name], rtol=1e-4)
    assert op(*(a.astype(onp.float32) for a in arrays)).dtype == onp.float32


@pytest.mark.parametrize("name", CASES)
def test_no_images(name: str) -> None:
    op, x, w, b = CASES[name]
    y, pull = vjp(op, onp.ones((0, *x[1:])), onp.ones(w), onp.ones(b))
    assert y.shape == (0, *op(onp.ones(x), onp.ones(w), onp.ones(b)).shape[1:])
    assert [g.any() for g in pull(y)] == [False, False, False]


@pytest.mark.parametrize("stride", [1, 2, (1, 3)])
@pytest.mark.parametrize("dilation", [1, (2, 1)])
def test_the_transposed_convolution_is_the_convolutions_way_back(stride: Any, dilation: Any) -> None:
    images, w = wave((2, 8, 9, 4), 0), wave((3, 2, 2, 6), 1)
    options = {"stride": stride, "padding": (1, 0), "groups": 2, "dilation": dilation}
    y, pull = vjp(lambda x: ops.conv2d(x, w, **options), images)
    g = wave(y.shape, 2)
    (back,) = pull(g)
    smallest = ops.conv_transpose2d(g, w, **options)
    more = tuple(n - m for n, m in zip(images.shape[1:3], smallest.shape[1:3]))  # what the stride has left over
    onp.testing.assert_allclose(
        ops.conv_transpose2d(g, w, output_padding=more, **options), back, rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_that_of_sequences_leads_the_convolution_of_sequences_back(stride: int) -> None:
    x, w = wave((2, 11, 4), 0), wave((3, 2, 6), 1)
    y, pull = vjp(lambda x: ops.conv1d(x, w, None, stride, 1, 2, 2), x)
    (back,) = pull(g := wave(y.shape, 2))
    more = 11 - ops.conv_transpose1d(g, w, None, stride, 1, 0, 2, 2).shape[1]  # what the stride has left over
    onp.testing.assert_allclose(ops.conv_transpose1d(g, w, None, stride, 1, more, 2, 2), back, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [onp.float32, onp.float64])
def test_sequences_that_are_not_contiguous(dtype: Any) -> None:
    x, w = wave((2, 10, 3), 0).astype(dtype)[:, ::2], wave((3, 2, 2), 1).astype(dtype)
    found = ops.conv_transpose1d(x[..., ::-1][..., :2], w, stride=2)
    copied = ops.conv_transpose1d(x[..., ::-1][..., :2].copy(), w, stride=2)
    assert found.tobytes() == copied.tobytes()
    assert found.dtype == dtype


def o(*shape: int) -> Any:
    return onp.ones(shape)


WRONG: dict[str, Callable[[], Any]] = {
    "conv2d: a 3 x 3 kernel, dilated to 5 x 3, does not fit images of 4 x 4": lambda: ops.conv2d(
        o(1, 4, 4, 1), o(3, 3, 1, 1), dilation=(2, 1)
    ),
    "conv2d: dilation 0 is less than 1": lambda: ops.conv2d(o(1, 4, 4, 1), o(3, 3, 1, 1), dilation=0),
    "conv1d: x_NTC has 4 axes, not 3": lambda: ops.conv1d(o(1, 4, 4, 1), o(3, 1, 1)),
    "conv1d: weight has 4 axes, not 3": lambda: ops.conv1d(o(1, 4, 1), o(3, 3, 1, 1)),
    "conv1d: stride 0 is less than 1": lambda: ops.conv1d(o(1, 4, 1), o(3, 1, 1), stride=0),
    "conv1d: padding 'valid' is not an integer": lambda: ops.conv1d(o(1, 4, 1), o(3, 1, 1), padding="valid"),
    "conv1d: a kernel that reaches over 5 positions does not fit sequences of 4": lambda: ops.conv1d(
        o(1, 4, 1), o(3, 1, 1), dilation=2
    ),
    "conv_transpose1d: x_NTC has 4 axes, not 3": lambda: ops.conv_transpose1d(o(1, 4, 4, 1), o(3, 1, 1)),
    "conv_transpose1d: weight has 2 axes, not 3": lambda: ops.conv_transpose1d(o(1, 4, 1), o(3, 1)),
    "conv_transpose1d: stride 0 is less than 1": lambda: ops.conv_transpose1d(o(1, 4, 1), o(3, 1, 1), stride=0),
    "conv_transpose1d: output_padding 1 is not less than the stride 1": lambda: ops.conv_transpose1d(
        o(1, 4, 1), o(3, 1, 1), output_padding=1
    ),
    "conv_transpose1d: sequences of 1 with padding 1 leave nothing": lambda: ops.conv_transpose1d(
        o(1, 1, 1), o(2, 1, 1), padding=1
    ),
    "conv_transpose2d: x has 2 channels but weight takes 3": lambda: ops.conv_transpose2d(o(1, 4, 4, 2), o(3, 3, 1, 3)),
    "conv_transpose2d: output_padding 2 is not less than the stride 2": lambda: ops.conv_transpose2d(
        o(1, 4, 4, 2), o(3, 3, 1, 2), stride=2, output_padding=2
    ),
    "conv_transpose2d: 3 input channels do not divide into 2 groups": lambda: ops.conv_transpose2d(
        o(1, 4, 4, 3), o(3, 3, 1, 3), groups=2
    ),
    "conv_transpose2d: groups 0 is less than 1": lambda: ops.conv_transpose2d(o(1, 4, 4, 3), o(3, 3, 1, 3), groups=0),
    "conv_transpose2d: bias has shape (1,) but the answer has 2 channels": lambda: ops.conv_transpose2d(
        o(1, 4, 4, 3), o(3, 3, 2, 3), o(1)
    ),
    "conv_transpose2d: images of 1 x 1 with padding 1 leave nothing": lambda: ops.conv_transpose2d(
        o(1, 1, 1, 1), o(2, 2, 1, 1), padding=1
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        WRONG[message]()
    assert message in caught.value.message
    assert "\n" not in caught.value.message
