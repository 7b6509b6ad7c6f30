"""What a bound model returns to its loss, taken down call by call, and given again in place of the calls.

Where a module answers code that is in no module, the model ends and the loss begins. So a loss can be seen as a
function of the model's outputs, as Gauss-Newton's matrix wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff import BOXES, value_of
from ddtrain.autodiff.core.boxes import top_trace
from ddtrain.errors import UsageError, kind_of

_CONSTANT = (np.ndarray, np.generic, int, float, complex, str, type(None))  # leaves that hide no traced value


class ModelOutputs:
    """The floating arrays that calls of a model return, in the order of the calls.

    Parameters
    ----------
    parameters : with which the model is bound; the trace that follows them may follow the outputs, and none within it

    Attributes
    ----------
    arrays : of all calls so far

    Examples
    --------
    >>> from ddtrain.nn import Linear
    >>> layer = Linear(2, 1, bias=False)
    >>> model = layer.bind({"weight": np.ones((2, 1))})
    >>> outputs = ModelOutputs()
    >>> model.run.calls = outputs.record
    >>> model(np.array([[1.0, 3.0]])), outputs.arrays
    (array([[4.]]), [array([[4.]])])
    >>> model.run.calls = outputs.replay([np.array([[5.0]])])
    >>> model(np.array([[1.0, 3.0]]))
    array([[5.]])
    """

    def __init__(self, parameters: Sequence[Any] = ()) -> None:
        self._trace = top_trace(parameters)
        self.arrays: list[Any] = []
        self._calls: list[tuple[list[Any], list[int], Callable[[list[Any]], Any]]] = []

    def record(self, module: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the module, and take down what it returns."""
        result = module(*args, **kwargs)
        leaves, rebuild = tree.flatten(result)
        for leaf in leaves:
            self._check(module, leaf)
        moving = [k for k, leaf in enumerate(leaves) if _is_floating_array(leaf)]
        self.arrays += [leaves[k] for k in moving]
        self._calls.append(([value_of(leaf) for leaf in leaves], moving, rebuild))
        return result

    def replay(self, arrays: Sequence[Any]) -> Callable[..., Any]:
        """A function to answer the same calls with other arrays in the place of ``self.arrays``."""
        calls, others = iter(self._calls), iter(arrays)

        def answer(module: Any, *args: Any, **kwargs: Any) -> Any:
            leaves, moving, rebuild = next(calls)
            leaves = list(leaves)
            for k in moving:
                leaves[k] = next(others)
            return rebuild(leaves)

        return answer

    def _check(self, module: Any, leaf: Any) -> None:
        if type(leaf) not in BOXES and not isinstance(leaf, _CONSTANT):
            raise UsageError(
                f"{type(module).__name__} returned {kind_of(leaf)} to the loss, whose arrays cannot be told apart",
                remedy="Return arrays, or lists, tuples and dicts of them; or take an optimizer that needs no outputs.",
            )
        if type(leaf) in BOXES and self._trace is not None and leaf._trace.level > self._trace.level:
            raise UsageError(
                f"the loss differentiates what {type(module).__name__} returns, so it is no function of the outputs",
                remedy="Take an optimizer with the whole Hessian, such as --optim.name hessian_free.",
            )


def _is_floating_array(leaf: Any) -> bool:
    value = value_of(leaf)
    return isinstance(value, np.ndarray) and value.dtype.kind in "fc"
