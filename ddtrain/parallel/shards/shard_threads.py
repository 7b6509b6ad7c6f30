"""Threads for shards that are computed by turns (Note [Turns] in ``parallel/shards/shard_round.py``)."""

from __future__ import annotations

import threading
from collections.abc import Callable


class ShardThreads:
    """Threads by shard, made when first needed; each keeps its scratch memory from one round to the next."""

    def __init__(self) -> None:
        self._threads: dict[int, _ShardThread] = {}

    def start(self, shard: int, job: Callable[[], None]) -> None:
        """Begin a job in the shard's thread, which must be idle."""
        if shard not in self._threads:
            self._threads[shard] = _ShardThread(f"shard {shard}")
        self._threads[shard].start(job)


class _ShardThread:
    """A thread that computes one shard of every round."""

    def __init__(self, name: str) -> None:
        self._job: Callable[[], None] = lambda: None
        self._go = threading.Semaphore(0)
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def start(self, job: Callable[[], None]) -> None:
        """Begin a job."""
        self._job = job
        self._go.release()

    def _serve(self) -> None:
        while True:
            self._go.acquire()
            self._job()
            self._job = lambda: None
