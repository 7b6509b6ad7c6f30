"""The examples of callbacks for other programs run, with modules in the place of MLflow and W&B that note calls."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from ddtrain.runs import fit
from helpers import make_task

EXAMPLES = Path(__file__).parents[2] / "examples" / "callbacks"


class Module(types.ModuleType):
    """Any name in it is a function that writes its calls down."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.calls.append((name, args, kwargs))


@pytest.mark.parametrize("backend", ["local", "threads:3"])
@pytest.mark.parametrize(
    ("name", "begins", "figures", "ends"),
    [("mlflow", ["start_run", "log_dict"], "log_metrics", "end_run"), ("wandb", ["init"], "log", "finish")],
)
def test_rank_0_hands_over_every_figure_once(
    name: str, begins: list[str], figures: str, ends: str, backend: str, tmp_path: Path, monkeypatch: Any
) -> None:
    other = Module(name)
    monkeypatch.setitem(sys.modules, name, other)
    spec = importlib.util.spec_from_file_location(f"{name}_log", EXAMPLES / f"{name}_log.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    callback = getattr(example, f"{name.capitalize()}Log")()
    run = fit(
        make_task(), dir=tmp_path / "run", epochs=1, batch_size=7, backend=backend, quiet=True, callbacks=[callback]
    )
    names = [call[0] for call in other.calls]
    assert names == [*begins, *[figures] * 5, ends]  # four steps and an evaluation
    handed = [(kwargs["step"], args[0]) for call, args, kwargs in other.calls if call == figures]
    assert [step for step, _ in handed] == [1, 2, 3, 4, 4]
    assert [found["loss"] for _, found in handed[:4]] == run.history["loss"].tolist()
    assert handed[4][1]["valid_loss"] == run.history["valid_loss"][0]
    assert any(run.path.name in (kwargs.get("id"), kwargs.get("run_name")) for _, _, kwargs in other.calls)
