"""What a function can do is tried out: nothing is claimed that is wrong or missing."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import differentiable
from ddtrain.autodiff import PRIMITIVES, def_linear, defjvp, defvjp, primitive, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.autodiff.inspect.capabilities import Found, try_composition, try_primitive


@pytest.fixture
def declared():
    """Primitives of a test, taken out of the registry again."""
    before = len(PRIMITIVES)
    yield lambda raw, **kwargs: primitive(raw, examples=lambda r: [case(r.positive(3))], **kwargs)
    del PRIMITIVES[before:]


def test_what_is_wrong_or_missing_is_not_claimed(declared):
    square = declared(lambda x: x * x, name="square")
    assert try_primitive(square) == Found()
    defvjp(square, lambda g, ans, x: 2 * x * g)
    assert try_primitive(square) == Found(vjp=True)
    defjvp(square, lambda g, ans, x: 2.1 * x * g)
    assert try_primitive(square) == Found(vjp=True)
    defjvp(square, lambda g, ans, x: 2 * x * g)
    assert try_primitive(square).second
    assert differentiable.row("ddtrain.ops", "square", square) == "| `square` | yes | yes | yes | yes | conformance |"


def test_a_rule_that_does_not_differentiate_again_has_no_second_order(declared):
    frozen = declared(lambda x: x**3, name="frozen")
    rule = lambda g, ans, x: g * 3 * value_of(x) ** 2
    defvjp(frozen, rule)
    defjvp(frozen, rule)
    assert try_primitive(frozen) == Found(vjp=True, jvp=True, complex=True)
    assert differentiable.row("ddtrain.ops", "frozen", frozen) == "| `frozen` | yes | yes | – | yes | conformance |"


def test_arguments_without_a_derivative_are_told(declared):
    times = declared(lambda x, n: x * n, name="times")
    times.examples = lambda r: [case(r(3), r(3), argnums=(0,))]
    def_linear(times)
    defvjp(times, lambda g, ans, x, n: g * n)
    assert try_primitive(times).arguments == (0,)
    assert "| arguments 0 | arguments 0 | yes |" in differentiable.row("ddtrain.ops", "times", times)


def test_compositions_are_tried_on_arguments_they_accept():
    assert try_composition(lambda x: np.sin(x) * x) == Found(True, True, True, True)
    assert try_composition(lambda x: onp.zeros(3)) == Found()
    assert try_composition(lambda x: np.where(x > 0.5, 1.0, 0.0)) == Found()
    assert try_composition(lambda a, b, c, d, e, f, g: a) is None
    assert try_composition(lambda x: object()) is None


def test_what_has_a_derivative_is_never_reported_as_zero(declared, monkeypatch):
    wrong = declared(lambda x: x * x, name="wrong")
    defvjp(wrong, lambda g, ans, x: 3 * x * g)
    defjvp(wrong, lambda g, ans, x: 3 * x * g)
    assert differentiable.row("ddtrain.ops", "wrong", wrong) == "| `wrong` | – | – | – | – | conformance |"
    composed = lambda x: wrong(x) + 1.0
    monkeypatch.setattr(composed, "__module__", "ddtrain.ops")
    assert (
        differentiable.row("ddtrain.ops", "composed_wrong", composed)
        == "| `composed_wrong` | – | – | – | – | composition |"
    )
