"""Reports of real runs: complete, self-contained, small, and honest about what went wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import Page

from ddtrain import png
from ddtrain.errors import DataError, NonFiniteError, UsageError
from ddtrain.report import report_html, write_report
from ddtrain.runs import Run, fit
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.main import Recipe
from helpers import Plain, make_task

RECIPES = {"mine": Recipe(Config(), lambda config: make_task(), "")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of ten epochs on two ranks, traced, with everything else that a run may leave."""
    path = tmp_path_factory.mktemp("runs") / "ten"
    options: dict[str, Any] = {"backend": "threads:2", "debug": {"trace": "2:5"}, "batch_size": 7, "quiet": True}
    run = fit(make_task(), dir=path, epochs=10, name="mine", dtype="float64", **options)
    norms = {"first.weight": {"value": 1.5, "gradient": 0.25}, "norm.scale": {"value": "NaN", "gradient": 0.0}}
    outputs = [{"step": step, "layers": {"first": {"mean": -0.5 * step, "dead": 0.125}}} for step in (10, 20)]
    (path / "activations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in outputs))
    lines = [json.dumps({"step": step, "layers": norms}) + "\n" for step in (10, 20, 30)]
    (path / "layers.jsonl").write_text("".join(lines) + '{"step": 40, "lay')
    (path / "reports").mkdir()
    told = {"confusion": [[5, 1], [0, 4]], "labels": ["cat", "<dog>"]}
    (path / "reports" / "valid.json").write_text(json.dumps(told))
    (path / "reports" / "recall.json").write_text(json.dumps({"step": 40, "recall": [0.75, 1.0]}))
    sample = {"index": 3, "loss": 2.5, "label": 1, "output": [0.25, 0.75]}
    worst = [{**sample, "picture": [[0, 255], [128, 64]]}, {**sample, "text": "to <be>"}]
    (path / "samples.json").write_text(json.dumps({"step": 40, "worst": worst, "best": []}))
    (path / "curve.png").write_bytes(png.encode(np.eye(4)))
    (path / "not.png").write_bytes(b"no picture")
    (path / "pictures").mkdir()
    for step in (4, 40):
        (path / "pictures" / f"step-{step:08d}.png").write_bytes(png.encode([[step]]))
    return run


@pytest.fixture
def run(made: Run, tmp_path: Path) -> Run:
    """A copy, to be spoiled."""
    return Run(shutil.copytree(made.path, tmp_path / "ten"))


def test_a_report_has_all_that_a_run_has(made: Run) -> None:
    source = report_html([made], RECIPES)
    page = Page(source)
    early, late = ["state", "curves", "layers", "all-samples"], ["worst-and-best", "time", "pictures", "options"]
    sections = [*early, *late, "versions-and-hashes"]
    assert [name for name in page.ids if name in sections] == sections
    for said in (
        "completed: all steps done",
        "step 40 of 40, epoch 10 of 10",
        "training: 40 values, from",
        "validation: 10 values, from",
        "norm of the gradient",
        "2 parameters, steps 10 to 30",
        "1 layers, steps 10 to 20 mean first last dead first last first -5 -10 0.125 0.125",
        "valid: 10 samples, 90.00% right",
        "most often cat taken for <dog> (1)",
        "recall: 2 0 1 0 0.75 1",
        "with the largest loss, after step 40",
        "output [0.25, 0.75]",
        "to <be>",
        "exposed communication",
        "data.batch_size 7 128",
        "options that differ from the defaults of recipe mine",
        made.summary["params_sha256"],
        made.summary["model_sha256"],
        str(np.__version__),
    ):
        assert said in page.text, said
    assert source.count("data:image/png;base64,") == 3, "the sample's, the run's and the latest of its pictures"
    assert "step-00000040" in source
    assert "not.png" not in source


def test_a_report_of_ten_epochs_is_small(made: Run) -> None:
    assert len(report_html([made], RECIPES).encode()) < 200_000


def test_it_is_written_where_it_belongs_or_was_asked_for(run: Run, tmp_path: Path) -> None:
    assert write_report([run]) == run.path / "report.html"
    other = write_report([run], tmp_path / "é 日本.html", RECIPES)
    assert Page(other.read_text("utf-8")).text
    assert Run(run.path).state == "completed", "a report changes nothing of the run"


def test_names_are_text_whatever_they_are(run: Run) -> None:
    path = run.path.rename(run.path.with_name("<script>alert('é')&amp;"))
    config = (path / "config.toml").read_text()
    (path / "config.toml").write_text(config.replace('recipe = "mine"', 'recipe = "<img src=x>"'))
    page = Page(report_html([Run(path)]))
    assert page.tags.count("script") == 1, "the page's own"
    assert "<script>alert('é')&amp;" in page.text
    assert "recipe <img src=x> is not known here" in page.text


def test_a_name_that_is_no_text_can_be_written(run: Run) -> None:
    path = run.path.rename(run.path.with_name("caf\udce9"))
    write_report([Run(path)])
    assert "caf\N{REPLACEMENT CHARACTER}" in Page((path / "report.html").read_text("utf-8")).text


def test_several_runs_are_laid_over_one_another(run: Run, tmp_path: Path) -> None:
    other = fit(make_task(), dir=tmp_path / "adam", epochs=2, name="mine", optim={"name": "adam"}, quiet=True)
    page = Page(report_html([run, other], RECIPES))
    assert "options in which the runs differ" in page.text
    assert "optim.name sgd adam" in page.text
    assert "run.epochs 10 2" in page.text
    assert "run.dir" not in page.text.split("the whole configuration")[0], "where a run is makes no difference"
    assert all(text in page.text for text in ("ten: validation", "adam: validation"))


def test_runs_of_one_name_are_told_apart_by_their_paths(run: Run, tmp_path: Path) -> None:
    other = Run(shutil.copytree(run.path, tmp_path / "other" / "ten"))
    page = Page(report_html([run, other], RECIPES))
    assert "The runs have the same options." in page.text
    assert f"{tmp_path / 'other' / 'ten'}: validation" in page.text


def test_runs_that_do_not_belong_together_are_refused(run: Run, tmp_path: Path) -> None:
    other = fit(make_task(), dir=tmp_path / "other", epochs=1, name="yours", quiet=True)
    with pytest.raises(
        UsageError, match=r"runs of different recipes: .*ten is of mine, .*other is of yours\n.*Give runs"
    ):
        report_html([run, other])
    with pytest.raises(UsageError, match="is given twice"):
        report_html([run, Run(run.path / ".." / "ten")])


def test_a_run_that_failed_is_reported(tmp_path: Path) -> None:
    task = make_task(Plain())
    task.train.arrays[0][5] = np.nan  # type: ignore[attr-defined]
    with pytest.raises(NonFiniteError):
        fit(task, dir=tmp_path / "run", epochs=3, batch_size=7, name="mine", quiet=True)
    page = Page(report_html([Run(tmp_path / "run")], RECIPES))
    assert "failed: " in page.text
    assert "(exit code 73, rank 0)" in page.text
    assert "none, so versions are not known" in page.text


def test_numbers_that_are_none_are_drawn_at_the_edge(run: Run) -> None:
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        if "loss" in line and line["step"] > 30:
            line["loss"] = {31: 1e30, 32: "Infinity"}.get(line["step"], "NaN")
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = Page(report_html([run], RECIPES))
    assert "1 values beyond the axis (up to 1e+30), 9 that are NaN or infinite; the first at step 31" in page.text
    assert "e+29" not in page.text, "the axis is that of the other values"


def test_a_run_that_has_not_begun_has_a_report(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('recipe = "mine"\n')
    page = Page(report_html([Run(tmp_path)], RECIPES))
    assert "not begun" in page.text
    assert "No step has been taken." in page.text


def test_a_run_that_was_resumed_has_each_step_once(tmp_path: Path) -> None:
    for steps, resume in ((6, "never"), (12, "auto")):
        options = {"epochs": 10, "batch_size": 7, "name": "mine", "quiet": True, "resume": resume}
        run = fit(make_task(), dir=tmp_path / "run", steps=steps, **options)
    page = Page(report_html([run], RECIPES))
    assert "training: 12 values, from" in page.text
    (run.path / "superseded-1").mkdir()
    assert "went back to an older checkpoint; what was newer is in superseded-1" in Page(report_html([run])).text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("layers.jsonl", '{"step": 1}\n'),
        ("layers.jsonl", "[]\n"),
        ("layers.jsonl", '{"step": 1, "layers": {"a": 3}}\n'),
        ("samples.json", "[1, 2]"),
        ("samples.json", '{"step": 1, "worst": [{"loss": 1}]}'),
        ("samples.json", '{"step": 1, "worst": [{"index": 1, "loss": 1, "picture": [[[1]]]}]}'),
        ("samples.json", "{"),
        ("reports/valid.json", '{"confusion": [[1, 2], [3]]}'),
        ("reports/valid.json", "0.5"),
        ("reports/valid.json", '{"confusion": [[1]], "labels": ["a", "b"]}'),
        ("reports/valid.json", '{"confusion": "none"}'),
        ("trace.json", "{}"),
        ("summary.json", "{}"),
    ],
)
def test_a_damaged_file_costs_its_own_section_alone(run: Run, name: str, content: str) -> None:
    (run.path / name).write_text(content)
    page = Page(report_html([run], RECIPES))
    assert "training: 40 values" in page.text
    if name != "summary.json":
        assert "is of another form" in page.text or "is not a trace" in page.text or "no picture" in page.text


def test_a_damaged_checkpoint_is_said(run: Run) -> None:
    (run.last / "state.json").write_text("{}")
    assert "foreign: does not say it is a 'ddtrain checkpoint'" in Page(report_html([run])).text


def test_pictures_that_would_make_it_too_large_are_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddtrain.report.sections.pictures._MOST_BYTES", 100_000)
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3))
    (run.path / "large.png").write_bytes(png.encode(noise))
    source = report_html([run])
    assert "left out, as they are large: large.png" in Page(source).text
    assert "picture curve.png" in source, "the small one is there"


def test_where_nothing_can_be_written_is_one_line(run: Run, tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "none" / "report.html", run.path / "config.toml" / "report.html"):
        with pytest.raises(DataError, match=r"cannot write .*\n  Give another file by -o"):
            write_report([run], file)
