"""Updates of flat vectors in C: each in one pass over memory; see ``kernels/updates`` for what they compute.

All of them are called alike, so one function makes their twins: a C function takes the vectors of its reference, their
length, and the numbers, in the reference's order.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.kernels.native.layouts import contiguous, plain
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import Examples, twin
from ddtrain.kernels.updates import adaptive_update, average_update, layerwise_update, moment_update, optimizer_update

Array = NDArray[Any]
_KIND = {"Array": "p", "Array | None": "p", "float": "d", "int": "n", "bool": "n"}
_LENGTHS = (0, 1, 37, 5000)
IN_PLACE: Any = (  # what is called alike
    *(optimizer_update.sgd, optimizer_update.adam, optimizer_update.add_scaled_, optimizer_update.clip_value_),
    *(adaptive_update.adagrad, adaptive_update.rmsprop, adaptive_update.rmsprop_lookahead, adaptive_update.adadelta),
    *(adaptive_update.lion, moment_update.amsgrad, moment_update.adamax, moment_update.radam, moment_update.nadam),
    *(layerwise_update.lamb, average_update.blend_),
)


def _parameters(kernel: Any) -> tuple[list[str], list[Any], str]:
    """Names, defaults and kinds of a reference's parameters; vectors come first."""
    found = inspect.signature(kernel.reference).parameters
    return list(found), [p.default for p in found.values()], "".join(_KIND[p.annotation] for p in found.values())


def _signature(kernel: Any) -> str:
    kinds = _parameters(kernel)[2]
    count = kinds.count("p")
    return kinds[:count] + "n" + kinds[count:]


library = Library(
    "updates",
    {kernel.reference.__name__: _signature(kernel) for kernel in IN_PLACE}
    | {"square_norms": "pppn", "lamb_moments": "pppppnddddnd"},
)


def update(kernel: Any, examples: Examples, written: tuple[int, ...] = (0,), ulps: float = 8.0) -> None:
    """Give a kernel that works in place its twin, the C function of its name."""
    name = kernel.reference.__name__
    twin(kernel, library, name, examples=examples, ulps=ulps, written=written)(_caller(kernel))


def _caller(kernel: Any) -> Callable[..., Any]:
    names, defaults, kinds = _parameters(kernel)
    name, count, places = kernel.reference.__name__, kinds.count("p"), {name: k for k, name in enumerate(names)}

    def call(*args: Any, **named: Any) -> Any:
        given = [*args, *defaults[len(args) :]]
        for key, value in named.items():
            given[places[key]] = value
        vectors = given[:count]
        function = library.function(name, vectors[0].dtype)
        if function is None or not alike(vectors):
            return NotImplemented
        function(*vectors, len(vectors[0]), *given[count:])
        return None

    return call


def alike(vectors: list[Array]) -> bool:
    """Whether vectors are plain, contiguous, and of one dtype and length; values, the first, are to be written to."""
    values = vectors[0]
    dtype, shape = values.dtype, values.shape
    for vector in vectors:
        if vector is not None and (vector.shape != shape or not plain(dtype, vector)):
            return False
    return len(shape) == 1 and values.flags.writeable


def _sizes(r: Callable[..., Array]) -> list[tuple[Array, ...]]:
    """Values, gradients, a mean, and two that are not negative, of several lengths."""
    return [(r(n), r(n), r(n), np.abs(r(n)), np.abs(r(n))) for n in _LENGTHS]


update(
    optimizer_update.sgd,
    lambda r: (
        [
            (x, g, v, 0.1, 0.9, nesterov, *rest)
            for x, g, v, *_ in _sizes(r)
            for nesterov in (False, True)
            for rest in ((), (0.1, 0.5, 2.0, 0.01))
        ]
        + [(r(37), r(37), None, 0.1, 0.0, False, 0.1, 0.5, 1.0, 0.3)]
    ),
    written=(0, 2),
)
update(
    optimizer_update.adam,
    lambda r: (
        [(x, g, m, v, 0.1) for x, g, m, v, _ in _sizes(r)]
        + [
            (r(37), r(37), r(37), abs(r(37)), 0.1, 0.8, 0.9, 1e-6, 0.1, decoupled, 3, 0.5, corrected, l1)
            for decoupled in (False, True)
            for corrected, l1 in ((False, 0.0), (True, 0.1))
        ]
    ),
    written=(0, 2, 3),
)
update(optimizer_update.add_scaled_, lambda r: [(x, y, 0.3) for x, y, *_ in _sizes(r)])
update(optimizer_update.clip_value_, lambda r: [(x, 0.5) for x, *_ in _sizes(r)] + [(r(9) * np.nan, 1.0)], ulps=0)
update(
    adaptive_update.adagrad,
    lambda r: (
        [(x, g, s, 0.1, 1e-3, inside) for x, g, _, s, _ in _sizes(r) for inside in (False, True)]
        + [(r(37), r(37), abs(r(37)), 0.1, 1e-3, False, 0.1, 0.5, 0.2)]
    ),
    written=(0, 2),
)
update(
    adaptive_update.rmsprop,
    lambda r: [
        (x, g, (m * m if centred else 0) + s + 1, m if centred else None, v if moving else None, 0.1, 0.9, 1e-3, *rest)
        for x, g, m, s, v in _sizes(r)
        for centred in (False, True)
        for moving, rest in ((False, ()), (True, (True, 0.8)), (True, (False, 0.8, 0.1, 0.5, 0.2)))
    ],
    written=(0, 2, 3, 4),
)
update(
    adaptive_update.rmsprop_lookahead,
    lambda r: [
        (x, g, s, v, 0.1, *rest) for x, g, v, s, _ in _sizes(r) for rest in ((), (0.9, 1e-3, 0.8, 0.1, 0.5, 0.2))
    ],
    written=(0, 2, 3),
)
update(
    adaptive_update.adadelta,
    lambda r: [(x, g, s, d, 0.1, *rest) for x, g, _, s, d in _sizes(r) for rest in ((), (0.9, 1e-3, 0.1, 0.5, 0.2))],
    written=(0, 2, 3),
)
update(  # gradient and mean point the same way, so that no sign hangs on a rounding
    adaptive_update.lion,
    lambda r: [
        (x, np.copysign(s, m), m, 0.1, *rest) for x, _, m, s, _ in _sizes(r) for rest in ((), (0.8, 0.9, 0.1, 0.5))
    ],
    written=(0, 2),
)
_ADAM_LIKE = ((), (0.8, 0.9, 1e-3, 0.1, 7, 0.5, 0.2))
update(
    moment_update.amsgrad,
    lambda r: [(x, g, m, s, top, 0.1, *rest) for x, g, m, s, top in _sizes(r) for rest in _ADAM_LIKE],
    written=(0, 2, 3, 4),
)
update(
    moment_update.adamax,
    lambda r: [(x, g, m, top, 0.1, *rest) for x, g, m, top, _ in _sizes(r) for rest in _ADAM_LIKE],
    written=(0, 2, 3),
)
update(
    moment_update.radam,
    lambda r: [
        (x, g, m, s, 0.1, *rest)
        for x, g, m, s, _ in _sizes(r)
        for rest in (*_ADAM_LIKE, (0.8, 0.9, 1e-3, 0, 1, 1, 0.2))
    ],
    written=(0, 2, 3),
)
update(
    moment_update.nadam,
    lambda r: [(x, g, m, s, 0.1, 0.7, 1.4, *rest) for x, g, m, s, _ in _sizes(r) for rest in _ADAM_LIKE],
    written=(0, 2, 3),
)
update(
    layerwise_update.lamb,
    lambda r: [(x, m, s, 0.1, 0.8, 0.9, 1e-3, decay, 7) for x, _, m, s, _ in _sizes(r) for decay in (0.0, 0.1)],
)
update(average_update.blend_, lambda r: [(x, y, keep) for x, y, *_ in _sizes(r) for keep in (0.0, 0.9)])


@twin(
    layerwise_update.lamb_moments,
    library,
    "lamb_moments",
    examples=lambda r: [
        (x, g, m, s, 0.8, 0.9, 1e-3, decay, 7, 0.5) for x, g, m, s, _ in _sizes(r) for decay in (0.0, 0.1)
    ],
    ulps=64,  # a sum of 5000 squares, in two orders
    written=(2, 3),
)
def lamb_moments(
    values: Array, grads: Array, m: Array, v: Array, beta1: float, beta2: float, eps: float, decay: float, count: int,
    scale: float = 1.0,
) -> Any:  # fmt: skip
    call = library.function("lamb_moments", values.dtype)
    if call is None or not alike([m, v, values, grads]):
        return NotImplemented
    sums = np.empty(2)
    call(values, grads, m, v, sums, len(values), beta1, beta2, eps, decay, count, scale)
    return sums


@twin(
    optimizer_update.square_norms,
    library,
    "square_norms",
    examples=lambda r: [
        (r(5000), np.array([[0, 0], [0, 1], [3, 40], [40, 5000]])),
        (r(0), np.empty((0, 2), np.int64)),
        (r(70) * 1e25, np.array([[0, 70]])),
    ],
    ulps=64,  # a sum of 5000 squares, in two orders
)
def square_norms(x: Array, cells_K2: Array) -> Any:
    call = library.function("square_norms", x.dtype)
    if call is None or cells_K2.dtype != np.int64 or not contiguous(x, cells_K2):
        return NotImplemented
    sums = np.empty(len(cells_K2))
    call(x, cells_K2, sums, len(cells_K2))
    return sums
