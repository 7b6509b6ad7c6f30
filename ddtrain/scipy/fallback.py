"""Where SciPy's own functions answer: on plain arrays, and by name for all that has no derivative here.

Given a traced value, what has no rule refuses it and says why.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from ddtrain.autodiff import BOXES, Primitive, defjvp_rest, defvjp_rest
from ddtrain.errors import DerivativeError, MissingRuleError


def refuse_rest(prim: Primitive, why: str) -> None:
    """Answer a derivative of ``prim`` with respect to any argument without a rule with ``why`` there is none."""

    def refuse(argnum: int) -> NoReturn:
        raise DerivativeError(
            f"{prim.__name__} has no derivative with respect to argument {argnum}: {why}",
            remedy="Hold that argument constant.",
        )

    defvjp_rest(prim, refuse)
    defjvp_rest(prim, refuse)


def scipys_unless_traced(theirs: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let SciPy's function answer for plain arrays, with all of its options; ours, which has derivatives, for traced.

    >>> import scipy.special as sc
    >>> scipys_unless_traced(sc.spence)(lambda x: 1 / 0)(1.0)
    np.float64(0.0)
    """

    def decorate(ours: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(ours)
        def call(*args: Any, **kwargs: Any) -> Any:
            return (ours if holds_a_box((args, kwargs)) else theirs)(*args, **kwargs)

        return call

    return decorate


def refuse_options(name: str, **given: Any) -> None:
    """Refuse, by name, every option that was given (is neither None nor False) to a function of a traced value.

    >>> refuse_options("qr", lwork=None)
    """
    for option, value in given.items():
        if value is not None and value is not False:
            raise DerivativeError(
                f"{name}: {option}={value!r} has no derivative", remedy=f"Leave {option} out where {name} is traced."
            )


def fallback_to(path: str) -> Callable[[str], Any]:
    """``__getattr__`` for our counterpart of SciPy's ``path``: its functions on plain arrays, everything else as is.

    SciPy's module is imported when it is first asked for a name: some of them take a second.

    >>> fallback_to("scipy.special")("spence")(1.0)
    np.float64(0.0)
    """

    def get(name: str) -> Any:
        found = None if name.startswith("_") else getattr(pkgutil.resolve_name(path), name, None)
        if found is None:
            raise AttributeError(f"neither {path} nor ddtrain.{path} has a name {name!r}")
        return guarded(found, f"{path}.{name}")

    return get


def guarded(found: Any, name: str) -> Any:
    """What SciPy has by that name; if it can be called, so that it refuses traced values."""
    if isinstance(found, type) or not callable(found):
        return found
    return _on_plain_arrays(found, name) if inspect.isroutine(found) else Guarded(found, name)


class Guarded:
    """An object of SciPy's that can be called, such as a distribution: it and its methods refuse traced values.

    >>> import scipy.stats
    >>> Guarded(scipy.stats.bernoulli, "scipy.stats.bernoulli")(0.5).pmf(1)
    np.float64(0.5)
    """

    def __init__(self, theirs: Any, name: str) -> None:
        self._theirs, self._name = theirs, name
        self.__doc__ = theirs.__doc__

    @property  # type: ignore[misc]  # so that SciPy's own functions take it for what it stands for
    def __class__(self) -> Any:
        return type(self._theirs)

    def __reduce__(self) -> Any:
        return Guarded, (self._theirs, self._name)

    def __getattr__(self, name: str) -> Any:
        return guarded(getattr(self._theirs, name), f"{self._name}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = _on_plain_arrays(self._theirs.__call__, self._name)(*args, **kwargs)
        holds_parameters = hasattr(result, "rvs")
        return Guarded(result, self._name) if holds_parameters else result

    def __repr__(self) -> str:
        return repr(self._theirs)


def _on_plain_arrays(fun: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(fun, assigned=("__doc__", "__name__"), updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if holds_a_box((args, kwargs)):
            raise MissingRuleError(
                f"{name} has no derivative rule",
                remedy=f"Compose it of functions in ddtrain.scipy and ddtrain.numpy, or declare f = primitive({name}), "
                "then defvjp(f, ...) and defjvp(f, ...); see ddtrain/scipy/special.",
            )
        return fun(*args, **kwargs)

    return call


def holds_a_box(x: Any) -> bool:
    if isinstance(x, tuple | list):
        return any(holds_a_box(part) for part in x)
    return any(holds_a_box(part) for part in x.values()) if isinstance(x, dict) else type(x) in BOXES
