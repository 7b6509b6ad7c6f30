"""A whole training as one function of its start and its hyperparameters, and the derivatives of what it leads to.

With x the parameters and m what the optimizer remembers, a step is (x, m) ← U(x, ∇L(x), m, h), where U is the
optimizer's formula and h its hyperparameters in this step. The way back through a step is that through U, which is
elementwise, and where U hands the cotangent u to the gradient, the Hessian of the loss times u: ∇L is the only function
in a training whose derivative is a matrix, and it is symmetric. So all that is needed of many ranks is a gradient and a
Hessian-vector product of the global mean loss; the rest is the same on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as onp

from ddtrain import optim
from ddtrain.autodiff import flatten
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import NonFiniteError, UsageError
from ddtrain.meta.kept_states import KeptStates
from ddtrain.meta.schedules import Schedules
from ddtrain.meta.updates import Vectors, update_of
from ddtrain.ops.collectives import Collectives
from ddtrain.plan import compile
from ddtrain.trainer.dp_derivatives import Loss, dp_hvp, dp_value_and_grad

Array = onp.ndarray[Any, Any]
Batches = Sequence[tuple[Any, ...]]


class State(NamedTuple):
    """Between two steps: the vector of parameters, and what the optimizer remembers."""

    values: Array
    remembered: Vectors


class Hypergradient(NamedTuple):
    """What :meth:`UnrolledTraining.hypergradient` found.

    Attributes
    ----------
    value : the mean loss of the validation samples after the training
    schedules : its gradient by each number of the schedules that were given, in their structure, of float64
    params : its gradient by the initial parameters
    trained : the parameters after the training
    held : the most states of the training that were held at a time
    """

    value: float
    schedules: dict[str, Any]
    params: Any
    trained: Any
    held: int


class UnrolledTraining:
    """Trains, and differentiates what came of it by schedules and initial parameters.

    Parameters
    ----------
    loss : ``loss(params, *batch)`` gives one loss for each of this rank's samples, or their sum; smooth enough to have
        the derivatives of its gradient that are asked for (of relu they are 0 where its kinks are not met)
    formula : Sgd in any form, Adam or AdamW, with the hyperparameters that no schedule gives
    comm : the ranks; one unless given
    judge : the loss of validation samples, as ``loss``; the same unless given
    compiled : whether gradients and products are recorded as plans, on one rank; False for a loss that reads anything
        that changes but its arguments (Note [What a plan assumes] in ``ddtrain/plan``)

    Examples
    --------
    The best rate of a single step on x² is that of Newton, 1/2:

    >>> training = UnrolledTraining(lambda x, ones: (x * ones) ** 2, optim.Sgd(momentum=0.0))
    >>> batch = (onp.ones(1),)
    >>> for lr in (0.25, 0.5):
    ...     found = training.hypergradient(onp.array([3.0]), {"lr": lr}, [batch], batch)
    ...     print(found.value, found.schedules["lr"])
    2.25 -18.0
    0.0 0.0
    """

    def __init__(
        self,
        loss: Loss,
        formula: optim.Optim,
        comm: Collectives | None = None,
        *,
        judge: Loss | None = None,
        compiled: bool = True,
    ) -> None:
        comm = LocalCommunicator() if comm is None else comm
        planned: Callable[[Any], Any] = compile if compiled else _as_it_is
        # over ranks a plan would go on with the number of samples that other ranks had when it was recorded
        planned_alone = planned if comm.size == 1 else _as_it_is
        self.gradient_of = planned_alone(dp_value_and_grad(loss, comm))
        self.product_of = planned_alone(dp_hvp(loss, comm))
        self.judged = planned_alone(dp_value_and_grad(judge or loss, comm))
        self.update = update_of(formula)
        self.step, self.pull = planned(self.update.step), planned(self.update.pull)

    @onp.errstate(over="ignore", invalid="ignore")  # what diverges is told by its losses
    def train(self, params: Any, schedules: Mapping[str, Any], batches: Batches) -> Any:
        """The parameters after a step for each batch. Collective.

        Parameters
        ----------
        params : a nested list, tuple or dict of arrays of floating numbers, equal on all ranks; they stay as they are
        schedules : hyperparameters by name: a number for all steps, an array of one for each step, or a structure like
            ``params`` of such
        batches : for each step the arrays of this rank's samples, which the loss takes; as many on all ranks

        Raises
        ------
        UsageError : no batch; a hyperparameter that the optimizer has not
        ShapeError : a schedule of another length
        NonFiniteError : a loss that is not finite, with its step
        """
        run = _Run(self, params, schedules, batches)
        state = run.start
        for t in range(len(batches)):
            state = run.advance(t, state)
        return run.unflatten(state.values)

    def value(self, params: Any, schedules: Mapping[str, Any], batches: Batches, valid: tuple[Any, ...]) -> float:
        """The mean loss of the validation samples after the training; see :meth:`hypergradient`. Collective."""
        return float(self.judged(self.train(params, schedules, batches), *valid)[0])

    @onp.errstate(over="ignore", invalid="ignore")
    def hypergradient(
        self, params: Any, schedules: Mapping[str, Any], batches: Batches, valid: tuple[Any, ...]
    ) -> Hypergradient:
        """The loss that a training leads to, and its exact gradient by initial parameters and schedules. Collective.

        Reverse mode through all T steps, in the time of some six trainings. At most 2 √T states are held at a time
        (Note [Memory of two square roots]). The result is the same on all ranks, and on any number of them.

        Parameters
        ----------
        params, schedules, batches : as for :meth:`train`; the gradient is by what is in ``schedules``
        valid : arrays of this rank's validation samples, which the loss takes

        Raises
        ------
        UsageError, ShapeError : as :meth:`train`
        NonFiniteError : a loss, or on the way back a gradient, that is not finite, with its step

        References
        ----------
        Maclaurin, Duvenaud, Adams (2015), "Gradient-based hyperparameter optimization through reversible learning",
        arXiv:1502.03492: the derivatives; here states are computed again, not reversed, which is exact.
        Domke (2012), "Generic methods for optimization-based modeling".
        """
        run = _Run(self, params, schedules, batches)
        states: KeptStates[State] = KeptStates(run.advance, len(batches))
        trained = run.unflatten(states.run(run.start).values)
        value, gradient = self.judged(trained, *valid)
        _require_finite("validation loss", value, len(batches), len(batches))
        run.begin_back(gradient)
        for t, state in states.backward():
            run.back(t, state)
        to_start = run.unflatten(run.to.values)
        return Hypergradient(float(value), run.schedules.gradient(), to_start, trained, states.most)


class _Run:
    """One training: its data and its schedules, and on the way back the cotangent of the state."""

    def __init__(self, of: UnrolledTraining, params: Any, schedules: Mapping[str, Any], batches: Batches) -> None:
        if not len(batches):
            raise UsageError("meta: a training of no steps", remedy="Give a batch for each step.")
        values, self.unflatten = flatten(params)
        self.start = State(values, tuple(onp.zeros_like(values) for _ in range(of.update.remembered)))
        self.schedules = Schedules(schedules, of.update.rates, params, len(batches))
        self.of, self.batches, self.to = of, batches, self.start

    def advance(self, t: int, state: State) -> State:
        """The state after step t."""
        return State(*self.of.step(*self._arguments(t, state)))

    def begin_back(self, gradient: Any) -> None:
        """Take the cotangent of the trained parameters; nothing depends on what is remembered at the end."""
        self.to = State(flatten(gradient)[0], self.start.remembered)

    def back(self, t: int, state: State) -> None:
        """From the cotangent of the state after step t to that of the state before, and of the step's rates."""
        to_x, to_g, to_m, to_rates = self.of.pull(*self._arguments(t, state), tuple(self.to))
        self.schedules.add(t, to_rates)
        product = self.of.product_of(self.unflatten(state.values), self.unflatten(to_g), *self.batches[t])
        self.to = State(to_x + flatten(product)[0], to_m)
        _require_finite("hypergradient", onp.sum(self.to.values), t, len(self.batches))

    def _arguments(self, t: int, state: State) -> tuple[Any, ...]:
        """What the update takes."""
        value, gradient = self.of.gradient_of(self.unflatten(state.values), *self.batches[t])
        _require_finite("loss", value, t, len(self.batches))
        dtype = state.values.dtype
        rates, count = self.schedules.at(t, dtype), onp.asarray(t + 1.0, dtype)
        return state.values, flatten(gradient)[0], state.remembered, rates, count


def _as_it_is(fun: Any) -> Any:
    return fun


def _require_finite(what: str, value: Any, step: int, steps: int) -> None:
    if not onp.isfinite(value):
        raise NonFiniteError(
            f"meta: the {what} is {float(value)} at step {step} of {steps}",
            remedy="Lower the learning rate there, or train for fewer steps.",
            step=step,
        )
