"""``scipy.integrate.odeint`` with derivatives in the initial state, the times and the parameters.

Forward mode solves the variational equation beside the original one; reverse mode solves the adjoint equation back
from each time of output to the one before. Both are calls of the same primitive with a larger right-hand side, made of
derivatives of the given one, so derivatives of every order exist.
"""

# T times, S entries of the state

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate as _si

from ddtrain import tree
from ddtrain.autodiff import BOXES, defjvp, defjvp_rest, jvp, primitive, vjp
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.errors import DerivativeError
from ddtrain.numpy import array, concatenate, cos, expand_dims, ravel, reshape, sin, stack, sum, zeros, zeros_like
from ddtrain.scipy.fallback import fallback_to

Rate = Callable[..., Any]  # (state, time, *parameters) -> time derivative of the state
_OPTIONS = ("rtol", "atol", "tcrit", "h0", "hmax", "hmin", "mxstep", "mxhnil", "mxordn", "mxords")


def _odeint(y0: Any, t: Any, *parameters: Any, rate: Rate, options: dict[str, Any]) -> Any:
    if np.iscomplexobj(y0):
        raise TypeError("odeint: SciPy solves for real states only; stack real and imaginary parts")
    # double precision, like SciPy's state: a right-hand side rounded to single never meets a tolerance
    doubles = [p.astype(np.result_type(p, np.float64), copy=False) for p in parameters]
    return _si.odeint(lambda y, s: rate(y, s, *doubles), y0, t, **options)


def _pendulum(r: Sampler) -> list[Case]:
    """Driven, so that state, time and parameters all matter; tight enough for finite differences."""

    def rate(y: Any, t: Any, k: Any) -> Any:
        return stack([y[1], -k[0] * sin(y[0]) + k[1] * cos(t)])

    tight = {"rtol": 1e-11, "atol": 1e-11}
    return [case(r(2), np.array([0.1, 0.2, 0.4], r.dtype), r.positive(2), rate=rate, options=tight)]


solve = primitive(_odeint, name="odeint", examples=_pendulum)


def _for_more(options: dict[str, Any]) -> dict[str, Any]:
    """Options for a larger state: a tolerance for each entry becomes the tightest one."""
    return {key: float(np.min(v)) if key in ("rtol", "atol") else v for key, v in options.items()}


def _variation(start: Any, g: Any, argnum: int, args: Any, rate: Rate, options: dict[str, Any]) -> Any:
    """The solution's tangent, ``start`` at first, while parameter ``argnum`` - 2 (if that is one) moves along ``g``."""
    y0, t, *parameters = args
    n, m = y0.shape[0], len(parameters)

    def augmented(z: Any, s: Any, *given: Any) -> Any:
        moves = [given[m] if i + 2 == argnum else zeros_like(p) for i, p in enumerate(given[:m])]
        both = jvp(lambda y, *p: rate(y, s, *p), (z[:n], *given[:m]), (z[n:], *moves))
        return concatenate([*both])

    driven = () if argnum < 2 else (g,)
    both = solve(concatenate([y0, start]), t, *parameters, *driven, rate=augmented, options=_for_more(options))
    return both[:, n:]


def _rates(ans: Any, args: Any, rate: Rate) -> list[Any]:
    return [rate(ans[i], args[1][i], *args[2:]) for i in range(ans.shape[0])]


def _push_times(g: Any, ans: Any, *args: Any, rate: Rate, options: dict[str, Any]) -> Any:
    """Every output moves along its rate; a later start is an initial state moved back along the first rate."""
    rates = stack(_rates(ans, args, rate))
    return rates * expand_dims(g, 1) - _variation(rates[0] * g[0], None, 1, args, rate, options)


defjvp(
    solve,
    lambda g, ans, *args, rate, options: _variation(g, None, 0, args, rate, options),
    _push_times,
)
defjvp_rest(
    solve,
    lambda argnum: lambda g, ans, *args, rate, options: _variation(zeros_like(args[0]), g, argnum, args, rate, options),
)


def _pull(argnums: list[int], g: Any, ans: Any, args: Any, kwargs: dict[str, Any]) -> list[Any]:
    """Cotangents of all ``argnums`` at once: one adjoint equation, restarted from the answer at each time."""
    rate, options = kwargs["rate"], _for_more(kwargs["options"])
    y0, t, *parameters = args
    n, wanted = y0.shape[0], [i - 2 for i in argnums if i > 1]
    sizes = [int(np.prod(parameters[i].shape)) for i in wanted]

    def adjoint(z: Any, s: Any, *p: Any) -> Any:
        def of_wanted(y: Any, *some: Any) -> Any:
            full = list(p)
            for i, value in zip(wanted, some, strict=True):
                full[i] = value
            return rate(y, s, *full)

        value, pull = vjp(of_wanted, z[:n], *[p[i] for i in wanted])
        return concatenate([value, *[-ravel(c) for c in pull(z[n : 2 * n])]])

    state_g, parameters_g = g[-1], zeros(int(np.sum(sizes, dtype=int)))
    for i in range(ans.shape[0] - 1, 0, -1):
        z = concatenate([ans[i], state_g, parameters_g])
        back = solve(z, stack([t[i], t[i - 1]]), *parameters, rate=adjoint, options=options)[1]
        before, parameters_g = back[n : 2 * n], back[2 * n :]
        state_g = before + g[i - 1]
    found: dict[int, Any] = {0: state_g}
    if 1 in argnums:
        # a later first time moves the whole solution against its rate there
        weights = concatenate([expand_dims(g[0] - state_g, 0), g[1:]])
        found[1] = sum(weights * stack(_rates(ans, args, rate)), 1)
    at = 0
    for i, size in zip(wanted, sizes, strict=True):
        found[i + 2] = reshape(parameters_g[at : at + size], parameters[i].shape)
        at += size
    return [found[i] for i in argnums]


solve.joint = _pull


def odeint(func: Rate, y0: Any, t: Any, args: Any = (), *, tfirst: bool = False, **options: Any) -> Any:
    """The solution of dy/dt = func(y, t, *args) at the times ``t``, from y(t[0]) = ``y0``.

    Parameters
    ----------
    func : returns the rates, an array as long as the state, made of differentiable functions
    y0 : (S,), or one number
    t : (T,) increasing or decreasing
    args : any structure of numbers and arrays; derivatives flow to its floating entries, and not to what ``func``
        gets otherwise
    tfirst : call func(t, y, *args)
    options : rtol, atol, tcrit, h0, hmax, hmin, mxstep, mxhnil, mxordn, mxords, as SciPy's; derivatives are computed
        to the same tolerances

    Returns
    -------
    (T, S) states.

    Raises
    ------
    DerivativeError : another option of SciPy's

    >>> from ddtrain import grad
    >>> decay = lambda k: odeint(lambda y, t, k: -k * y, np.ones(1), np.array([0.0, 1.0]), (k,))[-1, 0]
    >>> round(float(grad(decay)(2.0)), 5)  # -exp(-2)
    -0.13534
    """
    unknown = set(options) - set(_OPTIONS)
    if unknown:
        raise DerivativeError(
            f"odeint: {', '.join(sorted(unknown))} is not supported",
            remedy=f"Leave it out, or call scipy.integrate.odeint. Supported: {', '.join(_OPTIONS)}.",
        )
    leaves, rebuild = tree.flatten(args if isinstance(args, tuple) else (args,))
    moving = [i for i, leaf in enumerate(leaves) if _floats(leaf)]

    def rate(y: Any, s: Any, *parameters: Any) -> Any:
        full = list(leaves)
        for i, p in zip(moving, parameters, strict=True):
            full[i] = p
        rebuilt = rebuild(full)
        return ravel(array(func(s, y, *rebuilt) if tfirst else func(y, s, *rebuilt)))

    return solve(ravel(_array(y0)), ravel(_array(t)), *[_array(leaves[i]) for i in moving], rate=rate, options=options)


def _array(x: Any) -> Any:
    """``x`` as a floating array, or the box it is."""
    return x if type(x) in BOXES else np.asarray(x, np.result_type(np.asarray(x), np.float32))


def _floats(x: Any) -> bool:
    return type(x) in BOXES or np.asarray(x).dtype.kind in "fc"


__getattr__ = fallback_to("scipy.integrate")
