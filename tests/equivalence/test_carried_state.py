"""A text in pieces with a carried state is the text read whole, on any number of ranks, stopped and resumed.

What would make these fail: a state that comes back to another stream, or in the next epoch, or after a step that was
skipped; that is lost at a stop; that depends on how a batch is divided; or that an evaluation sees or leaves.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nodes  # noqa: F401  a backend
import numpy as np
import pytest

from ddtrain import data, grad, models, ops
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.recipes.language import predict_each
from ddtrain.trainer.config.config import Comm, Config, Data, NonFinite, Optim, Run
from ddtrain.trainer.evaluation.evaluate import evaluate
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import sgd_config, train
from worlds import World

CELLS = ["rnn", "lstm", "gru"]
S, T, PIECES, V = 5, 4, 18, 7  # streams, tokens of a piece, pieces: three streams have four of them, two have three
TEXT = np.random.default_rng(0).integers(1, V, PIECES * T + 1)
every_cell = pytest.mark.parametrize("cell", CELLS)


def lm(cell: str, **options: Any) -> models.RecurrentLm:
    return models.RecurrentLm(V, embedding=3, hidden=4, layers=2, cell=cell, **options)


def task_of(cell: str, streams: int = S, **options: Any) -> Task:
    x, y = data.sequences([TEXT], T)
    held_out = data.ArrayData(x[::3], y[::3])
    return Task(
        lm(cell, streams=streams, **options), predict_each, data.Streams(data.ArrayData(x, y), streams), held_out
    )


def config_of(**run: Any) -> Config:
    return sgd_config(batch_size=S, run=Run(**({"dtype": "float64", "epochs": 1000} | run)))


def streams_of_text() -> list[Any]:
    """Inputs and targets of each stream, whole."""
    pieces = [len(part) for part in np.array_split(np.arange(PIECES), S)]
    starts = T * np.cumsum([0, *pieces])
    return [(TEXT[a:b], TEXT[a + 1 : b + 1]) for a, b in itertools.pairwise(starts)]


@every_cell
@pytest.mark.parametrize(("spec", "accumulate"), [("local", 1), ("local", 2), ("threads:3", 1), ("nodes:001", 1)])
def test_pieces_have_the_losses_of_the_whole_text(cell: str, spec: str, accumulate: int) -> None:
    """Two epochs at a learning rate of 0; the second begins anew, with the same losses."""
    config = replace(config_of(accumulate=accumulate), optim=Optim(name="sgd", lr=0.0))
    model = lm(cell)
    bound = model.bind(model.init(config.run.seed, "float64"))
    whole = [ops.cross_entropy(bound(x[None]), y[None])[0].reshape(-1, T).mean(axis=1) for x, y in streams_of_text()]
    expected = [np.mean([losses[k] for losses in whole if k < len(losses)]) for k in range(4)]
    for found in World(spec).run(lambda comm: train(comm, 8, config, task_of(cell))):
        np.testing.assert_allclose([line["loss"] for line in found["means"]], expected * 2, rtol=1e-12)


@every_cell
def test_a_step_has_the_gradient_that_is_truncated_where_its_piece_begins(cell: str) -> None:
    """That of the text up to there read whole, with derivatives cut at pieces, of the loss of its last piece."""
    config, task = replace(config_of(), optim=Optim(name="sgd", lr=0.0)), task_of(cell)
    step = build_step(LocalCommunicator(), task, config)
    cut = lm(cell, truncate=T)
    values = cut.init(config.run.seed, "float64")
    batches = data.batches_of(task.train, seed=0, epoch=0, batch_size=S)
    for k, rows in enumerate(batches):
        step.gradients(k, rows)
        step.store_buffers()
        texts = [(x[: T * (k + 1)], y[T * k : T * (k + 1)]) for x, y in streams_of_text() if len(x) > T * k]
        x, y = (np.stack(part) for part in zip(*texts, strict=True))
        expected = grad(lambda v: ops.cross_entropy(cut.bind(v)(x)[:, -T:], y).mean())(values)  # noqa: B023
        for name, view in zip(step.store.names, step.store.grad_views, strict=True):
            np.testing.assert_allclose(view, expected[name], rtol=1e-9, atol=1e-15, err_msg=name)


@every_cell
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_ranks_ends_with_the_same_bits(cell: str, dtype: str) -> None:
    task, config = task_of(cell, dropout=0.2), config_of(dtype=dtype, shards=4)
    (alone,) = World("local").run(lambda comm: train(comm, 10, config, task))
    assert alone["tensors"]["carried.parts.0"].any()
    for spec in ("threads:2", "threads:3", "threads:4", "nodes:0101"):
        for found in World(spec).run(lambda comm: train(comm, 10, config, task)):
            assert found["means"] == alone["means"]
            for name, x in found["tensors"].items():
                assert x.tobytes() == alone["tensors"][name].tobytes(), name


@pytest.mark.parametrize("mode", ["local", "diloco", "stale"])
def test_states_are_the_runs_in_every_mode(mode: Any) -> None:
    config = replace(config_of(), comm=Comm(mode=mode, sync_every=2))
    found = World("nodes:001").run(lambda comm: train(comm, 6, config, task_of("lstm")))
    assert found[0]["tensors"]["carried.after"].tolist() == [2] * S
    for other in found[1:]:
        for name, x in other["tensors"].items():
            assert x.tobytes() == found[0]["tensors"][name].tobytes(), name


CONFIG = Config(run=Run(epochs=3), data=Data(batch_size=S), optim=Optim(name="adam", lr=0.01))
RECIPES = {"carried": Recipe(CONFIG, lambda config: task_of("lstm"), "a tiny LSTM")}


@pytest.mark.parametrize("backend", ["local", "threads:2"])
@pytest.mark.parametrize("stop", [1, 2, 4, 6])
def test_stopped_anywhere_and_resumed(backend: str, stop: int, tmp_path: Path) -> None:
    """In the midst of an epoch, at its end, and on another number of ranks."""
    hashes = []
    for name, stops in (("straight", []), ("broken", [(stop, backend)])):
        for steps, spec in [*stops, (0, "threads:3")]:
            options = ["--run.steps", str(steps), "--comm.backend", spec, "--run.shards", "3", "--run.resume", "auto"]
            assert run(["carried", "--run.dir", str(tmp_path / name), *options], RECIPES) == 0
        hashes.append(json.loads((tmp_path / name / "summary.json").read_text())["model_sha256"])
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("spec", ["local", "threads:2"])
def test_after_a_skipped_step_states_are_empty(spec: str) -> None:
    """The second step's loss is infinite; the third is then as the first of a text, and the fourth goes on after it."""
    config = replace(config_of(), optim=Optim(name="sgd", lr=0.0), nonfinite=NonFinite(action="skip"))

    def spoiled(model: Any, x: Any, y: Any, streams: Any, pieces: Any) -> Any:
        losses, metrics = predict_each(model, x, y, streams, pieces)
        return losses * np.where(pieces == 2, np.inf, 1.0), metrics

    (x, y), model = data.sequences([TEXT], T), lm("gru")
    bound = model.bind(model.init(config.run.seed, "float64"))
    rows = data.batches_of(task_of("gru").train, seed=0, epoch=0, batch_size=S)
    third = ops.cross_entropy(bound(x[rows[2]]), y[rows[2]]).mean()
    both = [np.concatenate([z[rows[2][:3]], z[rows[3]]], axis=1) for z in (x, y)]
    fourth = ops.cross_entropy(bound(both[0]), both[1])[:, T:].mean()
    for found in World(spec).run(lambda comm: train(comm, 4, config, replace(task_of("gru"), loss=spoiled))):
        losses = [line["loss"] for line in found["means"]]
        np.testing.assert_allclose(losses[2:], [third, fourth], rtol=1e-12)
        assert not np.isfinite(losses[1])


def test_an_evaluation_neither_sees_nor_leaves_a_state() -> None:
    comm, task, plain = LocalCommunicator(), task_of("lstm"), lm("lstm")
    step = build_step(comm, task, config_of())
    step.gradients(0, np.arange(PIECES)[::4])
    step.store_buffers()
    states = step.store.state.copy()
    assert states.any()
    found = evaluate(task, step.store, comm, step.shards).figures["loss"]
    assert step.store.state.tobytes() == states.tobytes()
    bound = plain.bind({name: x for name, x in step.store.tensors.items() if not name.startswith("carried")})
    assert task.valid is not None
    losses, _ = predict_each(bound, *task.valid.batch(np.arange(len(task.valid))))
    assert found == pytest.approx(losses.mean(), rel=1e-12)


def test_as_many_streams_as_samples_in_a_batch() -> None:
    with pytest.raises(UsageError) as caught:
        build_step(LocalCommunicator(), task_of("gru", streams=4), config_of())
    assert caught.value.message == (
        "--data.batch-size 5, but the training data has 4 streams, each with one sample in a batch"
    )
    assert caught.value.remedy == "Give --data.batch-size 4, or make as many streams."


def test_augmentation_is_refused() -> None:
    config = replace(CONFIG, data=Data(batch_size=S, augment="flip"))
    with pytest.raises(UsageError, match="augment: the samples of Streams follow one another"):
        Trainer(LocalCommunicator(), config, task_of("gru"))
