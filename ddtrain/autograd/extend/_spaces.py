"""``vspace``: the vector space that a value, an array or a structure of arrays, is a point of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from ddtrain import tree
from ddtrain.autodiff import value_of
from ddtrain.autodiff.operators.argnums import as_array
from ddtrain.errors import DerivativeError


class VSpace:
    """A vector space over the reals: of a complex array, real and imaginary parts are separate dimensions.

    Attributes
    ----------
    size : number of real dimensions
    shape, dtype, ndim : of an array; None of a structure
    iscomplex : whether any part is complex

    >>> space = vspace({"w": np.ones(2), "b": 0.0})
    >>> space.size, space.zeros()
    (3, {'w': array([0., 0.]), 'b': array(0.)})
    """

    def __init__(self, value: Any) -> None:
        leaves, self._rebuild = tree.flatten(value)
        self._shapes = [np.shape(value_of(leaf)) for leaf in leaves]
        self._dtypes = [np.asarray(value_of(leaf)).dtype for leaf in leaves]
        if any(dtype.kind not in "fcbiu" for dtype in self._dtypes):
            raise DerivativeError(f"vspace: {value!r:.60} is not made of numbers")
        self._paths = tree.paths(value)
        self.iscomplex = any(dtype.kind == "c" for dtype in self._dtypes)
        self.size = sum(
            int(np.prod(s)) * (2 if d.kind == "c" else 1) for s, d in zip(self._shapes, self._dtypes, strict=True)
        )
        single = self._paths == [""]
        self.shape = self._shapes[0] if single else None
        self.dtype = self._dtypes[0] if single else None
        self.ndim = len(self._shapes[0]) if single else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VSpace) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(repr(self._key()))

    def _key(self) -> Any:
        return self._paths, self._shapes, self._dtypes

    def __repr__(self) -> str:
        parts = zip(self._paths, self._dtypes, self._shapes, strict=True)
        return f"VSpace({', '.join(f'{path} {dtype} {shape}'.strip() for path, dtype, shape in parts)})"

    def _each(self, make: Any) -> Any:
        return self._rebuild([np.asarray(make(s, d), d) for s, d in zip(self._shapes, self._dtypes, strict=True)])

    def zeros(self) -> Any:
        """The origin."""
        return self._each(np.zeros)

    def ones(self) -> Any:
        """The sum of the standard basis: 1, or 1 + 1j in complex parts."""
        return self._each(lambda shape, dtype: np.full(shape, 1 + 1j if dtype.kind == "c" else 1, dtype))

    def randn(self) -> Any:
        """A point of independent standard normal coordinates, from NumPy's global generator as in Autograd."""
        return self._each(
            lambda shape, dtype: np.random.randn(*shape) + (1j * np.random.randn(*shape) if dtype.kind == "c" else 0)
        )

    def standard_basis(self) -> Iterator[Any]:
        """The points with one coordinate 1 and the others 0."""
        for k, (shape, dtype) in enumerate(zip(self._shapes, self._dtypes, strict=True)):
            for index in np.ndindex(shape):
                for unit in (1, 1j) if dtype.kind == "c" else (1,):
                    point = self.zeros()
                    leaves, rebuild = tree.flatten(point)
                    leaves[k][index] = unit
                    yield rebuild(leaves)

    def add(self, x: Any, y: Any) -> Any:
        """x + y, which may be traced."""
        return self._combine(lambda p, q: p + q, x, y)

    mut_add = add  # Autograd may add in place; this adds into a new array

    def scalar_mul(self, x: Any, a: Any) -> Any:
        """x times the number a."""
        return self._combine(lambda p: p * a, x)

    def covector(self, x: Any) -> Any:
        """The linear form of x: conjugated, where complex."""
        return self._combine(lambda p: p.conj() if hasattr(p, "conj") else p, x)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """The sum of the products of all real coordinates."""
        products = self._combine(lambda p, q: (np.conj(p) * q).real.sum(), x, y)
        return sum(tree.flatten(products)[0])

    @classmethod
    def register(cls, value_type: type, vspace_maker: Any = None) -> NoReturn:
        """Refused: the values of a trace are arrays, numbers, and structures of them."""
        raise DerivativeError(
            f"VSpace.register: {value_type.__name__} cannot be a vector space of its own",
            remedy="Trace the arrays in it: pass them as a list, a tuple or a dict.",
        )

    def _combine(self, fun: Any, *points: Any) -> Any:
        columns = [tree.flatten(point)[0] for point in points]
        return self._rebuild([as_array(fun(*leaves)) for leaves in zip(*columns, strict=True)])


def vspace(value: Any) -> VSpace:
    """The space of ``value``.

    >>> vspace(np.ones((2, 3))), vspace(1j).size
    (VSpace(float64 (2, 3)), 2)
    """
    return VSpace(value)


class SparseObject:
    """A cotangent that is not formed but added: ``mut_add(x)`` writes it into ``x``, a point of ``vs``, returned.

    A rule or a primitive may return one; it is added to zeros there and then.

    >>> from ddtrain import grad
    >>> from ddtrain.autograd.extend import defvjp, primitive
    >>> first = primitive(lambda x: x[0])
    >>> def add_first(g):
    ...     def add(x):
    ...         x[0] += g
    ...         return x
    ...     return add
    >>> defvjp(first, lambda ans, x: lambda g: SparseObject(vspace(x), add_first(g)))
    >>> grad(first)(np.ones(3))
    array([1., 0., 0.])
    """

    __slots__ = ("mut_add", "vs")

    def __init__(self, vs: VSpace, mut_add: Callable[[Any], Any]) -> None:
        self.vs, self.mut_add = vs, mut_add


def dense(x: Any) -> Any:
    """``x``, or the point that a :class:`SparseObject` stands for."""
    return x.mut_add(x.vs.zeros()) if type(x) is SparseObject else x
