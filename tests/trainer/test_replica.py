"""Where a run's vectors lie: once a node, or once a rank where memory is not shared; and that ranks agree about it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ddtrain.comm.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.trainer.config import Comm, Run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.replica import _VECTORS, build_step, memory_of
from helpers import make_task, sgd_config, train
from worlds import World


def no_room(path: Path) -> Any:
    return SimpleNamespace(f_bavail=3, f_frsize=1 << 20)


@pytest.mark.mpi(sizes=(2, 3))
def test_ranks_of_a_machine_share_parameters_and_state(comm: Any) -> None:
    step_of = build_step(comm, make_task(), sgd_config())
    assert memory_of(step_of).sharers == comm.size
    if comm.rank == comm.size - 1:
        step_of.store.values[0] = 7.0
        step_of.optimizer.state["velocity"][1] = 8.0
    comm.barrier()
    assert step_of.store.values[0] == 7.0
    assert step_of.optimizer.state["velocity"][1] == 8.0
    step_of.store.grads[...] = comm.rank  # but not gradients
    comm.barrier()
    assert set(step_of.store.grads) == {float(comm.rank)}


@pytest.mark.mpi(sizes=(2, 3))
def test_without_room_every_rank_keeps_its_own_and_says_so(comm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/shm").is_dir():
        pytest.skip("no /dev/shm here, where a window could fail to fit")
    shared = train(comm)
    monkeypatch.setattr("ddtrain.comm.mpi_node.os.statvfs", no_room)
    step_of = build_step(comm, make_task(), sgd_config())
    assert "/dev/shm has 3 MiB free, and" in step_of.node.why
    assert memory_of(step_of).sharers == 1
    alone = train(comm)
    assert alone["means"] == shared["means"], "the same sums in the same order"
    for name, tensor in alone["tensors"].items():
        assert tensor.tobytes() == shared["tensors"][name].tobytes()


@pytest.mark.mpi(sizes=(2,))
def test_a_window_that_was_asked_for_and_cannot_be_had_is_an_error_on_all_ranks(
    comm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if comm.rank == 1:  # one rank alone meets it
        monkeypatch.setattr("ddtrain.comm.mpi_node.os.statvfs", no_room)
    with pytest.raises(UsageError, match=r"--comm\.node-memory on: /dev/shm has 3 MiB free, and 2 ranks need"):
        build_step(comm, make_task(), sgd_config(comm=Comm(node_memory="on")))


@pytest.mark.mpi(sizes=(2, 3))
def test_what_exists_once_a_node_needs_its_room_once(comm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/shm").is_dir():
        pytest.skip("no /dev/shm here, where a window could fail to fit")
    from ddtrain.comm.mpi_node import _SPARE_BYTES

    task = make_task()
    nbytes = 8 * sum(np.size(value) for value in task.model.init(0, "float64").values())
    enough = (comm.size + _VECTORS) * nbytes + _SPARE_BYTES  # a gradient a rank
    for free, sharers in ((enough, comm.size), (enough - 1, 1)):
        facts = SimpleNamespace(f_bavail=free, f_frsize=1)
        monkeypatch.setattr("ddtrain.comm.mpi_node.os.statvfs", lambda path, facts=facts: facts)
        assert memory_of(build_step(comm, task, sgd_config())).sharers == sharers


def test_threads_share_nothing_and_say_so_when_asked() -> None:
    with pytest.raises(UsageError, match=r"node-memory on: the ranks of threads:2 share no memory"):
        World("threads:2").run(lambda comm: build_step(comm, make_task(), sgd_config(comm=Comm(node_memory="on"))))


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        ({"comm": Comm(bucket_bytes=64)}, {}, "option --comm.bucket-bytes is 64 on rank 1 but"),
        ({"run": Run(dtype="float64", shards=3)}, {"run": Run(dtype="float64", shards=4)}, "option --run.shards is 3"),
        ({"run": Run(dtype="float32")}, {"run": Run(dtype="float64")}, "float32"),
        ({"comm": Comm(node_memory="off")}, {}, "option --comm.node-memory is 'off' on rank 1"),
    ],
    ids=["bucket layout", "shards", "dtype", "node memory"],
)
def test_ranks_that_disagree_are_told_on_all_ranks(here: Any, there: Any, said: str) -> None:
    def body(comm: Any) -> str:
        try:
            build_step(comm, make_task(), sgd_config(**(here if comm.rank == 1 else there)))
        except UsageError as error:
            return error.message
        return ""

    for message in World("threads:3").run(body):
        assert said in message


def test_memory_counts_both_rows_of_gradients_that_are_late() -> None:
    told = sgd_config(comm=Comm(mode="stale"))
    step_of = build_step(LocalCommunicator(), make_task(), told)
    assert memory_of(step_of, make_mode(step_of, told.comm).lanes).gradients == 2 * step_of.store.grads.nbytes


@pytest.mark.mpi(sizes=(2, 3))
def test_memory_of_a_divided_optimizer_is_that_of_the_whole_node(comm: Any) -> None:
    told = [sgd_config(comm=Comm(sharded_optimizer=divided)) for divided in (False, True)]
    shared, divided = (memory_of(build_step(comm, make_task(), config)) for config in told)
    assert shared.sharers == comm.size
    assert divided == shared


def test_memory_counts_what_shards_are_added_up_in() -> None:
    n = build_step(LocalCommunicator(), make_task(), sgd_config()).store.values.nbytes
    seven = memory_of(build_step(LocalCommunicator(), make_task(), sgd_config(run=Run(dtype="float64", shards=7))))
    assert (seven.parameters, seven.optimizer, seven.gradients) == (n, n, 2 * n)  # a row and a level
