"""Activations against PyTorch's numbers with two derivatives, far from zero, and made by users.

What would make these fail: an exponential that overflows where its result is not used, a derivative of the other side
of a kink, a Jacobian that is applied transposed. The conformance suite has finite differences of each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import check_grads, elementwise_grad, grad, jacobian, jvp, ops
from ddtrain.errors import DdtrainError, ShapeError, UsageError

# PyTorch 2.13 in float64 at X: value, derivative, second derivative; softplus without its threshold, and hard_sigmoid
# by clamp, because PyTorch's own has 1/6 in float32 for a derivative
X = [-30.0, -3.5, -1.5, -0.5, 0.25, 1.5, 2.5, 5.0]
PYTORCH: dict[str, tuple[list[float], list[float], list[float]]] = {
    "relu": (
        [0.0, 0.0, 0.0, 0.0, 0.25, 1.5, 2.5, 5.0],
        [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
    "leaky_relu": (
        [-0.3, -0.035, -0.015, -0.005, 0.25, 1.5, 2.5, 5.0],
        [0.01, 0.01, 0.01, 0.01, 1.0, 1.0, 1.0, 1.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
    "elu": (
        [-0.6999999999999, -0.6788618316044, -0.5438088878961, -0.2754285382012, 0.25, 1.5, 2.5, 5.0],
        [6.550336078188e-14, 0.02113816839562, 0.1561911121039, 0.4245714617988, 1.0, 1.0, 1.0, 1.0],
        [6.550336078188e-14, 0.02113816839562, 0.1561911121039, 0.4245714617988, 0.0, 0.0, 0.0, 0.0],
    ),
    "selu": (
        [-1.758099340847, -1.705009340957, -1.365814353367, -0.6917581878029, 0.2626752468389, 1.576051481033,
         2.626752468389, 5.253504936777],
        [1.645163077342e-13, 0.05308999989009, 0.3922849874801, 1.066341153045, 1.050700987355,
         1.050700987355, 1.050700987355, 1.050700987355],
        [1.645163077342e-13, 0.05308999989009, 0.3922849874801, 1.066341153045, 0.0, 0.0, 0.0, 0.0],
    ),
    "gelu": (
        [-0.0, -0.0008142017766244, -0.1002108019033, -0.154268769363, 0.1496765814207, 1.399789198097,
         2.484475836686, 4.999998566742],
        [-4.420938404636e-195, -0.002821760353625, -0.12746919223, 0.1325048753438, 0.6953733548836,
         1.12746919223, 1.037611085908, 1.000007146946],
        [-1.323334229121e-193, -0.008944997624219, -0.03237939891647, 0.6161143218375, 0.7491694763055,
         -0.03237939891647, -0.07449527709767, -3.419454883889e-05],
    ),
    "silu": (
        [-2.807286890652e-12, -0.1025928076297, -0.2736382857095, -0.1887703343991, 0.1405441252214,
         1.22636171429, 2.310354549947, 4.966535745379],
        [-2.713710660963e-12, -0.07027335282772, -0.04129415429914, 0.2600388126973, 0.6237100215702,
         1.041294154299, 1.099401111342, 1.02654743243],
        [-2.620134431274e-12, -0.03684138460885, 0.1561975849635, 0.441229026977, 0.4846162874685,
         0.1561975849635, -0.008462156523369, -0.01949922549003],
    ),
    "softplus": (
        [4.378255381348e-27, 0.0004557332268871, 0.02429367578687, 0.1566308437591, 0.4870384920901,
         1.524293675787, 2.503357674245, 5.00002269945],
        [8.756510762697e-27, 0.0009110511944006, 0.04742587317757, 0.26894142137, 0.6224593312019,
         0.9525741268224, 0.9933071490757, 0.9999546021313],
        [1.751302152539e-26, 0.001820442360244, 0.09035331946182, 0.393223866483, 0.4700074244032,
         0.09035331946182, 0.01329611334158, 9.079161547182e-05],
    ),
    "sigmoid": (
        [9.357622968839e-14, 0.02931223075136, 0.1824255238064, 0.3775406687981, 0.5621765008858,
         0.8175744761936, 0.9241418199788, 0.9933071490757],
        [9.357622968838e-14, 0.02845302387974, 0.1491464520703, 0.2350037122016, 0.2461340827376,
         0.1491464520703, 0.07010371654511, 0.00664805667079],
        [9.357622968837e-14, 0.02678498067666, 0.09473021278475, 0.05755679485232, -0.03060751202672,
         -0.09473021278475, -0.05946783584543, -0.006559067766322],
    ),
    "tanh": (
        [-1.0, -0.9981778976112, -0.9051482536449, -0.46211715726, 0.2449186624037, 0.9051482536449,
         0.9866142981514, 0.9999092042626],
        [0.0, 0.003640884720487, 0.1807066389236, 0.7864477329659, 0.9400148488064, 0.1807066389236,
         0.02659222668316, 0.0001815832309439],
        [0.0, 0.007268501311482, 0.3271325972875, 0.7268619813836, -0.4604543588186, -0.3271325972875,
         -0.05247254213058, -0.000363133487921],
    ),
    "hard_tanh": (
        [-1.0, -1.0, -1.0, -0.5, 0.25, 1.0, 1.0, 1.0],
        [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
    "hard_sigmoid": (
        [0.0, 0.0, 0.25, 0.4166666666667, 0.5416666666667, 0.75, 0.9166666666667, 1.0],
        [0.0, 0.0, 0.1666666666667, 0.1666666666667, 0.1666666666667, 0.1666666666667, 0.1666666666667, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
}  # fmt: skip
OPTIONS: dict[str, dict[str, float]] = {"elu": {"alpha": 0.7}, "softplus": {"beta": 2.0}}
FAR = {  # at -1000 and 1000: value, derivative
    "relu": ([0, 1000], [0, 1]),
    "leaky_relu": ([-10, 1000], [0.01, 1]),
    "elu": ([-0.7, 1000], [0, 1]),
    "selu": ([-1.7580993408473766, 1050.7009873554805], [0, 1.0507009873554805]),
    "gelu": ([0, 1000], [0, 1]),
    "silu": ([0, 1000], [0, 1]),
    "softplus": ([0, 1000], [0, 1]),
    "sigmoid": ([0, 1], [0, 0]),
    "tanh": ([-1, 1], [0, 0]),
    "hard_tanh": ([-1, 1], [0, 0]),
    "hard_sigmoid": ([0, 1], [0, 0]),
}
every = pytest.mark.parametrize("name", PYTORCH)


def function(name: str) -> Callable[[Any], Any]:
    return partial(getattr(ops, name), **OPTIONS.get(name, {}))


@every
def test_pytorchs_numbers_to_the_second_derivative(name: str) -> None:
    f, x = function(name), onp.array(X)
    for derivative, expected in zip((f, elementwise_grad(f), elementwise_grad(elementwise_grad(f))), PYTORCH[name]):
        onp.testing.assert_allclose(derivative(x), expected, rtol=1e-10, atol=1e-12)


@every
@pytest.mark.parametrize("dtype", [onp.float32, onp.float64])
def test_far_from_zero_nothing_overflows(name: str, dtype: Any) -> None:
    f, x = function(name), onp.array([-1000, 1000], dtype)
    slope = elementwise_grad(f)
    for found, expected in ((f(x), FAR[name][0]), (slope(x), FAR[name][1]), (elementwise_grad(slope)(x), [0, 0])):
        onp.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-30)
        assert found.dtype == dtype


@every
def test_at_kinks_the_derivative_is_pytorchs(name: str) -> None:
    found = elementwise_grad(function(name))(onp.array([-3.0, -1.0, 0.0, 1.0, 3.0]))
    expected = {"relu": [0, 0, 0, 1, 1], "hard_tanh": [0, 0, 1, 0, 0], "hard_sigmoid": [0, 1 / 6, 1 / 6, 1 / 6, 0]}
    expected |= {"leaky_relu": [0.01, 0.01, 0.01, 1, 1]}
    if name in expected:
        onp.testing.assert_allclose(found, expected[name], rtol=1e-12)
    if name in ("elu", "selu"):  # of the left side, 0.7 and 1.0507 * 1.6733
        assert found[2] == pytest.approx({"elu": 0.7, "selu": 1.7580993408473766}[name], rel=1e-14)


def test_prelu_learns_a_slope_for_all_channels_or_for_each() -> None:
    r = onp.random.default_rng(0)
    x = r.standard_normal((3, 4, 2))
    for slope in (onp.array(0.3), onp.array([0.3]), onp.array([0.3, -0.2])):
        onp.testing.assert_array_equal(ops.prelu(x, slope), onp.where(x > 0, x, slope * x))
        check_grads(ops.prelu, order=2)(x, slope)
    # PyTorch 2.13: torch.nn.functional.prelu of [[-2, 1], [-1, -3]], weight [0.1, 0.2], sum of squares
    x, slope = onp.array([[-2.0, 1.0], [-1.0, -3.0]]), onp.array([0.1, 0.2])
    dx, dslope = grad(lambda x, s: np.sum(ops.prelu(x, s) ** 2), (0, 1))(x, slope)
    onp.testing.assert_allclose(dx, [[-0.04, 2.0], [-0.02, -0.24]], rtol=1e-14)
    onp.testing.assert_allclose(dslope, [1.0, 3.6], rtol=1e-14)
    assert ops.prelu(onp.ones((0, 3), onp.float32), onp.ones(3, onp.float32)).shape == (0, 3)


def test_maxout_takes_the_largest_of_neighbours() -> None:
    x = onp.random.default_rng(0).permutation(24).astype(float).reshape(2, 12)
    onp.testing.assert_array_equal(ops.maxout(x, 3), x.reshape(2, 4, 3).max(-1))
    check_grads(lambda x: ops.maxout(x, 3), order=2)(x)
    onp.testing.assert_array_equal(elementwise_grad(lambda x: ops.maxout(x, 2))(onp.array([5.0, 5.0])), [0.5, 0.5])
    assert ops.maxout(onp.ones((0, 6)), 3).shape == (0, 2)


def mixed(x: Any) -> Any:
    """Three outputs of two inputs, by code that no trace could follow."""
    return onp.stack([x[..., 0] * x[..., 1], onp.sin(x[..., 0]), x[..., 1] ** 2], -1)


def jacobian_of_mixed(x: Any) -> Any:
    zero = np.zeros_like(x[..., 0])
    rows = [[x[..., 1], x[..., 0]], [np.cos(x[..., 0]), zero], [zero, 2 * x[..., 1]]]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def test_a_function_with_its_jacobian_in_both_modes_to_second_order() -> None:
    f = ops.custom_activation(mixed, jacobian=jacobian_of_mixed)
    x = onp.random.default_rng(0).standard_normal((4, 2))
    check_grads(f, order=2)(x)
    onp.testing.assert_allclose(jacobian(f)(x[0]), jacobian_of_mixed(x[0]), rtol=1e-14)
    assert grad(lambda x: np.sum(f(x)))(x[:0]).shape == (0, 2)
    assert grad(lambda x: np.sum(f(x)))(x.astype(onp.float32)).dtype == onp.float32


def test_a_constant_jacobian_serves_all_rows() -> None:
    weights = onp.random.default_rng(0).standard_normal((3, 2))
    f = ops.custom_activation(lambda x: x @ weights.T, jacobian=lambda x: weights, name="fixed")
    x = onp.random.default_rng(1).standard_normal((5, 2))
    check_grads(f, order=2)(x)


def test_a_function_with_its_vjp_alone_has_reverse_mode_alone() -> None:
    softsign = ops.custom_activation(
        lambda x: x / (1 + onp.abs(x)), vjp=lambda g, ans, x: g / (1 + np.abs(x)) ** 2, name="softsign"
    )
    x = onp.random.default_rng(0).standard_normal((3, 4))
    check_grads(softsign, ["rev"], order=2)(x)
    with pytest.raises(DdtrainError, match="softsign has no JVP rule for argument 0"):
        jvp(softsign, (x,), (x,))


def test_what_is_given_counts_and_not_the_functions_own_derivative() -> None:
    straight_through = ops.custom_activation(onp.sign, vjp=lambda g, ans, x: g, name="straight_through")
    onp.testing.assert_array_equal(grad(lambda x: np.sum(3 * straight_through(x)))(onp.array([-2.0, 5.0])), [3, 3])


WRONG: dict[str, Callable[[], Any]] = {
    "prelu: slope has shape (2,) but x has shape (4, 3)": lambda: ops.prelu(onp.ones((4, 3)), onp.ones(2)),
    "maxout: 2 pieces do not divide the last axis of x (4, 3)": lambda: ops.maxout(onp.ones((4, 3)), 2),
    "maxout: pieces 0 is less than 1": lambda: ops.maxout(onp.ones((4, 3)), 0),
    "maxout: pieces 1.5 is not an integer": lambda: ops.maxout(onp.ones((4, 3)), 1.5),  # type: ignore[arg-type]
    "softplus: beta 0 is not positive": lambda: ops.softplus(onp.ones(3), beta=0),
    "hard_tanh: low 1.0 is not below high 1.0": lambda: ops.hard_tanh(onp.ones(3), low=1.0),
    "custom_activation: f was given neither jacobian nor vjp": lambda: ops.custom_activation(mixed, name="f"),
    "custom_activation: mixed was given both jacobian and vjp": lambda: ops.custom_activation(
        mixed, jacobian=jacobian_of_mixed, vjp=lambda g, ans, x: g
    ),
    "mixed: its jacobian has shape (2,) for x (4, 2) and an answer (4, 3)": lambda: grad(
        lambda x: np.sum(ops.custom_activation(mixed, jacobian=lambda x: x[0])(x))
    )(onp.ones((4, 2))),
    "mixed: its vjp returned shape (4, 3) for x (4, 2)": lambda: grad(
        lambda x: np.sum(ops.custom_activation(mixed, vjp=lambda g, ans, x: g)(x))
    )(onp.ones((4, 2))),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises((ShapeError, UsageError)) as caught:
        WRONG[message]()
    assert message in caught.value.message
    assert "\n" not in caught.value.message
