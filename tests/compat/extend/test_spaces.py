"""The vector space of a value: dimensions, its basis, and the operations of one."""

import numpy as onp
import pytest

from ddtrain.autograd.extend import VSpace, vspace
from ddtrain.errors import DerivativeError

VALUES = [2.0, onp.ones((2, 3)), onp.array([1j, 2.0]), {"a": 1.0, "b": [onp.ones(2), (3j,)]}, [], onp.zeros((0, 2))]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_it_is_a_vector_space(value):
    space = vspace(value)
    basis = list(space.standard_basis())
    assert len(basis) == space.size
    total = space.zeros()
    for point in basis:
        assert vspace(point) == space
        assert space.inner_prod(point, point) == 1.0
        total = space.mut_add(total, point)
    assert repr(total) == repr(space.ones())
    x = space.randn()
    expected = sum(float(space.inner_prod(x, e)) ** 2 for e in basis)
    assert space.inner_prod(x, x) == pytest.approx(expected)
    assert repr(space.add(x, x)) == repr(space.scalar_mul(x, 2.0))


def test_spaces_differ_by_structure_shape_and_dtype():
    spaces = [vspace(v) for v in VALUES]
    assert len(set(spaces)) == len(VALUES)
    assert vspace(onp.ones(2)) != vspace(onp.ones(2, onp.float32))
    assert vspace([1.0, 2.0]) != vspace({0: 1.0, 1: 2.0, 2: 1.0})


def test_facts():
    space = vspace(onp.array([1j, 2.0]))
    assert (space.size, space.shape, space.ndim, space.iscomplex) == (4, (2,), 1, True)
    assert vspace({"a": 1.0}).shape is None
    onp.testing.assert_array_equal(space.covector(onp.array([1j, 2.0])), [-1j, 2.0])
    with pytest.raises(DerivativeError, match="'text' is not made of numbers"):
        vspace("text")


def test_a_space_of_ones_own_is_refused():
    with pytest.raises(DerivativeError, match=r"set cannot be a vector space of its own\n.*list"):
        VSpace.register(set)
