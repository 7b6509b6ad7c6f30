"""What rounds: the same on every call, and all of what ranks must have in common."""

from __future__ import annotations

import builtins
import platform
from typing import Any

import numpy as np
import pytest

from ddtrain.trainer import numeric_environment as environment


def test_it_names_numpy_and_its_blas() -> None:
    found = environment.numeric_environment()
    assert found["numpy"] == np.__version__
    assert found == environment.numeric_environment()
    assert all(isinstance(value, str) for value in found.values())
    name = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    assert found["blas"].startswith(f"{name} ")


def test_processors_of_other_names_may_run_together() -> None:
    required = environment.required_environment()
    assert "cpu" not in {name.lower() for name in required}
    assert required["Python"] == platform.python_version()
    assert int(required["BLAS threads"]) >= 0


def test_a_machine_without_cpuinfo_has_a_processor_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(builtins, "open", fail)
    assert environment.cpu() == (platform.processor() or platform.machine())


def test_a_source_tree_that_was_never_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise environment.PackageNotFoundError(name)

    monkeypatch.setattr(environment, "version", missing)
    assert environment.numeric_environment()["ddtrain"] == "not installed"
