"""Every initializer has the moments, the structure and the shapes that it is named for, also where there are groups.

What would make these fail: fans of the wrong axes, a deviation taken for a variance, a matrix that is orthogonal the
wrong way round, a rule that reaches a bias, numbers that depend on the order of construction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.errors import UsageError
from ddtrain.nn.init import INITIALIZERS, Initializer, fans_of

KERNEL = (3, 4, 50, 200)  # fan-in 600, fan-out 2400; 120,000 values: a deviation is exact to 0.2 %
STDS: dict[str, tuple[dict[str, Any], float]] = {
    "normal": ({"std": 0.3}, 0.3),
    "uniform": ({"bound": 0.3}, 0.3 / 3**0.5),
    "truncated_normal": ({"std": 0.3}, 0.3 * 0.87962566),  # of the normal distribution cut at 2: a table
    "he_normal": ({}, (2 / 600) ** 0.5),
    "he_uniform": ({"mode": "fan_out"}, (2 / 2400) ** 0.5),
    "glorot_normal": ({}, (2 / 3000) ** 0.5),
    "glorot_uniform": ({"gain": 3.0}, 3 * (2 / 3000) ** 0.5),
    "lecun_normal": ({"mode": "fan_out", "gain": 2.0}, 2 / 2400**0.5),
    "lecun_uniform": ({}, 600**-0.5),
    "orthogonal": ({"gain": 2.0}, 2 / 600**0.5),  # columns of 600 entries have length 2
}
EXACT = {"zeros", "ones", "constant", "identity"}


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_all_are_tested() -> None:
    assert {*STDS} | EXACT == set(INITIALIZERS)


@pytest.mark.parametrize("name", STDS)
def test_random_values_have_the_deviation_of_their_formula(name: str) -> None:
    options, std = STDS[name]
    x = Initializer(name=name, **options)(generator(), KERNEL)
    assert x.shape == KERNEL
    assert x.std() == pytest.approx(std, rel=0.01)
    assert abs(x.mean()) < 0.02 * std
    edge = 3**0.5 if "uniform" in name else 2 / 0.87962566 if name == "truncated_normal" else None
    if edge is not None:  # filled, and nothing beyond
        assert 0.99 * edge * std < np.abs(x).max() <= 1.001 * edge * std
    elif name != "orthogonal":
        assert np.abs(x).max() > 3.9 * std, "tails are those of the normal distribution"


def test_he_with_a_slope() -> None:
    x = nn.init.HeNormal(slope=1.0)(generator(), KERNEL)
    assert x.std() == pytest.approx(600**-0.5, rel=0.01)  # as LeCun's: a leaky ReLU of slope 1 is the identity


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (3, 2, 5, 40), (3, 2, 5, 7), (1, 1)])
def test_orthogonal_keeps_lengths(shape: tuple[int, ...]) -> None:
    w = nn.init.Orthogonal(gain=0.5)(generator(), shape).reshape(-1, shape[-1])
    gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(gram, 0.25 * np.eye(len(gram)), atol=1e-12)


def test_orthogonal_favours_no_sign() -> None:
    r = generator()
    first = [nn.init.Orthogonal()(r, (2, 2))[0, 0] for _ in range(400)]
    assert 160 < np.sum(np.array(first) > 0) < 240  # four deviations of ten; without the signs' correction it is 0


def test_identity_passes_images_and_rows_on() -> None:
    x = np.random.default_rng(1).standard_normal((2, 5, 6, 4))
    for kernel, groups in ((3, 1), ((2, 4), 1), (3, 2), (1, 4)):
        layer = nn.Conv2d(4, 4, kernel, padding="same", groups=groups, bias=False, weight_init=nn.init.Identity())
        np.testing.assert_array_equal(layer.bind(layer.init(0, np.float64))(x), x)
    row = nn.Linear(4, 4, bias=False, weight_init=nn.init.Identity(gain=2.0))
    np.testing.assert_array_equal(row.bind(row.init(0, np.float64))(x), 2 * x)


def test_fans_of_a_convolution_know_its_groups() -> None:
    for groups, fan_out in ((1, 9 * 64), (4, 9 * 16), (32, 9 * 2)):
        weight = nn.Conv2d(32, 64, 3, groups=groups).declarations()["weight"]
        assert weight.fans == (9 * 32 // groups, fan_out)
    layer = nn.Conv2d(128, 1280, 3, groups=128, weight_init=nn.init.HeNormal(mode="fan_out"))
    assert layer.init(0)["weight"].std() == pytest.approx((2 / 90) ** 0.5, rel=0.03)
    assert fans_of((7, 5)) == (7, 5)


WRONG = {
    "init orthogonal: shape (3,) has fewer than two axes": lambda: nn.init.Orthogonal()(generator(), (3,)),
    "init: shape (3,) has no fans": lambda: nn.init.HeNormal()(generator(), (3,)),
    "init identity: there is no identity of shape (3,)": lambda: nn.init.Identity()(generator(), (3,)),
    "init identity: there is no identity of shape (3, 3, 2, 4)": lambda: nn.init.Identity()(generator(), (3, 3, 2, 4)),
    "--init.name 'he_norml' is not known": lambda: Initializer(name="he_norml"),
    "--init.std is no option of he_normal": lambda: Initializer(name="he_normal", std=1.0),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises(UsageError) as caught:
        WRONG[message]()
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_ranges_allow_what_stands_there(name: str) -> None:
    part = Initializer(name=name)
    assert all(fits for _, fits, _ in part.ranges())


OUTSIDE: list[Initializer] = [
    nn.init.Normal(std=-1.0), nn.init.Uniform(bound=-1.0), nn.init.TruncatedNormal(cut=0.0),
    nn.init.TruncatedNormal(std=np.inf), nn.init.HeNormal(slope=-0.1), nn.init.GlorotUniform(gain=-1.0),
    nn.init.LeCunNormal(gain=np.nan), nn.init.Orthogonal(gain=-1.0), nn.init.Identity(gain=np.inf),
    nn.init.Constant(value=np.nan),
]  # fmt: skip


@pytest.mark.parametrize("part", OUTSIDE, ids=lambda p: p.name)
def test_ranges_refuse_what_makes_no_sense(part: Initializer) -> None:
    assert [fits for _, fits, _ in part.ranges()].count(False) == 1


def test_scalars_and_empty_shapes() -> None:
    for name in ("zeros", "ones", "constant", "normal", "uniform", "truncated_normal"):
        for shape in ((), (0,), (0, 3)):
            assert np.shape(Initializer(name=name)(generator(), shape)) == shape
