"""Learned optimizers: their derivatives, ranks, and that what is learned is better at what it was learned for.

What would make these fail: a move's derivative that counts its own loss or leaves a later one out; a state that a
truncation forgets; problems that depend on the number of ranks; gradients of ranks that are averaged.
"""

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import optim, tree
from ddtrain.autodiff import grad
from ddtrain.errors import NonFiniteError, UsageError
from ddtrain.meta import Family, Learned, LstmNetwork, LstmTraining
from ddtrain.meta.lstm_network import features, steps
from ddtrain.meta.lstm_training import LstmTraining as Training
from ddtrain.meta.problems import Problem
from ddtrain.ops import stop_gradient
from worlds import World

WIDTH = 4


def quadratic(params: Any, a: Any, b: Any) -> Any:
    return np.sum((a @ params["x"] - b) ** 2) + params["c"] ** 2


def draw(rng: onp.random.Generator) -> Any:
    start = {"x": rng.normal(size=WIDTH), "c": rng.normal(size=())}
    a = rng.normal(size=(WIDTH, WIDTH))
    return start, ((a, rng.normal(size=WIDTH)) for _ in repeat(None))  # another batch in each step


QUADRATICS = Family(quadratic, draw)


def small(family: Family = QUADRATICS, comm: Any = None, **options: Any) -> LstmTraining:
    network = LstmNetwork.initial(seed=0, hidden=3)
    return LstmTraining(family, comm, **{"network": network, "problems": 4, "length": 10, "truncation": 5, **options})


def plainly(weights: Any, problems: list[Problem], family: Family, count: int, second_order: bool) -> Any:
    """The mean loss over ``count`` steps, as one function of the weights, unrolled as it is said."""
    state, total = LstmNetwork(weights).no_state(sum(len(p.x) for p in problems)), 0.0
    xs, sizes = [p.x for p in problems], onp.cumsum([len(p.x) for p in problems])[:-1].tolist()
    batches = [[next(p._batches) for _ in range(count + 1)] for p in problems]
    of = lambda k, t: lambda x: family.loss(problems[k]._unflatten(x), *batches[k][t])
    for t in range(count + 1):
        total = total + (sum(of(k, t)(x) for k, x in enumerate(xs)) if t else 0.0)
        g = np.concatenate([grad(of(k, t))(x) for k, x in enumerate(xs)])
        g = g if second_order else stop_gradient(g)
        if t < count:
            moves, state = steps(weights, _features(g)[:, None], state)
            xs = [x + u for x, u in zip(xs, np.split(moves[:, 0], sizes), strict=True)]
    return total / (count * len(problems))


def _features(g: Any) -> Any:
    """As the network's, for traced gradients of ordinary size."""
    return np.stack([np.log(np.abs(g)) / 10.0, np.sign(g)], axis=-1)


def drawn(family: Family, count: int) -> list[Problem]:
    return [Problem(family, onp.random.default_rng(k)) for k in range(count)]


class Recorded(Training):
    """A training that keeps the gradient it was to learn from."""

    def _learn(self, gradient: Any, losses: Any, start: int) -> None:
        self.gradient = gradient


def learned_gradient(family: Family, count: int) -> Any:
    training = Recorded(family, network=LstmNetwork.initial(seed=0, hidden=3), problems=3, truncation=count)
    problems = drawn(family, 3)
    g = onp.concatenate([problem.evaluate()[1] for problem in problems])
    training._truncated(problems, training.network.no_state(len(g)), g, 0, count)
    return training.gradient


def test_the_derivative_is_that_of_the_unrolled_training_without_second_derivatives() -> None:
    weights = LstmNetwork.initial(seed=0, hidden=3).weights
    expected = grad(lambda w: plainly(w, drawn(QUADRATICS, 3), QUADRATICS, 6, second_order=False))(weights)
    vector = onp.concatenate([x.ravel() for x in tree.flatten(expected)[0]])
    onp.testing.assert_allclose(learned_gradient(QUADRATICS, 6), vector, rtol=0, atol=1e-12 * onp.abs(vector).max())
    whole = grad(lambda w: plainly(w, drawn(QUADRATICS, 3), QUADRATICS, 6, second_order=True))(weights)
    assert (
        onp.abs(onp.concatenate([x.ravel() for x in tree.flatten(whole)[0]]) - vector).max() > 1e-3 * abs(vector).max()
    )


def test_where_there_are_no_second_derivatives_it_is_finite_differences() -> None:
    """On a plane the gradients do not depend on where one is, so that nothing is dropped."""
    family = Family(lambda x, a: x @ a, lambda rng: (rng.normal(size=WIDTH), repeat((rng.normal(size=WIDTH),))))
    network, along = LstmNetwork.initial(seed=0, hidden=3), LstmNetwork.initial(seed=1, hidden=3)
    ends = []
    for side in (1e-5, -1e-5):
        weights = {name: w + side * along.weights[name] for name, w in network.weights.items()}
        ends.append(float(plainly(weights, drawn(family, 3), family, 6, second_order=False)))
    direction = onp.concatenate([x.ravel() for x in tree.flatten(dict(along.weights))[0]])
    numeric = (ends[0] - ends[1]) / 2e-5
    assert learned_gradient(family, 6) @ direction == pytest.approx(numeric, rel=1e-7)


def test_any_number_of_ranks_is_one(world: World) -> None:
    def body(comm: Any) -> Any:
        training = small(comm=comm, problems=5)
        return [training.round() for _ in range(3)], dict(training.network.weights)

    alone = World("local").run(body)[0]
    for found in world.run(body):
        for a, b in zip(tree.flatten(found)[0], tree.flatten(alone)[0], strict=True):
            onp.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.mpi
def test_processes_are_one_rank(comm: Any) -> None:
    alone, found = small(), small(comm=comm)
    assert [found.round() for _ in range(3)] == pytest.approx([alone.round() for _ in range(3)], rel=1e-12)


def test_state_and_parameters_go_on_from_truncation_to_truncation() -> None:
    """With a learning rate too small to change the network, truncations change nothing but what gradients flow over."""
    losses = {truncation: small(truncation=truncation, lr=1e-300).round() for truncation in (1, 3, 10)}
    for truncation in (1, 3):  # ten losses are added in other groups
        assert losses[truncation] == pytest.approx(losses[10], rel=1e-14)


def test_what_is_learned_is_better_at_what_it_was_learned_for() -> None:
    training = small(network=LstmNetwork.initial(seed=0, hidden=8), problems=8, length=20, lr=0.01)
    losses = [training.round() for _ in range(60)]
    assert onp.mean(losses[-5:]) < 0.5 * onp.mean(losses[:5])
    final = lambda network: QUADRATICS.losses(Learned.of(network), onp.random.default_rng(9), 20)[1:].mean()
    assert final(training.network) < 0.5 * final(LstmNetwork.initial(seed=0, hidden=8))


def test_a_network_of_float32_learns_in_float32() -> None:
    training = small(network=LstmNetwork.initial(seed=0, hidden=3, dtype=onp.float32))
    assert training.round() == pytest.approx(small().round(), rel=1e-3)
    assert {weight.dtype for weight in training.network.weights.values()} == {onp.dtype(onp.float32)}


def test_features_tell_sizes_and_signs() -> None:
    g = onp.array([3.0, -0.01, 1e-6, 0.0])
    found = features(g)
    onp.testing.assert_allclose(found[:2], onp.stack([onp.log(abs(g[:2])) / 10, onp.sign(g[:2])], axis=1))
    onp.testing.assert_allclose(found[2:], [[-1, 1e-6 * onp.exp(10)], [-1, 0]])


def test_losses_that_diverge_are_infinite() -> None:
    losses = QUADRATICS.losses(optim.Sgd(lr=10.0, momentum=0.0), onp.random.default_rng(0), 500)
    assert onp.isfinite(losses[0])
    assert onp.isinf(losses[-1])


def test_what_makes_no_sense_is_said(world: World) -> None:
    with pytest.raises(UsageError, match="meta: 0 problems for 1 ranks"):
        small(problems=0)
    with pytest.raises(UsageError, match="meta: truncation is 0"):
        small(truncation=0)
    with pytest.raises(UsageError, match="an LSTM of 0 layers of 20 units"):
        LstmNetwork.initial(0, layers=0)

    def start(rng: onp.random.Generator) -> Any:
        data = [(onp.array(1.0),)] * 4 + [(onp.array(onp.inf),)] * 20 if rng.integers(2) else [(onp.array(1.0),)] * 24
        return onp.array(1.0), iter(data)

    def body(comm: Any) -> Any:
        with pytest.raises(NonFiniteError) as error:
            small(Family(lambda x, a: a * x**2, start), comm, problems=6).round()
        return error.value.message

    (message,) = set(world.run(body))  # the same on all ranks, whoever has the problem
    assert message.startswith("meta: the loss of problem ")
    assert message.endswith(" is inf at step 3 of round 0")
