"""``check_grads``: derivatives against finite differences, in both modes, to any order.

Note [Finite differences]
The function is probed along one random direction per argument and weighted to one number, so a check costs a few
evaluations whatever the sizes, and a wrong entry escapes with probability zero. With step h a central difference is
off by h^2 |f'''| / 6 + eps |f| / h; at h = 1e-5 in float64 that is about 2e-11 of each, far below the tolerance of
1e-6, which leaves room for third derivatives in the thousands. If these are larger, or the domain ends close by, a
shorter step is needed, and if |f| or |x| is large, a longer one. So a derivative is wrong if it agrees with no step's
difference. Steps whose own rounding error exceeds the tolerance do not count, because they could agree by chance.

Note [Derivatives of derivatives]
The next order checks the product with the Jacobian as a function of the arguments *and of the cotangent (or tangent)*:
a rule is a function of both. If the cotangent never moved, a rule that multiplies it by a function with a wrong rule
of its own would pass, and every second derivative through it be wrong. Products are again differences of exact
derivatives, so the same bound holds at every order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import BOXES
from ddtrain.autodiff.operators.vjp_jvp import jvp, vjp

# the first suits most functions; the others are tried when it fails
STEPS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-4, 1e-3)


def check_grads(
    fun: Callable[..., Any],
    modes: Sequence[str] = ("fwd", "rev"),
    order: int = 2,
    *,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    seed: int = 0,
) -> Callable[..., None]:
    """The function that, called with arguments, compares the derivatives of ``fun`` there with finite differences.

    Parameters
    ----------
    fun : returns an array, or a structure of arrays; entries that are not floating are ignored
    modes : ``"fwd"``, ``"rev"`` or both; at higher orders every combination of them
    order : how often to differentiate
    rtol, atol : by how much the two numbers may differ, relative to the larger one and absolutely
    seed : of the random directions

    Raises
    ------
    AssertionError : a derivative is wrong; names order, mode and argument, with both numbers

    Notes
    -----
    Floating arguments are converted to double precision. A complex argument is moved in a complex direction, so
    its real and imaginary parts are both checked.

    >>> import ddtrain.numpy as np
    >>> check_grads(lambda x, y: np.sin(x) * y)(0.5, np.ones(3))
    >>> check_grads(np.sum, modes=["rev"], order=1)(np.ones((2, 3)))
    """
    for mode in modes:
        if mode not in ("fwd", "rev"):
            raise ValueError(f"check_grads: mode {mode!r} is neither 'fwd' nor 'rev'")

    def check(*args: Any, **kwargs: Any) -> None:
        leaves: list[Any] = []
        places: list[str] = []
        rebuilds: list[tuple[int, int, Callable[[list[Any]], Any]]] = []
        for k, arg in enumerate(args):
            flat, rebuild = tree.flatten(arg)
            rebuilds.append((len(leaves), len(flat), rebuild))
            leaves += [_double(leaf) for leaf in flat]
            places += [f"argument {k}" + (f", leaf {j}" if len(flat) > 1 else "") for j in range(len(flat))]
        moving = [i for i, leaf in enumerate(leaves) if _floats(leaf)]

        def of_moving(*values: Any) -> Any:
            full = list(leaves)
            for i, value in zip(moving, values, strict=True):
                full[i] = value
            return fun(*[rebuild(full[at : at + n]) for at, n, rebuild in rebuilds], **kwargs)

        name = getattr(fun, "__name__", "function")
        probe = _Probe(name, tuple(modes), rtol, atol, np.random.default_rng(seed))
        probe.compare(of_moving, [leaves[i] for i in moving], [places[i] for i in moving], order, ())

    return check


class _Probe:
    """One check: its tolerances, and the source of its directions."""

    def __init__(self, name: str, modes: tuple[str, ...], rtol: float, atol: float, rng: np.random.Generator) -> None:
        self.name, self.modes, self.rtol, self.atol, self.rng = name, modes, rtol, atol, rng

    def compare(
        self, fun: Callable[..., Any], xs: list[Any], places: list[str], order: int, done: tuple[str, ...]
    ) -> None:
        """Check ``fun`` at ``xs``, then its derivatives in each mode; ``done`` are the modes applied so far."""
        out = fun(*xs)
        weigh = self._weights(out)
        for k, (x, place) in enumerate(zip(xs, places, strict=True)):
            v = self._direction(x)

            def along(t: Any, k: int = k) -> Any:
                return weigh(fun(*xs[:k], t, *xs[k + 1 :]))

            numeric = _Differences(along, x, v)
            for mode in self.modes:
                exact = float(_pushed(along, x, v) if mode == "fwd" else _pulled(along, x, v))
                if not numeric.agree(exact, self.rtol, self.atol):
                    raise AssertionError(
                        f"check_grads: {self.name}, order {len(done) + 1}, {' over '.join((mode, *done))}, {place}: "
                        f"the derivative is {exact!r}, finite differences say {numeric.known[0][0]!r}"
                    )
        if order > 1 and xs:
            for mode in self.modes:
                further, more, of_more = _push_of(fun, xs, places) if mode == "fwd" else _pull_of(fun, xs, out)
                moved = [*xs, *map(self._direction, more)]  # Note [Derivatives of derivatives]
                self.compare(further, moved, places + of_more, order - 1, (mode, *done))

    def _direction(self, x: Any) -> Any:
        v = self.rng.standard_normal(x.shape)
        return v + 1j * self.rng.standard_normal(x.shape) if x.dtype.kind == "c" else v

    def _weights(self, out: Any) -> Callable[[Any], Any]:
        """The weights of a random linear function from the structure ``out`` to one real number."""
        weights = [self._direction(np.asarray(leaf)) if _floats(leaf) else None for leaf in tree.flatten(out)[0]]

        def weigh(out: Any) -> Any:
            pairs = zip(tree.flatten(out)[0], weights, strict=True)
            return sum(((leaf * w).sum().real for leaf, w in pairs if w is not None), np.zeros(()))

        return weigh


class _Differences:
    """Central differences of ``f`` at ``x`` along ``v``: with the first step, and with others if that disagrees."""

    def __init__(self, f: Callable[[Any], Any], x: Any, v: Any) -> None:
        self.f, self.x, self.v = f, x, v
        self.known = [self._difference(STEPS[0])]

    def agree(self, exact: float, rtol: float, atol: float) -> bool:
        """Whether ``exact`` agrees with the difference of a step that counts, see Note [Finite differences]."""
        for k, step in enumerate(STEPS):
            if k == len(self.known):
                self.known.append(self._difference(step))
            numeric, rounding = self.known[k]
            tolerance = atol + rtol * max(abs(exact), abs(numeric))
            if abs(exact - numeric) <= tolerance and (k == 0 or rounding <= tolerance):
                return True
        return False

    def _difference(self, step: float) -> tuple[float, float]:
        """The difference, and an estimate of its rounding error; NaN where the step leaves the domain."""
        try:
            with np.errstate(all="ignore"):
                ahead, behind = float(self.f(self.x + step * self.v)), float(self.f(self.x - step * self.v))
                return (ahead - behind) / (2 * step), float(np.finfo(float).eps) * max(abs(ahead), abs(behind)) / step
        except (ValueError, ArithmeticError):
            return np.nan, np.nan


def _double(leaf: Any) -> Any:
    if not _floats(leaf):
        return leaf
    leaf = np.asarray(leaf)
    return leaf.astype(np.complex128 if leaf.dtype.kind == "c" else np.float64)


def _floats(leaf: Any) -> bool:
    return type(leaf) in BOXES or np.asarray(leaf).dtype.kind in "fc"


def _pushed(fun: Callable[..., Any], x: Any, v: Any) -> Any:
    return jvp(fun, (x,), (v,))[1]


def _pulled(fun: Callable[..., Any], x: Any, v: Any) -> Any:
    return np.sum(vjp(fun, x)[1](1.0)[0] * v).real


def _push_of(fun: Callable[..., Any], xs: list[Any], places: list[str]) -> tuple[Callable[..., Any], list[Any], Any]:
    """The tangent of ``fun`` as a function of arguments and tangents; that function, its arguments and directions."""
    n = len(xs)
    return lambda *at: jvp(fun, at[:n], at[n:])[1], xs, [f"the tangent of {place}" for place in places]


def _pull_of(fun: Callable[..., Any], xs: list[Any], out: Any) -> tuple[Callable[..., Any], list[Any], Any]:
    """The cotangents of the arguments of ``fun`` as a function of them and of the cotangents of the result ``out``."""
    n, (leaves, rebuild) = len(xs), tree.flatten(out)
    moving = [k for k, leaf in enumerate(leaves) if _floats(leaf)]

    def pulled(*at: Any) -> Any:
        g = list(leaves)
        for k, part in zip(moving, at[n:], strict=True):
            g[k] = part
        return vjp(fun, *at[:n])[1](rebuild(g))

    cotangent = [f"the cotangent of the result{f', leaf {k}' if len(leaves) > 1 else ''}" for k in moving]
    return pulled, [np.asarray(leaves[k]) for k in moving], cotangent
