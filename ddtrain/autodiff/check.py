"""``check_grads``: derivatives against finite differences, in both modes, to any order.

Note [Finite differences]
The function is probed along one random direction per argument and weighted to one number, so a check costs a few
evaluations whatever the sizes, and a wrong entry escapes with probability zero. With step h a central difference is
off by h^2 |f'''| / 6 + eps |f| / h; at h = 1e-5 in float64 that is about 2e-11 of each, far below the tolerance of
1e-6, which leaves room for third derivatives in the thousands. Derivatives of derivatives are differences of exact
first derivatives, so the same bound holds at every order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.products import jvp, vjp
from ddtrain.autodiff.tracer import BOXES

STEP = 1e-5


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
    fun : returns an array, or a structure of arrays; entries that are not floating are left out
    modes : ``"fwd"``, ``"rev"`` or both; at higher orders every combination of them
    order : how often to differentiate
    rtol, atol : what the two numbers may differ by, relative to the larger and absolute
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
        directions = [self._direction(x) for x in xs]
        weigh = self._weights(fun(*xs))

        def weighed(*leaves: Any) -> Any:
            return weigh(fun(*leaves))

        for k, (x, v, place) in enumerate(zip(xs, directions, places, strict=True)):

            def along(t: Any, k: int = k) -> Any:
                return weighed(*xs[:k], t, *xs[k + 1 :])

            numeric = float(along(x + STEP * v) - along(x - STEP * v)) / (2 * STEP)
            for mode in self.modes:
                exact = float(_pushed(along, x, v) if mode == "fwd" else _pulled(along, x, v))
                if not abs(exact - numeric) <= self.atol + self.rtol * max(abs(exact), abs(numeric)):
                    raise AssertionError(
                        f"check_grads: {self.name}, order {len(done) + 1}, {' over '.join((mode, *done))}, {place}: "
                        f"the derivative is {exact!r}, finite differences say {numeric!r}"
                    )
        if order > 1 and xs:
            for mode in self.modes:
                further = _push_all(weighed, directions) if mode == "fwd" else _pull_all(weighed)
                self.compare(further, xs, places, order - 1, (mode, *done))

    def _direction(self, x: Any) -> Any:
        v = self.rng.standard_normal(x.shape)
        return v + 1j * self.rng.standard_normal(x.shape) if x.dtype.kind == "c" else v

    def _weights(self, out: Any) -> Callable[[Any], Any]:
        """A random linear function that makes one real number of the structure ``out``."""
        weights = [self._direction(np.asarray(leaf)) if _floats(leaf) else None for leaf in tree.flatten(out)[0]]

        def weigh(out: Any) -> Any:
            pairs = zip(tree.flatten(out)[0], weights, strict=True)
            return sum(((leaf * w).sum().real for leaf, w in pairs if w is not None), np.zeros(()))

        return weigh


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


def _push_all(fun: Callable[..., Any], directions: list[Any]) -> Callable[..., Any]:
    return lambda *xs: jvp(fun, xs, directions)[1]


def _pull_all(fun: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: vjp(fun, *xs)[1](1.0)
