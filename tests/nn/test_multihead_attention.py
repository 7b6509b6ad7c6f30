"""Multi-head attention has PyTorch's names and numbers: of a sequence to itself, causal, to another, with padding.

What would make these fail: heads that are split across the wrong axis, queries taken for keys, a mask turned round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch_modules import module_digests, torch_values
from torch_numbers import assert_pytorchs, wave

import ddtrain.numpy as dnp
from ddtrain import check_grads, grad, nn
from ddtrain.errors import ShapeError, UsageError

X, Z, KEYS, VALUES = wave((2, 4, 6), 0), wave((2, 5, 6), 1), wave((2, 5, 3), 1), wave((2, 5, 5), 2)
PADDING = np.array([[False, False, False, True, True], [False, True, False, False, False]])
CASES: dict[str, tuple[nn.Module, Callable[..., Any], tuple[Any, ...]]] = {
    "self": (nn.MultiheadAttention(6, 2), lambda m, x: m(x), (X,)),
    "self causal": (nn.MultiheadAttention(6, 2), lambda m, x: m(x, causal=True), (X,)),
    "cross padded": (nn.MultiheadAttention(6, 2), lambda m, x, z: m(x, z, key_padding_mask=PADDING), (X, Z)),
    "self causal padded": (
        nn.MultiheadAttention(6, 2, bias=False),
        lambda m, x: m(x, causal=True, key_padding_mask=PADDING[:, [0, 1, 3, 4]]),
        (X,),
    ),
    "other widths": (
        nn.MultiheadAttention(6, 2, key_width=3, value_width=5),
        lambda m, x, k, v: m(x, k, v),
        (X, KEYS, VALUES),
    ),
}
PYTORCH = {  # PyTorch 2.13, float64: answer, gradients of the inputs, and of the parameters in order
    "self": [[4.2373631554744, 1.3890373187484], [-1.2914731959089, 0.016373544683567],
        [1.2432045825509, 6.9652659054774], [2.2791516919781, -5.3363023225252], [-24.07336426054,
        -8.7480305019312], [0.024206161853448, -0.072763102594169]],
    "self causal": [[4.1794300977282, -2.2358564233266], [-0.2927295142558, 1.3547612985968], [1.1486837772707,
        7.5677343140272], [1.8458052926321, -3.7275083604517], [4.8466466710287, -0.60924867932182],
        [0.024206161853448, -0.072763102594169]],
    "cross padded": [[7.1918354049558, 0.0097773340549583], [-2.8883541772601, 1.1207311307139],
        [-1.9885738679528, -0.75248741694902], [1.2463824736131, 3.7413370728999], [2.4736965077462,
        -4.3852926074348], [-38.402748927509, -3.3684318137781], [0.024206161853448,
        -0.072763102594169]],
    "self causal padded": [[0.57983317475048, -0.71102227808354], [-0.32425696306502, 0.65793120700284],
        [1.4443958203847, 3.5716648957108], [-5.1035247841921, 0.096731775507807]],
    "other widths": [[10.894355429381, -1.9930891254688], [0.64739950762978, -1.7219578227893],
        [-4.5611751673247, 7.0089287269793], [1.3661628195972, 13.045157784139],
        [-0.075843082622532, 1.3263906026837], [1.3750260486151, -0.032420616265039],
        [-12.513757225147, 0.86217455993147], [2.5624859307665, -1.9859510523217],
        [-11.790938441527, -5.9302860679702], [0.024206161853448, -0.072763102594169]],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_pytorchs_numbers(name: str) -> None:
    module, call, inputs = CASES[name]
    assert_pytorchs(module_digests(module, call, *inputs), PYTORCH[name])
    assert_pytorchs(module_digests(module, call, *inputs, dtype=np.float32), PYTORCH[name], rtol=1e-4)


def test_pytorchs_names_and_initial_ranges() -> None:
    packed = nn.MultiheadAttention(6, 2)
    assert list(packed.declarations()) == ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]
    assert list(nn.MultiheadAttention(6, 2, key_width=3).declarations()) == [
        *("q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    ]
    values = nn.MultiheadAttention(60, 2).init(0)
    assert 0.98 * (6 / 240) ** 0.5 < np.abs(values["in_proj_weight"]).max() <= (6 / 240) ** 0.5
    assert not values["in_proj_bias"].any()
    assert not values["out_proj.bias"].any()


def test_derivatives_to_second_order() -> None:
    layer = nn.MultiheadAttention(4, 2, positions=nn.RotaryPositions(2))
    x, values = wave((1, 3, 4), 0), layer.init(0, np.float64)
    names = list(values)
    call = lambda x, *v: layer.bind(dict(zip(names, v)))(x, causal=True)
    check_grads(call, order=1)(x, *values.values())


def test_no_samples_and_padding_everywhere() -> None:
    layer = nn.MultiheadAttention(6, 2)
    bound = layer.bind(torch_values(layer, 3))
    assert bound(X[:0]).shape == (0, 4, 6)
    y = bound(X, Z, key_padding_mask=np.ones((2, 5), bool))
    np.testing.assert_allclose(y, np.broadcast_to(bound.out_proj.bias, y.shape), rtol=1e-12)


def test_rotated_queries_and_keys_see_distances_alone() -> None:
    layer = nn.MultiheadAttention(8, 2, positions=nn.RotaryPositions(4))
    bound = layer.bind(layer.init(0, np.float64))
    x = wave((1, 6, 8), 0)
    later = np.concatenate([np.zeros((1, 3, 8)), x], 1)  # the same tokens, three positions on
    padding = np.arange(9)[None] < 3
    np.testing.assert_allclose(bound(later, key_padding_mask=padding)[:, 3:], bound(x), rtol=1e-10, atol=1e-12)
    order = [1, 0, 2, 3, 4, 5]
    assert not np.allclose(bound(x[:, order])[:, order], bound(x)), "positions matter"
    plain = nn.MultiheadAttention(8, 2)
    without = plain.bind(layer.init(0, np.float64))
    np.testing.assert_allclose(without(x[:, order])[:, order], without(x), rtol=1e-10, atol=1e-12)


def test_a_causal_answer_does_not_see_what_comes() -> None:
    layer = nn.MultiheadAttention(6, 3)
    bound = layer.bind(torch_values(layer, 3))
    slopes = grad(lambda x: dnp.sum(bound(x, causal=True)[:, 1]))(X)
    assert slopes[:, :2].any()
    assert not slopes[:, 2:].any()


WRONG: dict[str, Callable[[], Any]] = {
    "MultiheadAttention: 4 heads do not divide width 6": lambda: nn.MultiheadAttention(6, 4),
    "MultiheadAttention: key_width 0 is less than 1": lambda: nn.MultiheadAttention(6, 2, key_width=0),
    "MultiheadAttention: query (4, 6), key (4, 6) and value (4, 6) are not (N, T, D)": lambda: _bound()(X[0]),
    "MultiheadAttention: key_padding_mask is float64 (2, 5), not bool (2, 5)": lambda: _bound()(
        X, Z, key_padding_mask=np.zeros((2, 5))
    ),
    "MultiheadAttention: key_padding_mask is bool (2, 4), not bool (2, 5)": lambda: _bound()(
        X, Z, key_padding_mask=np.zeros((2, 4), bool)
    ),
    "linear: x has 3 columns but weight has 6 rows": lambda: _bound()(X, KEYS),
}


def _bound() -> nn.Module:
    layer = nn.MultiheadAttention(6, 2)
    return layer.bind(layer.init(0, np.float64))


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises((ShapeError, UsageError)) as caught:
        WRONG[message]()
    assert message in caught.value.message
