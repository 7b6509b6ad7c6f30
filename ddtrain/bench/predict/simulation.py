"""A training step on ranks that are not there: one rank's measured moments, and what communication adds to them.

Note [Simulation]
A rank computes from moment to moment as it was measured to. What communication takes of its time is added where it
happens: a collective of the model stops it until all has arrived; a bucket that is complete costs it the start of its
sum and the handling of its bytes, then travels over the link behind those before it, while computing goes on. After
backward, the rank waits for the last bucket: that is exposed. Then come the agreements at the end of a step, and its
share of the update. All ranks are alike, so none waits for a slow one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ddtrain.comm.backends.link_model import Network, Operation
from ddtrain.comm.backends.wire import Link
from ddtrain.parallel import make_buckets

_MEETINGS = 2  # barriers within a node at the end of a step: after the norms, and after the updates
CONTROL_BYTES = 64  # size of rank 0's decision (StepControl) as it is broadcast


class Moment(NamedTuple):
    """Something that happens ``at_s`` seconds of computing after the step began.

    ``operation`` is a collective with so many ``nbytes`` a rank, which the rank waits for at once or, if ``hidden``,
    after backward; none: gradient ``parameter`` is ready.
    """

    at_s: float
    operation: Operation | None = None
    nbytes: int = 0
    parameter: int = 0
    hidden: bool = False


@dataclass(frozen=True)
class Profile:
    """One rank's step as it was measured, with communication free.

    Attributes
    ----------
    batch : samples of the rank
    moments : in the order of time
    backward_s, update_s, rest_s : seconds from the start of the step to the end of backward, and of what comes after
    spans : first and one past the last element of each parameter in the flat vector
    itemsize : bytes of an element
    """

    batch: int
    moments: Sequence[Moment]
    backward_s: float
    update_s: float
    rest_s: float
    spans: Sequence[tuple[int, int]]
    itemsize: int = 4

    @property
    def step_s(self) -> float:
        """Seconds of the whole step of one rank."""
        return self.backward_s + self.update_s + self.rest_s

    def at(self, other: Profile, batch: float) -> Profile:
        """The profile at another batch: every time on the straight line through two that were measured.

        >>> half, whole = (Profile(n, [Moment(n / 2)], n, 1, 0, []) for n in (2.0, 4.0))
        >>> half.at(whole, 8).moments, half.at(whole, 8).step_s
        ([Moment(at_s=4.0, operation=None, nbytes=0, parameter=0, hidden=False)], 9.0)
        """
        share = (batch - self.batch) / (other.batch - self.batch)

        def line(mine: float, theirs: float) -> float:
            return max(mine + share * (theirs - mine), 0.0)

        pairs = zip(self.moments, other.moments, strict=True)
        return replace(
            self,
            batch=round(batch),
            moments=[mine._replace(at_s=line(mine.at_s, theirs.at_s)) for mine, theirs in pairs],
            backward_s=line(self.backward_s, other.backward_s),
            update_s=line(self.update_s, other.update_s),
            rest_s=line(self.rest_s, other.rest_s),
        )


@dataclass(frozen=True)
class Handling:
    """What a sum costs the rank itself, network apart: in its own time, and until the other ranks have answered.

    Attributes
    ----------
    launch_s : to begin one
    s_per_byte : to copy and add
    latency_s : until others' parts are there, though no network is in between
    """

    launch_s: float = 0.0
    s_per_byte: float = 0.0
    latency_s: float = 0.0


@dataclass(frozen=True)
class World:
    """Where the step is to run.

    Attributes
    ----------
    handling, messages : of a bucket's sum, and of collectives of a few bytes
    shared : ranks that keep parameters once, and each update a share of them
    """

    ranks: int
    network: Network
    handling: Handling = Handling()
    messages: Handling = Handling()
    shared: int = 1


class Step(NamedTuple):
    """Seconds of a simulated step, and of its parts."""

    step_s: float
    compute_s: float
    handling_s: float
    in_trace_s: float
    exposed_s: float
    agreed_s: float
    link_s: float

    @property
    def communication_s(self) -> float:
        """What communication would take with nothing to hide it."""
        return self.link_s + self.handling_s + self.in_trace_s + self.agreed_s


def simulate(profile: Profile, world: World, bucket_bytes: int) -> Step:
    """A step of one of ``world.ranks`` ranks (Note [Simulation]).

    A gradient of 8 bytes, ready after one second of two, over a link of 4 bytes a second: one of its two seconds shows.
    The decision's 64 bytes take 16.

    >>> profile = Profile(1, [Moment(1.0)], 2.0, 0.0, 0.0, [(0, 2)])
    >>> simulate(profile, World(2, Network(0.0, 4.0)), bucket_bytes=8)[:5]
    (19.0, 2.0, 0.0, 0.0, 1.0)
    """
    ranks, network, own = world.ranks, world.network, world.handling if world.ranks > 1 else Handling()
    now = 0.0
    link = Link(network, clock=lambda: now)
    buckets = make_buckets([slice(*span) for span in profile.spans], profile.itemsize, bucket_bytes)
    bucket_of = {i: bucket.index for bucket in buckets for i in bucket.members}
    missing = [len(bucket.members) for bucket in buckets]
    sizes = [(bucket.span.stop - bucket.span.start) * profile.itemsize for bucket in buckets]
    handling_s = in_trace_s = over = link_s = 0.0
    started = 0
    for moment in profile.moments:
        now = moment.at_s + handling_s + in_trace_s
        if moment.operation:
            small = world.messages if ranks > 1 else Handling()
            own_s = small.launch_s + small.latency_s + small.s_per_byte * moment.nbytes
            due = link.send(moment.operation, moment.nbytes, ranks)
            if moment.hidden:
                handling_s += small.launch_s
                over = max(over, due, now + own_s)
            else:
                in_trace_s += max(due - now, own_s)
            continue
        missing[bucket_of[moment.parameter]] -= 1
        while started < len(missing) and missing[started] == 0:
            taken_s = own.launch_s + own.s_per_byte * sizes[started]
            handling_s += taken_s
            over = max(over, link.send("sum", sizes[started], ranks), now + taken_s + own.latency_s)
            link_s += network.occupied(network.traffic("sum", sizes[started], ranks))
            now += taken_s
            started += 1
    now = profile.backward_s + handling_s + in_trace_s
    exposed_s = max(over - now, 0.0)
    agreed_s = 0.0
    if ranks > 1:
        small = world.messages
        agreed_s = max(small.launch_s + small.latency_s, network.seconds("broadcast", CONTROL_BYTES, ranks))
    if world.shared > 1:
        agreed_s += _MEETINGS * own.latency_s
    compute_s = profile.backward_s + profile.rest_s + profile.update_s / world.shared
    link_s += network.traffic("sum", sizes[-1], ranks).rounds * network.latency_s if sizes else 0.0
    step_s = compute_s + handling_s + in_trace_s + exposed_s + agreed_s
    return Step(step_s, compute_s, handling_s, in_trace_s, exposed_s, agreed_s, link_s)


def best_bucket(profile: Profile, world: World, candidates: Sequence[int]) -> int:
    """The size of bucket with the shortest step; the largest of those within a thousandth of it."""
    steps = {size: simulate(profile, world, size).step_s for size in candidates}
    return max(size for size, step_s in steps.items() if step_s <= 1.001 * min(steps.values()))


def fit_line(nbytes: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """Latency and seconds a byte of the line closest to some times, relative to each; neither below zero.

    >>> latency_s, s_per_byte = fit_line([0, 100, 10_000], [1.0, 3.0, 201.0])
    >>> round(latency_s, 9), round(s_per_byte, 9)
    (1.0, 0.02)
    """
    x, y = np.asarray(nbytes, float), np.asarray(seconds, float)
    (latency_s, s_per_byte), *_ = np.linalg.lstsq(np.stack([1 / y, x / y], axis=1), np.ones_like(y), rcond=None)
    if latency_s < 0:
        return 0.0, float(np.sum(x / y) / np.sum((x / y) ** 2))
    if s_per_byte < 0:
        return float(np.sum(1 / y) / np.sum(1 / y**2)), 0.0
    return float(latency_s), float(s_per_byte)
