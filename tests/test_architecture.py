"""The architecture, held by reading the source: who may import whom, and what may stand where."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import ddtrain

PACKAGE = Path(ddtrain.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

LAYER = {  # a module may import its own layer's siblings only inside one package, and anything below
    **dict.fromkeys(
        ("errors", "tree", "rng", "source", "streams", "blas", "blas_threads", "current_layer", "kernels"), 0
    ),
    **dict.fromkeys(("autodiff", "comm"), 1),
    **dict.fromkeys(("numpy", "store", "data"), 2),
    **dict.fromkeys(("scipy", "ops", "optim", "parallel", "plan"), 3),
    "nn": 4,
    **dict.fromkeys(("models", "trainer", "diagnose", "search"), 5),
    **dict.fromkeys(("recipes", "bench", "train", "checkpoint", "verify", ""), 6),
    "autograd": 7,  # HIPS Autograd's names: nothing else imports them
}
MAY_ONLY = {  # beyond the layers: what a package may import of ddtrain
    "autodiff": {"errors", "tree", "kernels", "rng", "source"},
    "comm": {"errors", "tree", "rng", "source", "streams"},
    "ops": {"autodiff", "numpy", "kernels", "errors", "current_layer"},
    "optim": {"store", "kernels", "errors"},
    "parallel": {"store", "comm", "kernels", "errors", "current_layer"},
    "scipy": {"autodiff", "numpy", "errors", "tree"},
    "nn": {"ops", "numpy", "autodiff", "rng", "errors", "current_layer"},
    "models": {"nn", "errors"},
}


def package_of(path: Path) -> str:
    head = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if head == "__init__" else head


def imports(path: Path) -> set[str]:
    """Every imported module's full name, at any depth of the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(path: Path) -> set[str]:
    """The packages of ddtrain that a file imports, other than its own."""
    parts = [name.split(".") for name in imports(path)]
    return {p[1] for p in parts if p[0] == "ddtrain" and len(p) > 1} - {package_of(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_lower_layers_never_import_higher_ones(path: Path) -> None:
    package = package_of(path)
    assert package in LAYER, f"{package} has no layer: enter it in DESIGN and here"
    for other in own(path) - {"__version__"}:
        assert LAYER[other] < LAYER[package] or LAYER[other] == LAYER[package] >= 5, f"{path} imports ddtrain.{other}"
        assert other in MAY_ONLY.get(package, {other}), f"{package} may not import {other}"


def test_only_the_mpi_backend_imports_mpi4py() -> None:
    users = {p.relative_to(PACKAGE).as_posix() for p in FILES if any(n.startswith("mpi4py") for n in imports(p))}
    assert users
    assert all(re.fullmatch(r"comm/\w+/mpi\w*\.py", user) for user in users)


def test_only_the_namespace_of_scipy_imports_scipy() -> None:
    users = {package_of(p) for p in FILES if any(n.split(".")[0] == "scipy" for n in imports(p))}
    assert users == {"scipy"}


def test_no_code_comes_from_data() -> None:
    for path in FILES:
        assert not {n for n in imports(path) if n.split(".")[0] in ("pickle", "marshal", "shelve", "dill")}, path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), f"{path}:{node.lineno}"
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.unparse(node.value) == "False", path


RANK_0 = {
    "step/coordinator",
    "checkpoint/manager",
    *("records/console", "records/metrics", "records/run_records", "records/status"),  # the log
}


def test_rank_0_decides_saves_and_logs_and_nothing_else() -> None:
    special = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and ast.unparse(node) in (
                "comm.rank == 0",
                "self.comm.rank == 0",
                "rank == 0",
            ):
                special.add(path.relative_to(PACKAGE).as_posix())
    training = {name for name in special if not name.startswith(("comm/", "bench/"))}
    assert training == {f"trainer/{name}.py" for name in RANK_0}
