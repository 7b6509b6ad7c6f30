"""Hypergradients: finite differences through whole trainings, one rank and many, and the memory that it takes.

What would make these fail: a Hessian left out on the way back, or summed twice over ranks; a rate that is taken from
the step before or after; a formula that is not the optimizer's; states that are kept for longer than they are needed.
"""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops, optim, tree
from ddtrain.autodiff import flatten, value_and_grad
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import NonFiniteError, ShapeError, UsageError
from ddtrain.meta import UnrolledTraining
from ddtrain.meta.kept_states import KeptStates
from worlds import World

STEPS = 200  # as many as the figures of the project are about
PARAMS = {"w": (3, 4), "b": (4,), "v": (4,)}


def loss(params: Any, x: Any, y: Any) -> Any:
    return (np.tanh(x @ params["w"] + params["b"]) @ params["v"] - y) ** 2


@dataclass
class Case:
    """A perceptron at its start, with batches for each step and a validation set."""

    steps: int = STEPS
    dtype: Any = onp.float64

    def __post_init__(self) -> None:
        rng = onp.random.default_rng(0)
        x = rng.normal(size=(60, 3)).astype(self.dtype)
        y = onp.sin(x.sum(axis=1))
        self.params = {name: (0.5 * rng.normal(size=shape)).astype(self.dtype) for name, shape in PARAMS.items()}
        rows = [rng.integers(0, 40, 7) for _ in range(self.steps)]
        self.batches, self.valid = [(x[row], y[row]) for row in rows], (x[40:], y[40:])
        self.decaying = onp.linspace(1.0, 0.2, self.steps)


def sgd(**options: Any) -> tuple[optim.Optim, dict[str, Any]]:
    """With all that can be scheduled: over the steps, one for all, and by array."""
    steps = onp.linspace(0.06, 0.01, STEPS) * (0.1 if options.get("momentum_form", "pytorch") == "pytorch" else 1)
    decay = {"w": 1e-3, "b": onp.full(STEPS, 1e-2), "v": 1e-2}
    return optim.Sgd(**options), {"lr": steps, "momentum": 0.9, "weight_decay": decay}


FORMULAS: dict[str, tuple[optim.Optim, dict[str, Any]]] = {
    "plain": (optim.Sgd(momentum=0.0), {"lr": onp.linspace(0.06, 0.01, STEPS), "weight_decay": 1e-3}),
    "momentum": sgd(),
    "lecture": sgd(momentum_form="lecture"),
    "friction": sgd(momentum_form="friction"),
    "nesterov": sgd(nesterov=True),
    "nesterov, lecture": sgd(nesterov=True, momentum_form="lecture"),
    "adam": (
        optim.Adam(eps=1e-3),
        {"lr": onp.linspace(0.02, 0.001, STEPS), "beta1": 0.9, "beta2": onp.full(STEPS, 0.98), "eps": 1e-3}
        | {"weight_decay": 1e-2},
    ),
    "adamw": (optim.AdamW(bias_correction=False, eps=1e-3), {"lr": 0.01, "weight_decay": onp.full(STEPS, 0.1)}),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_hypergradients_are_finite_differences_through_200_steps(name: str) -> None:
    case, (formula, schedules) = Case(), FORMULAS[name]
    training = UnrolledTraining(loss, formula)
    found = training.hypergradient(case.params, schedules, case.batches, case.valid)
    rng, eps = onp.random.default_rng(1), 1e-6
    given = {"params": case.params, **schedules}
    for what, analytic in {"params": found.params, **found.schedules}.items():
        vector, rebuild = flatten(given[what])
        along = rng.normal(size=vector.size) * (onp.abs(vector).max() if what != "params" else 1.0)
        ends = []
        for side in (eps, -eps):
            moved = {**given, what: rebuild(vector + side * along)}
            start = moved.pop("params")
            ends.append(training.value(start, moved, case.batches, case.valid))
        numeric = (ends[0] - ends[1]) / (2 * eps)
        assert float(flatten(analytic)[0] @ along) == pytest.approx(numeric, rel=1e-5, abs=1e-9), what


@pytest.mark.parametrize("name", FORMULAS)
def test_a_training_is_that_of_the_optimizer(name: str) -> None:
    case, (formula, schedules) = Case(), FORMULAS[name]
    lr = onp.broadcast_to(schedules["lr"], STEPS)
    trained = UnrolledTraining(loss, formula).train(case.params, {"lr": lr}, case.batches)
    x, rebuild = flatten(case.params)
    optimizer = optim.make(formula, x.size, x.dtype)
    for rate, batch in zip(lr, case.batches, strict=True):
        mean = lambda x, batch=batch: np.mean(loss(rebuild(x), *batch))
        optimizer.apply(x, value_and_grad(mean)(x)[1], lr=float(rate))
    onp.testing.assert_allclose(flatten(trained)[0], x, rtol=0, atol=1e-12)  # 200 steps of some roundings of 1e-16


def test_what_is_not_recorded_is_the_same() -> None:
    case, (formula, schedules) = Case(), FORMULAS["adam"]
    both = [
        UnrolledTraining(loss, formula, compiled=compiled).hypergradient(
            case.params, schedules, case.batches, case.valid
        )
        for compiled in (True, False)
    ]
    for a, b in zip(tree.flatten(both[0])[0], tree.flatten(both[1])[0], strict=True):
        onp.testing.assert_array_equal(a, b)


def test_a_classifier_is_recorded_and_the_same() -> None:
    """A plan that is refused would warn, and warnings are errors."""
    rng = onp.random.default_rng(0)
    x, labels, w = rng.normal(size=(30, 4)), rng.integers(0, 6, 30), rng.normal(size=(4, 6))
    of = lambda w, x, labels: ops.cross_entropy(x @ w, labels)
    batches = [(x[k : k + 5], labels[k : k + 5]) for k in range(8)]  # fewer samples than classes
    found = [
        UnrolledTraining(of, optim.Adam(), compiled=compiled).hypergradient(w, {"lr": 0.1}, batches, (x, labels))
        for compiled in (True, False)
    ]
    onp.testing.assert_array_equal(found[0].schedules["lr"], found[1].schedules["lr"])
    onp.testing.assert_array_equal(found[0].params, found[1].params)


def shard(comm: Any, batch: tuple[Any, ...]) -> tuple[Any, ...]:
    """A rank's samples; ragged, and of small batches none for some ranks."""
    ends = [len(batch[0]) * (r + 1) ** 2 // comm.size**2 for r in range(comm.size)]
    return tuple(onp.split(x, ends[:-1])[comm.rank] for x in batch)


def over_ranks(comm: Any, name: str, case: Case) -> Any:
    formula, schedules = FORMULAS[name]
    schedules = tree.map_leaves(lambda rates: rates[: case.steps] if onp.ndim(rates) else rates, schedules)
    batches = [shard(comm, batch if t % 3 else tuple(x[:2] for x in batch)) for t, batch in enumerate(case.batches)]
    training = UnrolledTraining(loss, formula, comm)
    return training.hypergradient(case.params, schedules, batches, shard(comm, case.valid))


@pytest.mark.parametrize("name", ["nesterov", "adam"])
def test_any_number_of_ranks_is_one(world: World, name: str) -> None:
    case = Case(steps=50)
    alone = over_ranks(LocalCommunicator(), name, case)
    for found in world.run(lambda comm: over_ranks(comm, name, case)):
        for a, b in zip(tree.flatten(found)[0], tree.flatten(alone)[0], strict=True):
            onp.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.mpi
def test_processes_are_one_rank(comm: Any) -> None:
    case = Case(steps=50)
    alone, found = (over_ranks(ranks, "adam", case) for ranks in (LocalCommunicator(), comm))
    for a, b in zip(tree.flatten(found)[0], tree.flatten(alone)[0], strict=True):
        onp.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_float32_stays_float32_and_is_near() -> None:
    formula, schedules = FORMULAS["adam"]
    results = []
    for dtype in (onp.float64, onp.float32):
        case = Case(dtype=dtype)
        results.append(UnrolledTraining(loss, formula).hypergradient(case.params, schedules, case.batches, case.valid))
    wide, narrow = results
    assert {x.dtype for x in tree.flatten((narrow.params, narrow.trained))[0]} == {onp.dtype(onp.float32)}
    lr = wide.schedules["lr"]
    onp.testing.assert_allclose(narrow.schedules["lr"], lr, rtol=0, atol=1e-3 * onp.abs(lr).max())


def test_weights_without_gradients_have_no_nan_of_adams_root() -> None:
    case = Case(steps=10)
    batches = [(x * onp.array([1.0, 1.0, 0.0]), y) for x, y in case.batches]  # the third input is dead
    found = UnrolledTraining(loss, optim.Adam()).hypergradient(case.params, {"lr": 0.01}, batches, case.valid)
    assert all(onp.isfinite(x).all() for x in tree.flatten(found)[0])


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 9, 10, 50, 200, 1000])
def test_at_most_two_square_roots_of_states_are_held(steps: int) -> None:
    states: KeptStates[int] = KeptStates(lambda t, x: x + t + 1, steps)
    assert states.run(0) == steps * (steps + 1) // 2
    assert list(states.backward()) == [(t, t * (t + 1) // 2) for t in reversed(range(steps))]
    assert states.most <= 2 * sqrt(steps)


def peak_in_states(steps: int, size: int = 20_000) -> tuple[float, int]:
    """Bytes of a hypergradient's arrays at their peak, in states of parameters and velocity; and what is counted."""
    x, batch = onp.ones(size), (onp.ones(1),)
    training = UnrolledTraining(lambda x, ones: ones * np.sum(np.tanh(x)), optim.Sgd(momentum=0.9))
    schedules = {"lr": onp.full(steps, 1e-3)}
    training.hypergradient(x, schedules, [batch] * steps, batch)  # imports and plans are not what is measured
    tracemalloc.start()
    try:
        held = training.hypergradient(x, schedules, [batch] * steps, batch).held
        return tracemalloc.get_traced_memory()[1] / (2 * x.nbytes), held
    finally:
        tracemalloc.stop()


def test_memory_grows_with_the_root_of_the_length() -> None:
    """Beside the states that are held there are a step's own arrays, whose number does not depend on the length."""
    peaks = {steps: peak_in_states(steps) for steps in (9, 49, 196)}
    beside = {steps: peak - held for steps, (peak, held) in peaks.items()}
    assert all(held <= 2 * sqrt(steps) for steps, (_, held) in peaks.items())
    assert max(beside.values()) < 14
    assert max(beside.values()) - min(beside.values()) < 2


def test_what_makes_no_sense_is_said() -> None:
    case = Case(steps=5)
    training = UnrolledTraining(loss, optim.Sgd(momentum=0.0))

    def go(schedules: Any, batches: Any = case.batches, params: Any = case.params) -> Any:
        return training.hypergradient(params, schedules, batches, case.valid)

    with pytest.raises(ShapeError, match=r"schedule of lr has shape \(4,\), but there are 5 steps"):
        go({"lr": onp.ones(4)})
    with pytest.raises(UsageError, match="no hyperparameter 'lrr'") as error:
        go({"lrr": 1.0})
    assert "Did you mean lr?" in error.value.remedy
    with pytest.raises(UsageError, match="no hyperparameter 'momentum'"):
        go({"momentum": 0.9})
    with pytest.raises(UsageError, match="schedule of lr is a dict that is not like the parameters"):
        go({"lr": {"w": 1.0}})
    with pytest.raises(UsageError, match="schedule of lr is not finite"):
        go({"lr": onp.nan})
    with pytest.raises(UsageError, match="schedule of lr is a str, not numbers"):
        go({"lr": {"w": 0.1, "b": "fast", "v": 0.1}})
    with pytest.raises(UsageError, match="a training of no steps"):
        go({"lr": 0.1}, [])
    with pytest.raises(UsageError, match="a Lion has no formula to differentiate"):
        UnrolledTraining(loss, optim.Lion())
    with pytest.raises(UsageError, match=r"l1=0.1, which is not differentiated"):
        UnrolledTraining(loss, optim.Sgd(l1=0.1))


def test_a_loss_that_is_not_finite_is_named_with_its_step() -> None:
    case = Case(steps=12)
    training = UnrolledTraining(lambda x, ones: ones * x**4, optim.Sgd(momentum=0.0))
    batches = [(onp.ones(1),)] * 12
    with pytest.raises(NonFiniteError, match=r"the loss is (inf|nan) at step \d of 12"):
        training.train(onp.array(10.0), {"lr": 1.0}, batches)
    bad = [*case.batches[:7], (onp.full((2, 3), onp.nan), onp.ones(2)), *case.batches[8:]]
    with pytest.raises(NonFiniteError, match="the loss is nan at step 7 of 12"):
        UnrolledTraining(loss, optim.Adam()).hypergradient(case.params, {}, bad, case.valid)
    with pytest.raises(NonFiniteError, match="the validation loss is nan"):
        UnrolledTraining(loss, optim.Adam()).hypergradient(case.params, {}, case.batches, bad[7])
