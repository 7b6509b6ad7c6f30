"""Parts that are chosen by name: what is not known, what belongs to another, and parts of one's own."""

from dataclasses import dataclass

import numpy as np
import pytest

from ddtrain import optim
from ddtrain.errors import UsageError
from ddtrain.optim import Optim
from ddtrain.parts import register


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"--optim.name 'adamn' is not known\n  Did you mean adam\? There is sgd, "):
        Optim(name="adamn")


def test_an_option_of_another_part_is_refused_by_name():
    with pytest.raises(UsageError, match=r"--optim.beta1 is no option of sgd\n  It belongs to adam, adamw, "):
        Optim(name="sgd", beta1=0.9)
    with pytest.raises(UsageError, match=r"--optim.beta3 is no option of adam\n  Did you mean beta2\?"):
        Optim(name="adam", beta3=0.9)
    with pytest.raises(
        UsageError, match=r"--optim.xyzzy is no option of adam\n  It has name, lr, groups, weight_decay, "
    ):
        Optim(name="adam", xyzzy=0.9)


@dataclass(frozen=True)
class SignDescent(Optim):
    """Every weight moves by lr, against the sign of its gradient."""

    name: str = "sign_descent"

    def vectors(self):
        return ()

    def update_(self, values, grads, state, *, lr, scale, count):
        values -= lr * np.sign(grads)


def test_a_part_of_ones_own_is_registered_in_one_line(monkeypatch):
    monkeypatch.setattr(Optim, "parts", dict(Optim.parts))
    register(SignDescent)
    x = np.array([1.0, 2.0])
    optim.make(Optim(name="sign_descent", lr=0.5), 2, np.float64).apply(x, np.array([3.0, -0.1]), lr=0.5)
    np.testing.assert_array_equal(x, [0.5, 2.5])


def test_what_cannot_be_registered_is_said(monkeypatch):
    monkeypatch.setattr(Optim, "parts", dict(Optim.parts))

    class Plain(Optim):
        pass

    with pytest.raises(UsageError, match="Plain is no frozen dataclass with a name of its own"):
        register(Plain)

    @dataclass(frozen=True)
    class Second(Optim):
        name: str = "sgd"

    with pytest.raises(UsageError, match="there is a optim of the name 'sgd' already"):
        register(Second)
