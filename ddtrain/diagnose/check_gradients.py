"""``--debug.check-gradients-every``: a step's gradient against finite differences of its loss, weight by weight.

The loss is that of the step to come: the same batch, the same dropout masks, batch-norm over the batch, all ranks
together; but in float64 on copies of the values, so that the run itself is not touched. Of every parameter a few
weights are tried: some at random, drawn from (seed, name, step), and the one with the largest derivative.

Note [Ratio of two gradients]
Ge, by central differences, and Ga, by the backward pass, are compared by |Ge - Ga| / |Ge + Ga|, which must not exceed
1e-6. With step h = 1e-5, Ge is off by h^2 |f'''| / 6, 2e-11 of f''', and by rounding: two losses near 1 are known to
1e-16 times the length of their computation, so their difference over 2 h is known to some 1e-10. A difference
below 1e-9 of the loss is therefore no evidence, and passes.

Note [Kinks]
Where ReLU or max-pooling changes its choice between w - h and w + h, Ge mixes two slopes, and both gradients may be
right. Choices are found by running the loss at both ends under a trace that sees comparisons and their answers;
of functions that choose without one, by slopes to the left and right that differ by more than the error. Then 1e-3 is
allowed, and what exceeds that is tried again with a tenth of the step, and a hundredth, which few kinks survive: those
on which the weight stands exactly. There, every slope between those to the left and right is a derivative.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import data
from ddtrain.autodiff import Primitive, Trace, record, value_of, walk_back
from ddtrain.autodiff.core.boxes import box
from ddtrain.diagnose.protocol import Step
from ddtrain.errors import GradientError
from ddtrain.ops import use_communicator
from ddtrain.rng import stream

LIMIT, LIMIT_AT_KINKS = 1e-6, 1e-3  # the largest ratios that pass, on smooth functions and at kinks
STEPS = (1e-5, 1e-6, 1e-7)  # steps of finite differences, each tried only if the one before found a kink
NO_EVIDENCE = 1e-14  # rounding may change a difference quotient by this much times loss / step
RANDOM_WEIGHTS = 2  # how many weights of each parameter are tried besides the one with the largest derivative


@dataclass(frozen=True)
class GradientCheck:
    """What a check that passed has seen.

    Attributes
    ----------
    weights : how many were tried
    kinks : how many of them had a kink nearby
    ratio : the largest |Ge - Ga| / |Ge + Ga|, among those without a kink and above the rounding of the losses
    """

    weights: int = 0
    kinks: int = 0
    ratio: float = 0.0

    def __str__(self) -> str:
        kinks = f", {self.kinks} of them at kinks" if self.kinks else ""
        return f"{self.weights} weights tried{kinks}, largest ratio {self.ratio:.1e}"


def check_gradients(train_step: Step, step: int, rows: Any) -> GradientCheck:
    """Check the gradient that ``train_step.gradients`` would compute from the same arguments. Collective.

    Nothing of the run changes: no value, no running statistic, no random number. A rank takes its shards in one piece.

    Returns
    -------
    What was seen, the same on every rank; no weights where the loss or the gradient is not finite, which is for the
    coordinator to decide about.

    Raises
    ------
    GradientError : on all ranks, a ratio exceeds its limit (Note [Ratio of two gradients]); names parameter and index.
        An error and not a warning: what follows a wrong gradient is worthless, however well the loss may fall
    """
    with use_communicator(train_step.model_comm), np.errstate(all="ignore"):
        return _Check(train_step, step, rows).run()


class _Check:
    """One check on one rank: the loss in float64, and its gradient."""

    def __init__(self, train_step: Step, step: int, rows: Any) -> None:
        self.of, self.step, self.count, layout = train_step, step, len(rows), train_step.shard_layout
        first = data.shard_bounds(len(rows), layout.shards[0], layout.count)[0]
        last = data.shard_bounds(len(rows), layout.shards[-1], layout.count)[1]
        self.values = {name: view.astype(np.float64) for name, view in train_step.store.parameters.items()}
        self.state = {name: view.astype(np.float64) for name, view in train_step.store.state_views.items()}
        self.forward = train_step.forward_pass(step, rows, first, last, np.float64)
        self.losses_N, self.grads = self._backward()
        self.loss = abs(self._total(self.losses_N)[0])

    def run(self) -> GradientCheck:
        """All sampled weights of all parameters."""
        if not np.isfinite([self.loss, *(g.sum() for g in self.grads.values())]).all():
            return GradientCheck()
        verdicts = [self._weight(name, index) for name in self.values for index in self._sample(name)]
        ratios = [ratio for ratio, kink in verdicts if not kink]
        return GradientCheck(len(verdicts), len(verdicts) - len(ratios), max(ratios, default=0.0))

    # -- the loss -------------------------------------------------------------------------------------------------

    def _losses(self, values: Mapping[str, Any]) -> Any:
        return self.forward({**values, **self.state})

    def _backward(self) -> tuple[Any, dict[str, NDArray[np.float64]]]:
        """This rank's losses, and the gradient of all ranks' mean loss."""
        names = list(self.values)
        fun = lambda *leaves: self._losses(dict(zip(names, leaves, strict=True)))
        losses_N, tape, end = record(fun, list(self.values.values()))
        own = walk_back(tape, end, np.full(losses_N.shape, 1 / self.count))
        grads = {}
        for name, g in zip(names, own, strict=True):
            grads[name] = np.zeros(self.values[name].shape) if g is None else np.array(g, np.float64, order="C")
            self.of.comm.allreduce(grads[name].reshape(-1))
        return value_of(losses_N), grads

    def _total(self, *values_N: Any) -> list[float]:
        """The sums over all ranks' samples, divided by their number."""
        sums = np.array([np.sum(x, dtype=np.float64) / self.count for x in values_N])
        self.of.comm.allreduce(sums)
        return [float(x) for x in sums]

    # -- one weight -----------------------------------------------------------------------------------------------

    def _sample(self, name: str) -> list[tuple[int, ...]]:
        g = self.grads[name]
        if not g.size:
            return []
        drawn = stream(self.of.seed, f"check-gradients/{name}", self.step).integers(0, g.size, RANDOM_WEIGHTS)
        chosen = sorted({*drawn.tolist(), int(np.argmax(np.abs(g)))})
        return [tuple(map(int, np.unravel_index(k, g.shape))) for k in chosen]

    def _moved(self, name: str, index: tuple[int, ...], by: float) -> dict[str, NDArray[np.float64]]:
        moved = np.array(self.values[name])  # a copy, and an array also where the value is 0-d
        moved[index] += by
        return {**self.values, name: moved}

    def _weight(self, name: str, index: tuple[int, ...]) -> tuple[float, bool]:
        """The ratio at one weight, and whether there is a kink."""
        exact, kink = float(self.grads[name][index]), False
        for h in STEPS:
            ends = self._moved(name, index, h), self._moved(name, index, -h)
            # subtract sample by sample, so that the other samples' losses do not add rounding errors
            ahead, behind = self._total(*(self._losses(end) - self.losses_N for end in ends))
            right, left, nothing = ahead / h, -behind / h, NO_EVIDENCE * max(1.0, self.loss) / h
            numeric = (right + left) / 2
            error = abs(numeric - exact)
            ratio = error / abs(numeric + exact) if numeric + exact else np.inf
            if ratio <= LIMIT or error <= nothing:
                return (ratio if ratio <= LIMIT else 0.0), kink
            kink = abs(right - left) >= error or self._choices_differ(*ends)
            if not kink:
                break
            if ratio <= LIMIT_AT_KINKS:
                return ratio, True
        if kink and error <= abs(right - left) / 2 + nothing:
            return ratio, True
        where = f"{name}[{', '.join(map(str, index))}]" if index else name
        raise GradientError(
            f"gradient check: the derivative of the loss with respect to {where} is {exact:.9g} by the backward pass "
            f"and {numeric:.9g} by finite differences: |Ge - Ga| / |Ge + Ga| = {ratio:.1e} exceeds "
            f"{LIMIT_AT_KINKS if kink else LIMIT:.0e}",
            remedy=f"One of the derivative rules between {name} and the loss is wrong: try check_grads on each.",
            step=self.step + 1,
        )

    def _choices_differ(self, *ends: Mapping[str, Any]) -> bool:
        """Whether any rank's loss compares or orders otherwise at one end than at the other."""
        one, other = (self._choices(end) for end in ends)
        differ = np.array([float(one != other)])
        self.of.comm.allreduce(differ)
        return bool(differ[0])

    def _choices(self, values: Mapping[str, Any]) -> bytes:
        trace = _Choices()
        self._losses({name: box(value, trace, name) for name, value in values.items()})
        return trace.digest.digest()


class _Choices(Trace):
    """Sees every comparison and position: a hash of their answers tells the branches of a function apart.

    Fused operations run as their compositions, whose comparisons show what the kernels choose.
    """

    __slots__ = ("digest",)
    sees_constants = True

    def __init__(self) -> None:
        super().__init__()
        self.digest = hashlib.blake2b()

    def process(
        self,
        prim: Primitive,
        ans: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        nodes: Sequence[Any],
    ) -> Any:
        if prim.differentiable:
            return prim.__name__
        # floating answers, such as the maximum that softmax subtracts, choose nothing
        if np.asarray(ans).dtype.kind in "biu":
            self.digest.update(np.ascontiguousarray(ans).data)
        return None
