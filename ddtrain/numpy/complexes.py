"""Complex numbers: real, imag, conj, angle.

Note [Complex cotangents]
Cotangents pair with tangents by Re(sum(g * t)), without conjugation, as in Autograd. A holomorphic function then has
the same rule in both modes, g * f'(x), and the gradient of a real u(x + iy) is u_x - i u_y. The walker keeps the
real part of whatever reaches a real argument.
"""

from __future__ import annotations

import numpy as np

from ddtrain.autodiff import def_linear, defjvp, defvjp, primitive
from ddtrain.autodiff.examples import Case, Sampler, case


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


# angle(x) = Im(log x) = Re(-i log x), so its differential is Re(-i dx / x)
angle = primitive(np.angle, examples=lambda r: [case(1.0 + r.positive(2, 3) + 1j * r(2, 3))])
defvjp(angle, lambda g, ans, x: g * -1j / x)
defjvp(angle, lambda g, ans, x: real(g * -1j / x))
