"""The callbacks that come with ddtrain: their files say what the run did, resumed runs say nothing twice, and none
changes a bit."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import data, hessian, nn, ops
from ddtrain.callbacks import Callback, TensorBoard, parse
from ddtrain.callbacks.json_lines import cut, read
from ddtrain.diagnose.layers.statistics import statistics, thresholds_of
from ddtrain.errors import DataError, UsageError
from ddtrain.report import report_html
from ddtrain.runs import Run, fit
from ddtrain.trainer.task import Task
from helpers import Net, make_task

BACKENDS = ("local", "threads:3")
STEPS = 8  # two epochs of 23 samples in batches of 7
TENSORBOARD = importlib.util.find_spec("tensorboardX") is not None
needs_tensorboard = pytest.mark.skipif(not TENSORBOARD, reason="tensorboardX is in the extra tensorboard")
ALL = "csv, layer_norms(every=3), activations(every=2, samples=5), pictures(samples=4), curvature(every=4), time_limit"
ALL += ", tensorboard(norms_every=2)" if TENSORBOARD else ""


def trained(directory: Path, to: str = "", **options: Any) -> Run:
    defaults: dict[str, Any] = {"epochs": 2, "batch_size": 7, "dtype": "float64", "quiet": True, "log": {"to": to}}
    return fit(options.pop("task", make_task()), dir=directory, **(defaults | options))


def resumed(directory: Path, to: str, **options: Any) -> Run:
    """A run that has stopped after 6 steps, and been resumed from its checkpoint of step 4."""
    first = trained(directory, to, steps=6, **options)
    return trained(directory, to, resume=str(first.checkpoints[0]), **options)


def squares(samples: int = 23) -> Task:
    """Pictures of 3 x 3 pixels as rows, whose class is where they are brightest."""
    x = np.random.default_rng(0).random((samples, 9))
    y = np.argmax(x[:, :4], axis=1)

    def loss(model: Any, x: Any, y: Any) -> Any:
        return ops.cross_entropy(model(x), y)

    model = nn.Sequential(nn.Linear(9, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 4))
    return Task(model, loss, data.ArrayData(x, y), data.ArrayData(x[::2], y[::2]))


@pytest.mark.parametrize("backend", BACKENDS)
def test_all_of_them_together_change_no_bit(backend: str, tmp_path: Path) -> None:
    bare = trained(tmp_path / "bare", task=squares(), backend=backend)
    watched = trained(tmp_path / "watched", ALL, task=squares(), backend=backend)
    assert set(Callback.parts) - {type(callback).name for callback in parse(ALL)} <= {"tensorboard"}, "one is left out"
    for name in ("params_sha256", "model_sha256", "valid_loss"):
        assert watched.summary[name] == bare.summary[name]


def test_they_write_the_same_on_any_number_of_ranks(tmp_path: Path) -> None:
    """With shards, so that the model has the same bits; then what rank 0 sees of it has the same bits, too."""
    runs = [trained(tmp_path / b, ALL, task=squares(), backend=b, run={"shards": 3}) for b in BACKENDS]
    for name in ("activations.jsonl", "pictures.jsonl", "pictures/step-00000008.png", "layers.jsonl"):
        one, three = ((run.path / name).read_bytes() for run in runs)
        assert one == three, name


class TestLayerNorms:
    @pytest.mark.parametrize("backend", BACKENDS)
    def test_values_gradients_and_updates_are_those_of_the_run(self, backend: str, tmp_path: Path) -> None:
        run = trained(tmp_path / "run", "layer_norms(every=3)", backend=backend, steps=6)
        lines = list(read(run.path / "layers.jsonl"))
        assert [line["step"] for line in lines] == [3, 6]
        before = trained(tmp_path / "before", steps=5, backend=backend)
        then, now = (nn.from_torch(Net(), each.snapshot("last").model) for each in (before, run))
        # a norm of n numbers, summed in any order, is right to n roundings of 1e-16: 80 numbers at most
        for path, seen in lines[1]["layers"].items():
            assert seen["value"] == pytest.approx(np.linalg.norm(now[path]), rel=1e-13)
            assert seen["update"] == pytest.approx(np.linalg.norm(now[path] - then[path]), rel=1e-12)
        assert lines[1]["layers"]["head.weight"]["update"] > 0
        whole = np.sqrt(sum(seen["gradient"] ** 2 for seen in lines[1]["layers"].values()))
        assert whole == pytest.approx(run.history["grad_norm"][5], rel=1e-12)

    def test_a_resumed_run_has_each_step_once(self, tmp_path: Path) -> None:
        run = resumed(tmp_path / "run", "layer_norms(every=1)")
        whole = trained(tmp_path / "whole", "layer_norms(every=1)")
        assert list(read(run.path / "layers.jsonl")) == list(read(whole.path / "layers.jsonl"))


class TestCurvature:
    def test_eigenvalues_are_the_dense_hessians_of_the_samples(self, tmp_path: Path) -> None:
        task = squares()
        run = trained(
            tmp_path / "run", "curvature(every=4, samples=6, products=40)", task=task, optim={"momentum": 0.0}
        )
        lines = list(read(run.path / "curvature.jsonl"))
        assert [line["step"] for line in lines] == [4, 8]
        assert task.valid is not None
        batch = task.valid.batch(np.arange(6) * len(task.valid) // 6)
        net = run.load(task.model, "last")
        weights = {path: np.asarray(x) for path, x in nn.from_torch(task.model, run.snapshot("last").model).items()}
        flat = np.concatenate([x.ravel() for x in weights.values()])

        def mean(x: Any) -> Any:
            at, values = 0, {}
            for path, w in weights.items():
                values[path] = dnp.reshape(x[at : at + w.size], w.shape)
                at += w.size
            return dnp.mean(task.loss(task.model.bind(values), *batch))

        assert float(mean(flat)) == pytest.approx(float(np.mean(task.loss(net, *batch))), rel=1e-12)
        every = np.linalg.eigvalsh(hessian(mean)(flat))
        assert lines[-1]["largest"] == pytest.approx(every[-1], rel=1e-3)
        assert lines[-1]["smallest"] == pytest.approx(every[0], rel=1e-2)
        assert lines[-1]["stable_lr"] == pytest.approx(2 / lines[-1]["largest"])
        assert lines[-1]["lr"] == run.history["lr"][-1]

    def test_a_rate_beyond_the_limit_is_said_once(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The curvature of a linear model with squared errors is the same everywhere."""
        pictures = squares()
        loss = lambda model, x, y: (model(x)[:, 0] - y) ** 2
        task = Task(nn.Linear(9, 1), loss, pictures.train, pictures.valid)
        run = trained(tmp_path / "run", "curvature(every=2)", optim={"lr": 2.0}, task=task)
        lines = list(read(run.path / "curvature.jsonl"))
        assert all(line["lr"] > line["stable_lr"] and line["verdicts"] for line in lines)
        assert len({round(line["largest"], 2) for line in lines}) == 1
        assert capsys.readouterr().err.count("exceeds") == 1
        page = report_html([run])
        assert "rate and limit" in page
        assert "largest stable: 4 values" in page


class TestRemarks:
    def test_a_dead_layer_is_said_once_and_logged_each_time(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        first = nn.Linear(9, 8)
        first.bias = nn.param((8,), lambda rng, shape: np.full(shape, -100.0))
        task = squares()
        task = Task(nn.Sequential(first, nn.ReLU(), nn.Linear(8, 4)), task.loss, task.train, task.valid)
        run = trained(tmp_path / "run", "activations(every=2)", task=task)
        assert capsys.readouterr().err.count("1: 100% of its units are 0 for all samples. Try") == 1
        lines = list(read(run.path / "activations.jsonl"))
        assert len(lines) == 4
        assert all("1: 100% of its units are 0 for all samples" in line["verdicts"] for line in lines)
        assert "100% of its units are 0" in report_html([run])

    def test_ten_sigmoid_layers_are_said_to_shrink_the_gradient(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        layers = [layer for _ in range(10) for layer in (nn.Linear(9, 9), nn.Sigmoid())]
        task = squares()
        task = Task(nn.Sequential(*layers, nn.Linear(9, 4)), task.loss, task.train, task.valid)
        run = trained(tmp_path / "run", "layer_norms(every=4)", task=task)
        said = capsys.readouterr().err
        assert "the gradient falls from here on towards the input" in said
        assert "Try ReLU" in said
        assert all("verdicts" in line for line in read(run.path / "layers.jsonl"))

    def test_a_net_that_learns_is_not_remarked_upon(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        run = trained(tmp_path / "run", "activations(every=2), layer_norms(every=4)", task=squares())
        assert capsys.readouterr().err == ""
        assert not any("verdicts" in line for line in read(run.path / "layers.jsonl"))


class TestActivations:
    def test_statistics_are_those_of_the_outputs_by_hand(self, tmp_path: Path) -> None:
        task = squares()
        run = trained(tmp_path / "run", "activations(every=4, samples=5)", task=task, steps=4)
        (line,) = read(run.path / "activations.jsonl")
        model, rows = run.load(task.model, "last"), np.arange(5) * 12 // 5
        x = task.valid.batch(rows)[0]
        hidden = np.maximum(x @ getattr(model, "0").weight + getattr(model, "0").bias, 0)
        assert line["step"] == 4
        assert list(line["layers"]) == ["0", "1", "2", "3", "4", "5", "Sequential"]
        assert line["layers"]["1"]["mean"] == pytest.approx(hidden.mean(), rel=1e-12)
        assert line["layers"]["1"]["zeros"] == (hidden == 0).mean()
        assert line["layers"]["1"]["dead"] == (hidden == 0).all(axis=0).mean()
        assert line["layers"]["2"] == line["layers"]["1"]  # nothing is dropped
        assert set(line["layers"]["4"]) == {"mean", "std", "zeros", "dead", "saturated"}

    def test_a_saturated_layer_and_a_dead_one_are_seen(self, tmp_path: Path) -> None:
        def build() -> nn.Module:
            constant = lambda value: lambda rng, shape: np.full(shape, value)
            first = nn.Linear(9, 8)
            first.bias = nn.param((8,), constant(-100.0))
            middle = nn.Linear(8, 5)
            middle.bias = nn.param((5,), constant(50.0))
            return nn.Sequential(first, nn.ReLU(), middle, nn.Tanh(), nn.Linear(5, 4))

        task = squares()
        task = Task(build(), task.loss, task.train, task.valid)
        run = trained(tmp_path / "run", "activations(every=1)", task=task, steps=1)
        layers = next(read(run.path / "activations.jsonl"))["layers"]
        assert (layers["1"]["zeros"], layers["1"]["dead"], layers["3"]["saturated"]) == (1.0, 1.0, 1.0)

    @pytest.mark.parametrize(("low", "high", "expected"), [(-1.0, 1.0, 0.5), (0.0, 4.0, 0.25)])
    def test_hard_tanh_has_bounds_of_its_own(self, low: float, high: float, expected: float) -> None:
        out = nn.Hardtanh(low, high).bind({})(np.array([[-3.0, 0.5, 0.7, 2.0]]))
        assert statistics(out, thresholds_of(nn.Hardtanh(low, high)))["saturated"] == expected

    def test_a_module_that_is_called_twice_has_two_entries(self, tmp_path: Path) -> None:
        class Twice(nn.Module):
            def __init__(self) -> None:
                self.inner = nn.Linear(9, 9)
                self.head = nn.Linear(9, 4)

            def forward(self, x: Any) -> Any:
                return self.head(self.inner(self.inner(x)))

        task = squares()
        run = trained(tmp_path / "run", "activations(every=1)", task=Task(Twice(), task.loss, task.train), steps=1)
        assert list(next(read(run.path / "activations.jsonl"))["layers"]) == ["inner", "inner, call 2", "head", "Twice"]

    def test_a_resumed_run_has_each_step_once(self, tmp_path: Path) -> None:
        run = resumed(tmp_path / "run", "activations(every=2)", task=squares())
        assert [line["step"] for line in read(run.path / "activations.jsonl")] == [2, 4, 6, 8]

    def test_a_model_that_asks_for_its_ranks_is_looked_at_without_them(self, tmp_path: Path) -> None:
        """A sum over ranks that rank 0 made alone would wait for ever."""

        class Summed(nn.Module):
            def __init__(self) -> None:
                self.head = nn.Linear(9, 4)

            def forward(self, x: Any) -> Any:
                return self.head(x) + 0 * ops.allreduce(x.sum())

        task = squares()
        task = Task(Summed(), task.loss, task.train, task.valid)
        run = trained(tmp_path / "run", "activations(every=3)", task=task, backend="threads:3")
        assert run.state == "completed"
        assert [line["step"] for line in read(run.path / "activations.jsonl")] == [3, 6]


class TestPictures:
    image = staticmethod(lambda path: pytest.importorskip("matplotlib.image", reason="extra plots").imread(path))

    def test_bars_are_as_long_as_the_shares_and_the_mark_is_below_the_class(self, tmp_path: Path) -> None:
        task = squares()
        run = trained(tmp_path / "run", "pictures(samples=4)", task=task)
        (*_, line) = read(run.path / "pictures.jsonl")
        rows = np.arange(4) * 12 // 4
        x, y = task.valid.batch(rows)
        scores = run.load(task.model, "last")(x)
        expected = {"step": STEPS, "samples": rows.tolist(), "classes": y.tolist()}
        assert line == expected | {"predictions": scores.argmax(axis=1).tolist()}
        pixels = np.rint(255 * self.image(run.path / "pictures" / "step-00000008.png"))[..., :3]
        assert pixels.shape == (96 + 8 + 57 + 8, 4 * (96 + 8), 3)
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        for k in range(4):  # pictures, whose four bars are 24 wide each
            bars = (pixels[96 + 8 + 4 : -4, 104 * k + 4 : 104 * k + 100 : 24] != 255).any(axis=-1)
            np.testing.assert_array_equal(bars[:49].sum(axis=0), 1 + np.rint(48 * shares[k]))
            np.testing.assert_array_equal(bars[53:].all(axis=0), np.arange(4) == y[k])
            assert not bars[49:53].any()

    def test_pictures_that_are_given_back_stand_below(self, tmp_path: Path) -> None:
        x = np.random.default_rng(0).random((10, 3, 3, 1)).astype(np.float32)

        class Same(nn.Module):
            def __init__(self) -> None:
                self.shift = nn.param((), nn.init.zeros)

            def forward(self, x: Any) -> Any:
                return x + 0 * self.shift

        task = Task(Same(), lambda model, x: ((model(x) - x) ** 2).sum(axis=(1, 2, 3)), (x,), (x,))
        run = trained(tmp_path / "run", "pictures(samples=3)", task=task, dtype="float32")
        pixels = self.image(run.path / "pictures" / "step-00000004.png")
        np.testing.assert_array_equal(pixels[:104], pixels[104:])
        assert next(read(run.path / "pictures.jsonl"))["errors"] == [0, 0, 0]

    @pytest.mark.parametrize(
        ("shape", "said"), [((23, 6), r"samples of shape \(6,\)"), ((23, 2, 3, 4), r"samples of shape \(2, 3, 4\)")]
    )
    def test_what_is_no_picture_is_said_before_the_first_step(self, shape: Any, said: str, tmp_path: Path) -> None:
        x = np.ones(shape)
        task = Task(nn.Linear(shape[-1], 1), lambda model, x: model(x).reshape(len(x), -1).sum(axis=1), (x,), (x,))
        with pytest.raises(UsageError, match=said):
            trained(tmp_path / "run", "pictures", task=task)
        assert len(Run(tmp_path / "run").history) == 0

    def test_outputs_that_are_no_classes_are_said_before_the_first_step(self, tmp_path: Path) -> None:
        x = np.ones((8, 9))
        task = Task(nn.Linear(9, 2), lambda model, x: model(x).sum(axis=1), (x,), (x,))
        with pytest.raises(UsageError, match="2 outputs a sample are neither"):
            trained(tmp_path / "run", "pictures", task=task)


@needs_tensorboard
class TestTensorBoard:
    @staticmethod
    def scalars(run: Run) -> dict[str, list[tuple[int, float]]]:
        where = "tensorboard.backend.event_processing.event_accumulator"
        accumulator = pytest.importorskip(where, reason="tensorboard reads the files")
        seen = accumulator.EventAccumulator(str(run.path / "tensorboard"), size_guidance={"scalars": 0})
        seen.Reload()
        return {tag: [(event.step, event.value) for event in seen.Scalars(tag)] for tag in seen.Tags()["scalars"]}

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_the_real_reader_sees_figures_and_norms(self, backend: str, tmp_path: Path) -> None:
        run = trained(tmp_path / "run", "tensorboard(norms_every=4), layer_norms(every=4)", backend=backend)
        seen = self.scalars(run)
        for name in ("loss", "accuracy", "lr", "grad_norm", "samples_per_s"):
            assert seen[f"train/{name}"] == list(enumerate(run.history[name].astype(np.float32), start=1))
        assert seen["evaluation/valid_loss"] == list(zip([4, 8], run.history["valid_loss"].astype(np.float32)))
        for kind in ("value", "gradient"):
            norms = [(line["step"], line["layers"]["head.weight"][kind]) for line in read(run.path / "layers.jsonl")]
            assert seen[f"{kind}/head.weight"] == [(step, np.float32(norm)) for step, norm in norms]

    def test_a_resumed_run_shows_each_step_once(self, tmp_path: Path) -> None:
        seen = self.scalars(run := resumed(tmp_path / "run", "tensorboard"))
        assert seen["train/loss"] == list(enumerate(run.history["loss"].astype(np.float32), start=1))
        assert [step for step, _ in seen["evaluation/valid_loss"]] == [4, 8]


@pytest.mark.parametrize("given", ["named", "made"])
def test_a_missing_extra_is_named_with_what_installs_it_before_anything_is_written(
    given: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    options = {"log": {"to": "tensorboard"}} if given == "named" else {"callbacks": [TensorBoard()]}
    with pytest.raises(UsageError) as caught:
        trained(tmp_path / "run", **options)
    assert caught.value.one_line == "log={'to': 'tensorboard'} needs tensorboardX: pip install 'ddtrain[tensorboard]'"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["layer_norms(every=0)", "activations(samples=0)", "pictures(samples=0)"])
def test_options_out_of_range_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is out of range"):
        trained(tmp_path / "run", text)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("to", "name"), [("layer_norms(every=1)", "layers.jsonl"), ("activations(every=1)", "activations.jsonl")]
)
def test_a_file_that_cannot_be_written_ends_the_run_by_name(to: str, name: str, tmp_path: Path) -> None:
    class Blocks(Callback):
        def start(self, run: Any) -> None:
            (run.directory / name).mkdir()

    with pytest.raises(DataError, match=rf"log={{'to': \.\.\.}}: .*{name}: Is a directory"):
        trained(tmp_path / "run", to, callbacks=[Blocks()])
    assert Run(tmp_path / "run").checkpoints  # what was trained is not lost


def test_a_line_that_was_torn_by_a_kill_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3, "la')
    assert list(read(tmp_path / "lines.jsonl")) == [{"step": 1}, {"step": 2}]
    cut(tmp_path / "lines.jsonl", 1)
    assert (tmp_path / "lines.jsonl").read_text() == '{"step": 1}\n'
