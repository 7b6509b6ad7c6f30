"""Complex numbers: holomorphic functions, real functions of complex numbers, Fourier transforms."""

import autograd.numpy as np
from autograd import grad, holomorphic_grad, jacobian, make_jvp, make_vjp


def run():
    z = np.array([1.0 + 2.0j, -0.5 + 0.3j])
    x = np.array([0.4, -1.2, 0.7, 0.1])
    power = lambda x: np.sum(np.abs(np.fft.fft(x)[1:3]) ** 2)
    return {
        "holomorphic": [holomorphic_grad(lambda z: z**3 + np.exp(z))(1.0 + 2.0j), holomorphic_grad(np.sin)(0.3 - 1.0j)],
        "modulus": grad(lambda z: np.sum(np.abs(z) ** 2))(z),
        "real_part": grad(lambda z: np.sum(np.real(z**2 * np.conj(z))))(z),
        "imaginary_part": grad(lambda z: np.sum(np.imag(np.exp(z))))(z),
        "angle": grad(lambda z: np.sum(np.angle(z)))(z),
        "jacobian": jacobian(lambda z: np.abs(z) ** 3)(z),
        "jvp": make_jvp(lambda z: np.conj(z) * z**2)(z)(np.array([1j, 1.0 - 1j]))[1],
        "vjp": make_vjp(lambda z: np.conj(z) * z**2)(z)[0](np.array([1j, 1.0 - 1j])),
        "from_real": make_vjp(lambda x: np.exp(1j * x))(x)[0](np.array([1j, 1.0, 2.0, 1.0 - 1j])),
        "power": grad(power)(x),
        "second": grad(lambda x: np.sum(grad(power)(x) ** 3))(x),
    }
