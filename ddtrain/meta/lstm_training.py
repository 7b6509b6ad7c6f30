"""How an optimizer is learned: by gradient descent through what it does, some steps of the unrolled training at a time.

Note [What is dropped]
A move u_t of the optimizer changes all later parameters x_s = x_0 + u_0 + ... + u_{s−1}, hence their losses f(x_s), and
also their gradients, which the LSTM reads. As in the paper, the latter is dropped: gradients that it reads are taken
for constants, so no second derivatives are needed. What is left is simple: the derivative of all losses by u_t is the
sum of the gradients at later points, which are known, having been read. So one pass back through the LSTM alone, over
all positions at once, gives the derivative by its weights; the losses need none.
"""

# N parameters of all problems of this rank, K steps of a truncation, P problems of all ranks

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain import optim
from ddtrain.autodiff import flatten, make_vjp
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import NonFiniteError, UsageError
from ddtrain.meta.lstm_network import LstmNetwork, features, steps
from ddtrain.meta.problems import Family, Problem
from ddtrain.ops.collectives import Collectives
from ddtrain.partition import part_bounds
from ddtrain.rng import stream

Array = np.ndarray[Any, Any]


class LstmTraining:
    """Learns an optimizer for a family of problems, by Adam, round by round. Collective.

    Parameters
    ----------
    family : where each round's problems are drawn from
    comm : the ranks, which share the problems; one unless given. What is learned is the same on any number of them
    network : to begin with; a new one of two layers of 20 units unless given
    seed : of the problems, and of a new network
    problems : P in each round, over all ranks
    length : steps of each problem
    truncation : K, steps between two updates of the network, over which gradients flow; state and parameters go on
    lr : of Adam; it may be changed between rounds
    clip : largest norm of the network's gradient

    Raises
    ------
    UsageError : fewer problems than ranks, or a number that makes no sense

    Attributes
    ----------
    network : as it has been learned so far
    rounds : how many there have been
    lr : see above

    References
    ----------
    Andrychowicz et al. (2016), "Learning to learn by gradient descent by gradient descent", arXiv:1606.04474.

    Examples
    --------
    >>> from itertools import repeat
    >>> bowls = Family(lambda x, c: ((x - c) ** 2).sum(), lambda rng: (np.zeros(3), repeat((rng.normal(size=3),))))
    >>> training = LstmTraining(bowls, network=LstmNetwork.initial(seed=0, hidden=4), problems=4, length=20)
    >>> losses = [training.round() for _ in range(40)]
    >>> bool(losses[-1] < losses[0] / 2)
    True
    """

    def __init__(
        self,
        family: Family,
        comm: Collectives | None = None,
        *,
        network: LstmNetwork | None = None,
        seed: int = 0,
        problems: int = 8,
        length: int = 100,
        truncation: int = 20,
        lr: float = 0.01,
        clip: float = 1.0,
    ) -> None:
        self._comm = LocalCommunicator() if comm is None else comm
        if problems < self._comm.size:
            raise UsageError(f"meta: {problems} problems for {self._comm.size} ranks", remedy="Give one to each rank.")
        for name, value in {"length": length, "truncation": truncation, "lr": lr, "clip": clip}.items():
            if not value > 0:
                raise UsageError(f"meta: {name} is {value}", remedy="Give a number above 0.")
        self.family, self.rounds = family, 0
        self.network = LstmNetwork.initial(seed) if network is None else network
        self._seed, self._length, self._truncation = seed, length, truncation
        self._problems, self._own = problems, slice(*part_bounds(problems, self._comm.rank, self._comm.size))
        self.lr, self._clip = lr, clip
        joined, self._unflatten = flatten(dict(self.network.weights))
        self._weights: Array = np.array(joined)
        self._optimizer = optim.make(optim.Adam(lr=lr), len(self._weights), self._weights.dtype)

    @np.errstate(over="ignore", invalid="ignore")  # what diverges is told by its losses
    def round(self) -> float:
        """Learn from new problems; the mean of their losses after each step.

        Raises
        ------
        NonFiniteError : on all ranks: a loss that is not finite, with its problem and its step
        """
        numbers = range(self._problems)[self._own]
        problems = [Problem(self.family, stream(self._seed, "meta/problem", self.rounds, k)) for k in numbers]
        _, gradient = _evaluate(problems)
        state, total = self.network.no_state(len(gradient)), 0.0
        for start in range(0, self._length, self._truncation):
            count = min(self._truncation, self._length - start)
            state, gradient, losses = self._truncated(problems, state, gradient, start, count)
            total += losses.sum()
        self.rounds += 1
        return float(total / (self._length * self._problems))

    def _truncated(
        self, problems: Sequence[Problem], before: Array, g: Array, start: int, count: int
    ) -> tuple[Array, Array, Array]:
        """Take so many steps and learn from them; the state and the gradients after them, and (P, K) losses."""
        state, read, later, losses = before, [], [], np.zeros((self._problems, count))
        for t in range(count):
            read.append(features(g).astype(before.dtype))
            moves, state = steps(self.network.weights, read[-1][:, None], state)
            _move(problems, moves[:, 0])
            losses[self._own, t], g = _evaluate(problems)
            later.append(g)
        moves_of = lambda weights: steps(weights, np.stack(read, axis=1), before)[0]
        pull, _ = make_vjp(moves_of)(dict(self.network.weights))
        to_moves = np.cumsum(later[::-1], axis=0)[::-1].T  # Note [What is dropped]
        self._learn(flatten(pull(to_moves / losses.size))[0], losses, start)
        return state, g, losses

    def _learn(self, gradient: Array, losses: Array, start: int) -> None:
        """Update the network by the gradients of all ranks; ``losses`` become those of all ranks, too."""
        both = np.concatenate([losses.ravel(), gradient])  # each loss is one rank's number plus zeros
        self._comm.allreduce(both)
        losses[...], gradient = both[: losses.size].reshape(losses.shape), both[losses.size :]
        _require_finite(losses, start, self.rounds)
        gradient, norm = gradient.astype(self._weights.dtype), float(np.sqrt(gradient @ gradient))
        scale = min(1.0, self._clip / norm) if norm > 0 else 1.0
        self._optimizer.apply(self._weights, gradient, lr=self.lr, scale=scale)
        self.network = LstmNetwork(self._unflatten(self._weights))


def _evaluate(problems: Sequence[Problem]) -> tuple[list[float], Array]:
    """The losses of some problems, and their gradients in one vector."""
    found = [problem.evaluate() for problem in problems]
    return [value for value, _ in found], np.concatenate([gradient for _, gradient in found])


def _move(problems: Sequence[Problem], moves: Array) -> None:
    ends = np.cumsum([len(problem.x) for problem in problems])
    for problem, part in zip(problems, np.split(moves, ends[:-1]), strict=True):
        problem.x += part


def _require_finite(losses: Array, start: int, rounds: int) -> None:
    for problem, step in np.argwhere(~np.isfinite(losses)):
        raise NonFiniteError(
            f"meta: the loss of problem {problem} is {losses[problem, step]} at step {start + step} of round {rounds}",
            remedy="Lower lr, or draw problems of a smaller scale.",
            step=int(start + step),
        )
