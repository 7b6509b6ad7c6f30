"""Recurrent layers have PyTorch's names and numbers, stacked, in both directions, cut, and carried on.

What would make these fail: gates in another order, a state of the wrong layer or direction, a direction that is not
turned back, derivatives that go past a cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch_modules import module_digests, torch_values
from torch_numbers import assert_pytorchs, wave

import ddtrain.numpy as dnp
from ddtrain import check_grads, grad, nn, ops
from ddtrain.errors import ShapeError, UsageError
from ddtrain.rng import SampleRng

X, H, C, H4, C4 = (
    wave(s, k) for s, k in (((2, 5, 3), 0), ((1, 2, 4), 1), ((1, 2, 4), 2), ((4, 2, 4), 1), ((4, 2, 4), 2))
)


def flat(out: Any) -> Any:
    """Answer and state as one vector."""
    y, state = out
    return dnp.concatenate([dnp.ravel(part) for part in (y, *(state if isinstance(state, tuple) else (state,)))])


CASES: dict[str, tuple[nn.Module, Callable[..., Any], tuple[Any, ...]]] = {
    "RNN": (nn.RNN(3, 4), lambda m, x: flat(m(x)), (X,)),
    "RNN relu": (nn.RNN(3, 4, bias=False, nonlinearity="relu"), lambda m, x, h: flat(m(x, h)), (X, H)),
    "GRU": (nn.GRU(3, 4), lambda m, x, h: flat(m(x, h)), (X, H)),
    "LSTM": (nn.LSTM(3, 4), lambda m, x, h, c: flat(m(x, (h, c))), (X, H, C)),
    "RNN stacked both ways": (nn.RNN(3, 4, 2, bidirectional=True), lambda m, x, h: flat(m(x, h)), (X, H4)),
    "GRU stacked both ways": (
        nn.GRU(3, 4, 2, bias=False, bidirectional=True),
        lambda m, x, h: flat(m(x, h)),
        (X, H4),
    ),
    "LSTM stacked both ways": (
        nn.LSTM(3, 4, 2, bidirectional=True),
        lambda m, x, h, c: flat(m(x, (h, c))),
        (X, H4, C4),
    ),
    "LSTM truncated": (nn.LSTM(3, 4, truncate=2), lambda m, x: flat(m(x)), (X,)),
}
# PyTorch 2.13, float64: answer and state, gradients of the inputs and states, and of the parameters in order; truncated
# by detach() between calls with two, two and one positions
PYTORCH = {
    "RNN": [[-1.5186113561116, -2.2831430538701], [-0.99679479340583, -0.22797599673541],
        [-0.82352447524699, 0.3607071556383], [0.20781239147634, -0.27477174855752],
        [-0.22824358881607, -0.18749274558503], [-0.22824358881607, -0.18749274558503]],
    "RNN relu": [[41.709206085975, -2.5193077721552], [-4.2992196680922, -0.99767665458405],
        [-2.2217530841609, -3.2183187040031], [-4.2278854020125, 1.1591761359057],
        [-41.714707735383, 3.9937768250426]],
    "GRU": [[0.07892012331469, -0.042237006063599], [-0.5920183418396, 1.8612859295317],
        [-0.028657565668477, -0.76993200178369], [-0.71824348126542, -0.30752101500901],
        [-0.041103075751836, 0.79402600260965], [-0.17223527480803, 0.0053971828789404],
        [0.046191750902949, 0.12611356129229]],
    "LSTM": [[-2.9515854482298, -2.1396580387655], [0.1463463065006, -0.063357054346021],
        [-0.1552703507381, -0.25647343930998], [-0.42235119061228, -0.61143084975504],
        [-0.56291924919543, 0.63083505275302], [0.26403120199698, -0.40305339847777],
        [0.18777789232043, 1.1324865821208], [0.18777789232043, 1.1324865821208]],
    "RNN stacked both ways": [[2.3560492805711, -2.5534218708752], [-0.46779721304048, 2.7694054770294],
        [0.069146226787957, 2.599480463217], [0.5791927903339, 0.05322371760166],
        [-0.63211886699656, 0.68031276116388], [-0.35333612376722, 0.21516486743055],
        [-0.35333612376722, 0.21516486743055], [-0.71414830780668, -1.2033641468404],
        [0.57279131394596, -2.4520310335823], [0.45858240395951, -1.7638244941754],
        [0.45858240395951, -1.7638244941754], [0.023303644210502, 1.3316492159913],
        [-0.81570501418118, -1.218204788475], [-1.3816669566118, 0.87597680938224],
        [-1.3816669566118, 0.87597680938224], [0.19962482051808, 4.4872935977545], [0.8014034328412,
        4.7835751056172], [1.1172633682889, -1.9859680564007], [1.1172633682889, -1.9859680564007]],
    "GRU stacked both ways": [[-5.1939126143027, 2.9895323563975], [-0.21449449621458, -0.29534313401699],
        [-0.32126823392314, 2.097548810841], [1.4799167575267, -2.4834933366791], [-1.5197082017922,
        0.77654410191873], [-0.087590249490227, -2.4095195674115], [-1.6860841540687,
        -1.0482173440966], [-0.30567275494736, 5.2512341687859], [-0.015889986135011,
        0.46052673959256], [1.2619571270834, -2.7731578657032], [-1.121860588795,
        -0.023175232814831]],
    "LSTM stacked both ways": [[-0.89989382300794, -1.393148018513], [0.60497191675791, -0.84829909171845],
        [-0.45631314729239, 0.36577840583669], [-0.2310572281542, 1.5785468691489],
        [-0.17098299471669, 1.2192964341971], [-0.76196629818624, -0.027018664782308],
        [-0.37574232249976, 1.310279845499], [-0.37574232249976, 1.310279845499], [0.56955188679068,
        -0.80234658998057], [0.087863168520395, -0.19121035906177], [-0.23744555673917,
        -0.4148491579591], [-0.23744555673917, -0.4148491579591], [-0.53151728202346,
        0.65657238056767], [0.39256894204744, -0.70881161033248], [1.2472298925602,
        0.51479821089009], [1.2472298925602, 0.51479821089009], [-0.081760792993551,
        0.27446346881305], [0.24741979607353, -0.5321768209174], [-0.5220784171768,
        1.2118598076468], [-0.5220784171768, 1.2118598076468]],
    "LSTM truncated": [[-2.6558441384346, -3.5724283521266], [0.29931331719226, -0.82651380118127],
        [-0.55238879069625, 0.49192360231967], [0.0046761542120001, 0.0017198615953808],
        [-0.17059019519202, 0.58995763464863], [-0.17059019519202, 0.58995763464863]],
}  # fmt: skip
KINDS: list[type[Any]] = [nn.RNN, nn.GRU, nn.LSTM]
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize("name", CASES)
def test_pytorchs_numbers(name: str) -> None:
    module, call, inputs = CASES[name]
    assert_pytorchs(module_digests(module, call, *inputs), PYTORCH[name])
    assert_pytorchs(module_digests(module, call, *inputs, dtype=np.float32), PYTORCH[name], rtol=1e-4)


def test_pytorchs_names_in_its_order() -> None:
    assert list(nn.GRU(3, 4, 2, bidirectional=True).declarations()) == [
        f"{kind}_l{layer}{direction}"
        for layer in range(2)
        for direction in ("", "_reverse")
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    values = nn.LSTM(3, 100).init(0)
    assert all(0.095 < np.abs(x).max() <= 0.1 for x in values.values())


@every_kind
def test_derivatives_by_everything(kind: Any) -> None:
    layer = kind(2, 3, layers=2, bidirectional=True)
    values = torch_values(layer, 3)
    names = list(values)
    call = lambda x, *v: layer.bind(dict(zip(names, v)))(x)[0]
    check_grads(call, order=1)(wave((2, 3, 2), 0), *values.values())


@every_kind
def test_a_carried_state_continues_the_sequence_and_its_derivative(kind: Any) -> None:
    layer = kind(3, 4, layers=2)
    bound = layer.bind(torch_values(layer, 3))

    def halves(x: Any, cut: bool = False) -> Any:
        first, state = bound(x[:, :2])
        if cut:
            state = tuple(map(ops.stop_gradient, state)) if kind is nn.LSTM else ops.stop_gradient(state)
        second, state = bound(x[:, 2:], state)
        return flat((dnp.concatenate((first, second), 1), state))

    whole = lambda x: flat(bound(x))
    np.testing.assert_allclose(halves(X), whole(X), rtol=1e-12)
    weight = wave(whole(X).shape, 9)
    of = lambda f: grad(lambda x: dnp.sum(f(x) * weight))(X)
    np.testing.assert_allclose(of(halves), of(whole), rtol=1e-10, atol=1e-12)
    truncated = kind(3, 4, layers=2, truncate=2)
    by_itself = lambda x: flat(truncated.bind(torch_values(truncated, 3))(x[:, :4]))
    by_hand = lambda x: halves(x[:, :4], cut=True)
    some = wave(by_hand(X).shape, 9)
    slopes = [grad(lambda x, f=f: dnp.sum(f(x) * some))(X) for f in (by_itself, by_hand)]
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-10, atol=1e-12)


@every_kind
def test_no_derivative_passes_a_cut(kind: Any) -> None:
    layer = kind(3, 4, truncate=2)
    bound = layer.bind(torch_values(layer, 3))
    slopes = grad(lambda x: dnp.sum(bound(x)[0][:, 3]))(X)
    assert not slopes[:, [0, 1, 4]].any()
    assert slopes[:, 2:4].all()
    plain = kind(3, 4)
    np.testing.assert_allclose(bound(X)[0], plain.bind(torch_values(plain, 3))(X)[0], rtol=1e-12)


@every_kind
def test_no_samples_one_position_and_float32(kind: Any) -> None:
    layer = kind(3, 4, bidirectional=True)
    bound = layer.bind(layer.init(0))
    y, _ = bound(X.astype(np.float32)[:0])
    assert y.shape == (0, 5, 8)
    y, state = bound(X.astype(np.float32)[:, :1])
    assert y.dtype == np.float32
    last = state[0] if kind is nn.LSTM else state
    np.testing.assert_array_equal(y[:, 0], np.concatenate(list(last), -1))
    gradient = grad(lambda v: dnp.sum(layer.bind(v)(X.astype(np.float32)[:0])[0]))(layer.init(0))
    assert not any(g.any() for g in gradient.values())


@every_kind
def test_dropout_stands_between_layers_alone(kind: Any) -> None:
    one, two = kind(3, 4, dropout=0.5), kind(3, 4, layers=2, dropout=0.5)
    for layer in (one, two):
        values = torch_values(layer, 3)
        quiet, loud = layer.bind(values)(X)[0], layer.bind(values, training=True, rng=SampleRng(0, 0))(X)[0]
        assert np.array_equal(quiet, loud) == (layer is one)


WRONG: dict[str, Callable[[], Any]] = {
    "LSTM: hidden 0 is less than 1": lambda: nn.LSTM(3, 0),
    "GRU: layers 1.5 is not an integer": lambda: nn.GRU(3, 4, 1.5),  # type: ignore[arg-type]
    "RNN: nonlinearity 'sigmoid' is not known": lambda: nn.RNN(3, 4, nonlinearity="sigmoid"),
    "LSTM: truncate 0 is less than 1": lambda: nn.LSTM(3, 4, truncate=0),
    "Dropout: rate 1.0 is not in [0, 1)": lambda: nn.GRU(3, 4, dropout=1.0),
    "GRU: x has shape (2, 5, 2), not (N, T, 3) with T at least 1": lambda: _bound(nn.GRU)(X[:, :, :2]),
    "GRU: x has shape (2, 0, 3), not (N, T, 3) with T at least 1": lambda: _bound(nn.GRU)(X[:, :0]),
    "GRU: the state has shape (1, 3, 4), not (1, 2, 4)": lambda: _bound(nn.GRU)(X, np.zeros((1, 3, 4))),
    "LSTM: the state has shape (2, 4), not (1, 2, 4), (1, 2, 4)": lambda: _bound(nn.LSTM)(X, H),
    "lstm: a (2, 3, 8) and w (2, 6) are not (N, T, 4H) and (H, 4H)": lambda: ops.lstm(
        np.ones((2, 3, 8)), np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 6))
    ),
    "rnn: h has shape (3, 2), not (2, 2)": lambda: ops.rnn(np.ones((2, 3, 2)), np.ones((3, 2)), np.ones((2, 2))),
    "gru: b has shape (2,) but w has 6 columns": lambda: ops.gru(
        np.ones((2, 3, 6)), np.ones((2, 2)), np.ones((2, 6)), np.ones(2)
    ),
}


def _bound(kind: Any) -> nn.Module:
    layer: nn.Module = kind(3, 4)
    return layer.bind(layer.init(0, np.float64))


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises((ShapeError, UsageError)) as caught:
        WRONG[message]()
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_layer_by_layer_a_stack_is_its_layers() -> None:
    stack, single, second = nn.GRU(3, 4, 2), nn.GRU(3, 4), nn.GRU(4, 4)
    values = torch_values(stack, 3)
    low = {k: v for k, v in values.items() if "l0" in k}
    high = {k.replace("l1", "l0"): v for k, v in values.items() if "l1" in k}
    y, state = single.bind(low)(X)
    z, last = second.bind(high)(y)
    found, states = stack.bind(values)(X)
    np.testing.assert_allclose(found, z, rtol=1e-12)
    np.testing.assert_allclose(states, np.concatenate((state, last)), rtol=1e-12)
