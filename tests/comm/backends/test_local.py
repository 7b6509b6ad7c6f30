"""One rank: every collective leaves what a sum over one is and checks its buffers as others do."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.reduction_tree import ReductionTree
from ddtrain.errors import ShapeError

comm = LocalCommunicator()
TREE = ReductionTree.of_ranks(1)


def test_a_sum_over_one_rank_is_what_it_has() -> None:
    buf, out = np.arange(4.0), np.full(4, -7.0)
    comm.allreduce(buf)
    assert comm.iallreduce(buf).test()
    comm.isum([buf], TREE, out).wait()
    np.testing.assert_array_equal(buf, np.arange(4.0))
    np.testing.assert_array_equal(out, buf)


def test_a_row_may_be_what_the_sum_is_written_to() -> None:
    row = np.arange(3.0)
    comm.isum([row], TREE, row).wait()
    np.testing.assert_array_equal(row, np.arange(3.0))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_what_is_gathered_and_passed_on_is_its_own(shape: tuple[int, ...]) -> None:
    send = np.arange(float(np.prod(shape))).reshape(shape)
    gathered, received, shifted = (np.full((1, *shape), -7.0) for _ in range(3))
    comm.iallgather(send, gathered).wait()
    comm.ialltoall(send[None], received).wait()
    comm.ishift(send[None], shifted).wait()
    for out in (gathered, received, shifted):
        np.testing.assert_array_equal(out, send[None])


def test_its_slice_of_a_sum_is_all_of_it() -> None:
    out = np.full(5, -7.0)
    comm.reduce_scatter(np.arange(5.0), out)
    np.testing.assert_array_equal(out, np.arange(5.0))


@pytest.mark.parametrize(
    "call",
    [
        lambda gaps: comm.allreduce(gaps),
        lambda gaps: comm.iallreduce(gaps),
        lambda gaps: comm.broadcast(gaps),
        lambda gaps: comm.broadcast(np.zeros(3), root=1),
        lambda gaps: comm.isum([gaps], TREE, np.zeros(3)),
        lambda gaps: comm.isum([], TREE, np.zeros(3)),
        lambda gaps: comm.allgather(np.zeros(3), np.zeros(3)),
        lambda gaps: comm.allgather(gaps, np.zeros((1, 3))),
        lambda gaps: comm.reduce_scatter(np.zeros(4), np.zeros(3)),
        lambda gaps: comm.ialltoall(np.zeros(3), np.zeros(3)),
        lambda gaps: comm.ishift(np.zeros(3), np.zeros(3, np.float32)),
    ],
)
def test_what_would_fail_on_more_ranks_fails_on_one(call: Any) -> None:
    with pytest.raises(ShapeError):
        call(np.zeros(6)[::2])


def test_its_node_is_itself() -> None:
    node = comm.split_nodes(1 << 20)
    assert (node.rank, node.size, node.sizes, node.index, node.spec) == (0, 1, (1,), 0, "private")
    (part,) = node.alloc(3, np.float32)
    assert (part.tolist(), part.dtype) == ([0.0] * 3, np.float32)


def test_an_abort_ends_the_process_with_its_code_and_what_was_printed() -> None:
    program = (
        "import sys, threading\n"
        "from ddtrain.comm.backends.local import LocalCommunicator\n"
        "print('printed', end='')\n"
        "threading.Thread(target=lambda: LocalCommunicator().abort(73)).start()\n"
        "threading.Event().wait(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], env=dict(os.environ), capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (73, b"printed", b"")
