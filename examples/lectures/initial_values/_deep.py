"""Through many layers and back, one at a time: what each gives, and what gradient comes back to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain import make_vjp, nn

Array = np.ndarray[Any, Any]


def initialized(layers: Sequence[nn.Module], seed: int) -> list[Any]:
    """Layers with the initial values that they declare, in float64, each with random numbers of its own."""
    whole = nn.Sequential(*layers)
    values = whole.init(seed, np.float64)
    return [
        layer.bind({path.removeprefix(f"{k}."): x for path, x in values.items() if path.startswith(f"{k}.")})
        for k, layer in enumerate(layers)
    ]


def there_and_back(layers: Sequence[Any], x: Array, g: Array) -> tuple[list[Array], list[Array]]:
    """Outputs and gradients along a chain of layers.

    Parameters
    ----------
    layers : bound
    x : what goes into the first
    g : the loss's derivative by what comes out of the last

    Returns
    -------
    ``x`` and the output of each layer; and the derivatives by all of these, ``g`` the last of them

    >>> twice = nn.Activation(lambda x: 2 * x).bind({})
    >>> there_and_back([twice, twice], np.array([1.0]), np.array([3.0]))
    ([array([1.]), array([2.]), array([4.])], [array([12.]), array([6.]), array([3.])])
    """
    outputs, gradients, pulls = [x], [g], []
    for layer in layers:
        pull, output = make_vjp(layer)(outputs[-1])
        pulls.append(pull)
        outputs.append(output)
    for pull in reversed(pulls):
        gradients.append(pull(gradients[-1]))
    return outputs, gradients[::-1]


def mean_squares(arrays: Sequence[Array]) -> Array:
    """(L,) the mean square of each."""
    return np.array([np.mean(np.square(x)) for x in arrays])
