"""From what was measured to figures: the curve over ranks, where communication takes over, errors where ranks ran.

Note [Pace]
Ranks that were measured side by side never waited for each other, as those of a run do: there, from one meeting to the
next, all take the time of the slowest. So each stretch between two meetings is given the time of the rank that was the
slowest in it, step by step. Not so where ranks share cores: what delays one of them there is another one's turn, and
together they take as long whether they meet or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ddtrain.bench.machine import cores
from ddtrain.bench.predict.networks import ONE_NODE, Fabric
from ddtrain.bench.predict.simulation import Handling, Moment, Profile, Step, World, best_bucket, fit_line, simulate
from ddtrain.bench.timing import Seconds, quartiles, step_seconds
from ddtrain.comm.backends.link_model import Network

BUCKETS = tuple(1 << power for power in range(14, 27))  # bytes, 16 KiB to 64 MiB
HALF = 0.5  # below this efficiency, a run waits longer than it computes
_MOST = 1 << 20  # search limit for crossovers, in ranks or samples
_UNIT = 1 << 20  # message size in bytes at which ways to sum are compared


@dataclass(frozen=True)
class Where:
    """What a prediction is for.

    Attributes
    ----------
    inside, messages : what a sum costs ranks themselves within a node and by messages, measured with two
    mode : weak or strong
    """

    fabric: Fabric
    inside: Handling
    messages: Handling
    mode: str
    bucket_bytes: int

    def world(self, ranks: int) -> World:
        """So many ranks there; see :func:`world_of`."""
        return world_of(ranks, self.fabric, self.inside, self.messages)


def world_of(ranks: int, fabric: Fabric, inside: Handling, messages: Handling) -> World:
    """The world with what a bucket's sum costs: within the node, and then a slice by messages where there are more.

    A sum over M nodes by messages handles as many times the bytes of one over two as :class:`Network` says.
    """
    here, nodes = min(ranks, fabric.ranks_per_node), fabric.nodes(ranks)
    two, many = (Network(0.0, 1.0).traffic("sum", _UNIT, n) for n in (2, max(nodes, 2)))
    steps = [inside] * (here > 1)
    if nodes > 1:
        s_per_byte = messages.s_per_byte * many.nbytes / two.nbytes / here
        steps.append(Handling(messages.launch_s, s_per_byte, messages.latency_s * many.rounds))
    return World(ranks, fabric, sum_of(steps), messages if nodes > 1 else inside, shared=here)


def sum_of(steps: Sequence[Handling]) -> Handling:
    """One after the other."""
    return Handling(*(sum(getattr(step, name) for step in steps) for name in ("launch_s", "s_per_byte", "latency_s")))


class Model:
    """Predictions for one subject.

    Parameters
    ----------
    profiles : of one or two batches, ascending
    batch : samples in a step of one rank
    """

    def __init__(self, profiles: Sequence[Profile], batch: int, where: Where) -> None:
        self.profiles, self.batch, self.where = profiles, batch, where
        self.one = self.profile(batch)

    def profile(self, batch: float) -> Profile:
        """One rank's step with so many samples."""
        small, large = self.profiles[0], self.profiles[-1]
        return small.at(large, batch) if small is not large else small

    def step(self, ranks: int, batch: float = 0, bucket_bytes: int = 0) -> Step:
        """The simulated step; ``batch`` is that of one rank."""
        share = (batch or self.batch) / (ranks if self.where.mode == "strong" else 1)
        return simulate(self.profile(share), self.where.world(ranks), bucket_bytes or self.where.bucket_bytes)

    def efficiency(self, ranks: int, batch: float = 0) -> float:
        """Throughput of ``ranks`` ranks over so many times that of one."""
        alone = self.profile(batch or self.batch).step_s
        return alone / self.step(ranks, batch).step_s / (ranks if self.where.mode == "strong" else 1)

    def row(self, ranks: int) -> dict[str, Any]:
        """The figures at one number of ranks."""
        step, samples = self.step(ranks), self.batch * (1 if self.where.mode == "strong" else ranks)
        share = self.batch / (ranks if self.where.mode == "strong" else 1)
        best = best_bucket(self.profile(share), self.where.world(ranks), BUCKETS)
        return {
            **{f"{name.removesuffix('_s')}_ms": round(1e3 * seconds, 4) for name, seconds in step._asdict().items()},
            "communication_ms": round(1e3 * step.communication_s, 4),
            "samples_per_s": round(samples / step.step_s, 1),
            "efficiency": round(self.efficiency(ranks), 4),
            "best_bucket_bytes": best,
            "best_step_ms": round(1e3 * self.step(ranks, bucket_bytes=best).step_s, 4),
        }

    def takeover_ranks(self) -> dict[str, int | None]:
        """The fewest ranks at which communication takes as long as computing, and at which efficiency is below half."""
        return {
            "ranks_equal": first(lambda ranks: _communicates(self.step(ranks))),
            "ranks_half": first(lambda ranks: self.efficiency(ranks) < HALF),
        }

    def takeover_batch(self, ranks: int) -> dict[str, int | None]:
        """The smallest batches of a rank at which, on ``ranks`` ranks, computing takes longer; efficiency is half."""
        return {
            "at_ranks": ranks,
            "batch_equal": first(lambda batch: not _communicates(self.step(ranks, batch))),
            "batch_half": first(lambda batch: self.efficiency(ranks, batch) >= HALF),
        }


def _communicates(step: Step) -> bool:
    return step.communication_s >= step.compute_s


def first(holds: Callable[[int], bool]) -> int | None:
    """The smallest number from 1 at which a condition holds, if it holds for all larger ones; None if above a million.

    >>> first(lambda n: n * n > 1000), first(lambda n: False)
    (32, None)
    """
    above = 1
    while not holds(above):
        above *= 2
        if above > _MOST:
            return None
    below = above // 2
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if holds(middle) else (middle, above)
    return above


def profile_of(ranks: Sequence[Mapping[str, Any]]) -> Profile:
    """The profile of ranks that were measured at once, as if they had waited for each other (Note [Pace])."""
    what = ranks[0]["moments"]
    waits = [i for i, moment in enumerate(what) if moment.get("operation") and not moment.get("hidden")]
    rows = np.array([found["rows"] for found in ranks])
    meetings = [*waits, len(what), rows.shape[-1] - 1]
    *at_s, backward_s, update_s, updated_s, step_s = pace(rows, meetings, len(ranks) <= cores()).tolist()
    return Profile(
        batch=ranks[0]["batch"] // len(ranks),
        moments=[Moment(at, **moment) for at, moment in zip(at_s, what, strict=True)],
        backward_s=backward_s,
        update_s=updated_s - update_s,
        rest_s=step_s - updated_s + update_s - backward_s,
        spans=ranks[0]["spans"],
        itemsize=ranks[0]["itemsize"],
    )


def pace(rows: Seconds, meetings: Sequence[int], own_cores: bool) -> Seconds:
    """Times of a step at everybody's pace (Note [Pace]).

    Parameters
    ----------
    rows : (ranks, turns, steps, times) seconds since the step began
    meetings : positions of the times at which ranks wait for each other, ascending to the last
    own_cores : whether each rank has a core to itself

    Returns
    -------
    (times,) means over steps, the median over turns

    >>> rows = np.array([[[[1.0, 2.0], [2.0, 3.0]]], [[[2.0, 3.0], [1.0, 2.0]]]])  # each is slow once, by a second
    >>> pace(rows, [0, 1], own_cores=True), pace(rows, [0, 1], own_cores=False)
    (array([2., 3.]), array([1.5, 2.5]))
    """
    mean: Seconds = np.median(rows.mean(axis=2), axis=1).mean(axis=0)
    times, before, began_mean, began = np.zeros_like(mean), 0, 0.0, 0.0
    for at in meetings:
        seconds = rows[..., at] - (rows[..., before - 1] if before else 0.0)
        slowest = seconds.max(axis=0, keepdims=True) if own_cores else seconds
        lasts = np.median(slowest.mean(axis=2), axis=1).max()
        stretch = lasts / (mean[at] - began_mean) if mean[at] > began_mean else 1.0
        times[before : at + 1] = began + stretch * (mean[before : at + 1] - began_mean)
        before, began_mean, began = at + 1, mean[at], times[at]
    return times


def handling_of(ranks: Sequence[Mapping[str, Any]], way: str) -> Handling:
    """What sums cost, ``ours`` within a node or ``messages``, from the line through their times."""
    if len(ranks) == 1:
        return Handling()
    sizes = list(ranks[0]["sums"])
    seconds = [float(np.median(step_seconds([found["sums"][size][way] for found in ranks]))) for size in sizes]
    latency_s, s_per_byte = fit_line([float(size) for size in sizes], seconds)
    launch_s = min(float(np.median([found["launch_s"] for found in ranks])), latency_s)
    return Handling(launch_s, s_per_byte, latency_s - launch_s)


def compare(ranks: int, launches: Sequence[Sequence[Mapping[str, Any]]], where: Where) -> dict[str, Any]:
    """Predicted and measured milliseconds of a step, and the error of the prediction in percent; medians.

    The error is a launch's: what it predicts from and what it measures are of the same minute.
    Behind ``wire`` each rank is a node, and a message has no gap.
    """
    together = where.fabric is ONE_NODE
    fabric = where.fabric if together else replace(where.fabric, ranks_per_node=1, gap_s=0.0)
    predicted, measured = [], []  # one entry for each launch
    for launch in launches:
        own = handling_of(launch, "ours" if together else "messages")
        world = World(ranks, fabric, own, own, shared=ranks if together else 1)
        predicted.append(simulate(profile_of(launch), world, where.bucket_bytes).step_s)
        measured.append(step_seconds([found["turns"]["ours"] for found in launch]))
    step = quartiles(np.concatenate(measured), 1e-3)
    guess = round(1e3 * float(np.median(predicted)), 4)
    errors = [guess / np.median(found) - 1 for guess, found in zip(predicted, measured, strict=True)]
    samples = launches[0][0]["batch"]
    return {
        "measured_ms": step,
        "predicted_ms": guess,
        "error_percent": round(100 * float(np.median(errors)), 2),
        "samples_per_s": round(1e3 * samples / step["median"], 1),
    }
