"""Adaptive updates and those of Adam's kin: the formulas of their papers, at sizes around a piece, from any memory."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import adaptive_update, moment_update, optimizer_update

PIECE = optimizer_update.PIECE
LR, RHO, B1, B2, EPS, DECAY, SCALE, COUNT = 0.1, 0.9, 0.8, 0.95, 1e-3, 0.2, 0.5, 7


def adagrad(x, g, total):
    total = total + g**2
    return x - LR * g / (np.sqrt(total) + EPS), total


def rmsprop(x, g, square):
    square = RHO * square + (1 - RHO) * g**2
    return x - LR * g / (np.sqrt(square) + EPS), square


def rmsprop_eps_inside(x, g, square):
    square = RHO * square + (1 - RHO) * g**2
    return x - LR * g / np.sqrt(square + EPS), square


def rmsprop_centred(x, g, square, mean, velocity):
    square, mean = RHO * square + (1 - RHO) * g**2, RHO * mean + (1 - RHO) * g
    velocity = 0.7 * velocity + g / (np.sqrt(square - mean**2) + EPS)
    return x - LR * velocity, square, mean, velocity


def adadelta(x, g, square, moved):
    square = RHO * square + (1 - RHO) * g**2
    step = g * np.sqrt(moved + EPS) / np.sqrt(square + EPS)
    return x - LR * step, square, RHO * moved + (1 - RHO) * step**2


def moments(g, m, v):
    return B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2


def amsgrad(x, g, m, v, largest):
    m, v = moments(g, m, v)
    largest = np.maximum(largest, v)
    return x - LR * m / (1 - B1**COUNT) / (np.sqrt(largest / (1 - B2**COUNT)) + EPS), m, v, largest


def adamax(x, g, m, largest):
    m, largest = B1 * m + (1 - B1) * g, np.maximum(B2 * largest, np.abs(g) + EPS)
    return x - LR * m / (1 - B1**COUNT) / largest, m, largest


def radam(x, g, m, v):
    m, v = moments(g, m, v)
    longest = 2 / (1 - B2) - 1
    k = longest - 2 * COUNT * B2**COUNT / (1 - B2**COUNT)
    assert k > 5, "so that the second moment counts"
    r = np.sqrt((k - 4) * (k - 2) * longest / ((longest - 4) * (longest - 2) * k))
    return x - LR * m / (1 - B1**COUNT) * r * np.sqrt(1 - B2**COUNT) / (np.sqrt(v) + EPS), m, v


def nadam(x, g, m, v):
    m, v = moments(g, m, v)
    return x - LR * (0.3 * g + 0.9 * m) / (np.sqrt(v / (1 - B2**COUNT)) + EPS), m, v


def lion(x, g, m):
    return x * (1 - LR * DECAY) - LR * np.sign(B1 * m + (1 - B1) * g), B2 * m + (1 - B2) * g


ADAM = {"beta1": B1, "beta2": B2, "eps": EPS, "count": COUNT}
METHODS = {  # the formula, whether each vector of the memory is of squares, and the options of the kernel
    "adagrad": (adagrad, [True], {"eps": EPS}),
    "rmsprop": (rmsprop, [True], {"rho": RHO, "eps": EPS}),
    "rmsprop, eps inside": (rmsprop_eps_inside, [True], {"rho": RHO, "eps": EPS, "eps_inside_root": True}),
    "rmsprop, centred": (rmsprop_centred, [True, False, False], {"rho": RHO, "eps": EPS, "momentum": 0.7}),
    "adadelta": (adadelta, [True, True], {"rho": RHO, "eps": EPS}),
    "amsgrad": (amsgrad, [False, True, True], ADAM),
    "adamax": (adamax, [False, True], ADAM),
    "radam": (radam, [False, True], ADAM),
    "nadam": (nadam, [False, True], {"of_gradient": 0.3, "of_mean": 0.9, **ADAM}),
    "lion": (lion, [False], {"beta1": B1, "beta2": B2}),
}
each_method = pytest.mark.parametrize("name", METHODS)


def start(name, n, dtype=np.float64):
    """Values, gradients and memory; squares are large enough that no variance is below zero."""
    rng = np.random.default_rng(n)
    values, grads = rng.standard_normal((2, n))
    memory = [2 + rng.random(n) if square else rng.uniform(-1, 1, n) for square in METHODS[name][1]]
    return [array.astype(dtype) for array in (values, grads, *memory)]


def update(name, values, grads, *memory, decay=DECAY, scale=SCALE):
    if len(memory) == 1 and name.startswith("rmsprop"):
        memory = (*memory, None, None)
    kernel = {**vars(adaptive_update), **vars(moment_update)}[name.partition(",")[0]]
    kernel(values, grads, *memory, LR, decay=decay, scale=scale, **METHODS[name][2])


@each_method
@pytest.mark.parametrize("n", [0, 1, PIECE, PIECE + 1, 2 * PIECE + 5])
def test_one_update_is_the_formula(name, n):
    values, grads, *memory = start(name, n)
    g = SCALE * grads + (0 if name == "lion" else DECAY) * values
    expected = METHODS[name][0](values, g, *memory)
    kept = grads.copy()
    update(name, values, grads, *memory)
    for found, wanted in zip((values, *memory), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(grads, kept)


@each_method
def test_a_gradient_that_is_read_where_it_lies_gives_the_same_bits(name):
    """Without scale and decay nothing is added to the gradient, and no copy of it is made."""
    one, other = start(name, 100), start(name, 100)
    kept = one[1].copy()
    update(name, *one, decay=0.0, scale=1.0)
    np.testing.assert_array_equal(one[1], kept)
    other[1] *= 2
    update(name, *other, decay=0.0, scale=0.5)
    for a, b in zip((one[0], *one[2:]), (other[0], *other[2:]), strict=True):
        np.testing.assert_array_equal(a, b)


@each_method
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pieces_change_no_bit_and_no_precision(name, dtype, monkeypatch):
    whole, cut = start(name, 1000, dtype), start(name, 1000, dtype)
    update(name, *whole)
    monkeypatch.setattr(optimizer_update, "PIECE", 7)
    monkeypatch.setattr(adaptive_update, "PIECE", 7)
    update(name, *cut)
    for a, b in zip(whole, cut, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_array_equal(a, b)
