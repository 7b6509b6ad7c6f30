"""What every hook promises, over all members of the table: equal bits everywhere, nothing lost, memory that resumes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ddtrain.comm import Communicator
from ddtrain.comm.backends.threads import make_threads
from ddtrain.errors import UsageError
from ddtrain.parallel import HOOKS, make_buckets, make_hook
from ddtrain.parallel.hooks import Hook, make_grad_bucket
from worlds import World

SHAPES = [(12, 7), (7,), (3, 3, 5, 6), (6,), (30, 20), (1,), (0, 4)]
SIZES = [int(np.prod(shape)) for shape in SHAPES]
COUNT = sum(SIZES)
SPANS = [slice(sum(SIZES[:i]), sum(SIZES[: i + 1])) for i in range(len(SIZES))]
INEXACT = [name for name in HOOKS if name != "exact"]


@dataclass
class Options:
    hook: str = "exact"
    topk_fraction: float = 0.1
    powersgd_rank: int = 2


@pytest.fixture(params=["local", "threads:2", "threads:3", "threads:5"])
def ranks(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def hook_of(name: str, dtype: Any = np.float64) -> Hook:
    return make_hook(Options(name), COUNT, dtype)


def reduce(hook: Hook, comm: Communicator, grads: Any, bucket_bytes: int = 2000, poll: bool = False) -> Any:
    """One step: all buckets under way before the first is awaited, by every other rank from the last on."""
    buckets = [
        make_grad_bucket(grads, b.span, SPANS, SHAPES) for b in make_buckets(SPANS, grads.itemsize, bucket_bytes)
    ]
    hook.connect(comm)
    works = []
    for bucket in buckets:
        works.append(hook(bucket, comm))
        if poll:
            hook.progress()
    for work in works[::-1] if (comm.rank + poll) % 2 else works:
        while poll and not work.test():
            comm.progress()
        work.wait()
        assert work.test()
    return grads


def draws(comm: Communicator, dtype: Any = np.float64) -> Iterator[Any]:
    """This rank's gradients, of magnitudes from 1e-3 to 10."""
    draw = np.random.default_rng([comm.size, comm.rank])
    size = 10.0 ** np.random.default_rng(0).uniform(-3, 1, COUNT)
    while True:
        yield (draw.standard_normal(COUNT) * size).astype(dtype)


def total(comm: Communicator, x: Any) -> Any:
    rows = np.empty((comm.size, *x.shape), x.dtype)
    comm.allgather(x, rows)
    return rows.sum(axis=0)


def unsent(hook: Hook) -> Any:
    """What this rank has not sent yet."""
    state = hook.state_dict()
    return sum((state[name] for name in ("residual", "served") if name in state), np.zeros(COUNT))


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_ranks_hold_the_same_bits_in_whatever_order_works_are_awaited(ranks: World, name: str, dtype: Any) -> None:
    def body(comm: Communicator) -> list[bytes]:
        hooks, gradients = [hook_of(name, dtype), hook_of(name, dtype)], draws(comm, dtype)
        seen = []
        for _ in range(3):
            grads = next(gradients)
            sums = [reduce(hook, comm, grads.copy(), poll=hook is hooks[1]) for hook in hooks]
            assert sums[0].tobytes() == sums[1].tobytes()
            assert np.isfinite(sums[0]).all()
            seen.append(sums[0].tobytes())
        return seen

    first, *others = ranks.run(body)
    assert all(other == first for other in others)


@pytest.mark.parametrize("name", HOOKS)
def test_what_was_applied_and_what_is_owed_is_the_sum_of_all_gradients(ranks: World, name: str) -> None:
    def body(comm: Communicator) -> None:
        hook, gradients = hook_of(name), draws(comm)
        applied, given = np.zeros(COUNT), np.zeros(COUNT)
        for _ in range(20):
            grads = next(gradients)
            given += grads
            applied += reduce(hook, comm, grads)
        # 20 steps of at most 5 ranks, each a few roundings of numbers below 1e3: far below 1e-10
        np.testing.assert_allclose(applied + total(comm, unsent(hook)), total(comm, given), rtol=0, atol=1e-10)

    ranks.run(body)


@pytest.mark.parametrize("name", HOOKS)
def test_the_mean_of_what_is_applied_converges_to_the_mean_of_the_gradients(name: str) -> None:
    def body(comm: Communicator) -> list[float]:
        hook, grads = hook_of(name), next(draws(comm))
        exact, applied, errors = total(comm, grads), np.zeros(COUNT), list[float]()
        for step in range(1, 201):
            applied += reduce(hook, comm, grads.copy())
            if step in (20, 200):
                errors.append(float(np.linalg.norm(applied / step - exact) / np.linalg.norm(exact)))
        return errors

    for early, late in World("threads:3").run(body):
        assert late < (0.2 if name == "sign" else 0.02)  # one scale for magnitudes from 1e-3 to 10 is not much
        assert late < early / 2.5 or late < 1e-6  # towards 1 / steps: the memory does not grow


@pytest.mark.parametrize("name", HOOKS)
def test_ranks_with_empty_shards_take_part(ranks: World, name: str) -> None:
    def body(comm: Communicator) -> None:
        hook, gradients = hook_of(name), draws(comm)
        applied, given = np.zeros(COUNT), np.zeros(COUNT)
        for step in range(10):
            grads = next(gradients) * (comm.rank == 0 and step > 1)  # nobody has any in the first two steps
            given += grads
            applied += reduce(hook, comm, grads)
        np.testing.assert_allclose(applied + total(comm, unsent(hook)), total(comm, given), rtol=0, atol=1e-10)
        assert applied.any()

    ranks.run(body)


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("places", [[0, COUNT - 2], slice(None)], ids=["few", "all"])  # few: in a matrix, and elsewhere
def test_what_is_not_finite_is_seen_by_all_and_not_remembered(ranks: World, name: str, bad: float, places: Any) -> None:
    def body(comm: Communicator) -> None:
        hook, gradients = hook_of(name), draws(comm)
        reduce(hook, comm, next(gradients))
        grads = next(gradients)
        if comm.rank == comm.size - 1:
            grads[places] = bad
        reduce(hook, comm, grads)
        assert not np.isfinite(grads).all()
        assert all(np.isfinite(value).all() for value in hook.state_dict().values())
        assert np.isfinite(reduce(hook, comm, next(gradients))).all()

    ranks.run(body)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_that_is_saved_and_restored_goes_on_as_if_never_stopped(ranks: World, name: str) -> None:
    def body(comm: Communicator) -> None:
        hook, gradients = hook_of(name), draws(comm)
        for _ in range(3):
            reduce(hook, comm, next(gradients))
        saved, restored = hook.state_dict(), hook_of(name)
        restored.load_state_dict(saved)
        for _ in range(3):
            grads = next(gradients)
            assert reduce(hook, comm, grads.copy()).tobytes() == reduce(restored, comm, grads.copy()).tobytes()
        after = restored.state_dict()
        assert all(value.tobytes() == after[key].tobytes() for key, value in hook.state_dict().items())
        assert comm.size == 1 or name == "exact" or any(saved[key].tobytes() != after[key].tobytes() for key in saved)

    ranks.run(body)


def least_squares(name: str, steps: int) -> Callable[[Communicator], float]:
    """Distance from the optimum, relative to that of the start, after gradient descent on everybody's rows."""

    def body(comm: Communicator) -> float:
        draw = np.random.default_rng(comm.rank)
        rows = 4 * COUNT // comm.size
        a, b = draw.standard_normal((rows, COUNT)) / rows**0.5, draw.standard_normal(rows)
        optimum = np.linalg.solve(total(comm, a.T @ a), total(comm, a.T @ b))
        x, hook = np.zeros(COUNT), hook_of(name)
        for step in range(steps):
            lr = 0.05 * (1 + np.cos(np.pi * step / steps))  # eigenvalues of the sum: from 0.25 to 2.25 times the ranks
            x -= lr * reduce(hook, comm, a.T @ (a @ x - b))
        return float(np.linalg.norm(x - optimum) / np.linalg.norm(optimum))

    return body


@pytest.mark.parametrize("name", HOOKS)
def test_gradient_descent_converges_to_the_optimum(name: str) -> None:
    """Far ranks, that disagree about the optimum: the rates shrink, and with them what is late."""
    (far, *_), (near, *others) = (World("threads:3").run(least_squares(name, steps)) for steps in (50, 200))
    assert near < 0.05
    assert near < far / 2
    assert set(others) == {near}


class Counted:
    """Counts the bytes that one rank hands to another, as the collectives send them at least."""

    def __init__(self, inner: Any, seen: list[int]) -> None:
        self._inner, self.seen = inner, seen
        self.rank, self.size = inner.rank, inner.size

    def iallreduce(self, buf: Any) -> Any:
        self.seen.append(2 * buf.nbytes * (self.size - 1) // self.size)
        return self._inner.iallreduce(buf)

    def iallgather(self, send: Any, out: Any) -> Any:
        self.seen.append(send.nbytes * (self.size - 1))
        return self._inner.iallgather(send, out)

    def ialltoall(self, send: Any, out: Any) -> Any:
        self.seen.append(sum(row.nbytes for rank, row in enumerate(send) if rank != self.rank))
        return self._inner.ialltoall(send, out)

    def duplicate(self) -> Counted:
        return Counted(self._inner.duplicate(), self.seen)


@pytest.mark.parametrize("name", HOOKS)
def test_the_bytes_that_a_hook_reports_are_those_on_the_wire(ranks: World, name: str) -> None:
    def body(comm: Communicator) -> None:
        hook, seen = hook_of(name), list[int]()
        counted: Any = Counted(comm, seen)
        for _ in range(2):
            reduce(hook, counted, next(draws(comm)))
        assert hook.bytes_sent == sum(seen)

    ranks.run(body)


@pytest.mark.parametrize("name", INEXACT)
def test_fewer_bytes_are_sent_than_for_exact_sums(name: str) -> None:
    def body(comm: Communicator) -> tuple[int, int]:
        hook = hook_of(name, np.float32)
        reduce(hook, comm, next(draws(comm, np.float32)))
        return hook.bytes_sent, hook.bytes_exact

    for sent, exact in World("threads:2").run(body):
        assert 0 < sent < 0.6 * exact


def test_one_rank_sends_nothing_and_sums_exactly() -> None:
    def body(comm: Communicator) -> None:
        for name in HOOKS:
            hook, grads = hook_of(name), next(draws(comm))
            assert (reduce(hook, comm, grads.copy()) == grads).all()
            assert (hook.bytes_sent, hook.bytes_exact) == (0, 0)

    World("local").run(body)


def test_a_name_that_is_not_known_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"--comm.hook 'powersdg' is not known\n  Did you mean powersgd\?"):
        hook_of("powersdg")
    with pytest.raises(UsageError, match="Choose among exact, float16, bfloat16, topk, powersgd, sign"):
        hook_of("?")


@pytest.mark.mpi(min_size=2)
@pytest.mark.parametrize("name", HOOKS)
def test_processes_have_the_bits_of_threads(comm: Communicator, name: str) -> None:
    def body(comm: Communicator) -> str:
        hook, gradients, digest = hook_of(name), draws(comm), hashlib.sha256()
        for _ in range(3):
            digest.update(reduce(hook, comm, next(gradients)).tobytes())
        return digest.hexdigest()

    with ThreadPoolExecutor(comm.size) as pool:
        assert set(pool.map(body, make_threads(comm.size))) == set(comm.exchange_objects(body(comm)))
