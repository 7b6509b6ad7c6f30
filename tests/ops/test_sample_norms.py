"""Norms of a sample by itself against PyTorch's numbers: groups, instances, rows, root mean squares; embedding beside.

What would make these fail: moments over the wrong axes, channels of a group that are no neighbours, a biased variance
taken for the unbiased one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest
from torch_numbers import assert_pytorchs, digest, digests, wave

import ddtrain.numpy as np
from ddtrain import check_grads, jvp, ops
from ddtrain.autodiff import PRIMITIVES, vjp
from ddtrain.errors import ShapeError

X, SCALE, SHIFT = wave((3, 4, 2, 6), 0), wave((6,), 1), wave((6,), 2)
CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "group_norm": (lambda x, s, b: ops.group_norm(x, s, b, 3, 0.1), (X, SCALE, SHIFT)),
    "group_norm rows": (lambda x, s, b: ops.group_norm(x, s, b, 2), (wave((4, 6), 0), SCALE, SHIFT)),
    "instance_norm": (ops.instance_norm, (X,)),
    "layer_norm": (ops.layer_norm, (X, SCALE, SHIFT)),
    "rms_norm": (lambda x, s: ops.rms_norm(x, s, 0.1), (X, SCALE)),
}
PYTORCH = {  # PyTorch 2.13, float64: value, gradients of x, scale, shift
    "group_norm": [[10.616681783971, -9.2739880128737], [-8.8561453474819, 11.307383768308],
        [-11.182811887885, -15.849022341114], [0.17274096282373, -0.1313116009341]],
    "group_norm rows": [[3.1558231946412, 1.3044609972657], [-0.11768697379446, -0.27534250141582],
        [-3.4249904495988, -1.7946182658349], [-0.10128096664943, -0.20793294660728]],
    "instance_norm": [[0.17684577239455, -0.44648450412077], [0.34852839718557, 1.3849754774264]],
    "layer_norm": [[11.601446528272, -4.0025692455801], [-9.1641828987849, 12.258903802917],
        [-14.875931046699, -17.518105876155], [0.17274096282373, -0.1313116009341]],
    "rms_norm": [[10.682926932259, -4.312357295836], [-10.47084355665, 11.208479976852], [-12.410671680744,
        -16.331993456446]],
}  # fmt: skip
every = pytest.mark.parametrize("name", CASES)


@every
def test_pytorchs_numbers(name: str) -> None:
    op, args = CASES[name]
    assert_pytorchs(digests(op, *args), PYTORCH[name])
    assert op(*(a.astype(onp.float32) for a in args)).dtype == onp.float32
    onp.testing.assert_allclose(op(onp.asfortranarray(args[0]), *args[1:]), op(*args), rtol=1e-12)


@every
def test_derivatives_to_second_order(name: str) -> None:
    op, (x, *rest) = CASES[name]
    check_grads(op, order=2)(x[:2], *rest)


@every
def test_no_samples_and_far_from_zero(name: str) -> None:
    op, (x, *rest) = CASES[name]
    y, pull = vjp(op, x[:0], *rest)
    assert y.shape == x[:0].shape
    assert all(not g.any() for g in pull(y))
    if name != "rms_norm":  # the mean is taken out before anything is squared
        far = op((1000 + x).astype(onp.float32), *(a.astype(onp.float32) for a in rest))
        onp.testing.assert_allclose(far, op(x, *rest), rtol=0, atol=2e-3)


def o(*shape: int) -> Any:
    return onp.ones(shape)


WRONG: dict[str, Callable[[], Any]] = {
    "group_norm: 4 groups do not divide 6 channels (x (2, 6))": lambda: ops.group_norm(o(2, 6), o(6), o(6), 4),
    "group_norm: scale has shape (3,) but x (2, 6) has 6 channels": lambda: ops.group_norm(o(2, 6), o(3), o(6), 2),
    "group_norm: groups 0 is less than 1": lambda: ops.group_norm(o(2, 6), o(6), o(6), 0),
    "group_norm: x has shape (6,), not (N, ..., C)": lambda: ops.group_norm(o(6), o(6), o(6), 2),
    "instance_norm: x has shape (6,), not (N, ..., C)": lambda: ops.instance_norm(o(6)),
    "rms_norm: scale has shape (3,) but x (2, 6) has 6 channels": lambda: ops.rms_norm(o(2, 6), o(3)),
    "rms_norm: x has no axis": lambda: ops.rms_norm(o(), o(1)),
    "embedding: padding_idx 5 is outside [0, 5)": lambda: ops.embedding(o(5, 3), onp.array([0]), 5),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        WRONG[message]()
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_the_padding_row_of_an_embedding_has_no_derivative_in_any_mode() -> None:
    table, indices = wave((5, 3), 0), onp.array([[0, 2, 4], [2, 1, 0]])
    fused = next(prim for prim in PRIMITIVES if prim.__name__ == "embedding")
    for op in (ops.embedding, fused.compose):
        found = digests(lambda w, op=op: op(w, indices, 2), table)
        assert_pytorchs(found, [[-0.7373243617924, 0.59603807765497], [0.47583926205789, -1.6754039200283]])
    tangent = jvp(lambda w: ops.embedding(w, indices, 2), (table,), (o(5, 3),))[1]
    onp.testing.assert_array_equal(tangent[..., 0], indices != 2)
    curved = lambda w: np.sum(ops.embedding(w, indices, 2) ** 3)
    (_, pull) = vjp(lambda w: vjp(curved, w)[1](onp.array(1.0))[0], table)
    assert digest(pull(o(5, 3))[0][2]) == [0.0, 0.0]
