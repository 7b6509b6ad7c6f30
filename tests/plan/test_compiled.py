"""``compile``: signatures, structures, refusals with their one warning, and derivatives inside."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as onp
import pytest

import ddtrain
import ddtrain.numpy as np
from ddtrain import grad, ops
from ddtrain.autodiff import hessian, hvp
from ddtrain.errors import ShapeError
from ddtrain.plan.compiled import SIGNATURES, Compiled

X = onp.array([0.5, -1.0, 2.0])


class Pair(NamedTuple):
    one: Any
    two: Any


def counted(function: Callable[..., Any]) -> tuple[Compiled, list[int]]:
    """The compiled function, and a list with an entry for each call of its Python."""
    calls: list[int] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return function(*args, **kwargs)

    return ddtrain.compile(call), calls


def test_two_calls_a_signature_and_shapes_dtypes_and_constants_are_parts_of_it() -> None:
    function, calls = counted(lambda x, axis=0, *, scale=2.0: np.sum(np.tanh(x) * scale, axis))
    x = onp.ones((2, 3))
    for k, (value, options) in enumerate(
        [(x, {}), (x.astype("f"), {}), (x[0], {}), (x, {"axis": 1}), (x, {"scale": 2}), (x, {"axis": None})]
    ):
        for factor in (1.0, 2.0, 3.0, -1.0):
            given = (factor * value).astype(value.dtype)
            options = {**options, "scale": factor} if type(options.get("scale")) is float else options
            expected = onp.sum(onp.tanh(given) * options.get("scale", 2.0), options.get("axis", 0))
            onp.testing.assert_array_equal(function(given, **options), onp.asarray(expected), strict=True)
        assert len(calls) == 2 * (k + 1)
    assert function.refused == ""


def test_a_number_is_an_input_and_a_text_is_a_constant() -> None:
    function, calls = counted(lambda x, rate, how: x * rate if how == "times" else x + rate)
    for rate in (1.0, 2.0, 3.0, 4.0):
        assert function(X, rate, "times").tolist() == (X * rate).tolist()
        assert function(X, rate=rate, how="plus").tolist() == (X + rate).tolist()
    assert len(calls) == 4


def test_structures_go_in_and_come_out_as_they_are() -> None:
    function, calls = counted(lambda p, xs: (Pair(p["w"] * xs[0], [xs[1]]), {"n": 3, "none": None}))
    for factor in (1.0, 2.0, 3.0):
        pair, rest = function({"w": factor * X}, (X, 2 * X))
        assert isinstance(pair, Pair)
        onp.testing.assert_array_equal(pair.one, factor * X * X)
        onp.testing.assert_array_equal(pair.two[0], 2 * X)
        assert rest == {"n": 3, "none": None}
    assert len(calls) == 2


def test_the_same_arrays_in_another_structure_are_another_plan() -> None:
    function, calls = counted(lambda p: p["a"] * 2.0 if "a" in p else p["b"] * 3.0)
    for _ in range(4):
        assert function({"a": X}).tolist() == (2 * X).tolist()
        assert function({"b": X}).tolist() == (3 * X).tolist()
    assert len(calls) == 4


@pytest.mark.parametrize(
    "made",
    [
        lambda f: grad(f),
        lambda f: lambda x: hvp(f, (x,), x * 2.0),
        lambda f: hessian(f),
        lambda f: lambda x: x - 0.1 * grad(f)(x - 0.1 * grad(f)(x)),
    ],
)
def test_derivatives_inside_of_any_order(made: Any) -> None:
    inside = made(lambda x: np.sum(ops.gelu(x) ** 2) * np.prod(np.tanh(x)))
    function, calls = counted(inside)
    for factor in (1.0, -0.5, 2.0, 0.25):
        onp.testing.assert_array_equal(function(factor * X), inside(factor * X))
    assert len(calls) == 2


def test_called_with_traced_values_it_is_the_function() -> None:
    function, calls = counted(lambda x: np.sum(x**3))
    for _ in range(3):
        onp.testing.assert_allclose(grad(function)(X), 3 * X**2)
    assert (len(calls), function.plans) == (3, {})


class Changing:
    """Another constant in each call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return x * float(self.calls)


REFUSED: dict[str, tuple[Any, str]] = {
    "a branch": (lambda x: x if x[0] > 0 else -x, "branches on the truth"),
    "a number": (lambda x: x * float(x[0]), "float"),
    "a counter": (Changing(), "has the constant 1.0, and 2.0 the next time"),
    "a mask": (lambda x: x[x > 0], "asks for getitem"),
    "writing": (lambda x: onp.add(x, 1.0, out=onp.empty(3)), ""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_repeated_warns_once_and_runs_as_it_is(name: str) -> None:
    plain, why = REFUSED[name]
    function = ddtrain.compile(plain)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = [function(factor * X) for factor in (1.0, -1.0, 2.0, 3.0)]
    if why:
        assert [str(w.message).startswith("compile: ") and why in str(w.message) for w in caught] == [True]
        assert caught[0].filename == __file__, "it points at the call"
        assert why in function.describe()
    if name != "a counter":
        for factor, x in zip((1.0, -1.0, 2.0, 3.0), found, strict=True):
            onp.testing.assert_array_equal(x, plain(factor * X))
    else:
        assert [x[0] / X[0] for x in found] == [1.0, -2.0, 6.0, 12.0]


def test_ever_other_shapes_end_without_a_plan() -> None:
    function, calls = counted(lambda x: x * 2.0)
    for n in range(SIGNATURES):
        function(onp.ones(n))
    with pytest.warns(RuntimeWarning, match="ever other shapes or constants"):
        function(onp.ones(SIGNATURES))
    for _ in range(3):  # no warning, which would be an error
        function(onp.ones(1))
    assert len(calls) == SIGNATURES + 4


def test_an_argument_that_cannot_be_compared_is_said() -> None:
    function, _ = counted(lambda x, found: x * len(found))
    with pytest.warns(RuntimeWarning, match="neither an array nor a constant that can be compared"):
        assert function(X, {1, 2}).tolist() == (2 * X).tolist()


def test_a_list_is_no_tuple_and_a_dict_has_an_order() -> None:
    function, calls = counted(lambda p: p + p if isinstance(p, list | tuple) else [*p.values()])
    one, two = onp.ones(1), onp.zeros(1)
    for _ in range(4):
        assert type(function([one])) is list
        assert type(function((one,))) is tuple
        assert type(function(Pair(one, two))) is tuple
        assert function({"a": one, "b": two})[0] == 1
        assert function({"b": two, "a": one})[0] == 0
        assert function({0: one}) == [one]
    assert len(calls) == 2 * 6


@pytest.mark.parametrize("wrong", ["text", {1, 2}, onp.ones((99, 5))])
def test_a_callers_mistakes_cost_no_plan(wrong: Any) -> None:
    """The 8 signatures are those of calls that gave a result, and what cannot be compared was no good anyway."""
    function, calls = counted(lambda x, y: x @ y)
    for n in range(2 * SIGNATURES):
        with pytest.raises((TypeError, ValueError)):
            function(onp.ones(n), wrong)
    made = len(calls)
    for _ in range(4):
        assert function(X, X) == X @ X
    assert (len(calls) - made, function.refused) == (2, "")


def test_arrays_with_arithmetic_of_their_own_keep_it() -> None:
    function, _ = counted(lambda x, y: x * y.sum())
    masked = onp.ma.array([1.0, 2.0], mask=[False, True])
    with pytest.warns(RuntimeWarning, match="neither an array nor a constant"):
        onp.testing.assert_array_equal(function(X, masked), X)
    onp.testing.assert_array_equal(function(X, masked), X)


def test_the_functions_own_errors_are_its_own() -> None:
    function, _ = counted(lambda x: ops.linear(x, onp.ones((2, 2))))
    with pytest.raises(ShapeError):
        function(onp.ones((1, 3)))
    assert function.refused == ""


def test_results_of_a_repeat_are_arrays_also_of_no_axes() -> None:
    function, _ = counted(lambda x: (np.sum(x), x[0], np.max(x) * 2.0))
    for _ in range(4):
        assert [type(out) for out in function(X)] == [onp.ndarray] * 3


def test_it_keeps_the_name_and_prints_its_programs() -> None:
    function = ddtrain.compile(np.cumsum)
    assert function.__name__ == "cumsum"
    assert function.describe() == ""
    function(X)
    assert "cumsum(%0" in function.describe()
