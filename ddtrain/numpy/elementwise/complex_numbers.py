"""Complex numbers: real, imag, conj, angle, sign.

Note [Complex cotangents]
Cotangents pair with tangents by Re(sum(g * t)), without conjugation, as in Autograd. A holomorphic function then has
the same rule in both modes, g * f'(x), and the gradient of a real u(x + iy) is u_x - i u_y. The walker keeps the
real part of whatever reaches a real argument.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ddtrain.autodiff import Array, def_linear, defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy.elementwise.arithmetic import absolute, inverse_length
from ddtrain.numpy.elementwise.comparisons import sign as steps
from ddtrain.numpy.manipulation.shapes import as_array

__all__ = ["angle", "conj", "conjugate", "imag", "real", "sign"]


def _complex(r: Sampler) -> list[Case]:
    return [case(r(2, 3) + 1j * r(2, 3)), case(r(2, 3))]


real = primitive(np.real, examples=_complex)
defvjp(real, lambda g, ans, x: g)
def_linear(real)

imag = primitive(np.imag, examples=_complex)
defvjp(imag, lambda g, ans, x: g * -1j if x.dtype.kind == "c" else 0 * g)
def_linear(imag)

conjugate = primitive(np.conjugate, examples=_complex)
defvjp(conjugate, lambda g, ans, x: conjugate(g))
def_linear(conjugate)
conj = conjugate


def _angle(x: Array, deg: bool = False) -> Array:
    return np.angle(x, deg)


def _turn(x: Any, deg: bool) -> Any:
    """angle(x) = Im(log x) = Re(-i log x), in radians, so its differential is Re(-i dx / x)."""
    return (-180j / math.pi if deg else -1j) / x


def _turns(r: Sampler) -> list[Case]:
    return [case(1.0 + r.positive(2, 3) + 1j * r(2, 3)), case(1.0 + r.positive(2) + 1j * r(2), True)]


angle = primitive(_angle, name="angle", examples=_turns)
defvjp(angle, lambda g, ans, x, deg=False: g * _turn(x, deg))
defjvp(angle, lambda g, ans, x, deg=False: real(g * _turn(x, deg)))


def _phase(x: Any) -> Any:
    return np.sign(x)


def _across(g: Any, ans: Any, x: Any) -> Any:
    """The part of ``g`` at a right angle to ``x``, in lengths of ``x``; 0 at 0."""
    return (g - ans * real(conjugate(ans) * g)) * inverse_length(absolute(x))


phase = primitive(_phase, name="sign", examples=lambda r: [case(1.0 + r.positive(2, 3) + 1j * r(2, 3))])
defvjp(phase, lambda g, ans, x: conjugate(_across(conjugate(g), ans, x)))
defjvp(phase, _across)


def sign(x: Array) -> Array:
    """-1, 0 or 1, which is constant; of a complex number x / abs(x), or 0, which is not.

    >>> sign(np.array([-2.0, 0.0, 3.0])), sign(3j)
    (array([-1.,  0.,  1.]), np.complex128(1j))
    """
    x = as_array(x)
    return (phase if x.dtype.kind == "c" else steps)(x)
