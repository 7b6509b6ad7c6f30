"""Activations in C; see ``kernels/activation.py`` for what they compute."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ddtrain.kernels import activation
from ddtrain.kernels.native.elementwise import of_one, of_two
from ddtrain.kernels.native.layouts import contiguous, result
from ddtrain.kernels.native.library import Library
from ddtrain.kernels.native.twins import twin
from ddtrain.kernels.seam import reference_of

Array = NDArray[Any]
FORWARD = {  # the options of its examples, after how far it may be from its reference in ulp
    activation.relu: (0,),
    activation.leaky_relu: (0, 0.1),
    activation.sigmoid: (4,),
    activation.silu: (4,),
    activation.gelu: (4,),
    activation.gelu_tanh: (4,),
    activation.elu: (4, 0.5, 1.5),
    activation.softplus: (4, 2.0),
    activation.hard_tanh: (0, -0.5, 1.0),
    activation.hard_sigmoid: (0,),
}
BACKWARD = {
    activation.relu_backward: (0,),
    activation.leaky_relu_backward: (0, 0.1),
    activation.sigmoid_backward: (2,),
    activation.silu_backward: (8,),
    activation.gelu_backward: (8,),
    activation.gelu_tanh_backward: (8,),
    activation.softplus_backward: (4, 2.0),
    activation.hard_tanh_backward: (0, -0.5, 1.0),
    activation.hard_sigmoid_backward: (0,),
}


def _declared() -> dict[str, str]:
    names = {kernel.__name__: "ppn" + "d" * (len(row) - 1) for kernel, row in FORWARD.items()}
    names |= {kernel.__name__: "pppn" + "d" * (len(row) - 1) for kernel, row in BACKWARD.items()}
    return names | {"elu_backward": "ppppndd"}


library = Library("activation", _declared())
for kernel, (ulps, *options) in FORWARD.items():
    of_one(kernel, library, *options, ulps=ulps)
for kernel, (ulps, *options) in BACKWARD.items():
    of_two(kernel, library, *options, ulps=ulps)


def _elu_examples(r: Any) -> list[tuple[Any, ...]]:
    shapes: list[tuple[int, ...]] = [(0,), (), (5, 7), (3, 1101)]
    return [(r(*shape), x := r(*shape), reference_of(activation.elu)(x, 0.5, 1.5), 0.5, 1.5) for shape in shapes]


@twin(activation.elu_backward, library, "elu_backward", examples=_elu_examples, ulps=2)
def elu_backward(g: Array, x: Array, y: Array, alpha: float, scale: float, out: Array | None = None) -> Any:
    function = library.function("elu_backward", x.dtype)
    if function is None or not (g.dtype == x.dtype == y.dtype and g.shape == x.shape == y.shape):
        return NotImplemented
    if not contiguous(g, x, y):
        return NotImplemented
    dx = result(x.shape, x.dtype, out)
    function(g, x, y, dx, x.size, alpha, scale)
    return dx
