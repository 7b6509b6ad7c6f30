"""``predict`` and ``evaluate``: all rows in order, with the bits of one rank, and of a model that is evaluated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddtrain
from ddtrain import nn
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import ShapeError, UsageError
from ddtrain.nn.functional import relu
from ddtrain.ops import use_communicator
from ddtrain.rng import SampleRng
from ddtrain.runs import evaluate, predict
from ddtrain.runs.predicting import dtype_of
from helpers import CLASSES, FEATURES, Net, launch, loss, make_task
from worlds import World


def net(dtype: Any = np.float64, training: bool = False) -> Net:
    model = Net()
    return model.bind(model.init(0, dtype), training=training, rng=SampleRng(0, 0))


def rows(n: int) -> Any:
    return np.random.default_rng(1).standard_normal((n, FEATURES))


@pytest.mark.parametrize("batch_size", [1, 4, 7, 256])
def test_all_rows_in_order(batch_size: int) -> None:
    x = rows(23)
    # one matrix product or several: a few roundings of float64 apart
    np.testing.assert_allclose(predict(net(), x, batch_size), net()(x), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("spec", ["threads:2", "threads:3", "debug:threads:3", "nodes:0011"])
@pytest.mark.parametrize("n", [0, 1, 5, 23])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranks_change_no_bit(spec: str, n: int, dtype: Any) -> None:
    x = rows(n)
    alone = predict(net(dtype), x, 4)
    assert alone.shape == (n, CLASSES)
    assert alone.dtype == dtype, "samples are brought to the model's dtype"
    for found in World(spec).run(lambda comm: predict(net(dtype), x, 4, comm=comm)):
        np.testing.assert_array_equal(found, alone)
        assert found.dtype == dtype


def test_each_rank_computes_its_part_only() -> None:
    def body(comm: Communicator) -> int:
        seen = 0

        def counted(x: Any) -> Any:
            nonlocal seen
            seen += len(x)
            return x

        predict(counted, rows(24), 2, comm=comm)
        return seen

    assert World("threads:3").run(body) == [8, 8, 8]


@pytest.mark.mpi(min_size=2)
def test_over_mpi_ranks_change_no_bit(comm: Communicator) -> None:
    x = rows(23)
    alone, figures = (
        predict(net(), x, 4, comm=LocalCommunicator()),
        evaluate(net(), make_task(), comm=LocalCommunicator()),
    )
    np.testing.assert_array_equal(predict(net(), x, 4, comm=comm), alone)
    assert evaluate(net(), make_task(), comm=comm) == figures


WITHOUT_A_WORD = """
import os, numpy as np, ddtrain
seen = []
found = ddtrain.predict(lambda x: seen.append(len(x)) or x, np.arange(6.0)[:, None], 2)
os.write(1, f"{sum(seen)} {found.ravel().tolist()}\\n".encode())  # in one piece, as three ranks write
"""


def test_under_mpirun_ranks_share_the_work_without_a_word(tmp_path: Path) -> None:
    done = launch(3, WITHOUT_A_WORD, cwd=tmp_path, program="-c")
    assert done.stdout.splitlines() == ["2 [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]"] * 3, done.stderr


def test_the_communicator_of_the_context_is_used() -> None:
    def body(comm: Communicator) -> Any:
        with use_communicator(comm):
            return predict(lambda x: np.full(len(x), comm.rank), rows(6), 2)

    for found in World("threads:3").run(body):
        assert found.tolist() == [0, 0, 1, 1, 2, 2]


def test_a_model_bound_for_training_is_evaluated() -> None:
    x = rows(9)
    trained = net(training=True)
    np.testing.assert_array_equal(predict(trained, x), predict(net(), x))
    assert trained.run.training, "the model itself stays as it was"
    assert not trained.run.updates, "its statistics too"
    assert (trained(x) != predict(net(), x)).any(), "the test could not fail otherwise"


def test_a_part_of_a_bound_model_predicts_too() -> None:
    trained = net(training=True)
    np.testing.assert_array_equal(predict(trained.first, rows(3)), trained.first(rows(3)))


class Two(nn.Module):
    """Takes two arrays, and returns a structure."""

    def forward(self, x: Any, y: Any) -> Any:
        return {"sum": x + y, "both": (relu(x), y[:, 0])}


def test_several_arrays_in_and_out() -> None:
    x, y = rows(5), rows(5)[::-1]
    found = [predict(Two().bind({}), (x, y), 2), predict(Two().bind({}), ddtrain.ArrayData(x, y), 2, inputs=2)]
    for each in found:
        np.testing.assert_array_equal(each["sum"], x + y)
        np.testing.assert_array_equal(each["both"][0], np.maximum(x, 0))
        np.testing.assert_array_equal(each["both"][1], y[:, 0])


def test_a_data_set_gives_its_first_array() -> None:
    task = make_task()
    np.testing.assert_array_equal(predict(net(), task.train, 5), predict(net(), task.train.arrays[0], 5))  # type: ignore[attr-defined]


def test_arrays_of_any_layout_and_of_integers() -> None:
    x = rows(10)
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x.tolist()):
        np.testing.assert_array_equal(predict(net(), other, 3), predict(net(), x, 3))
    whole = np.arange(10)
    assert predict(lambda i: i, whole, 3).dtype == whole.dtype, "integers stay what they are"
    assert dtype_of(nn.Identity().bind({})) is None


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: predict(net(), rows(3)[:, :2]), "linear"),
        (lambda: predict(net(), np.array(1.0)), "where samples are wanted"),
        (lambda: predict(net(), (rows(3), rows(2))), "one length"),
        (lambda: predict(lambda x: x.sum(), rows(3)), "one row for each of 3 samples"),
        (lambda: predict(lambda x: None, rows(3)), "an output is nothing"),
        (lambda: predict(net(), rows(3), 0), "batch_size is 0"),
        (lambda: predict(lambda x: Net()(x), rows(3)), "before it had values"),
        (lambda: evaluate(net(), loss), "evaluate: nothing where data is wanted"),
        (lambda: evaluate(net(), lambda model, x: model(x).mean(), (rows(3),)), "one number for each of 3"),
    ],
)
def test_mistakes_are_said(call: Any, said: str) -> None:
    with pytest.raises((ShapeError, UsageError), match=said):
        call()


def test_an_error_on_one_rank_is_raised_on_all() -> None:
    def body(comm: Communicator) -> str:
        try:
            predict(lambda x: x if x[0, 0] < 3 else x.sum(), np.arange(6.0)[:, None], 1, comm=comm)
        except ShapeError as error:
            return error.message
        return ""

    assert all("one row for each of 1" in said for said in World("threads:3").run(body))


@pytest.mark.parametrize("spec", ["local", "threads:2", "threads:3"])
def test_evaluated_figures_are_means_over_all_samples_with_the_same_bits(spec: str) -> None:
    task = make_task()
    task = ddtrain.Task(task.model, loss, task.train, task.valid, derived={"twice": lambda means: 2 * means["loss"]})
    losses, metrics = loss(net(), *task.valid.batch(np.arange(len(task.valid))))  # type: ignore[union-attr]
    alone = evaluate(net(), task, batch_size=5)
    assert alone["loss"] == pytest.approx(losses.mean(), rel=1e-13)
    assert alone["accuracy"] == pytest.approx(metrics["accuracy"].mean(), rel=1e-15)
    assert alone["twice"] == 2 * alone["loss"]
    for found in World(spec).run(lambda comm: evaluate(net(), task, batch_size=5, comm=comm)):
        assert found == alone


def test_other_data_and_a_loss_alone() -> None:
    task = make_task()
    whole = evaluate(net(), loss, task.train)
    assert whole == evaluate(net(), task, task.train) == evaluate(net(), loss, task.train.arrays)  # type: ignore[attr-defined]
    assert whole != evaluate(net(), task)


WITHOUT_VALUES = [
    (Net(), "the Net has no values yet\n  Give those of a run: run.load(net); or initial ones: net.bind(net.init(seed"),
    (Net, "the class Net where a model is wanted\n  Give one with values, such as run.load(net)."),
    (make_task(), "a Task where a model is wanted"),
]


@pytest.mark.parametrize(("given", "said"), WITHOUT_VALUES, ids=["unbound", "class", "task"])
def test_a_model_without_values_is_refused_by_what_is_to_be_done(given: Any, said: str) -> None:
    for op, work in {"predict": lambda: predict(given, rows(3)), "evaluate": lambda: evaluate(given, loss)}.items():
        with pytest.raises(UsageError, match=re.escape(f"{op}: {said}")):
            work()
