"""Where a run's vectors lie: once a node, or once a rank where memory is not shared; and that ranks agree about it."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.param_store import ParamStore
from ddtrain.runs.fitting import fit
from ddtrain.trainer.config.config import Comm, Optim, Run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.records import run_records
from ddtrain.trainer.step import setup
from ddtrain.trainer.step.setup import _VECTORS, build_step, memory_use
from helpers import SAMPLES, Plain, make_task, sgd_config, train
from worlds import World


def no_room(path: Path) -> Any:
    return SimpleNamespace(f_bavail=3, f_frsize=1 << 20)


@pytest.mark.mpi(min_size=2)
def test_ranks_of_a_machine_share_parameters_and_state(comm: Any) -> None:
    train_step = build_step(comm, make_task(), sgd_config())
    assert memory_use(train_step).sharers == comm.size
    if comm.rank == comm.size - 1:
        train_step.store.values[0] = 7.0
        train_step.optimizer.state["velocity"][1] = 8.0
    comm.barrier()
    assert train_step.store.values[0] == 7.0
    assert train_step.optimizer.state["velocity"][1] == 8.0
    train_step.store.grads[...] = comm.rank  # but not gradients
    comm.barrier()
    assert set(train_step.store.grads) == {float(comm.rank)}


def test_vectors_of_a_method_of_the_whole_batch_are_each_ranks_own() -> None:
    lbfgs = sgd_config(batch_size=SAMPLES, optim=Optim(name="lbfgs"))
    one, two = (
        World(spec).run(lambda comm: memory_use(build_step(comm, make_task(Plain()), lbfgs)))[0]
        for spec in ("local", "nodes:00")
    )
    assert (one.private, one.optimizer) == (two.private, two.optimizer) == (True, 22 * 114 * 8)
    assert str(two) == (
        "memory: parameters 0.0 MB, shared by the 2 ranks of a machine, optimizer state 0.0 MB a rank, gradients "
        "0.0 MB a rank"
    )
    assert not memory_use(build_step(LocalCommunicator(), make_task(), sgd_config())).private


@pytest.mark.parametrize("much", [False, True])
def test_one_rank_speaks_of_its_memory_where_it_is_much(
    much: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, config = make_task(Plain()), sgd_config(optim=Optim(name="sgd"))
    used = memory_use(build_step(LocalCommunicator(), task, config))
    monkeypatch.setattr(run_records, "_MUCH", used.parameters + used.optimizer + used.gradients + (0 if much else 1))
    fit(task, config=config, dir=str(tmp_path), steps=1, epochs=1)
    assert ("memory: parameters and optimizer state 0.0 MB a rank" in capsys.readouterr().out) == much


@pytest.mark.mpi(min_size=2)
def test_without_room_every_rank_keeps_its_own_and_says_so(comm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/shm").is_dir():
        pytest.skip("no /dev/shm here, where a window could fail to fit")
    shared = train(comm)
    monkeypatch.setattr("ddtrain.comm.backends.mpi.windows.os.statvfs", no_room)
    train_step = build_step(comm, make_task(), sgd_config())
    assert "/dev/shm has 3 MiB free, and" in train_step.node.why_not_shared
    assert memory_use(train_step).sharers == 1
    alone = train(comm)
    assert alone["means"] == shared["means"], "the same sums in the same order"
    for name, tensor in alone["tensors"].items():
        assert tensor.tobytes() == shared["tensors"][name].tobytes()


@pytest.mark.mpi(min_size=2)
def test_a_window_that_was_asked_for_and_cannot_be_had_is_an_error_on_all_ranks(
    comm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if comm.rank == 1:  # one rank alone meets it
        monkeypatch.setattr("ddtrain.comm.backends.mpi.windows.os.statvfs", no_room)
    with pytest.raises(UsageError, match=r"--comm\.node-memory on: /dev/shm has 3 MiB free, and \d ranks need"):
        build_step(comm, make_task(), sgd_config(comm=Comm(node_memory="on")))


@pytest.mark.mpi(min_size=2)
def test_what_exists_once_a_node_needs_its_room_once(comm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/shm").is_dir():
        pytest.skip("no /dev/shm here, where a window could fail to fit")
    from ddtrain.comm.backends.mpi.windows import _SPARE_BYTES

    task = make_task()
    nbytes = 8 * sum(np.size(value) for value in task.model.init(0, "float64").values())
    enough = (comm.size + _VECTORS) * nbytes + _SPARE_BYTES  # a gradient a rank
    for free, sharers in ((enough, comm.size), (enough - 1, 1)):
        facts = SimpleNamespace(f_bavail=free, f_frsize=1)
        monkeypatch.setattr("ddtrain.comm.backends.mpi.windows.os.statvfs", lambda path, facts=facts: facts)
        assert memory_use(build_step(comm, task, sgd_config())).sharers == sharers


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


@pytest.mark.parametrize("odd", [0, 2])
def test_ranks_with_another_model_are_told_on_all_ranks(odd: int) -> None:
    """Also where it differs in one value alone, as of a rank that draws its own."""

    class Drawn(nn.Module):
        def __init__(self, value: float) -> None:
            self.gain = nn.param((2,), lambda shape, rng: np.array([1.0, value]))

    def body(comm: Any) -> str:
        task = make_task(Drawn(1.0 + (comm.rank == odd) * 2.0**-52))
        with pytest.raises(UsageError, match=rf"tensor gain is \(2,\) float64 .* on rank {odd} but gain is") as caught:
            build_step(comm, task, sgd_config())
        return caught.value.remedy

    assert set(World("threads:3").run(body)) == {"Build the same model from one seed on every rank."}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"comm": Comm(mode="stale")},
        {"comm": Comm(mode="diloco")},
        {"comm": Comm(sharded_optimizer=True)},
        {"run": Run(dtype="float64", shards=7)},
        {"run": Run(dtype="float32", accumulate=3)},
        {"optim": Optim(name="adamw")},
    ],
    ids=str,
)
def test_as_much_shared_memory_is_asked_for_as_is_used(options: Any) -> None:
    """A window that was not asked for in full kills the process at the first touch beyond what the machine has."""

    def body(comm: Any) -> None:
        config = sgd_config(**options)
        train_step = build_step(comm, make_task(), config)
        buffers, node = make_mode(train_step, config.comm).gradient_buffers, train_step.node
        train_step.gradients(0, np.arange(7))
        n, (asked,) = train_step.store.values.nbytes, comm.asked
        rows = [vector for vector in node.allocated if vector.nbytes and vector.nbytes % n == 0]
        mine = [vector for vector in rows if any(np.shares_memory(vector, buffer.grads) for buffer in buffers)]
        once = sum(vector.nbytes for vector in rows) - sum(vector.nbytes for vector in mine)
        assert len(mine) == len(buffers)
        assert sum(vector.nbytes for vector in mine) <= asked[0]
        assert once <= asked[1]

    World("nodes:0011").run(body)


def test_no_rank_begins_before_the_values_of_its_node_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(ParamStore):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            time.sleep(0.05 * kwargs["fill"])  # the others come as far as they can
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(setup, "ParamStore", Late)
    task = make_task()
    initial = task.model.init(0, "float64")

    def body(comm: Any) -> None:
        store = build_step(comm, task, sgd_config()).store
        for name, seen in {name: x.copy() for name, x in store.tensors.items()}.items():
            np.testing.assert_array_equal(seen, initial[name])

    World("nodes:0011").run(body)


def test_what_one_rank_of_a_node_writes_is_there_when_the_call_returns() -> None:
    def body(comm: Any) -> list[float]:
        node = comm.split_nodes()
        (shared, *_) = node.alloc(3 if node.rank == 0 else 0, np.float64)

        def write() -> None:
            time.sleep(0.05)
            shared[...] = comm.rank + 1.0

        setup.write_once_per_node(comm, node, write)
        return shared.tolist()

    assert World("nodes:0101").run(body) == [[1.0] * 3, [2.0] * 3] * 2


def test_memory_counts_both_rows_of_gradients_that_are_late() -> None:
    told = sgd_config(comm=Comm(mode="stale"))
    train_step = build_step(LocalCommunicator(), make_task(), told)
    assert (
        memory_use(train_step, make_mode(train_step, told.comm).gradient_buffers).gradients
        == 2 * train_step.store.grads.nbytes
    )


@pytest.mark.mpi(min_size=2)
def test_memory_of_a_divided_optimizer_is_that_of_the_whole_node(comm: Any) -> None:
    told = [sgd_config(comm=Comm(sharded_optimizer=divided)) for divided in (False, True)]
    shared, divided = (memory_use(build_step(comm, make_task(), config)) for config in told)
    assert shared.sharers == comm.size
    assert divided == shared


def test_memory_counts_what_shards_are_added_up_in() -> None:
    n = build_step(LocalCommunicator(), make_task(), sgd_config()).store.values.nbytes
    seven = memory_use(build_step(LocalCommunicator(), make_task(), sgd_config(run=Run(dtype="float64", shards=7))))
    assert (seven.parameters, seven.optimizer, seven.gradients) == (n, n, 2 * n)  # a row and a level
