"""Planned steps have the bits of traced ones: every layer, loss and mode, on several ranks, in Python and in C."""

from __future__ import annotations

import os
import random
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diary import Diary
from equivalence import test_layers, test_losses

from ddtrain import data, nn, ops
from ddtrain.autodiff import value_of
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import DerivativeError, ReplicaError, ShapeError
from ddtrain.kernels.native import cache, compiler, prepare
from ddtrain.ops.losses import Loss
from ddtrain.trainer.config.config import Comm, Plan, Run
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.step.passes import ShardPasses, recorded_pass
from ddtrain.trainer.step.passes.shard_passes import CHANGES
from ddtrain.trainer.task import Task
from helpers import FEATURES, Plain, make_task, sgd_config
from worlds import World

STEPS = 12  # three epochs of 7, 7, 7 and 2 samples: each kind of batch is traced, recorded twice, and repeated
EAGER = {  # layers that ask for values of arrays, and what the line says of them
    "BatchNorm, cumulative": "float",
}


def run(world: Any, task: Task, plan: Plan, steps: int = STEPS, **sections: Any) -> tuple[dict[str, Any], ShardPasses]:
    """All numbers after some steps, and what made the passes."""
    settings = {"run": Run(dtype="float32", epochs=1000), **sections}
    trainer = Trainer(world, sgd_config(plan=plan, **settings), task)
    diary: Any = Diary(world, Path())
    trainer.records = diary
    norms = [trainer.take_step().grad_norm for _ in range(steps)]
    found = {name: x.copy() for name, x in trainer.store.tensors.items()}
    return {**found, "norms": np.array(norms)}, trainer.train_step.passes


def check(task: Task, **sections: Any) -> list[ShardPasses]:
    """Plans in C and in Python end with the bits of traced steps; returns what made the passes."""
    local = LocalCommunicator()
    expected, _ = run(local, task, Plan(enabled=False), **sections)
    made = []
    for backend in ("c", "python"):
        found, passes = run(local, task, Plan(backend=backend, compile_after=0, verify_steps=1), **sections)  # type: ignore[arg-type]
        assert {name for name in expected if found[name].tobytes() != expected[name].tobytes()} == set()
        made.append(passes)
    return made


@pytest.mark.parametrize("name", test_layers.LAYERS)
def test_every_layer(name: str) -> None:
    kind, make = test_layers.LAYERS[name]
    for passes in check(test_layers.task_of(kind, make())):
        assert EAGER.get(name, "none") in (passes.refused or "none")
        assert passes.refused or len(passes.programs()) == 2  # batches of 7 and of 2


@pytest.mark.parametrize("name", test_losses.LOSSES)
def test_every_loss(name: str) -> None:
    options, targets = test_losses.TARGETS[name]
    check(test_losses.task_of(Loss(name=name, **options), targets, test_losses.INPUTS.get(name, 1)))


@pytest.mark.parametrize("spec", ["threads:2", "threads:3", "nodes:001"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_ranks_and_pieces(spec: str, accumulate: int) -> None:
    """Batch-norm over the ranks, ragged and empty shards, and several shards a rank, whose turns meet in batch-norm."""
    task, sections = make_task(dtype=np.float32), {"run": Run(dtype="float32", epochs=1000, accumulate=accumulate)}
    eager, planned = (
        World(spec).run(
            lambda comm, on=on: run(comm, task, Plan(on, compile_after=0, verify_steps=int(on)), **sections)
        )
        for on in (False, True)
    )
    for (expected, _), (found, passes) in zip(eager, planned, strict=True):
        assert {name for name in expected if found[name].tobytes() != expected[name].tobytes()} == set()
        assert not passes.refused
        assert len(passes.programs()) >= 2


@pytest.mark.parametrize("mode", ["sync", "local", "diloco", "stale"])
def test_every_mode(mode: str) -> None:
    sections = {"comm": Comm(mode=mode, sync_every=3)}  # type: ignore[arg-type]
    eager, planned = (
        World("nodes:001").run(
            lambda comm, on=on: run(comm, make_task(dtype=np.float32), Plan(on, compile_after=0), **sections)
        )
        for on in (False, True)
    )
    for (expected, _), (found, _) in zip(eager, planned, strict=True):
        assert {name for name in expected if found[name].tobytes() != expected[name].tobytes()} == set()


class Asking(Plain):
    """A net that asks for something that a plan would freeze."""

    def __init__(self, asks: Any) -> None:
        super().__init__()
        self.asks = asks

    def forward(self, x: Any) -> Any:
        return super().forward(x) * self.asks(x, self)


def put(x: Any) -> Any:
    """An entry of x, through a plain array."""
    y = np.zeros(1, np.float32)
    y[0] = x[0, 0]
    return y[0]


calls = iter(range(10**6))
ASKING = {  # what a model may ask for, and what the line says of it
    "a branch": (lambda x, net: 2.0 if np.sum(x) > 0 else 1.0, "branches on the truth"),
    "a number": (lambda x, net: float(np.mean(x)), "float"),
    "a value": (lambda x, net: value_of(x)[0, 0], r"test_plans.py:\d+ takes a value out of its trace"),
    "an entry, to put it elsewhere": (lambda x, net: put(x), "setting an array element"),
    "entries by a mask": (
        lambda x, net: np.mean(x[x > 0]),
        r"test_plans.py:\d+ asks for getitem, which gives as many entries",
    ),
    "where entries are": (lambda x, net: np.mean(x[np.nonzero(x > 0)]), r"test_plans.py:\d+ asks for nonzero"),
    "the step": (lambda x, net: 1.0 + net.run.rng.step, r"test_plans.py:\d+ reads rng.step"),
    "a counter": (lambda x, net: float(next(calls)), r"model\.asks, calls has changed after a forward pass"),
    "a clock": (lambda x, net: time.perf_counter(), r"is another when it is called|has the constant .* the next time"),
    "the batch's number of rows": (lambda x, net: 1.0 / (1 + len(x)), ""),  # a part of its shape, which may be asked
}


@pytest.mark.parametrize("name", ASKING)
def test_a_model_that_asks_is_traced_and_says_so(name: str) -> None:
    asks, said = ASKING[name]
    task = make_task(Asking(asks), dtype=np.float32)
    _, passes = run(LocalCommunicator(), task, Plan(verify_steps=0))
    if said:
        assert re.search(said, passes.refused)
    else:
        assert passes.refused == ""
        check(task)


def test_a_plan_is_recorded_anew_and_notices_what_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the environment is none that is looked at before every repeat."""
    net = Asking(lambda x, net: float(os.environ["FACTOR"]))
    monkeypatch.setenv("FACTOR", "1")
    trainer = Trainer(LocalCommunicator(), sgd_config(), make_task(net, samples=7))
    trainer.records = Diary(trainer.comm, Path())  # type: ignore[assignment]
    for step in range(30):
        if step == 10:
            monkeypatch.setenv("FACTOR", "2")
        trainer.take_step()
    assert "has the constant 1.0, and 2.0 the next time" in trainer.train_step.passes.refused


class Keeping(Plain):
    """A net that keeps something from call to call, which ``factor(self)`` makes a number of."""

    def __init__(self, kept: Any, factor: Any) -> None:
        super().__init__()
        self.kept, self.factor = kept, factor

    def forward(self, x: Any) -> Any:
        return super().forward(x) * np.float32(self.factor(self))


def counted(net: Any) -> float:
    """Another factor from the ninth call on: until then all programs are alike."""
    net.kept[0] += 1
    return 2.0 if net.kept[0] > 8 else 1.0


def grown(net: Any) -> float:
    net.kept.append(1)
    return float(1 + len(net.kept) // 9)


def drawn(net: Any) -> float:
    return 1.0 if net.kept.random() < 0.9 else 0.5


def remembered(net: Any) -> float:
    """Fills a table in its first call alone."""
    return float(net.kept.setdefault("factor", 0.5))


def decayed(net: Any) -> Any:
    net.kept *= np.float32(0.9)
    return net.kept


KEEPING = {  # what is kept from call to call, what is made of it, and what the line says
    "a counter in a list": (lambda: [0], counted, r"model\.kept\[0\] was \d+ and is \d+ after a forward pass"),
    "a list that grows": (list, grown, r"model\.kept has other entries than before"),
    "an array that changes": (lambda: np.ones(4, np.float32), decayed, r"model\.kept has changed"),
    "a generator of NumPy's": (lambda: np.random.default_rng(0), drawn, r"model\.kept has changed"),
    "a generator of Python's": (lambda: random.Random(0), drawn, r"model\.kept has changed"),
    "a table that is filled once": (dict, remembered, ""),
}


@pytest.mark.parametrize("name", KEEPING)
def test_what_a_model_keeps_is_no_number_of_a_plan(name: str) -> None:
    """Two recordings of it are alike, and its plan would stand still where the model goes on."""
    make, factor, said = KEEPING[name]
    found = []
    for plan in (Plan(enabled=False), Plan(backend="python")):
        task = make_task(Keeping(make(), factor), dtype=np.float32)
        found.append(run(LocalCommunicator(), task, plan, steps=20))
    (expected, _), (mine, passes) = found
    assert {key for key in expected if mine[key].tobytes() != expected[key].tobytes()} == set()
    assert re.search(said, passes.refused) if said else passes.refused == ""
    assert said or len(passes.programs()) == 2


def in_place(model: Any, x: Any, y: Any) -> Any:
    """The batch is written to, which shows where it has another name."""
    same = x
    x += np.float32(1)
    return ops.cross_entropy(model(same), y)


def of_its_kind(model: Any, x: Any, y: Any) -> Any:
    return ops.cross_entropy(model(x), y) * (2.0 if isinstance(x, np.ndarray) else 1.0)


def swallowed(model: Any, x: Any, y: Any) -> Any:
    try:
        return ops.cross_entropy(model(x), y) * float(y[0])
    except DerivativeError:
        return ops.cross_entropy(model(x), y)


def listed(model: Any, x: Any, y: Any) -> Any:
    """A sum of Python's numbers, which leave float32 what it is, where one of arrays makes it float64."""
    return ops.cross_entropy(model(x), y) * sum(y.tolist())


@pytest.mark.parametrize("loss", [in_place, of_its_kind, swallowed, listed])
def test_a_loss_that_tells_a_traced_batch_from_a_plain_one_is_not_planned(loss: Any) -> None:
    task = make_task(dtype=np.float32)
    task = Task(task.model, loss, task.train)
    expected, _ = run(LocalCommunicator(), task, Plan(enabled=False))
    found, passes = run(LocalCommunicator(), task, Plan(backend="python"))
    assert {name for name in expected if found[name].tobytes() != expected[name].tobytes()} == set()
    assert "is another when it is called again, with a batch of plain arrays" in passes.refused


@pytest.mark.parametrize("changes", [1, CHANGES + 1])
def test_what_is_changed_from_outside_begins_plans_anew(changes: int) -> None:
    found = []
    for plan in (Plan(enabled=False), Plan(backend="python")):
        net = Asking(lambda x, net: net.factor)
        net.factor = 1.0  # type: ignore[attr-defined]
        trainer = Trainer(LocalCommunicator(), sgd_config(plan=plan), make_task(net, samples=7))
        trainer.records = Diary(trainer.comm, Path())  # type: ignore[assignment]
        for step in range(6 * changes + 6):
            if step % 6 == 5 and step < 6 * changes:
                net.factor += 0.5  # type: ignore[attr-defined]
            trainer.take_step()
        found.append(trainer.store.values.tobytes())
    assert found[0] == found[1]
    passes = trainer.train_step.passes
    if changes > CHANGES:
        assert passes.refused == "model.factor was 5.0 and is 5.5, and what the model reads has changed 8 times before"
    else:
        assert passes.refused == ""
        assert len(passes.programs()) == 1


@pytest.mark.parametrize("compile_after", [0, 3, 16])
def test_c_is_made_when_a_run_is_long_enough(compile_after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels are called from Python before and from C after, with the same bits; both are verified."""
    made: list[int] = []
    real = recorded_pass.lower
    task = make_task(dtype=np.float32, samples=7)
    plan = Plan(compile_after=compile_after, verify_steps=2)
    expected, _ = run(LocalCommunicator(), task, Plan(enabled=False), steps=25)
    trainer = Trainer(LocalCommunicator(), sgd_config(run=Run(dtype="float32", epochs=1000), plan=plan), task)
    trainer.records = Diary(trainer.comm, Path())  # type: ignore[assignment]
    monkeypatch.setattr(recorded_pass, "lower", lambda *a, **k: made.append(trainer.state.step) or real(*a, **k))
    for _ in range(25):
        trainer.take_step()
    assert made == [3 + compile_after if compile_after else 2]  # traced, recorded twice, repeated so often
    assert {name for name, x in trainer.store.tensors.items() if x.tobytes() != expected[name].tobytes()} == set()
    assert "stretches of C" in trainer.train_step.passes.listing


def test_a_library_that_cannot_be_loaded_leaves_the_plan_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that ends well, and whose output is none."""
    prepare(np.float32)  # the kernels themselves are good
    made: list[str] = []

    def empty(source: Path, target: Path, *options: Any) -> None:
        made.append(source.name)
        target.write_bytes(b"")

    def fetch(name: str, make: Any) -> tuple[Path, dict[str, Any]]:
        path = source.with_name(f"{name}.so")
        return path, make(path)

    with tempfile.TemporaryDirectory() as room:
        source = Path(room) / "source.c"
        monkeypatch.setattr(compiler, "compile_library", empty)
        monkeypatch.setattr(cache, "fetch", fetch)
        _, passes = run(LocalCommunicator(), make_task(dtype=np.float32), Plan(compile_after=0))
    if made:  # where there are compiled kernels
        assert passes.in_python.startswith("what the compiler made of a plan cannot be loaded")
    assert passes.refused == ""


def test_shapes_that_change_every_step_are_traced() -> None:
    class Growing(data.ArrayData):
        def batch(self, indices: Any) -> Any:
            x, y = super().batch(indices)
            Growing.width += 1
            return np.concatenate([x, np.zeros((len(x), Growing.width), x.dtype)], axis=1), y

    Growing.width = 0  # type: ignore[attr-defined]
    arrays = make_task(dtype=np.float32).train
    net = Plain()
    task = Task(net, lambda model, x, y: ops.cross_entropy(model(x[:, :FEATURES]), y), Growing(*arrays.arrays))
    _, passes = run(LocalCommunicator(), task, Plan())
    assert "more than 8 shapes of batches" in passes.refused


def test_a_wrong_kernel_is_noticed_by_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan whose results are off by one unit of the last place must not pass."""
    real = recorded_pass.python_function

    def off(program: Any, *args: Any, **kwargs: Any) -> Any:
        function = real(program, *args, **kwargs)

        def run(*values: Any) -> Any:
            results = function(*values)
            return [np.nextafter(x, np.float32(9)) if type(x) is np.ndarray and x.ndim == 1 else x for x in results]

        return run

    monkeypatch.setattr(recorded_pass, "python_function", off)
    with pytest.raises(ReplicaError, match="are not those of an eager one"):
        run(LocalCommunicator(), make_task(Plain(), np.float32), Plan(backend="python", verify_steps=1))


@pytest.mark.parametrize("backend", ["c", "python"])
@pytest.mark.parametrize(
    ("late", "message"),
    [
        ((10**9, 0), r"label 1000000000 at position 0 is outside \[0, 4\)"),
        ((0, -5), r"index -5 at position 0 is outside \[0, 3\)"),
    ],
)
def test_checks_of_values_are_made_in_every_repeat(backend: Any, late: tuple[int, int], message: str) -> None:
    """What is out of range in a late step is told as in the first, not read from memory that is not ours."""

    class Late(data.ArrayData):
        batches = 0

        def batch(self, indices: Any) -> Any:
            self.batches += 1
            x, y, words = super().batch(indices)
            return (x, y + late[0], words + late[1]) if self.batches == 10 else (x, y, words)

    class Reading(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(3, FEATURES)

        def forward(self, x: Any, words: Any) -> Any:
            return super().forward(x + self.embedding(words))

    x, y = (np.array(a) for a in make_task(dtype=np.float32).train.arrays)
    train = Late(x, y * 0, np.zeros(len(x), int))
    task = Task(Reading(), lambda model, x, y, words: ops.cross_entropy(model(x, words), y), train)
    with pytest.raises(ShapeError, match=message) as caught:
        run(LocalCommunicator(), task, Plan(backend=backend, compile_after=0))
    assert caught.value.place["step"] > 6


class Arranged(data.ArrayData):
    """Batches of the same numbers whose arrays lie otherwise in memory from some step on."""

    def __init__(self, *arrays: Any, late: Any) -> None:
        super().__init__(*arrays)
        self.batches, self.late = 0, late

    def batch(self, indices: Any) -> Any:
        self.batches += 1
        x, y = super().batch(indices)
        return self.late(x, y) if self.batches > 5 else (x, x[:, 1:], y)


@pytest.mark.parametrize(
    "late",
    [
        lambda x, y: (x, x[:, 1:].copy(), y),  # two arrays that shared memory do no more
        lambda x, y: (np.asfortranarray(x), x[:, 1:], y),
        lambda x, y: (x.astype(">f4"), x[:, 1:], y),
    ],
)
def test_batches_that_lie_otherwise_in_memory(late: Any) -> None:
    x, y = make_task(dtype=np.float32, samples=14).train.arrays

    def loss(model: Any, x: Any, part: Any, y: Any) -> Any:
        return ops.cross_entropy(model(x * 1.0) + np.sum(ops.gelu(part[:, :1]), axis=1, keepdims=True) * x[:, 1:2], y)

    expected, _ = run(LocalCommunicator(), Task(Plain(), loss, Arranged(x, y, late=late)), Plan(enabled=False))
    found, passes = run(LocalCommunicator(), Task(Plain(), loss, Arranged(x, y, late=late)), Plan(compile_after=0))
    assert passes.refused == ""
    assert {name for name in expected if found[name].tobytes() != expected[name].tobytes()} == set()
