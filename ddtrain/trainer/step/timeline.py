"""What one rank did and when, for the steps that ``--debug.trace`` names: three lists of moments, nothing else.

The step, the loop and the reducer hold a ``Timeline`` only while it records, and otherwise None: that check is the
only cost for a run that is not traced. Making one file of all ranks' lists is
:mod:`ddtrain.trainer.records.perfetto_trace`'s business.
"""

from __future__ import annotations

import platform
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain.comm.clock_offsets import compare_clocks
from ddtrain.comm.protocol import Array, Communicator
from ddtrain.ops.collectives import Collectives


class Timeline:
    """One rank's recorder. All moments are ``perf_counter()`` seconds. Making one is collective, and so is the end.

    Parameters
    ----------
    comm : no other collective may be under way on it

    Attributes
    ----------
    step : number of the step under way, counted from 1; what is recorded belongs to it

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> timeline = Timeline(LocalCommunicator())
    >>> timeline.step = 10
    >>> timeline.span("forward", perf_counter())
    >>> [span[:2] for span in timeline.recording()["spans"]]
    [['forward', 10]]
    """

    def __init__(self, comm: Communicator) -> None:
        self.comm, self.step = comm, 0
        self._spans: list[tuple[str, int, float, float]] = []
        self._calls: list[tuple[str, int, int, float, float]] = []
        self._buckets: list[tuple[int, int, int, float, float]] = []
        self._launched: dict[int, tuple[int, float]] = {}
        self._clocks = [self._compare()]

    # -- what the step, the loop and the reducer tell -------------------------------------------------------------

    def span(self, name: str, began: float, ended: float | None = None) -> None:
        """Record a piece of this rank's work, which by default ends now. Pieces nest, or do not overlap."""
        self._spans.append((name, self.step, began, perf_counter() if ended is None else ended))

    def launched(self, bucket: int, nbytes: int) -> None:
        """Record that the exchange of a bucket, given by its index, begins."""
        self._launched[bucket] = nbytes, perf_counter()

    def done(self, bucket: int) -> None:
        """Record that the exchange of a bucket is over."""
        nbytes, began = self._launched.pop(bucket)
        self._buckets.append((bucket, nbytes, self.step, began, perf_counter()))

    def watch(self, comm: Collectives) -> _Watched:
        """``comm``, wrapped so that each collective inside the model is recorded."""
        return _Watched(comm, self)

    def call(self, name: str, nbytes: int, began: float) -> None:
        """Record that a collective inside the model is over."""
        self._calls.append((name, nbytes, self.step, began, perf_counter()))

    # -- the end --------------------------------------------------------------------------------------------------

    def recording(self) -> dict[str, Any]:
        """The recording, with all times in nanoseconds of rank 0's clock. JSON-able. Collective.

        A clock that runs at another speed than rank 0's is corrected in proportion, between the comparisons at the
        beginning and now.
        """
        clocks = [*self._clocks, self._compare()]
        moments, offsets = [moment for moment, _, _ in clocks], [offset for _, offset, _ in clocks]

        def aligned(row: tuple[Any, ...]) -> list[Any]:
            *facts, began, ended = row
            return [*facts, *(round((t - float(np.interp(t, moments, offsets))) * 1e9) for t in (began, ended))]

        return {
            "host": platform.node(),
            "clock_error_us": round(max(error for _, _, error in clocks) * 1e6, 3),
            "clock_drift_us": round((offsets[-1] - offsets[0]) * 1e6, 3),
            "spans": [aligned(row) for row in self._spans],
            "calls": [aligned(row) for row in self._calls],
            "buckets": [aligned(row) for row in self._buckets],
        }

    def gather(self) -> list[dict[str, Any]]:
        """Every rank's :meth:`recording`, in rank order. Collective."""
        gathered: list[dict[str, Any]] = self.comm.exchange_objects(self.recording())
        return gathered

    def _compare(self) -> tuple[float, float, float]:
        """The present time, this rank's clock minus rank 0's, and the error of that. Collective."""
        offset_s, error_s = compare_clocks(self.comm)[self.comm.rank]
        return perf_counter(), offset_s, error_s


class _Watched:
    """A wrapper of collectives that reports each to a timeline."""

    def __init__(self, comm: Collectives, timeline: Timeline) -> None:
        self.comm, self.timeline = comm, timeline
        self.rank, self.size = comm.rank, comm.size

    def allreduce(self, buf: Array) -> None:
        began = perf_counter()
        self.comm.allreduce(buf)
        self.timeline.call("allreduce", buf.nbytes, began)

    def allgather(self, send: Array, out: Array, *said: Any) -> None:
        began = perf_counter()
        self.comm.allgather(send, out, *said)
        self.timeline.call("allgather", send.nbytes, began)
