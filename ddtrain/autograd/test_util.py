"""Autograd's ``test_util``: derivatives against finite differences, in its calling convention.

The comparison itself is ``ddtrain.check_grads``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain import autodiff, tree
from ddtrain.autodiff.operators.argnums import Argnum, positions_of
from ddtrain.autograd.extend import vspace

MODES = ("fwd", "rev")
TOL = RTOL = EPS = 1e-6  # Autograd's values: both tolerances of scalar_close, and the step of make_numerical_jvp


def scalar_close(a: Any, b: Any) -> bool:
    """Whether two numbers differ by less than ``TOL``, or by less than ``RTOL`` of their sum.

    >>> scalar_close(1e9, 1e9 + 1), scalar_close(1.0, 1.1)
    (True, False)
    """
    return bool(abs(a - b) < TOL or abs(a - b) / abs(a + b) < RTOL)


def make_numerical_jvp(f: Callable[[Any], Any], x: Any) -> Callable[[Any], Any]:
    """The function of a direction ``v`` that returns the central difference of ``f`` at ``x`` along it.

    >>> round(float(make_numerical_jvp(lambda x: x**2, 3.0)(1.0)), 6)
    6.0
    """
    of_x, of_y = vspace(x), vspace(f(x))

    def jvp(v: Any) -> Any:
        ahead, behind = (f(of_x.add(x, of_x.scalar_mul(v, step))) for step in (EPS / 2, -EPS / 2))
        return of_y.scalar_mul(of_y.add(ahead, of_y.scalar_mul(behind, -1.0)), 1.0 / EPS)

    return jvp


def check_grads(
    fun: Callable[..., Any], argnum: Argnum = 0, modes: Sequence[str] = MODES, order: int = 2
) -> Callable[..., None]:
    """The function of ``fun``'s arguments that compares derivatives by ``argnum`` there with finite differences.

    Raises
    ------
    AssertionError : they differ; see :func:`ddtrain.autodiff.check_grads`

    >>> import ddtrain.numpy as np
    >>> check_grads(np.sin, modes=["rev"], order=1)(0.5)
    >>> check_grads(lambda x, y: x * y, (0, 1))(0.5, 2.0)
    """

    def check(*args: Any, **kwargs: Any) -> None:
        positions, _ = positions_of(argnum)

        def of_chosen(*chosen: Any) -> Any:
            full = list(args)
            for i, value in zip(positions, chosen, strict=True):
                full[i] = value
            return fun(*full, **kwargs)

        of_chosen.__name__ = getattr(fun, "__name__", "function")
        autodiff.check_grads(of_chosen, tuple(modes), order)(*[args[i] for i in positions])

    return check


def check_vjp(f: Callable[[Any], Any], x: Any) -> None:
    """Compare the reverse-mode derivative of ``f`` at ``x`` with finite differences.

    >>> check_vjp(lambda x: x**2, 3.0)
    """
    check_grads(f, modes=("rev",), order=1)(x)


def check_jvp(f: Callable[[Any], Any], x: Any) -> None:
    """Compare the forward-mode derivative of ``f`` at ``x`` with finite differences.

    >>> check_jvp(lambda x: x**2, 3.0)
    """
    check_grads(f, modes=("fwd",), order=1)(x)


def check_equivalent(x: Any, y: Any) -> None:
    """Assert that ``x`` and ``y`` are points of one space, and close: 1e-6, relative or absolute.

    >>> check_equivalent({"a": 1.0}, {"a": 1.0 + 1e-9})
    """
    assert vspace(x) == vspace(y), f"check_equivalent: {vspace(x)} is not {vspace(y)}"
    leaves = zip(tree.flatten(x)[0], tree.flatten(y)[0], strict=True)
    for p, q in leaves:
        assert np.allclose(autodiff.value_of(p), autodiff.value_of(q), rtol=1e-6, atol=1e-6), (
            f"check_equivalent: {p} is not {q}"
        )


def combo_check(
    fun: Callable[..., Any], argnum: Argnum = 0, modes: Sequence[str] = MODES, order: int = 2
) -> Callable[..., None]:
    """:func:`check_grads` for every combination of candidates: each argument is a list of them.

    >>> import ddtrain.numpy as np
    >>> combo_check(np.sum, (0,))([np.ones((2, 3)), np.ones((3, 1))], axis=[0, 1])
    """

    def check(*candidates: Sequence[Any], **keyword_candidates: Sequence[Any]) -> None:
        for args in itertools.product(*candidates):
            for values in itertools.product(*keyword_candidates.values()):
                keywords = dict(zip(keyword_candidates, values, strict=True))
                check_grads(fun, argnum, modes, order)(*args, **keywords)

    return check
