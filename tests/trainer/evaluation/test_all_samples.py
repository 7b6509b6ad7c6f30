"""Figures of all samples, several validation sets, a test set, worst and best samples: in evaluations of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import metrics
from ddtrain.errors import ShapeError, UsageError
from ddtrain.runs import Run, fit, predict
from ddtrain.trainer.evaluation import evaluate
from ddtrain.trainer.evaluation.samples import grey_pictures
from ddtrain.trainer.task import Task
from helpers import Net, loss, make_task

FIGURES = {"confusion": metrics.confusion_matrix, "f1": metrics.f1, "auc": metrics.auc}
SPECS = ["local", "threads:2", "threads:3", "debug:threads:3"]


def task(**more: Any) -> Task:
    full = make_task(samples=40)
    x, y = full.train.arrays  # type: ignore[attr-defined]
    return Task(full.model, loss, (x, y), **{"valid": (x[::2], y[::2]), **more})


def trained(directory: Path, spec: str = "local", samples: int = 0, **more: Any) -> Run:
    options: dict[str, Any] = {"epochs": 2, "batch_size": 7, "dtype": "float64", "quiet": True, "backend": spec}
    return fit(task(**more), dir=directory, run={"shards": 3}, eval={"samples": samples}, **options)


@pytest.mark.parametrize("spec", SPECS)
def test_figures_are_of_all_samples_in_order(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "ROWS", 2)  # so that the samples of a rank are not consecutive
    seen: list[Any] = []
    remember = lambda outputs, targets: seen.append((outputs, targets)) or 0.0
    run = trained(tmp_path / "run", spec, report={**FIGURES, "seen": remember}, class_names=list("abcd"))
    outputs, targets = seen[-1]
    x, y = task().valid.arrays  # type: ignore[union-attr]
    assert len(seen) == 2, "on rank 0 alone, once an evaluation; not of the trial's part"
    np.testing.assert_array_equal(targets, y)
    # batches of 2 and of all: a few roundings apart
    np.testing.assert_allclose(outputs, predict(run.load(Net(), "last"), x), rtol=1e-12, atol=1e-12)
    assert run.summary["valid_f1"] == metrics.f1(outputs, targets) == run.history["valid_f1"][-1]
    assert run.summary["valid_auc"] == metrics.auc(outputs, targets)
    written = json.loads((run.path / "reports" / "confusion.json").read_text())
    assert written["confusion"] == metrics.confusion_matrix(outputs, targets).tolist()
    assert (written["labels"], written["step"]) == (list("abcd"), 12)


def test_ranks_change_no_bit(tmp_path: Path) -> None:
    many = {"near": task().valid, "far": make_task(samples=17).train}
    runs = [trained(tmp_path / spec, spec, 3, report=FIGURES, valid=many) for spec in SPECS]
    first, *others = ({k: v for k, v in run.summary.items() if k.startswith(("valid", "params"))} for run in runs)
    assert all(other == first for other in others)
    for name in ("samples.json", "reports/near_confusion.json", "reports/far_confusion.json"):
        assert len({(run.path / name).read_bytes() for run in runs}) == 1, name


def test_several_validation_sets_have_their_names_and_the_first_decides(tmp_path: Path) -> None:
    far, near = make_task(samples=17).train, task().valid
    both = trained(tmp_path / "both", valid={"near": near, "far": far}, derived={"twice": lambda m: 2 * m["loss"]})
    alone = {name: trained(tmp_path / name, valid=each) for name, each in (("near", near), ("far", far))}
    for figure in ("loss", "accuracy"):
        for name, run in alone.items():
            assert both.summary[f"valid_{name}_{figure}"] == run.summary[f"valid_{figure}"], (name, figure)
    assert both.summary["valid_loss"] == both.summary["valid_near_loss"] != both.summary["valid_far_loss"]
    assert "valid_accuracy" not in both.summary
    assert both.summary["valid_far_twice"] == 2 * both.summary["valid_far_loss"]
    assert both.summary["params_sha256"] == alone["far"].summary["params_sha256"]


def test_every_set_is_tried_before_the_first_step(tmp_path: Path) -> None:
    x, y = make_task(samples=17).train.arrays  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="the validation far data: linear"):
        trained(tmp_path / "run", valid={"near": task().valid, "far": (x[:, :2], y)})
    assert not Run(tmp_path / "run").history


def test_ranks_must_have_the_same_of_every_set(tmp_path: Path) -> None:
    def build(config: Any) -> Task:
        build.calls += 1  # type: ignore[attr-defined]
        far = make_task(samples=16 + build.calls).train  # type: ignore[attr-defined]
        return task(valid={"near": task().valid, "far": far})

    build.calls = 0  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="for validation, far"):
        fit(build, dir=tmp_path / "run", backend="threads:2", epochs=1, quiet=True)


class Untouchable:
    """A data set that nobody may read."""

    def __len__(self) -> int:
        return 5

    def batch(self, indices: Any) -> Any:
        raise AssertionError("read")


@pytest.mark.parametrize("spec", ["local", "threads:2"])
def test_a_training_run_never_reads_the_test_set(spec: str, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", spec, 2, test=Untouchable(), report=FIGURES)
    assert run.state == "completed"
    with pytest.raises(AssertionError, match="read"):
        trained(tmp_path / "other", valid=Untouchable())  # the test could not fail otherwise


def test_the_worst_and_the_best_samples(tmp_path: Path) -> None:
    shown = lambda x, y: [np.full((2, 3), i, np.uint8) if i % 2 else f"{i}" for i in range(len(x))]
    run = trained(tmp_path / "run", samples=3, show=shown, class_names=list("abcd"))
    found = json.loads((run.path / "samples.json").read_text())
    valid = task().valid
    assert valid is not None
    losses, _ = loss(run.load(Net(), "last"), *valid.batch(np.arange(len(valid))))
    order = np.argsort(-losses)
    assert [each["index"] for each in found["worst"]] == order[:3].tolist()
    assert [each["index"] for each in found["best"]] == order[::-1][:3].tolist()
    scores = predict(run.load(Net(), "last"), valid)
    for each in found["worst"] + found["best"]:
        place = each["index"]
        assert each["loss"] == pytest.approx(losses[place], rel=1e-12)  # of another batch
        assert each["label"] == "abcd"[valid.arrays[1][place]]  # type: ignore[attr-defined]
        assert each["output"] == "abcd"[scores[place].argmax()]
    assert (found["worst"][0]["text"], found["worst"][1]["picture"]) == ("0", [[1, 1, 1], [1, 1, 1]])
    assert found["step"] == 12


def test_without_the_option_there_is_no_file_and_more_than_all_are_all(tmp_path: Path) -> None:
    assert not (trained(tmp_path / "none").path / "samples.json").exists()
    found = json.loads((trained(tmp_path / "all", samples=99).path / "samples.json").read_text())
    assert len(found["worst"]) == len(found["best"]) == 20


def test_a_task_of_inputs_alone_has_samples_without_labels(tmp_path: Path) -> None:
    x = make_task().train.arrays[0]  # type: ignore[attr-defined]
    alone = Task(Net(), lambda model, x: (model(x) ** 2).sum(1), (x,), valid=(x,))
    run = fit(alone, dir=tmp_path / "run", epochs=1, dtype="float64", eval={"samples": 1}, quiet=True)
    assert set(json.loads((run.path / "samples.json").read_text())["worst"][0]) == {"index", "loss"}


def test_a_resumed_run_has_the_figures_of_one_that_never_stopped(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", samples=2, report=FIGURES)
    options: dict[str, Any] = {"batch_size": 7, "dtype": "float64", "quiet": True, "eval": {"samples": 2}}
    for resume, steps in (("never", 5), ("auto", 0)):
        run = {"shards": 3, "steps": steps, "resume": resume}
        fit(task(report=FIGURES), dir=tmp_path / "cut", run=run, epochs=2, **options)
    cut = Run(tmp_path / "cut")
    assert {k: v for k, v in cut.summary.items() if k.startswith("valid")} == {
        k: v for k, v in whole.summary.items() if k.startswith("valid")
    }
    assert (cut.path / "samples.json").read_bytes() == (whole.path / "samples.json").read_bytes()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"report": {"f1": 3}}, "report 'f1' is an int"),
        ({"report": [metrics.f1]}, "report is a list, not a dict"),
        ({"report": {"loss": metrics.f1}}, "report 'loss'"),
        ({"report": {"f1": metrics.f1}, "derived": {"f1": lambda means: 1.0}}, "report 'f1'"),
        ({"valid": {}}, "valid is an empty dict"),
        ({"valid": {"a b": make_task().train}}, "valid has the name 'a b'"),
        ({"valid": {"near": 3}}, r"valid\['near'\] is an int"),
        ({"test": 3}, "test is an int, not a data set"),
        ({"test": (np.empty((0, 2)),)}, "the test data is empty"),
        ({"outputs": 3}, "outputs is an int"),
        ({"show": "x"}, "show is a str"),
    ],
)
def test_a_task_refuses_what_it_cannot_use(more: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        task(**more)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"report": {"accuracy": metrics.f1}}, "report figure 'accuracy' has the name of a metric"),
        ({"report": {"text": lambda outputs, targets: "fine"}}, "report 'text' is a str"),
        ({"report": FIGURES, "outputs": lambda model, x, y: (3, y)}, "outputs are an int where numbers"),
        ({"report": FIGURES, "outputs": lambda model, x, y: (model(x)[:1], y)}, r"array of shape \(1, 4\)"),
        ({"valid": None, "samples": 2}, "eval=.*samples.* watches evaluations, but there is no validation data"),
        ({"samples": 2, "show": lambda x, y: x}, "where a text or a picture is wanted"),
        ({"valid": {"near": task().valid, "near_near": task().valid}, "derived": {"near_loss": len}}, "near_near_loss"),
    ],
)
def test_a_run_refuses_what_it_cannot_use(more: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises((UsageError, ShapeError), match=said):
        trained(tmp_path / "run", **more)


def test_what_a_figure_raises_says_which_it_was(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        trained(tmp_path / "run", report={"bad": lambda outputs, targets: 1 / 0})
    assert "in Task(report=...), bad" in caught.value.__notes__
    with pytest.raises(KeyError) as missing:
        trained(tmp_path / "other", derived={"worse": lambda means: means["los"]})
    assert "in Task(derived=...), worse" in missing.value.__notes__


def test_a_copy_of_a_task_has_its_sets_or_its_own() -> None:
    both = task(valid={"near": task().valid, "far": make_task().train})
    assert list(replace(both, about="x").valid_sets) == ["near", "far"]
    other = replace(both, valid=make_task().valid)
    assert list(other.valid_sets) == [""]
    assert replace(both, valid=None).valid_sets == {}


def test_grey_pictures_by_hand() -> None:
    x = np.arange(8.0).reshape(2, 2, 2, 1)
    assert grey_pictures(x).tolist() == [[[0, 85], [170, 255]]] * 2
    assert grey_pictures(np.ones((1, 2, 2))).max() == 0
