"""``run.plot()`` and what notebooks show of a run."""

from __future__ import annotations

import builtins
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import colors
from ddtrain.errors import DataError, UsageError
from ddtrain.runs import Run, fit
from helpers import make_task

pytest.importorskip("matplotlib", reason="matplotlib is in the extra plots")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("runs") / "<mine>"
    return fit(make_task(), dir=path, epochs=3, batch_size=7, name="mine", dtype="float64", quiet=True)


def drawn(axis: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in axis.lines if not line.get_label().startswith("_")}


def test_loss_and_metrics_have_a_panel_each(run: Run) -> None:
    figure = run.plot()
    assert [set(drawn(axis)) for axis in figure.axes] == [{"loss", "valid_loss"}, {"accuracy", "valid_accuracy"}]
    for axis in figure.axes:
        for name, line in drawn(axis).items():
            np.testing.assert_array_equal(line.get_xdata(), run.history.steps(name))
            np.testing.assert_array_equal(line.get_ydata(), run.history[name])
            assert line.get_color() == colors.of_figure(name)


def test_what_is_asked_for(run: Run) -> None:
    assert [set(drawn(axis)) for axis in run.plot("grad_norm", "valid_loss").axes] == [{"valid_loss"}, {"grad_norm"}]


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_file_is_written(suffix: str, run: Run, tmp_path: Path) -> None:
    run.plot("loss", file=tmp_path / f"loss.{suffix}")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert (tmp_path / f"loss.{suffix}").read_bytes().startswith(start)


def test_notebooks_show_figures_and_runs(run: Run) -> None:
    assert run.plot()._repr_png_().startswith(b"\x89PNG")
    shown = run._repr_html_()
    assert "&lt;mine&gt;" in shown
    assert "<mine>" not in shown
    assert "completed, step 12" in shown
    assert f"valid_loss {run.history['valid_loss'][-1]:.4g}" in shown


def test_an_exploding_loss_does_not_ruin_the_axis(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('recipe = "mine"\n')
    losses = [2.0, 1.5, 1.0, 1.2, 0.9, 1e30, "NaN"]
    lines = [json.dumps({"step": n, "epoch": 1, "loss": loss}) + "\n" for n, loss in enumerate(losses, 1)]
    (tmp_path / "metrics.jsonl").write_text("".join(lines))
    figure = Run(tmp_path).plot()
    figure._repr_png_()
    (axis,) = figure.axes
    assert axis.get_ylim()[1] < 10
    marks = {line.get_marker(): line.get_xdata().tolist() for line in axis.lines[1:]}
    assert marks == {"^": [6], "x": [7]}


def test_mistakes_are_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"no figure 'los'\n  Did you mean loss\?"):
        run.plot("los")
    with pytest.raises(UsageError, match=r"run.plot: file .*loss.gif: unknown kind of picture"):
        run.plot(file=tmp_path / "loss.gif")
    with pytest.raises(DataError, match="cannot write"):
        run.plot(file=tmp_path / "none" / "loss.png")
    (tmp_path / "config.toml").write_text('recipe = "mine"\n')
    with pytest.raises(UsageError, match="no step has been taken"):
        Run(tmp_path).plot()
    monkeypatch.delitem(sys.modules, "ddtrain.runs.pictures", raising=False)
    whole = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return whole(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delattr("ddtrain.runs.pictures", raising=False)
    with pytest.raises(UsageError, match=r"matplotlib is not installed\n  pip install 'ddtrain\[plots\]'"):
        run.plot()
