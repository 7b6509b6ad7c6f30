"""What ``help`` shows of operations: parameters with their names, types and defaults, and a text."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import nn, ops

BARE = {"(*args: 'Any', **kwargs: 'Any') -> 'Any'", "(*args, **kwargs)"}
OPS = {name: getattr(ops, name) for name in ops.__all__ if inspect.isroutine(getattr(ops, name))}


def functions(module: Any) -> Iterator[tuple[str, Any]]:
    for name in module.__all__:
        if inspect.isroutine(getattr(module, name)):
            yield f"{module.__name__}.{name}", getattr(module, name)


OF_NUMPY = dict(pair for module in (np, np.linalg, np.fft) for pair in functions(module))
NAMELESS = {"ddtrain.numpy.ufunc"}


def signature(function: Any) -> str:
    try:
        return str(inspect.signature(function))
    except ValueError:
        theirs = getattr(function, "raw", function)
        if isinstance(theirs, onp.ufunc):  # before NumPy 2.4 they have none, so that help(numpy.sin) shows none either
            pytest.skip("NumPy's own function has no signature in this version")
        raise


@pytest.mark.parametrize("name", OPS)
def test_an_operation_shows_its_arrays_and_a_text(name: str) -> None:
    shown = signature(OPS[name])
    assert shown not in BARE
    assert OPS[name].__doc__
    assert "'Any'" not in shown
    if name not in ("communicator", "custom_activation", "combine_losses", "tanh", "normal_cdf", "fan_in", "fan_out"):
        assert "'Array'" in shown


@pytest.mark.parametrize("name", [name for name in OF_NUMPY if name != "ddtrain.numpy.printoptions"])
def test_a_function_of_numpy_shows_its_parameters_and_a_text(name: str) -> None:
    assert signature(OF_NUMPY[name]) not in BARE
    assert OF_NUMPY[name].__doc__


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (ops.leaky_relu, "leaky_relu(x: 'Array', slope: 'float' = 0.01) -> 'Array'"),
        (ops.linear, "linear(x: 'Array', w: 'Array', b: 'Array' = None) -> 'Array'"),
        (nn.functional.softmax, "softmax(x: 'Array', axis: 'int' = -1) -> 'Array'"),
        (ops.huber_loss, "huber_loss(prediction: 'Array', target: 'Array', delta: 'float' = 1.0) -> 'Array'"),
        (np.cumsum, "cumsum(x: 'Array', axis: 'int | None' = None) -> 'Array'"),
    ],
)
def test_help_shows_the_call(function: Any, line: str) -> None:
    assert line in pydoc.plain(pydoc.render_doc(function))


@pytest.mark.parametrize("name", OPS)
def test_what_is_shown_is_what_is_taken(name: str) -> None:
    """The parameters of a fused operation are those of its composition, and its kernels are called with the same."""
    compose = getattr(OPS[name], "compose", None)
    if compose is not None:
        shown = inspect.signature(OPS[name]).parameters
        assert list(shown) == list(inspect.signature(compose).parameters)
        kernels = inspect.signature(OPS[name].raw).parameters  # type: ignore[attr-defined]
        assert {n: p.default for n, p in shown.items()} == {n: p.default for n, p in kernels.items()}
