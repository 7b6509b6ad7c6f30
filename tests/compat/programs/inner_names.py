"""Names of Autograd's inner modules: notrace by mode, sparse cotangents, boxes, own operators and optimizers."""

import autograd.numpy as np
import numpy as onp
from autograd import grad
from autograd.core import make_jvp, make_vjp
from autograd.extend import JVPNode, SparseObject, VJPNode, defjvp, defvjp, primitive, register_notrace, vspace
from autograd.misc.flatten import flatten, flatten_func
from autograd.misc.optimizers import unflatten_optimizer
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_vjps import unbroadcast_f
from autograd.test_util import check_grads, scalar_close
from autograd.tracer import getval, isbox
from autograd.util import subvals
from autograd.wrap_util import unary_to_nary


@primitive
def bucket(x):
    return onp.floor(x)


register_notrace(VJPNode, bucket)
register_notrace(JVPNode, bucket)


@primitive
def pick(x, index):
    return x[index]


@primitive
def unpick(g, index, vs):
    def mut_add(out):
        onp.add.at(out, index, g)
        return out

    return SparseObject(vs, mut_add)


defvjp(pick, lambda ans, x, index: lambda g: unpick(g, index, vspace(x)))
defjvp(pick, lambda g, ans, x, index: pick(g, index))
defvjp(unpick, lambda ans, g, index, vs: lambda h: pick(h, index))


@primitive
def scaled(x, c):
    return x * c


defvjp(
    scaled,
    lambda ans, x, c: unbroadcast_f(x, lambda g: g * c),
    lambda ans, x, c: unbroadcast_f(c, lambda g: g * x),
)


@unary_to_nary
def value_plus_norm(fun, x):
    vjp, value = make_vjp(fun, x)
    return value + np.sum(vjp(vspace(value).ones()) ** 2)


@unflatten_optimizer
def descent(grad, x, callback=None, num_iters=10, step_size=0.1):
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        x = x - step_size * g
    return x


def run():
    x, index = np.array([0.5, 1.5, -2.5]), np.array([0, 2, 0])
    seen, steps = [], []

    def watched(x):
        seen.append((isbox(x), isinstance(x, ArrayBox), getval(x).tolist(), onp.array(x._value).tolist()))
        return np.sum(x**2)

    grad(watched)(x)
    loss = lambda p, i: np.sum((p["w"] - 1.0) ** 2) + p["b"] ** 2
    end = descent(grad(loss), {"w": np.zeros(2), "b": 3.0}, lambda p, i, g: steps.append(g["b"]), num_iters=5)
    of_vector, unflatten, vector = flatten_func(lambda p: [p["a"] * 2, p["b"] ** 2], {"a": np.ones(2), "b": 3.0})
    sparse = lambda x: np.sum(pick(x, index) ** 3)
    check_grads(sparse, modes=["rev"], order=1)(x)
    return {
        "notrace": [grad(lambda x: np.sum(x * bucket(x)))(x), make_jvp(lambda x: x * bucket(x), x)(np.ones(3))[1]],
        "sparse": grad(sparse)(x),
        "unbroadcast": [
            grad(lambda x: np.sum(scaled(x, np.ones((2, 3)) * 2.0)))(x),
            grad(lambda c: np.sum(scaled(x, c)))(2.0),
        ],
        "boxes": [float(flag) for flag in seen[0][:2]] + seen[0][2] + seen[0][3],
        "nary": value_plus_norm(lambda a, b: a * b**2, 1)(3.0, 2.0),
        "optimizer": [end["w"], end["b"], np.array(steps)],
        "flat": [of_vector(vector), vector, unflatten(vector)["b"], flatten([x, 1.0])[0]],
        "close": [float(scalar_close(1.0, 1.0 + 1e-8)), float(scalar_close(1.0, 1.1))],
        "entries": list(subvals((1.0, 2.0), [(1, 5.0)])),
        "diagonal": np.make_diagonal(x, axis1=-1, axis2=-2),
    }
