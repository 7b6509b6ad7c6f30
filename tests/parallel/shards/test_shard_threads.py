"""Threads of shards: one each, kept from round to round, and done with a job when the next is given."""

from __future__ import annotations

import threading

from ddtrain.parallel.shards.shard_threads import ShardThreads


def test_a_shard_has_the_same_thread_in_every_round_and_no_other_shard_has_it() -> None:
    threads, seen = ShardThreads(), list[tuple[int, int, str]]()
    for _ in range(3):
        done = [threading.Event() for _ in range(2)]
        for shard in range(2):

            def job(shard: int = shard, done: list[threading.Event] = done) -> None:
                seen.append((shard, threading.get_ident(), threading.current_thread().name))
                done[shard].set()

            threads.start(shard, job)
        assert all(event.wait(30) for event in done)
    idents = {shard: {ident for s, ident, _ in seen if s == shard} for shard in range(2)}
    assert [len(of_shard) for of_shard in idents.values()] == [1, 1]
    assert idents[0].isdisjoint(idents[1])
    assert {name for shard, _, name in seen if shard == 1} == {"shard 1"}
    assert threading.get_ident() not in idents[0] | idents[1]


def test_a_thread_does_not_outlive_the_program() -> None:
    threads, found, done = ShardThreads(), list[bool](), threading.Event()
    threads.start(0, lambda: (found.append(threading.current_thread().daemon), done.set()))
    assert done.wait(30)
    assert found == [True]
